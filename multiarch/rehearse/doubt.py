"""Answers that are taken back: what they were seen by did not last, or did not work."""

from collections.abc import Collection, Iterable
from dataclasses import replace

from multiarch.core.report import Check
from multiarch.core.verdict import Verdict


def taken_back(
    checks: Iterable[Check],
    why: str,
    *,
    of: tuple[str, ...] = ("",),
    answers: Collection[Verdict] = (Verdict.NO,),
) -> list[Check]:
    """Return the checks with each no among them a "could not tell", its evidence kept beside the reason.

    `of`: how the ids begin of those that the reason is about. What was proved stays, since it was seen, unless
    `answers` has the yes too.
    """
    short = why.partition(";")[0]  # without the last lines of a log
    return [
        replace(check, verdict=Verdict.UNKNOWN, evidence=f"{check.evidence} (but {short})")
        if check.verdict in answers and check.id.startswith(of)
        else check
        for check in checks
    ]
