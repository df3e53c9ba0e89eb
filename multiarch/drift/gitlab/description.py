"""What the issue says: its title, its description, and the digest by which a later run knows that nothing changed."""

import hashlib
import json
import re
from typing import Final

from multiarch.core.render.markdown import code
from multiarch.core.secrets import hide_written
from multiarch.core.verdict import Verdict
from multiarch.drift.gitlab.state import State, comment, not_looked_at
from multiarch.drift.model import Comparison, Finding
from multiarch.drift.report.wording import CHECKS, date_words

_MARK: Final = re.compile(r"\A<!-- multiarch drift: (\w+) -->\n")
_BEFORE: Final = "## Reported before"
_FOOT: Final = "\n<!-- multiarch drift: foot -->\n"
_LONGEST: Final = 1_000_000
"""Characters of a description; GitLab takes 1,048,576 (`Issuable::DESCRIPTION_LENGTH_MAX`)."""
_LONGEST_BEFORE: Final = 100_000
_NAMED_STACKS: Final = 3


def mark_of(description: str) -> str | None:
    """Return the digest in the comment that only our issues begin with; None for an issue of somebody else."""
    found = _MARK.match(_lines(description))
    return found[1] if found else None


def drifted_stacks(report: Comparison) -> list[str]:
    """Name the stacks where drift was seen, whatever else could not be told of them."""
    return sorted(stack.stack for stack in report.stacks if stack.verdict is Verdict.NO)


def fingerprint(report: Comparison) -> str:
    """Digest of what the report says, without what differs in every run: times, and numbers in a failure's text."""
    said = [
        [
            stack.stack,
            [
                [
                    check.check,
                    _shape(check.failure),
                    [_what_counts(finding) for finding in check.findings if _worth(finding)],
                ]
                for check in stack.checks
            ],
            [_shape(note) for note in stack.notes],
        ]
        for stack in sorted(report.stacks, key=lambda stack: stack.stack)
    ]
    text = json.dumps([said, [_shape(note) for note in report.notes]], ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def title(stacks: list[str]) -> str:
    """Name the stacks; only the first of them, where they are many."""
    # Titles are read for mentions and references too.
    names = [re.sub(r"[^\w.-]", "?", name)[:60] for name in stacks]
    more = len(names) - _NAMED_STACKS
    shown = ", ".join(names[:_NAMED_STACKS])
    return f"Drift: {shown} and {more} more" if more > 0 else f"Drift: {shown}"


def description(state: State, body: str, pipeline: str) -> str:
    """Put the report's Markdown, `body`, between the mark and a line on who keeps this; the state follows, hidden.

    `pipeline` is an address, or empty.
    """
    link = f"[this pipeline]({pipeline})" if pipeline else "a pipeline"
    parts = [f"No drift any more, as {link} found.\n\n" if is_clean(state) else "", body, _older(state)]
    if state.text:
        parts.append(f"\n{_BEFORE}\n\n{state.text}\n")
    foot = (
        f"{_FOOT}\n---\nKept by `multiarch drift --gitlab-issue`, last by {link}: edited when the findings change, "
        "closed when every stack is clean. A run over some stacks or checks edits only those. What is written here by "
        "hand is overwritten; comments stay.\n"
    )
    # GitLab obeys lines like `/close` and `/assign`, in the descriptions of issues too.
    text = re.sub(r"^(\s*)/(?=\w)", r"\1\\/", _lines(hide_written("".join(parts))), flags=re.MULTILINE)
    hidden = comment(state)
    if len(text) + len(hidden) > _LONGEST:
        text = f"The report has {len(text)} characters, too many for an issue. It is among the artifacts of {link}.\n"
    return f"<!-- multiarch drift: {fingerprint(state.report)} -->\n{text}{foot}{hidden}"


def is_clean(state: State) -> bool:
    """Tell whether every stack that the issue knows of is clean, and nothing is left that nobody could read."""
    return state.report.verdict is Verdict.YES and not state.text


def told_before(description: str) -> str:
    """Take what is told out of a description whose state can't be read: an older version's, or an edited one."""
    text = _MARK.sub("", _lines(description)).partition(_FOOT)[0]
    return text.strip().removeprefix(_BEFORE).strip()[:_LONGEST_BEFORE]


def _older(state: State) -> str:
    """Say which stacks and checks the last run did not look at, and since when they stand here."""
    lines = [
        f"- {code(stack)}: {', '.join(map(CHECKS.__getitem__, dates))}, reported on {date_words(max(dates.values()))}\n"
        for stack, dates in sorted(not_looked_at(state).items())
    ]
    return "".join(["\nNot looked at by the last run:\n\n", *lines]) if lines else ""


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n")


def _worth(finding: Finding) -> bool:
    return finding.verdict is not Verdict.YES


def _what_counts(finding: Finding) -> list[object]:
    differences = [[one.path, one.change, one.wanted, one.found] for one in finding.differences]
    since = finding.since.isoformat() if finding.since else ""
    return [finding.resource, finding.verdict, finding.change, differences, _shape(finding.reason), since]


def _shape(text: str) -> str:
    """Text without its numbers and identifiers: a cloud's error has another request id each time."""
    return re.sub(r"[\w-]*\d[\w.:-]*", "#", text)
