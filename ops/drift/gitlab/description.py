"""What the issue says: its title, its description, and the digest by which a later run knows that nothing changed."""

import hashlib
import json
import re
from typing import Final

from ops.drift.model import DriftReport, Finding, Verdict

_MARK: Final = re.compile(r"\A<!-- multiarch drift: (\w+) -->\n")
_LAST_TOLD: Final = "\n<!-- multiarch drift: told before -->\n"
_FOOT: Final = "\n<!-- multiarch drift: foot -->\n"
_LONGEST: Final = 1_000_000
"""Characters of a description; GitLab takes 1,048,576 (`Issuable::DESCRIPTION_LENGTH_MAX`)."""
_NAMED_STACKS: Final = 3


def mark_of(description: str) -> str | None:
    """Return the digest in the comment that only our issues begin with; None for an issue of somebody else."""
    found = _MARK.match(_lines(description))
    return found[1] if found else None


def drifted_stacks(report: DriftReport) -> list[str]:
    """Name the stacks where drift was seen, whatever else could not be told of them."""
    return sorted(
        stack.stack
        for stack in report.stacks
        if any(finding.verdict is Verdict.DRIFTED for check in stack.checks for finding in check.findings)
        or stack.verdict is Verdict.DRIFTED
    )


def fingerprint(report: DriftReport) -> str:
    """Digest of what the report says, without what differs in every run: times, and numbers in a failure's text."""
    said = [
        [
            stack.stack,
            [
                [check.check, _shape(check.failure), [_said(finding) for finding in check.findings if _worth(finding)]]
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


def description(report: DriftReport, body: str, pipeline: str, before: str = "") -> str:
    """Put the report's Markdown between the mark and a line on who keeps this.

    `pipeline` is an address, or empty. `before` is the description so far, whose findings are kept below: for a report
    that could not tell.
    """
    link = f"[this pipeline]({pipeline})" if pipeline else "a pipeline"
    if report.verdict is Verdict.CLEAN:
        body = f"No drift any more, as {link} found.\n\n{body}"
    if before:
        body = (
            f"The last run could not tell whether there still is drift ({link}). It is not taken for gone.\n\n{body}\n"
            f"{_LAST_TOLD}\n## What was told before\n\n{_told(before)}"
        )
    foot = (
        f"{_FOOT}\n---\nKept by `multiarch drift --gitlab-issue`, last by {link}: edited when the findings change, "
        "closed when every stack is clean. What is written here by hand is overwritten; comments stay.\n"
    )
    # GitLab obeys lines like `/close` and `/assign`, in the descriptions of issues too.
    text = re.sub(r"^(\s*)/(?=\w)", r"\1\\/", _lines(body), flags=re.MULTILINE)
    if len(text) > _LONGEST:
        text = f"The report has {len(text)} characters, too many for an issue. It is among the artifacts of {link}.\n"
    return f"<!-- multiarch drift: {fingerprint(report)} -->\n{text}{foot}"


def _told(description: str) -> str:
    """Take what an issue last told for certain out of its description, of which doubts may have been put on top."""
    text = _MARK.sub("", _lines(description)).partition(_FOOT)[0]
    told = text.partition(_LAST_TOLD)[2] or text
    return told.strip().removeprefix("## What was told before").strip()


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n")


def _worth(finding: Finding) -> bool:
    return finding.verdict is not Verdict.CLEAN


def _said(finding: Finding) -> list[object]:
    differences = [[one.path, one.change, one.wanted, one.found] for one in finding.differences]
    since = finding.since.isoformat() if finding.since else ""
    return [finding.resource, finding.verdict, finding.change, differences, _shape(finding.reason), since]


def _shape(text: str) -> str:
    """Text without its numbers and identifiers: a cloud's error has another request id each time."""
    return re.sub(r"[\w-]*\d[\w.:-]*", "#", text)
