"""How a finding is put into words."""

import datetime as dt
from collections.abc import Mapping
from typing import Final

from multiarch.core.printable import one_line
from multiarch.core.verdict import Verdict
from multiarch.drift.model import Change, Check, Difference, Finding

CHECKS: Final[Mapping[Check, str]] = {
    Check.STATE: "cloud against state",
    Check.CODE: "cloud against code",
    Check.OBJECTS: "objects",
    Check.RELEASE: "inside the release",
    Check.NODES: "nodes",
    Check.IMAGES: "images",
    Check.RUNNER_CONFIG: "runner's config",
    Check.WIDENED: "added beside",
}
_WHOLE: Final[Mapping[Change | None, str]] = {
    Change.GONE: "gone",
    Change.ADDED: "added by someone else",
    Change.CHANGED: "changed",
    None: "changed",
}


def title_of(finding: Finding) -> str:
    """Return the finding's resource as people call it, on one line."""
    return one_line(finding.title or finding.resource) or "a resource without a name"


def difference_words(difference: Difference) -> str:
    """Return `path: wanted -> found` on one line.

    >>> difference_words(Difference(path="spec.replicas", change=Change.CHANGED, wanted="1", found="3"))
    'spec.replicas: 1 -> 3'
    """
    return f"{path_words(difference)}: {value_words(difference.wanted)} -> {value_words(difference.found)}"


def path_words(difference: Difference) -> str:
    """Return the path; the resource as a whole has none."""
    return one_line(difference.path) or "the whole"


def value_words(value: str | None) -> str:
    """Return a value on one line; nothing, and an empty text, are two things."""
    return "(nothing)" if value is None else one_line(value) or '""'


def remarks(finding: Finding) -> list[str]:
    """Return what there is to say of a finding beside its differences."""
    more = [f"and {finding.more} more differences"] if finding.more else []
    part = ["part of it could not be checked"] if finding.uncertain and not finding.reason else []
    reason = one_line(finding.reason)
    whole = [whole_words(finding)] if finding.verdict is Verdict.NO and not finding.differences else []
    return [*whole, *more, *part, *([reason] if reason else [])]


def whole_words(finding: Finding) -> str:
    """Say what became of the resource as a whole."""
    return _WHOLE[finding.change]


def date_words(since: dt.datetime) -> str:
    """Write an instant to the minute, in UTC: readers of one report sit in many places."""
    return f"{since.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"
