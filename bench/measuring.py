"""One finished command: how long it took and how much memory it had, measured from outside."""

import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Run:
    """One finished process tree."""

    seconds: float
    mebibytes: float
    """Peak of the tree's summed proportional set size: shared pages count once."""
    code: int


def tree_memory(process: psutil.Process, *, alone: bool = False) -> float:
    """Sum the tree's PSS in MiB; a process that ended meanwhile counts nothing."""
    total = 0
    try:
        members = [process, *(() if alone else process.children(recursive=True))]
    except psutil.Error:
        return 0.0
    for member in members:
        try:
            total += member.memory_full_info().pss
        except psutil.Error:
            continue
    return total / 2**20


def measure(command: list[str], every: float, *, alone: bool = False, **given: Any) -> Run:
    """Run a command to its end, sampling its tree's memory every `every` seconds; with `alone`, its own only."""
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **{"cwd": ROOT, **given})
    process = psutil.Process(child.pid)
    peak = 0.0
    done = threading.Event()

    def sample() -> None:
        nonlocal peak
        while not done.wait(every):
            peak = max(peak, tree_memory(process, alone=alone))

    sampler = threading.Thread(target=sample)
    sampler.start()
    _, errors = child.communicate()
    seconds = time.perf_counter() - start
    done.set()
    sampler.join()
    if child.returncode:
        sys.stderr.write(errors.decode(errors="replace")[-2000:])
    return Run(seconds, peak, child.returncode)


def spread(values: list[float], digits: int = 2) -> str:
    """Give `median (min to max)`."""
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"
