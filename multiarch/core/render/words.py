"""What a command brings to the renderers: its words for the answers, and its detail as lines and tables."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Generic

from multiarch.core.report import Check, Counts, Report, RunDetail, Section, SectionDetail
from multiarch.core.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of equal length; every renderer draws them its own way."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    only_verbose: bool = False
    """Whether a terminal shows it with `--verbose` alone; files have it anyway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """Sentences, one a line. Where there is a verdict, it is what they say of the section."""

    title: str = ""
    lines: tuple[str, ...]
    verdict: Verdict | None = None
    only_verbose: bool = False
    """As above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verbatim:
    """Lines to be copied, or a file: shown as they are, never wrapped by us."""

    title: str = ""
    lines: tuple[str, ...]
    only_verbose: bool = False
    """As above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """What a program said. Of one that failed a short text shows the end; files have all, a Markdown note aside."""

    about: str
    """Whose it is. In JUnit it stands with a check that is about the same."""
    lines: tuple[str, ...]
    failed: bool
    """Whether a reader without `--verbose` needs it."""

    @property
    def title(self) -> str:
        """Name it."""
        return f"log of {self.about}"

    @property
    def only_verbose(self) -> bool:
        """As above."""
        return not self.failed

    def end(self, most: int) -> tuple[str, ...]:
        """Return its last lines."""
        return self.lines[-most:]

    def titled(self, shown: int) -> str:
        """Say how much of it is shown, and that there is more."""
        count = len(self.lines)
        return self.title if shown >= count else f"{self.title}, the last {shown} of {count} lines"


Block = Table | Lines | Verbatim | Log


def plain(block: Block) -> list[str]:
    """Return a block as lines of a text that knows neither tables nor colours."""
    lines = [" | ".join(row) for row in block.rows] if isinstance(block, Table) else list(block.lines)
    return [f"{block.title.removesuffix(':')}:", *lines] if block.title else lines


def no_blocks(_: Any) -> Iterable[Block]:
    """Return nothing: the command has no more to say than its checks."""
    return ()


def no_facts(_: Any) -> Mapping[str, str]:
    """Return nothing."""
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Words(Generic[RunDetail, SectionDetail]):
    """How one command speaks. Everything else is the renderers' own, and the same for all commands."""

    command: str
    """`rehearse`, as it is typed after `multiarch`."""
    title: str
    """Heading of a page: `Rehearsal`."""
    answers: Mapping[Verdict, str]
    """Of one check: `proved`, `failed`, `could not tell`."""
    counted: Mapping[Verdict, str]
    """After a number: `proved`, `failed`, `could not be told`."""
    meanings: Mapping[Verdict, str]
    """What the exit code of each verdict says."""
    nothing: str
    """Said of a section without checks: `no claim was checked`."""
    check: str = "check"
    """What one check is called: `claim`."""
    section: str = "stack"
    """What one section is about."""
    brief: bool = False
    """Whether what is well is only counted: for a command that compares hundreds of things."""
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What a short terminal counts together: a title, and its checks' ids as globs. A check is its first match's."""
    repeats: bool = False
    """Whether the terminal's summary repeats what is not well: for a command whose sections are long."""
    report_type: Any
    """`Report[…, …]` with the command's own details, from which the document's shape is made."""
    doubt_beside: str = ""
    """Added to the meaning of a no where there are doubts beside it."""
    facts: Callable[[Report[RunDetail, SectionDetail]], Mapping[str, str]] = no_facts
    """What the run stood on: `control plane`, `etcd`. A terminal shows the first of them, the files all."""
    traits: Callable[[Section[SectionDetail]], Mapping[str, str]] = no_facts
    """The same of a section: `chart`."""
    blocks: Callable[[Section[SectionDetail]], Iterable[Block]] = no_blocks
    """A section's detail, for every text."""
    own_meanings: Mapping[int, str] = field(default_factory=dict)
    """What exit codes say that only this command has, and those that say something else in it."""
    drawing: Callable[[Section[SectionDetail]], str] | None = None
    """Draws a section's detail as HTML, every text in it escaped, for the page; its blocks are then left out there."""

    def group_of(self, check: Check) -> str:
        """Return the group that a short terminal counts a check under; the check's own title where it has none."""
        for title, patterns in self.groups.items():
            if any(fnmatchcase(check.id, pattern) for pattern in patterns):
                return title
        return check.title

    def tally(self, counts: Counts) -> str:
        """Write counts as a person reads them: `1 failed, 8 proved`."""
        return ", ".join(text for text, _ in self.tally_parts(counts)) or "nothing to check"

    def tally_parts(self, counts: Counts) -> list[tuple[str, Verdict]]:
        """Return what was counted, the worst first, each with its verdict."""
        order = (Verdict.NO, Verdict.UNKNOWN, Verdict.YES)
        return [(f"{counts.of(one)} {self.counted[one]}", one) for one in order if counts.of(one)]

    def ending(self, report: Report[RunDetail, SectionDetail]) -> str:
        """Say the exit code and what it means; and what it can't say, since a no outweighs the doubts beside it."""
        verdict = report.verdict
        doubt = self.doubt_beside if verdict is Verdict.NO and report.counts.could_not_tell else ""
        meaning = self.own_meanings.get(report.exit_code) or f"{self.meanings[verdict]}{doubt}"
        return f"Exit {report.exit_code}: {meaning}"

    def how_many(self, report: Report[RunDetail, SectionDetail]) -> str:
        """Say of how many sections: `2 stacks`."""
        count = len(report.sections)
        return f"{count} {self.section}{'' if count == 1 else 's'}"
