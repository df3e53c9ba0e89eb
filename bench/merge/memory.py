"""Measure the peak memory of streaming a layer between two registries, by archmerge and by the tools it replaces.

python -m bench.merge.memory [--mib 1024]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from archmerge.packaging.make_zipapp import build
from bench.merge.run import PEERS, released_python
from tests.registry.lab import daemon
from tests.registry.lab.images import OCI_CONFIG, OCI_LAYER, OCI_MANIFEST, Image
from tests.registry.lab.push import Pusher

if TYPE_CHECKING:
    from collections.abc import Iterator

_MIB = 1 << 20
# Started from a small process: a child's peak begins with that of whoever forked it.
_SHIM = """import os, sys
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, used = os.wait4(pid, 0)
sys.stderr.write(f"\\n{used.ru_maxrss}")
sys.exit(os.waitstatus_to_exitcode(status))
"""


def peak(command: list[str], environ: dict[str, str]) -> tuple[int, float, int, str]:
    """Exit code, seconds, peak resident KiB, and what it said."""
    began = time.perf_counter()
    ran = subprocess.run(
        [sys.executable, "-IS", "-c", _SHIM, *command], env=environ, capture_output=True, text=True, check=False
    )
    took = time.perf_counter() - began
    said, _, kib = ran.stderr.rpartition("\n")
    return ran.returncode, took, int(kib), said


def push_large(to: Pusher, arch: str, mib: int) -> None:
    """Push an image whose one layer is `mib` MiB, differing by architecture, without holding it."""

    def pieces() -> Iterator[bytes]:
        yield arch.encode().ljust(_MIB, b"\0")
        for _ in range(mib - 1):
            yield bytes(_MIB)

    algorithm = hashlib.sha256()
    for piece in pieces():
        algorithm.update(piece)
    layer = f"sha256:{algorithm.hexdigest()}"
    to.blob("big/app", pieces(), layer, size=mib * _MIB)
    config = json.dumps(
        {"os": "linux", "architecture": arch, "rootfs": {"type": "layers", "diff_ids": [layer]}}
    ).encode()
    parts = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {
            "mediaType": OCI_CONFIG,
            "digest": f"sha256:{hashlib.sha256(config).hexdigest()}",
            "size": len(config),
        },
        "layers": [{"mediaType": OCI_LAYER.removesuffix("+gzip"), "digest": layer, "size": mib * _MIB}],
    }
    to.push("big/app", Image(json.dumps(parts).encode(), OCI_MANIFEST, (config,)), f"1-{arch}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mib", type=int, default=1024, help="size of each image's layer")
    args = parser.parse_args()
    program = daemon.debian_registry()
    if program is None:
        raise SystemExit("docker-registry is needed: apt-get install docker-registry")
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        here, there = daemon.start(program, scratch / "a"), daemon.start(program, scratch / "b")
        try:
            for arch in ("amd64", "arm64"):
                push_large(Pusher(here.base), arch, args.mib)
            python, version = released_python()
            source, target = f"{here.host}/big/app:1-ARCH", f"{there.host}/big"
            own = [python, "-IS", str(build(scratch / "archmerge.pyz", f"{python} -IS")), f"--plain-http={here.host}"]
            own += [
                f"--plain-http={there.host}",
                "push",
                "--platforms",
                "linux/amd64,linux/arm64",
                "--template",
                source,
            ]
            commands = {f"archmerge (Python {version})": [*own, "--target", f"{target}/archmerge:1"]}
            both = [source.replace("ARCH", arch) for arch in ("amd64", "arm64")]
            if crane := daemon.go_tool(PEERS["crane"], "crane")[0]:
                commands["crane"] = [crane, "index", "append", "--insecure", "-t", f"{target}/crane:1"]
                commands["crane"] += ["-m", both[0], "-m", both[1]]
            if regctl := daemon.go_tool(PEERS["regctl"], "regctl")[0]:
                plain = [part for host in (here, there) for part in ("--host", f"reg={host.host},tls=disabled")]
                commands["regctl"] = [regctl, *plain, "index", "create", f"{target}/regctl:1"]
                commands["regctl"] += ["--ref", both[0], "--ref", both[1]]
            environ = {"PATH": os.environ["PATH"], "HOME": folder}
            print(f"two layers of {args.mib} MiB, from one registry to another\n")
            print("| tool | peak resident MiB | seconds |\n| --- | --- | --- |")
            for name, command in commands.items():
                code, took, kib, said = peak(command, environ)
                print(
                    f"| {name} | {kib / 1024:.0f} | {took:.1f} |" if code == 0 else f"left out: {name}: {said[-200:]}"
                )
        finally:
            here.stop()
            there.stop()


if __name__ == "__main__":
    main()
