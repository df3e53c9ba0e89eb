"""What can come of onboarding a cluster, and what each exit code says."""

from collections.abc import Mapping
from enum import IntEnum

from multiarch.core import ending
from multiarch.core.verdict import Verdict


class Outcome(IntEnum):
    """What came of onboarding a cluster: the exit codes. 0 to 3 mean what they mean for every command."""

    WRITTEN = ending.WELL
    FAILED = ending.WRONG
    USAGE = ending.USAGE
    COULD_NOT_TELL = ending.COULD_NOT_TELL
    IMPOSSIBLE = 4
    DECLINED = 5

    @property
    def verdict(self) -> Verdict:
        """The answer that it is to "is the stack file written?"."""
        return {Outcome.WRITTEN: Verdict.YES, Outcome.COULD_NOT_TELL: Verdict.UNKNOWN}.get(self, Verdict.NO)


MEANINGS: Mapping[Outcome, str] = {
    Outcome.WRITTEN: "written, or only looked at as asked",
    Outcome.FAILED: "the plan, the policy or the rehearsal failed",
    Outcome.USAGE: "usage or configuration",
    Outcome.COULD_NOT_TELL: "could not tell",
    Outcome.IMPOSSIBLE: "it can't work on this cluster",
    Outcome.DECLINED: "you answered no",
}
