"""Measure the processor time (user and system) that a merge takes, start included.

    python -m bench.merge.processor [--rounds 21] [--python /usr/bin/python3] [PYZ …]

Against a registry in this process, whose own time does not count. Without a PYZ, one is made of these sources, as the
merge image has it. Several are run in turns, so that a busy machine is as busy for each. Medians, and the least.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import tempfile
from pathlib import Path

from bench.merge.run import own_command
from tests.registry.lab.images import image
from tests.unit.archmerge.fake_registry import FakeRegistry

LOGIN = {"ARCHMERGE_USERNAME": "me", "ARCHMERGE_PASSWORD": "pw"}


def registry() -> FakeRegistry:
    fake = FakeRegistry()
    fake.basic = "Basic bWU6cHc="
    for arch in ("amd64", "arm64"):
        made = image(arch, layers=4)
        for repository, tag in (("app", f"1-{arch}"), (f"app-{arch}", "1")):
            for blob in made.blobs:
                fake.add_blob(repository, blob)
            fake.add(repository, made.body, made.media_type, tag)
    return fake


def milliseconds(command: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environ = {"PATH": "/usr/bin", "HOME": "/nonexistent", **LOGIN}
    subprocess.run(command, env=environ, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--python", default="/usr/bin/python3")
    parser.add_argument("pyz", nargs="*")
    args = parser.parse_args()
    fake = registry()
    found: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        made = args.pyz or [own_command(args.python, Path(scratch), fake.host)[2]]
        for number in range(args.rounds):
            for pyz in made:
                own = [args.python, "-IS", pyz]
                push = [*own, f"--plain-http={fake.host}", "push", "--platforms", "linux/amd64,linux/arm64"]
                name = f"{number}-{made.index(pyz)}"
                same = ["--template", f"{fake.host}/app:1-ARCH", "--target", f"{fake.host}/app:{name}"]
                other = ["--template", f"{fake.host}/app-ARCH:1", "--target", f"{fake.host}/new{name}:1"]
                commands = {"start": [*own, "--version"], "same": [*push, *same], "other": [*push, *other]}
                for what, command in commands.items():
                    found.setdefault((pyz, what), []).append(milliseconds(command))
    for (pyz, what), times in found.items():
        print(f"{pyz}: {what}: {statistics.median(times):.0f} ms, at least {min(times):.0f}")


if __name__ == "__main__":
    main()
