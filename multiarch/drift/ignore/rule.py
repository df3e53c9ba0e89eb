"""One ignore rule."""

import datetime as dt
from dataclasses import dataclass

from multiarch.drift.ignore.globs import name_pattern, path_matches
from multiarch.drift.model import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A property of some resources whose difference is known and let be.

    A rule speaks of properties only: it never hides a resource that is gone, one that nobody declared, or a doubt.
    """

    id: str
    """How reports call it: `gke-node-count`, or `drift-ignore.yaml, rule 2`."""
    resource: str
    """Glob over the URN, and over the resource's name in the report (`apps/v1 Deployment gitlab-runner/runner`)."""
    path: str
    """Glob over the property's path; it covers everything below the property, too."""
    reason: str
    expires: dt.date | None = None
    """The last day on which it ignores anything; None: forever."""
    source: str = ""
    """Where a built-in rule's claim can be looked up."""
    built_in: bool = False

    def expired(self, today: dt.date) -> bool:
        """Tell whether its last day is over."""
        return self.expires is not None and today > self.expires

    def concerns(self, finding: Finding) -> bool:
        """Tell whether the rule is about this resource."""
        pattern = name_pattern(self.resource)
        return any(name and pattern.fullmatch(name) for name in (finding.urn, finding.resource))

    def covers(self, path: str) -> bool:
        """Tell whether the rule is about this property."""
        return path_matches(self.path, path)
