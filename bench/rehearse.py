"""Measure the rehearsal: wall time and peak memory of the whole process tree, and where the time goes.

Run it by `make bench`. Planning is paired, run by run, with its floor: a bare interpreter that imports the same SDKs.
Nothing here asserts a time; tests never do.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.measuring import ROOT, Run, measure, spread

SDKS = {
    "gke": "pulumi_gcp.container",
    "eks": "pulumi_aws.eks, pulumi_aws.ec2, pulumi_aws.iam, pulumi_aws.autoscaling",
    "aks": "pulumi_azure_native.containerservice",
    "local": "pulumi",
}
FLOOR = "import pulumi, pulumi_kubernetes.core.v1, pulumi_kubernetes.helm.v3, pulumi_kubernetes.networking.v1, {}"


def bench_planning(console: Console, stacks: list[str], runs: int) -> None:
    """Pair each stack's planning with a bare interpreter importing the same SDKs."""
    table = Table("stack", "plan, s", "imports alone, s", "ratio", title=f"Planning one stack, {runs} paired runs")
    for stack in stacks:
        plan = [sys.executable, "-m", "multiarch.model.plan", "--project", str(ROOT), "--stack", stack]
        floor = [sys.executable, "-c", FLOOR.format(SDKS.get(stack, "pulumi"))]
        pairs = [(measure(plan, 60), measure(floor, 60)) for _ in range(runs + 1)][1:]
        ratios = [ours.seconds / bare.seconds for ours, bare in pairs]
        table.add_row(
            stack,
            spread([ours.seconds for ours, _ in pairs]),
            spread([bare.seconds for _, bare in pairs]),
            spread(ratios),
        )
    console.print(table)


def bench_rehearsal(console: Console, stacks: list[str], runs: int) -> bool:
    """Rehearse the stacks warm; print totals and the last run's steps. False when a rehearsal did not exit 0."""
    results: list[Run] = []
    document: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder, "report.json")
        command = [sys.executable, "-m", "multiarch.cli", "rehearse", "--json", str(answer)]
        command += [item for stack in stacks for item in ("--stack", stack)]
        for attempt in range(runs + 1):
            result = measure(command, 0.25)
            if result.code:
                console.print(f"[red]the rehearsal exited {result.code}; no figures[/red]")
                return False
            if attempt:  # the first run warms caches, and builds the control plane where there is none
                results.append(result)
            document = json.loads(answer.read_text())
    console.print(f"Warm rehearsal of {', '.join(stacks)}, {runs} runs:")
    console.print(f"  wall, s: {spread([r.seconds for r in results], 1)}")
    console.print(f"  peak memory of the whole tree, MiB (PSS): {spread([r.mebibytes for r in results], 0)}")
    show_steps(console, document)
    return True


def show_steps(console: Console, document: dict[str, Any]) -> None:
    """Print where the last run's time went, from the report itself."""
    stacks = document["sections"]
    steps = list(dict.fromkeys(step for stack in stacks for step in stack["timings"]))
    table = Table("stack", *(f"{step}, s" for step in steps), title="Where the time went (last run)")
    for stack in stacks:
        table.add_row(stack["name"], *(f"{stack['timings'].get(step, 0):.2f}" for step in steps))
    console.print(table)
    console.print("whole run:", {k: round(v, 2) for k, v in document["timings"].items()})


def main() -> int:
    """Run both benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="counted runs of each, after one warm-up")
    parser.add_argument("--stack", action="append", help="stack to measure; repeat for several (default: all)")
    arguments = parser.parse_args()
    stacks = arguments.stack or sorted(SDKS)
    console = Console()
    bench_planning(console, stacks, arguments.runs)
    return 0 if bench_rehearsal(console, stacks, arguments.runs) else 1


if __name__ == "__main__":
    sys.exit(main())
