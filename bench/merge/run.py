"""Measure archmerge against the tools it replaces: the same images, the same registry, paired runs.

    python -m bench.merge.run [--rounds 9] [--delays 0,20,100] [--batch 100] [--python PATH] [--json FILE]

A proxy adds the delay to every request, so time shows round trips as a distant registry would; at 0 ms it shows what
starting and thinking cost. Peers are built once by `go install` of pinned versions into the user's cache;
manifest-tool and docker take part where they are on PATH. Medians; ratios are to the best peer.

archmerge runs in a released Python (/usr/local/bin, /usr/bin) where there is one of 3.11 or later, for those are what
images have: the ones that pyenv builds on the machine are not optimised. Two ways: as it is, and in GitLab CI, whose
variables name the token endpoint.
One more line, the *floor*, is not a tool: it makes the same trips in the same Python and checks nothing
(bench/merge/floor.py). `--batch N` compares N merges by one command with N commands of the best peer, at 20 ms.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from archmerge.packaging import make_zipapp
from tests.registry.lab import daemon
from tests.registry.lab.images import image
from tests.registry.lab.proxy import Proxy
from tests.registry.lab.push import Pusher
from tests.registry.lab.tokens import PASSWORD, USER, TokenServer

if TYPE_CHECKING:
    from collections.abc import Callable

PEERS = {
    # renovate: datasource=go depName=github.com/google/go-containerregistry
    "crane": "github.com/google/go-containerregistry/cmd/crane@v0.22.1",
    # renovate: datasource=go depName=github.com/regclient/regclient
    "regctl": "github.com/regclient/regclient/cmd/regctl@v0.11.7",
    # renovate: datasource=go depName=oras.land/oras
    "oras": "oras.land/oras/cmd/oras@v1.3.6",
    # renovate: datasource=go depName=github.com/docker/buildx
    "buildx": "github.com/docker/buildx/cmd/buildx@v0.38.2",
}
GOALS = {
    (100, "same"): 0.65,
    (100, "other"): 0.35,
    (20, "same"): 1.0,
    (20, "other"): 0.55,
}
OURS = ("archmerge", "archmerge in GitLab CI")
FLOOR = "floor: no check, no option"
ARCHES = ("amd64", "arm64")


class Job(NamedTuple):
    """One merge to do: two sources, one target."""

    host: str
    sources: tuple[str, str]
    template: str
    target: str
    tags: tuple[str, str] | None
    """The sources' tags, where they are in the target's repository."""


class Tool(NamedTuple):
    commands: Callable[[Job], list[list[str]]]
    environ: dict[str, str]
    across: bool = True


class Sample(NamedTuple):
    seconds: float
    requests: int
    depth: int


def released_python() -> tuple[str, str]:
    """A Python as images have it, and its version; this one's where there is none."""
    ask = "import sys; print('.'.join(map(str, sys.version_info[:3]))); sys.exit(sys.version_info < (3, 11))"
    for path in ("/usr/local/bin/python3", "/usr/bin/python3", str(Path(sys.base_prefix) / "bin/python3")):
        if Path(path).exists():
            asked = subprocess.run([path, "-IS", "-c", ask], capture_output=True, text=True, check=False)
            if asked.returncode == 0:
                return path, asked.stdout.strip()
    raise SystemExit("no Python 3.11 or later was found")


def own_command(python: str, scratch: Path, host: str) -> list[str]:
    """archmerge as the merge image has it: byte code, and -IS, for it needs no site-packages."""
    pyz = scratch / "archmerge.pyz"
    command = [python, "-X", "no_debug_ranges", make_zipapp.__file__, str(pyz), f"{python} -IS"]
    subprocess.run(command, check=True, capture_output=True)
    return [python, "-IS", str(pyz), f"--plain-http={host}", "--quiet", "push"]


def floor_command(python: str, scratch: Path) -> list[str]:
    """The floor, compiled by the Python that runs it."""
    compiled = scratch / "floor.pyc"
    compile_it = "import py_compile, sys; py_compile.compile(sys.argv[1], sys.argv[2], doraise=True)"
    source = Path(__file__).with_name("floor.py")
    subprocess.run([python, "-c", compile_it, str(source), str(compiled)], check=True, capture_output=True)
    return [python, "-IS", str(compiled)]


def find_tools(host: str, scratch: Path, python: str) -> dict[str, Tool]:
    """All tools that can run here; says which can't."""
    own = [*own_command(python, scratch, host), "--platforms", "linux/amd64,linux/arm64"]
    ours = Tool(lambda j: [[*own, "--template", j.template, "--target", j.target]], {})
    gitlab = {"CI_REGISTRY": host, "CI_SERVER_URL": f"http://{host}"}
    found = dict(zip(OURS, (ours, ours._replace(environ=gitlab)), strict=True))
    bare = floor_command(python, scratch)
    found[FLOOR] = Tool(lambda j: [[*bare, j.host, j.template, j.target]], {})
    paths = {name: daemon.go_tool(module, name) for name, module in PEERS.items()}
    for name, (path, why) in paths.items():
        if path is None:
            print(f"left out: {name}: {why}")
    if crane := paths["crane"][0]:
        found["crane"] = Tool(
            lambda j: [
                [crane, "index", "append", "--insecure", "-t", j.target, "-m", j.sources[0], "-m", j.sources[1]]
            ],
            {},
        )
    if regctl := paths["regctl"][0]:
        plain = ["--host", f"reg={host},tls=disabled"]
        found["regctl"] = Tool(
            lambda j: [[regctl, *plain, "index", "create", j.target, "--ref", j.sources[0], "--ref", j.sources[1]]], {}
        )
    if oras := paths["oras"][0]:
        found["oras"] = Tool(
            lambda j: [[oras, "manifest", "index", "create", "--plain-http", j.target, *(j.tags or ())]],
            {},
            across=False,
        )
    if buildx := paths["buildx"][0]:
        found["buildx"] = Tool(lambda j: [[buildx, "imagetools", "create", "-t", j.target, *j.sources]], {})
    found |= tools_on_path()
    for name in ("manifest-tool", "docker manifest"):
        if name not in found:
            print(f"left out: {name}: not on PATH")
    return found


def tools_on_path() -> dict[str, Tool]:
    """What `go install` does not give."""
    found = {}
    if tool := shutil.which("manifest-tool"):
        arguments = ["--plain-http", "push", "from-args", "--platforms", "linux/amd64,linux/arm64"]
        found["manifest-tool"] = Tool(
            lambda j: [[tool, *arguments, "--template", j.template, "--target", j.target]], {}
        )
    if docker := shutil.which("docker"):
        found["docker manifest"] = Tool(
            lambda j: [
                [docker, "manifest", "create", "--insecure", j.target, *j.sources],
                [docker, "manifest", "push", "--insecure", j.target],
            ],
            {},
        )
    return found


class Range:
    """The registry, its proxy, and the images."""

    def __init__(self, scratch: Path) -> None:
        program = daemon.debian_registry()
        if program is None:
            raise SystemExit("docker-registry is needed: apt-get install docker-registry")
        self.tokens = TokenServer(scratch)
        self.proxy = Proxy("", token_upstream=self.tokens.url.split("/")[2])
        self.registry = daemon.start(
            program, scratch / "registry", tokens=self.tokens, realm=f"{self.proxy.base}/token"
        )
        self.proxy.upstream = self.registry.host
        pusher = Pusher(self.registry.base, self.tokens.everything("bench/app", *(f"bench/app-{a}" for a in ARCHES)))
        for arch in ARCHES:
            made = image(arch, seed="bench")
            pusher.push("bench/app", made, f"1-{arch}")
            pusher.push(f"bench/app-{arch}", made, "1")
        self.numbers = iter(range(1_000_000))
        config = {"auths": {self.proxy.host: {"auth": base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}}}
        self.scratch = scratch
        self.home = scratch / "home"
        (self.home / ".docker").mkdir(parents=True)
        (self.home / ".docker/config.json").write_text(json.dumps(config))

    def job(self, way: str) -> Job:
        host, number = self.proxy.host, next(self.numbers)
        if way == "same":
            sources = (f"{host}/bench/app:1-amd64", f"{host}/bench/app:1-arm64")
            return Job(host, sources, f"{host}/bench/app:1-ARCH", f"{host}/bench/app:t{number}", ("1-amd64", "1-arm64"))
        sources = (f"{host}/bench/app-amd64:1", f"{host}/bench/app-arm64:1")
        return Job(host, sources, f"{host}/bench/app-ARCH:1", f"{host}/bench/to{number}:1", None)

    def environ(self, tool: Tool) -> dict[str, str]:
        """A home with the registry's credentials, and nothing else of this machine's."""
        keep = {key: os.environ[key] for key in ("PATH", "LANG") if key in os.environ}
        return {**keep, "HOME": str(self.home), **tool.environ}

    def measure(self, tool: Tool, way: str, delay: int) -> Sample | str:
        """One run; a sample, or how it failed."""
        job = self.job(way)
        self.proxy.reset()
        self.proxy.delay = delay / 1000
        environ = self.environ(tool)
        began = time.perf_counter()
        for command in tool.commands(job):
            ran = subprocess.run(command, env=environ, capture_output=True, check=False, timeout=120)
            if ran.returncode:
                return (ran.stderr or ran.stdout).decode("utf-8", "replace").strip()[-160:]
        took = time.perf_counter() - began
        self.proxy.delay = 0
        sample = Sample(took, len(self.proxy.seen), self.proxy.depth)
        repository = job.target.partition("/")[2].rpartition(":")[0]
        reader = Pusher(self.registry.base, self.tokens.everything(repository))
        held = reader.manifest(repository, job.target.rpartition(":")[2])["manifests"]
        return sample if len(held) == len(ARCHES) else f"published {len(held)} manifests"

    def close(self) -> None:
        self.registry.stop()
        self.proxy.close()
        self.tokens.close()


def run_all(
    where: Range, tools: dict[str, Tool], delays: list[int], rounds: int
) -> dict[tuple[int, str, str], list[Sample]]:
    """Every tool once per round, in a new order each round, so that a busy moment hits all alike."""
    taken: dict[tuple[int, str, str], list[Sample]] = {}
    failed: set[tuple[str, str]] = set()
    order = random.Random(4)  # noqa: S311 - shuffles runs, protects nothing
    for delay in delays:
        for way in ("same", "other"):
            for _ in range(rounds + 1):  # the first round warms caches and is thrown away
                names = [n for n, t in tools.items() if (t.across or way == "same") and (n, way) not in failed]
                order.shuffle(names)
                for name in names:
                    sample = where.measure(tools[name], way, delay)
                    if isinstance(sample, str):
                        print(f"left out: {name} ({way} repository): {sample}")
                        failed.add((name, way))
                    else:
                        taken.setdefault((delay, way, name), []).append(sample)
    return {key: samples[1:] for key, samples in taken.items() if (key[2], key[1]) not in failed}


def table(taken: dict[tuple[int, str, str], list[Sample]]) -> str:
    """Markdown, a line per tool and setting."""
    lines = [
        "| per request | repository | tool | median ms | ratio to best peer | goal | requests | trips |",
        "|" + " --- |" * 8,
    ]
    for delay, way in sorted({key[:2] for key in taken}, key=lambda k: (k[0], k[1] == "other")):
        medians = {
            name: statistics.median(sample.seconds for sample in samples)
            for (d, w, name), samples in taken.items()
            if (d, w) == (delay, way)
        }
        best = min((value for name, value in medians.items() if name not in (*OURS, FLOOR)), default=None)
        for name in sorted(medians, key=lambda n: medians[n]):
            samples = taken[delay, way, name]
            goal = f"{GOALS[delay, way]:g}" if name in OURS and (delay, way) in GOALS else ""
            ratio = f"{medians[name] / best:.2f}" if best else "-"
            requests, trips = (statistics.median(s[i] for s in samples) for i in (1, 2))
            cells = (
                f"{delay} ms",
                way,
                name,
                f"{medians[name] * 1000:.0f}",
                ratio,
                goal,
                f"{requests:.0f}",
                f"{trips:.0f}",
            )
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def floor(python: str) -> str:
    """What no program in this Python can be under: its start, and that with the standard library's HTTP client."""
    medians = []
    for code in ("pass", "import http.client"):
        taken = []
        for _ in range(15):
            began = time.perf_counter()
            subprocess.run([python, "-IS", "-c", code], check=True)
            taken.append(time.perf_counter() - began)
        medians.append(statistics.median(taken) * 1000)
    return f"`python3 -IS -c pass` takes {medians[0]:.0f} ms, with `import http.client` {medians[1]:.0f} ms"


def batch(where: Range, tools: dict[str, Tool], own: list[str], number: int) -> str:
    """`number` merges at 20 ms: by one command of ours, and by as many of each peer, one after the other."""
    lines = ["| 20 ms | merges | tool | seconds | ratio to best peer |", "|" + " --- |" * 5]
    for way in ("same", "other"):
        taken = {}
        for name in ("oras", "crane"):
            if name in tools and (tools[name].across or way == "same"):
                where.proxy.delay = 0.02
                environ, began = where.environ(tools[name]), time.perf_counter()
                for command in (c for _ in range(number) for c in tools[name].commands(where.job(way))):
                    subprocess.run(command, env=environ, check=True, capture_output=True)
                taken[f"{name}, {number} commands"] = time.perf_counter() - began
        merges = where.scratch / f"{way}.json"
        jobs = [where.job(way) for _ in range(number)]
        listed = [
            {"target": job.target, "template": job.template, "platforms": [f"linux/{arch}" for arch in ARCHES]}
            for job in jobs
        ]
        merges.write_text(json.dumps(listed))
        where.proxy.delay = 0.02
        began = time.perf_counter()
        ran = subprocess.run(
            [*own, "--batch", str(merges)], env=where.environ(tools[OURS[0]]), check=False, capture_output=True
        )
        ours = time.perf_counter() - began
        if ran.returncode:
            raise SystemExit(f"archmerge --batch ended with {ran.returncode}: {ran.stderr.decode()[-1000:]}")
        best = min(taken.values(), default=None)
        for name, seconds in sorted({**taken, "archmerge --batch": ours}.items(), key=lambda item: item[1]):
            ratio = f"{seconds / best:.2f}" if best else "-"
            lines.append(f"| {way} | {number} | {name} | {seconds:.1f} | {ratio} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--delays", default="0,20,100")
    parser.add_argument("--batch", type=int, default=0, metavar="N")
    parser.add_argument("--python", metavar="PATH", help="the interpreter that archmerge runs in")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    python, version = (args.python, "") if args.python else released_python()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        where = Range(scratch)
        try:
            tools = find_tools(where.proxy.host, scratch, python)
            taken = run_all(where, tools, [int(d) for d in args.delays.split(",") if d], args.rounds)
            print(
                f"load average {load:.1f} before, {os.cpu_count()} CPUs, {args.rounds} paired rounds, "
                f"{python} {version}"
            )
            print(f"{floor(python)}\n\n{table(taken)}\n", flush=True)
            if args.batch:
                print(batch(where, tools, own_command(python, scratch, where.proxy.host), args.batch))
        finally:
            where.close()
    if args.json:
        rows = [
            {"delay": d, "way": w, "tool": n, "samples": [s._asdict() for s in taken[d, w, n]]} for d, w, n in taken
        ]
        args.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
