"""What an identity may do beyond what it is meant to: rules as the API server lists them, one right at a time. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from multiarch.cluster.access_review import Action

Rule = Mapping[str, Any]

BASIC_USER: Sequence[Rule] = (
    {
        "apiGroups": ["authorization.k8s.io"],
        "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
        "verbs": ["create"],
    },
    {"apiGroups": ["authentication.k8s.io"], "resources": ["selfsubjectreviews"], "verbs": ["create"]},
)
"""The ClusterRole `system:basic-user`, which every authenticated identity has (Kubernetes documentation, "Using RBAC
Authorization", API discovery roles): for a cluster that can't be asked what everybody has."""
MOST_SHOWN = 8
"""Rights named in one claim's evidence; the rest is counted."""


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """One verb on one kind; of certain objects where names are given."""

    group: str
    resource: str
    verb: str
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Say it as `kubectl auth can-i` takes it: `list secrets`, `get secrets named ca`."""
        action = str(Action(verb=self.verb, resource=self.resource, group=self.group))
        return f"{action} named {', '.join(self.names)}" if self.names else action


def rights_of(rules: Iterable[Rule]) -> Iterator[Right]:
    """Yield every right that rules give; a wildcard is a right of its own, wider than any that is named."""
    for rule in rules:
        names = tuple(rule.get("resourceNames") or ())
        for group in rule.get("apiGroups") or ("",):
            for resource in rule.get("resources") or ():
                for verb in rule.get("verbs") or ():
                    yield Right(group, resource, verb, names)


def beyond(rules: Iterable[Rule], meant: Iterable[Right], everybodys: Iterable[Rule]) -> list[Right]:
    """Return the rights that neither are meant nor are everybody's, each once, in order.

    A right to certain objects is within the same right to all of them.
    """
    within = [*meant, *rights_of(everybodys)]
    return sorted({right for right in rights_of(rules) if not any(_covers(wide, right) for wide in within)})


def rights_words(rights: Sequence[Right]) -> str:
    """Name the first few; what is left out is counted."""
    more = f" and {len(rights) - MOST_SHOWN} more" if len(rights) > MOST_SHOWN else ""
    return ", ".join(map(str, rights[:MOST_SHOWN])) + more


def _covers(wide: Right, narrow: Right) -> bool:
    return (
        wide.group in ("*", narrow.group)
        and wide.verb in ("*", narrow.verb)
        and _kind_covers(wide.resource, narrow.resource)
        and (not wide.names or (bool(narrow.names) and set(narrow.names) <= set(wide.names)))
    )


def _kind_covers(wide: str, narrow: str) -> bool:
    # RBAC: `*` is every resource with its subresources, `*/scale` that subresource of every one.
    return wide in ("*", narrow) or (wide.startswith("*/") and narrow.endswith(wide[1:]))
