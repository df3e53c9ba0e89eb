"""What a drift check works with: what was compared, resource by resource. `report.words` makes the report of it."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from multiarch.core.verdict import Verdict, fold

ANSWERS: Mapping[Verdict, str] = {Verdict.YES: "clean", Verdict.NO: "drifted", Verdict.UNKNOWN: "could not tell"}
"""What the verdicts say of a resource, for people."""


class Check(StrEnum):
    """What is compared with what. The values are for machines too (`--json`, history): they don't change."""

    STATE = "cloud-against-state"
    """`pulumi refresh --preview-only`: what the cloud has against what Pulumi remembers."""
    CODE = "cloud-against-code"
    """`pulumi preview --refresh`: what the cloud has against what the program says."""
    OBJECTS = "objects"
    """Kubernetes objects that the program owns, field by field."""
    RELEASE = "release"
    """Objects that the Helm release made, and the release itself."""
    NODES = "nodes"
    """Nodes of the cluster against their pools."""
    IMAGES = "images"
    """Digests in the registry against those that the program or the state pins."""
    RUNNER_CONFIG = "runner-config"
    """The runner's configuration in the cluster against what the program renders."""
    WIDENED = "widened"
    """What was added beside the stack's own, and widens what its jobs or its runner may do."""


class Change(StrEnum):
    """What became of a resource, or of one property of it."""

    CHANGED = "changed"
    ADDED = "added"
    """It is there, and nothing of ours put it there."""
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One property that is not what it should be. Values are short, printable, and never a secret's."""

    path: str
    """Where, from the resource's own root: `spec.template.spec.containers[gitlab-runner].image`."""
    change: Change
    """What became of it."""
    wanted: str | None = None
    """None where the property should not be there."""
    found: str | None = None
    """None where it is gone. `[secret]` stands for a secret on either side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check says of one resource. A clean resource has one too: reports count them."""

    check: Check
    """Which check says it."""
    resource: str
    """Stable name, the same in every run: a URN, or `apps/v1 Deployment gitlab-runner/gitlab-runner`."""
    verdict: Verdict
    """Whether it is as it should be."""
    title: str = ""
    """For people, where the name is long: `ConfigMap gitlab-runner/settings`. Empty: the name itself."""
    urn: str = ""
    """The Pulumi resource that it belongs to, where one does; ignore rules match it."""
    change: Change | None = None
    """None for one that is clean, or could not be told."""
    differences: tuple[Difference, ...] = ()
    """Properties that are not as they should be."""
    more: int = 0
    """Differences that are there beside the listed ones: an ignore rule cannot have taken those away."""
    uncertain: bool = False
    """Part of it could not be told: were every listed difference ignored, it would be a doubt, and not clean."""
    reason: str = ""
    """Why it could not be told; or a remark on what was seen."""
    ignored: tuple[str, ...] = ()
    """What was taken away from this finding, and by whose rule and reason: `nodeCount: the autoscaler's (gke-…)`."""
    since: dt.datetime | None = None
    """When the history saw this drift first, with a time zone; None without a history."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One check of one stack. Without findings its verdict is its own: nothing to compare, or no answer."""

    check: Check
    """Which check it is."""
    findings: tuple[Finding, ...] = ()
    """One for each resource, the clean ones too."""
    failure: str = ""
    """Why the check as a whole could not tell; it then has the findings that it could still make."""
    skipped: str = ""
    """Why there is nothing to compare: `the stack makes no image`. No doubt, and no answer."""
    seconds: float = 0.0
    """How long it took."""

    @property
    def verdict(self) -> Verdict:
        """Fold the findings, and the doubt that the check itself may be; one that was skipped is clean."""
        told = [finding.verdict for finding in self.findings]
        if self.unanswered:
            told.append(Verdict.UNKNOWN)
        return fold(told) if told else Verdict.YES

    @property
    def unanswered(self) -> bool:
        """Whether the check as a whole is a doubt, whatever it still found."""
        return bool(self.failure) or not (self.findings or self.skipped)

    @property
    def doubtful(self) -> bool:
        """Whether anything could not be told, also beside drift."""
        return self.unanswered or any(finding.verdict is Verdict.UNKNOWN for finding in self.findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedStack:
    """All checks of one stack."""

    stack: str
    cluster: str = ""
    """How the cluster was reached: `context gke_acme_us-central1_ci`; empty where it was not."""
    checks: tuple[CheckResult, ...] = ()
    notes: tuple[str, ...] = ()
    """What the reader should know: expired ignore rules, a config newer than the running one."""
    seconds: float = 0.0
    commands: tuple[str, ...] = field(default=())
    """What was run for it, without secrets."""

    @property
    def verdict(self) -> Verdict:
        """Fold the checks; without any, nothing was told."""
        return fold(check.verdict for check in self.checks)

    @property
    def doubtful(self) -> bool:
        """Whether anything could not be told, also beside drift."""
        return not self.checks or any(check.doubtful for check in self.checks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All stacks of one run."""

    stacks: tuple[ComparedStack, ...]
    started: dt.datetime
    """With a time zone."""
    seconds: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """Fold the stacks; a run without stacks told nothing."""
        return fold(stack.verdict for stack in self.stacks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What a drift check knows of one stack beside its answers in words."""

    checks: tuple[CheckResult, ...] = ()
    """What each check found, resource by resource."""
    commands: tuple[str, ...] = ()
    """What was run for it, without secrets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """What a drift check knows of its run."""

    started: dt.datetime
    """When it began, with a time zone: of two reports of a stack, the later one counts."""
