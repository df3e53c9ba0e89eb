"""How long `--help` takes: every command's, beside that of an empty click program. `make bench-help`."""

import argparse
import statistics
import subprocess
import sys
import time

from multiarch.cli import COMMANDS

LIMIT = 0.3
"""Seconds that a user does not take for waiting."""
EMPTY = "import click\n@click.command()\ndef command(): pass\ncommand(['--help'])"


def timed(arguments: list[str], runs: int) -> float:
    """Return the median of some runs, after one that warms the disk's cache. In seconds."""
    spent = []
    for _ in range(runs + 1):
        began = time.perf_counter()
        subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
        spent.append(time.perf_counter() - began)
    return statistics.median(spent[1:])


def main() -> int:
    """Print the times; 1 where one is above the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    runs = parser.parse_args().runs
    called = "import sys; from multiarch.cli import main; main()"
    programs = {
        "an empty click program": ["-c", EMPTY],
        "multiarch --help": ["-c", called, "--help"],
        **{f"multiarch {name} --help": ["-c", called, name, "--help"] for name in COMMANDS},
    }
    times = {name: timed(arguments, runs) for name, arguments in programs.items()}
    for name, seconds in times.items():
        sys.stdout.write(f"{name:28} {seconds:.3f} s\n")
    return int(max(times.values()) > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
