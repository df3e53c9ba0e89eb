"""What a change behind the program's back has to be told as."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from multiarch.core.verdict import Verdict, fold
from multiarch.drift.model import Change, Check, CheckResult
from tests.cluster.drift_lab.lab import Lab, not_clean


@dataclass(frozen=True, slots=True)
class Expected:
    """The one finding that a change must lead to."""

    check: Check
    resource: str
    change: Change
    path: str = ""
    """Of the property; empty for a resource that is gone as a whole."""


@dataclass(frozen=True, slots=True)
class Place:
    """A resource that one check tells of."""

    check: Check
    resource: str
    root: str = ""

    def changed(self, path: str) -> Expected:
        return Expected(self.check, self.resource, Change.CHANGED, self.root + path)

    def added(self, path: str) -> Expected:
        return Expected(self.check, self.resource, Change.ADDED, self.root + path)

    def gone(self, path: str = "") -> Expected:
        return Expected(self.check, self.resource, Change.GONE, self.root + path if path else "")


@dataclass(frozen=True, slots=True)
class Mutation:
    """One change behind the program's back."""

    name: str
    do: Callable[[Lab], None]
    expected: Expected
    also: tuple[str, ...] = ()
    """Other resources that are told too, as they must."""

    def found_in(self, results: Sequence[CheckResult]) -> bool:
        """Tell whether this change, and nothing that did not happen, was told as drift."""
        told, wanted = not_clean(results), self.expected
        mine = next((item for item in told if (item.check, item.resource) == (wanted.check, wanted.resource)), None)
        others = {item.resource for item in told if item is not mine}
        if mine is None or mine.verdict is not Verdict.NO or others != set(self.also):
            return False
        if not wanted.path:
            return mine.change is wanted.change
        return any((one.path, one.change) == (wanted.path, wanted.change) for one in mine.differences)

    def answer_in(self, results: Sequence[CheckResult]) -> Verdict:
        """Return what was told of the resource, to a login that may do less: anything but clean will do."""
        resources = (self.expected.resource, *self.also)
        return fold([Verdict.YES, *(item.verdict for item in not_clean(results) if item.resource in resources)])


@dataclass(frozen=True, slots=True)
class Harmless:
    """One change that must not be told as drift."""

    name: str
    do: Callable[[Lab], None]
