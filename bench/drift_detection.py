"""How much of what people do to a runner a drift check finds, and how often it cries wolf: on the real control plane.

    .venv/bin/python -m bench.drift_detection

Installs a whole stack on an embedded control plane, makes every change of tests/cluster/drift_lab, one at a time, and
puts each to the checks twice: to an administrator, who may ask by dry runs, and to a login that may only read. Nothing
printed is known beforehand. Exit 1 when a change was missed, or one of every day was told as drift.
"""

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from multiarch.cluster.api import Api
from multiarch.cluster.connection import Connection
from multiarch.core.verdict import Verdict
from multiarch.drift.model import CheckResult
from multiarch.rehearse.control_plane.plane import ControlPlane
from multiarch.rehearse.install import Helm
from tests.cluster.drift_lab.expectations import Mutation
from tests.cluster.drift_lab.harmless import HARMLESS
from tests.cluster.drift_lab.lab import Lab, laboratory, not_clean
from tests.cluster.drift_lab.mutations import MUTATIONS


def found(mutation: Mutation, results: Sequence[CheckResult], *, readonly: bool) -> str:
    """Say what came of a change; a login that may only read may be in doubt."""
    if not readonly:
        return "found" if mutation.found_in(results) else "missed"
    return {Verdict.NO: "found", Verdict.UNKNOWN: "could not tell"}.get(mutation.answer_in(results), "missed")


def measure(lab: Lab, *, readonly: bool) -> tuple[Counter[str], Counter[str], list[str]]:
    """Make every change; returns what was found, what was falsely told, and which went wrong."""
    detection, alarms, wrong = Counter[str](), Counter[str](), []
    for mutation in MUTATIONS:
        mutation.do(lab)
        answer = found(mutation, lab.check(readonly=readonly), readonly=readonly)
        detection[answer] += 1
        wrong += [f"missed: {mutation.name}"] if answer == "missed" else []
        lab.restore()
    for harmless in HARMLESS:
        harmless.do(lab)
        told = not_clean(lab.check(readonly=readonly))
        alarms["false alarm" if told else "clean"] += 1
        wrong += [f"false alarm: {harmless.name}: {item.resource}" for item in told]
        lab.restore()
    return detection, alarms, wrong


def main() -> int:
    """Measure for both logins, and print the figures."""
    began, failures = time.monotonic(), []
    with ControlPlane() as plane, Connection(plane.kubeconfig, plane.context) as connection:
        helm = Helm(plane.binary("helm"), plane.kubeconfig, plane.context)
        with helm, tempfile.TemporaryDirectory() as folder, laboratory(Api.of(connection), helm, Path(folder)) as lab:
            for readonly in (False, True):
                detection, alarms, wrong = measure(lab, readonly=readonly)
                login = "a login that may only read" if readonly else "by dry runs"
                doubts = f" ({detection['could not tell']} more could not be checked)" if readonly else ""
                print(f"Detection {detection['found']} of {detection.total()}{doubts}, ", end="")
                print(f"false alarms {alarms['false alarm']} of {alarms.total()}: {login}")
                failures += [f"{login}: {one}" for one in wrong]
            findings = sum(len(result.findings) for result in lab.check())
            print(f"{findings} resources compared each time; {time.monotonic() - began:.0f} s in all")
    print(*failures, sep="\n", end="\n" if failures else "")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
