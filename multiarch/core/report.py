"""What a command found: the one model of a report, from which every rendering of every command is made.

A report has sections (a stack, a cluster), a section has checks, and a check may have parts where it has many subjects.
Whatever only one command knows is its detail: a type of the run's, and one of each section's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Generic, TypeVar

from pydantic import ConfigDict, PlainSerializer, computed_field
from pydantic.alias_generators import to_camel

from multiarch.core.verdict import EXIT_CODES, Verdict, fold

SCHEMA_VERSION = 4
"""Of every command's JSON. Up to 3 each command had a document of its own."""
RunDetail = TypeVar("RunDetail")
SectionDetail = TypeVar("SectionDetail")
Seconds = Annotated[float, PlainSerializer(lambda value: round(value, 3), return_type=float)]
"""Milliseconds are enough in a document; more digits are noise in a diff."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """One way out: what to do, and the lines to run or to write."""

    text: str
    """What to do, in a sentence."""
    lines: tuple[str, ...] = ()
    """Commands, or lines of the stack file, as they are to be typed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One question, and its answer: a claim that was put to the proof, a resource that was compared."""

    id: str
    """Stable and short, for machines: `arm64-job-on-arm64-node`; or a resource's name."""
    title: str
    """For people: what is so where the answer is yes."""
    verdict: Verdict
    """The answer; with parts it is folded from theirs."""
    evidence: str = ""
    """What was seen, one thing a line; or why it could not be told."""
    about: str = ""
    """Whose it is, where there are several of one kind; or what saw it."""
    seconds: Seconds = 0.0
    """How long the answer took; 0 where nobody measured it."""
    skipped: bool = False
    """Whether there was nothing to check: no doubt, and not counted as an answer. The evidence says why."""
    fixes: tuple[Fix, ...] = ()
    """Ways out, the best first."""
    parts: tuple["Check", ...] = ()
    """One for each subject, where the question has many: they are what is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many answers there are of each verdict. A section without any answer counts as one doubt."""

    yes: int = 0
    """Answers that all is as it should be."""
    no: int = 0
    """Answers that something is not."""
    could_not_tell: int = 0
    """Doubts."""

    @property
    def total(self) -> int:
        """All of them."""
        return self.yes + self.no + self.could_not_tell

    def of(self, verdict: Verdict) -> int:
        """Return how many there are of one verdict."""
        return {Verdict.YES: self.yes, Verdict.NO: self.no, Verdict.UNKNOWN: self.could_not_tell}[verdict]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section(Generic[SectionDetail]):
    """What was found of one stack, or one cluster."""

    name: str
    """The stack, or the context."""
    place: str = ""
    """Which cluster that is, and how it was reached; empty where it was not."""
    checks: tuple[Check, ...] = ()
    """The questions, in the order in which they were asked."""
    notes: tuple[str, ...] = ()
    """What a reader should know, and is no answer."""
    seconds: Seconds = 0.0
    """How long it took; 0 where nobody measured it."""
    timings: Mapping[str, Seconds] = field(default_factory=dict)
    """Step to seconds."""
    detail: SectionDetail
    """What only this command knows."""

    @computed_field  # type: ignore[prop-decorator]  # mypy knows no decorated property; pydantic documents this one
    @property
    def verdict(self) -> Verdict:
        """Fold of the checks; without any, nothing was told."""
        return fold(check.verdict for check in self.checks)

    @computed_field  # type: ignore[prop-decorator]  # as above
    @property
    def counts(self) -> Counts:
        """Answers by verdict: of the parts where a check has parts."""
        return _counted([leaf.check.verdict for leaf in leaves(self.checks)] if self.checks else [Verdict.UNKNOWN])


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(Generic[RunDetail, SectionDetail]):
    """What one run of a command found."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(alias_generator=to_camel, use_attribute_docstrings=True)
    command: str
    """Which command's it is: `rehearse`."""
    schema_version: int = SCHEMA_VERSION
    """Version of this document. Within one version keys are only added."""
    sections: tuple[Section[SectionDetail], ...]
    """A stack or a cluster each, in the order asked for."""
    notes: tuple[str, ...] = ()
    """What a reader should know of the run as a whole."""
    seconds: Seconds = 0.0
    """How long the run took."""
    timings: Mapping[str, Seconds] = field(default_factory=dict)
    """Shared step to seconds."""
    own_code: int | None = None
    """An exit code that only this command has; null where the verdict gives it."""
    detail: RunDetail
    """What only this command knows of the run."""

    @computed_field  # type: ignore[prop-decorator]  # as above
    @property
    def verdict(self) -> Verdict:
        """Fold of the sections; a run without any told nothing."""
        return fold(section.verdict for section in self.sections)

    @computed_field  # type: ignore[prop-decorator]  # as above
    @property
    def counts(self) -> Counts:
        """Answers by verdict, over all sections."""
        found = [section.counts for section in self.sections] or [Counts(could_not_tell=1)]
        return Counts(
            yes=sum(one.yes for one in found),
            no=sum(one.no for one in found),
            could_not_tell=sum(one.could_not_tell for one in found),
        )

    @computed_field  # type: ignore[prop-decorator]  # as above
    @property
    def exit_code(self) -> int:
        """The command's exit code."""
        return EXIT_CODES[self.verdict] if self.own_code is None else self.own_code


@dataclass(frozen=True, slots=True)
class Leaf:
    """An answer that counts: a check without parts, or a part, and then the check that it is one of."""

    check: Check
    whole: Check | None = None


def leaves(checks: Iterable[Check]) -> list[Leaf]:
    """Return the answers that count. Those of one subject (id and title) follow each other, and so are read once."""
    found: list[Leaf] = []
    for check in checks:
        found.extend(Leaf(part, check) for part in check.parts)
        if not check.parts and not check.skipped:
            found.append(Leaf(check))
    first: dict[str, int] = {}
    for place, leaf in enumerate(found):
        first.setdefault(leaf.check.id, place)
    return sorted(found, key=lambda leaf: first[leaf.check.id])


def skipped(checks: Iterable[Check]) -> list[Check]:
    """Return the checks that had nothing to check."""
    return [check for check in checks if check.skipped]


def worst_first(sections: Iterable[Section[SectionDetail]]) -> list[Section[SectionDetail]]:
    """Order sections for reading: those where something is wrong, those with doubts only, those that are well."""
    order = (Verdict.NO, Verdict.UNKNOWN, Verdict.YES)
    return sorted(sections, key=lambda section: order.index(section.verdict))


def _counted(verdicts: list[Verdict]) -> Counts:
    return Counts(
        yes=verdicts.count(Verdict.YES),
        no=verdicts.count(Verdict.NO),
        could_not_tell=verdicts.count(Verdict.UNKNOWN),
    )
