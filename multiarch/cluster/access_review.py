"""Whether somebody may do something, asked of the API server itself: three answers, in its own words.

Reviews are POSTs by their API, and store nothing (Kubernetes documentation, "Authorization Overview").
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from multiarch.core.verdict import Answer, no, unknown, yes

_GROUP = "authorization.k8s.io/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One verb on one kind. An empty namespace means everywhere, an empty group the core one."""

    verb: str
    resource: str
    """Plural, with its subresource: `pods/exec`."""
    group: str = ""
    namespace: str = ""

    def __str__(self) -> str:
        """Say it as `kubectl auth can-i` takes it: `get pods/exec`, `list deployments.apps`."""
        kind, slash, subresource = self.resource.partition("/")
        return f"{self.verb} {kind}{f'.{self.group}' if self.group else ''}{slash}{subresource}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whose right is asked for: the name and the groups by which the authorizers know an identity."""

    user: str
    groups: tuple[str, ...] = ()


def service_account(namespace: str, name: str) -> Subject:
    """Return a service account as the authorizers know it, with the groups that every service account is in."""
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")
    return Subject(user=f"system:serviceaccount:{namespace}:{name}", groups=groups)


class Creates(Protocol):
    """What sends a review: `Api`, `ReadOnlyApi`."""

    def review(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send the review and return the answer."""
        ...


def may(api: Creates, action: Action, subject: Subject | None = None) -> Answer:
    """Ask whether an identity may do something: the asking one, or `subject`.

    An authorizer that failed has not said no (`evaluationError` without `denied`): that could not be told.
    Raises ApiRefused where the question itself is refused, and UnreachableError without an answer.
    """
    kind, _, subresource = action.resource.partition("/")
    attributes = {
        "namespace": action.namespace,
        "verb": action.verb,
        "group": action.group,
        "resource": kind,
        "subresource": subresource,
    }
    spec: dict[str, Any] = {"resourceAttributes": {key: text for key, text in attributes.items() if text}}
    if subject is not None:
        spec |= {"user": subject.user, "groups": list(subject.groups)}
    status = _status(api, "SelfSubjectAccessReview" if subject is None else "SubjectAccessReview", spec)
    if status.get("allowed"):
        return yes(str(status.get("reason") or "the API server says so"))
    if status.get("evaluationError") and not status.get("denied"):
        return unknown(str(status["evaluationError"]))
    return no(str(status.get("reason") or "no rule allows it"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """All that the asking identity may do in a namespace."""

    resources: Sequence[Mapping[str, Any]]
    """Rules as RBAC has them: `verbs`, `apiGroups`, `resources`, `resourceNames`."""
    incomplete: str = ""
    """Why there may be more; empty where the list is whole."""


def rules(api: Creates, namespace: str) -> Rules:
    """Ask for all that the asking identity may do in a namespace. Raises as `may` does."""
    status = _status(api, "SelfSubjectRulesReview", {"namespace": namespace})
    reason = str(status.get("evaluationError") or "an authorizer does not list its rules")
    return Rules(resources=status.get("resourceRules") or [], incomplete=reason if status.get("incomplete") else "")


def _status(api: Creates, kind: str, spec: Mapping[str, Any]) -> Mapping[str, Any]:
    body = {"apiVersion": _GROUP, "kind": kind, "spec": spec}
    status: Mapping[str, Any] = api.review(f"/apis/{_GROUP}/{kind.lower()}s", body).get("status") or {}
    return status
