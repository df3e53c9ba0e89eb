"""Run every test tier, some side by side: `python -m tests.tiers [arguments of pytest]`.

A cluster's tests mostly wait for a control plane, pipelines and registries for their programs, and the others compute:
one process more than there are cores keeps all of them busy. What each tier prints is passed on as it comes, behind its
name; at the end come all summaries, with every skip's reason, and the exit code is 0 only where every tier passed. An
argument that names a file or folder runs one plain pytest of that.
"""

import os
import re
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

ROOT: Final = Path(__file__).resolve().parent.parent
TIERS: Final[Mapping[str, tuple[str, ...]]] = {
    "cluster": ("tests/cluster", "tests/differential", "tests/engine"),
    "templates": ("tests/templates",),
    "registry": ("tests/registry", "tests/monitoring", "tests/images", "tests/nodes"),
    "unit": ("tests/unit", "tests/golden", "tests/browser"),
}
"""The longest first. Every folder with tests is in exactly one of them; what needs a control plane shares one."""
AT_ONCE: Final = (os.cpu_count() or 1) + 1
_JUNIT = "--junitxml="
_SUMMARY = "short test summary info"
_NOTHING_COLLECTED = 5
_COUNT = re.compile(r"(\d+) (failed|errors?|passed|skipped|deselected|xfailed|xpassed)")
_OUT = threading.Lock()


@dataclass(slots=True)
class Tier:
    """One pytest, and what it said."""

    name: str
    arguments: Sequence[str]
    lines: list[str] = field(default_factory=list)
    code: int = -1
    seconds: float = 0.0

    def run(self) -> None:
        """Run it to its end, passing its lines on."""
        began = time.monotonic()
        # Each keeps its own cache of what failed: two writers of one file would lose an answer.
        command = [sys.executable, "-m", "pytest", "-o", f"cache_dir=.pytest_cache/{self.name}", *self.arguments]
        with subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            assert process.stdout is not None
            self._pass_on(process.stdout)
            self.code = process.wait()
        self.seconds = time.monotonic() - began

    def _pass_on(self, output: IO[str]) -> None:
        for line in output:
            self.lines.append(line.rstrip("\n"))
            with _OUT:
                print(f"[{self.name}] {self.lines[-1]}", flush=True)  # noqa: T201 - what this script is for

    @property
    def summary(self) -> list[str]:
        """Skips, failures and counts, as pytest itself sums up; all that it said where it did not come so far."""
        starts = [number for number, line in enumerate(self.lines) if _SUMMARY in line]
        return self.lines[starts[-1] + 1 :] if starts else self.lines[-20:]


def tiers(arguments: Sequence[str]) -> list[Tier]:
    """Return the tiers, each with its folders and the given arguments."""
    return [
        Tier(name, [*folders, *(_own(argument, name) for argument in arguments)]) for name, folders in TIERS.items()
    ]


def _own(argument: str, tier: str) -> str:
    return f"{argument}.{tier}" if argument.startswith(_JUNIT) else argument


def code_of(codes: Sequence[int]) -> int:
    """Return the exit code of all: a tier in which `-k` selects nothing is fine where another one ran something."""
    ran = [code for code in codes if code != _NOTHING_COLLECTED]
    return next((code for code in ran if code), 0) if ran else _NOTHING_COLLECTED


def merge_junit(target: Path) -> None:
    """Make one JUnit file of the tiers'."""
    merged = ET.Element("testsuites")
    for name in TIERS:
        part = target.with_name(f"{target.name}.{name}")
        if part.exists():
            merged.extend(ET.parse(part).getroot().findall("testsuite"))  # noqa: S314 - pytest wrote it a moment ago
            part.unlink()
    ET.ElementTree(merged).write(target, encoding="utf-8", xml_declaration=True)


def total(summaries: Sequence[Sequence[str]], seconds: float) -> str:
    """Add the tiers' last lines up, in pytest's own form: `2 failed, 7900 passed, 61 skipped in 800.00s`."""
    counts: Counter[str] = Counter()
    for summary in summaries:
        last = next((line for line in reversed(summary) if " in " in line), "")
        counts.update({what.removesuffix("s"): int(number) for number, what in _COUNT.findall(last)})
    order = [*(what for what in ("failed", "error", "passed") if what in counts), *sorted(counts)]
    words = ", ".join(f"{counts[what]} {what}" for what in dict.fromkeys(order)) or "no tests ran"
    return f"{f' {words} in {seconds:.2f}s ':=^80}"


def main(arguments: Sequence[str]) -> int:
    """Run the tiers and sum up."""
    if any(not argument.startswith("-") and Path(ROOT, argument.partition("::")[0]).exists() for argument in arguments):
        return subprocess.run([sys.executable, "-m", "pytest", *arguments], cwd=ROOT, check=False).returncode
    began, running = time.monotonic(), tiers(arguments)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(Tier.run, running))
    for argument in arguments:
        if argument.startswith(_JUNIT):
            merge_junit(Path(ROOT, argument.removeprefix(_JUNIT)))
    for tier in running:
        print(f"\n━━ {tier.name}: {' '.join(TIERS[tier.name])} ({tier.seconds:.0f} s)")  # noqa: T201 - as above
        print("\n".join(tier.summary), flush=True)  # noqa: T201 - as above
    print(f"\n{total([tier.summary for tier in running], time.monotonic() - began)}")  # noqa: T201 - as above
    return code_of([tier.code for tier in running])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
