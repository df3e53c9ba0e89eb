"""What an examination found: checks with three answers each, and causes with their fixes."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from multiarch.core import report
from multiarch.core.verdict import Verdict, fold

Fix = report.Fix
"""A way out of a cause is one of a report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One reason why jobs do not start, however many pods it holds up. Texts are as the cluster gave them."""

    kind: str
    """Id in the catalogue; it never changes."""
    subject: str
    """What it is about: `arm64`, `ResourceQuota gitlab-runner-jobs/team`. With the kind it tells twins."""
    headline: str
    """One sentence without a full stop."""
    evidence: tuple[str, ...] = ()
    """What was seen, a sentence or a quotation each."""
    fixes: tuple[Fix, ...] = ()
    """Ways out, the best first."""
    pods: tuple[str, ...] = ()
    """`namespace/name` of the pods that it holds up now."""
    gone: tuple[str, ...] = ()
    """Likewise of pods that it stopped and that are gone; their events are still there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One question of the check-list, and its answer."""

    id: str
    title: str
    """What is true when all is well."""
    verdict: Verdict
    evidence: str = ""
    """What was seen; or why it could not be told."""
    causes: tuple[Cause, ...] = ()
    about: str = ""
    """Whose it is, where there are several of one kind: `namespace/release`, a namespace."""

    def __post_init__(self) -> None:
        """Hold the invariant that a cause is never hidden behind another answer, nor an answer without a cause."""
        if (self.verdict is Verdict.NO) != bool(self.causes):
            raise ValueError(f"check {self.id}: {self.verdict} with {len(self.causes)} causes")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question before it is answered."""

    id: str
    title: str
    about: str = ""

    def fine(self, evidence: str = "") -> Check:
        """Return that all is well."""
        return self._answer(Verdict.YES, evidence)

    def unknown(self, evidence: str) -> Check:
        """Return that it could not be told, and why."""
        return self._answer(Verdict.UNKNOWN, evidence)

    def judged(self, causes: Iterable[Cause], evidence: str = "", doubt: str = "") -> Check:
        """Return the causes, if there are any; else the doubt, if there is one; else that all is well."""
        found = tuple(causes)
        if found:
            return self._answer(Verdict.NO, doubt, found)
        return self.unknown(doubt) if doubt else self.fine(evidence)

    def _answer(self, verdict: Verdict, evidence: str, causes: tuple[Cause, ...] = ()) -> Check:
        return Check(id=self.id, title=self.title, about=self.about, verdict=verdict, evidence=evidence, causes=causes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What was found of one cluster: what the checks fill, before it is a report."""

    cluster: str
    """`context kind-ci, https://…`."""
    version: str = ""
    """Kubernetes, without `v`; empty where the API did not tell."""
    stack: str = ""
    """Empty when no stack was named."""
    checks: tuple[Check, ...] = ()
    causes: tuple[Cause, ...] = ()
    """Those of all checks, twins merged, the likeliest first."""
    notes: tuple[str, ...] = ()
    """What the reader should know, and what is on its way."""
    seconds: float = 0.0
    requests: int = 0
    runners: tuple[str, ...] = field(default=())
    """`namespace/release`, those that were examined."""

    @property
    def verdict(self) -> Verdict:
        """Fold the answers."""
        return fold(check.verdict for check in self.checks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What an examination knows beside its checks."""

    version: str = ""
    """Kubernetes, without `v`; empty where the API did not tell."""
    runners: tuple[str, ...] = ()
    """`namespace/release`, those that were examined."""
    causes: tuple[Cause, ...] = ()
    """Those of all checks, twins merged, the likeliest first."""
    requests: int = 0
    """HTTP requests sent to the API server."""
