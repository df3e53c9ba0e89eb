"""Small reports of each kind."""

from __future__ import annotations

import datetime as dt

from multiarch.core.verdict import Verdict
from multiarch.drift.model import (
    Change,
    Check,
    CheckResult,
    ComparedStack,
    Comparison,
    Difference,
    Finding,
)

NAME = "v1 ConfigMap gitlab-runner/settings"


def _report(*stacks: ComparedStack, day: int = 25) -> Comparison:
    started = dt.datetime(2026, 11, day, 4, 0, tzinfo=dt.UTC)
    return Comparison(stacks=stacks, started=started, seconds=float(day))


def _stack(name: str, *findings: Finding, failure: str = "", seconds: float = 1.0) -> ComparedStack:
    result = CheckResult(check=Check.OBJECTS, findings=findings, failure=failure, seconds=seconds)
    return ComparedStack(stack=name, checks=(result,), seconds=seconds)


def drifted(*stacks: str, found: str = "8", day: int = 25) -> Comparison:
    difference = Difference(path="data.concurrent", change=Change.CHANGED, wanted="4", found=found)
    finding = Finding(
        check=Check.OBJECTS,
        resource=NAME,
        verdict=Verdict.NO,
        change=Change.CHANGED,
        differences=(difference,),
    )
    return _report(*(_stack(name, finding, seconds=day / 7) for name in stacks or ("gke",)), day=day)


def clean(*stacks: str) -> Comparison:
    finding = Finding(check=Check.OBJECTS, resource=NAME, verdict=Verdict.YES)
    return _report(*(_stack(name, finding) for name in stacks or ("gke",)))


def clean_nodes(*stacks: str) -> Comparison:
    """A run of another check than the others' alone."""
    finding = Finding(check=Check.NODES, resource="v1 Node n", verdict=Verdict.YES)
    result = CheckResult(check=Check.NODES, findings=(finding,))
    return _report(*(ComparedStack(stack=name, checks=(result,)) for name in stacks))


def unknown(reason: str = "the cluster does not answer") -> Comparison:
    return _report(_stack("gke", failure=reason))


def drifted_and_unknown() -> Comparison:
    return _report(*drifted("gke").stacks, _stack("eks", failure="the cluster does not answer"))
