"""Rules about what service accounts may do."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from components.policy.reading import RELEASES, helm_values
from components.policy.subject import UNKNOWN, Answer, Doubt, Finding, Resource, join, look

_RBAC = "kubernetes:rbac.authorization.k8s.io/v1:"
ROLES = frozenset({f"{_RBAC}Role", f"{_RBAC}ClusterRole"})
BINDINGS = frozenset({f"{_RBAC}RoleBinding", f"{_RBAC}ClusterRoleBinding"})
EVERYONE = frozenset({"system:authenticated", "system:unauthenticated", "system:anonymous", "system:serviceaccounts"})

_FIELDS = ("apiGroups", "resources", "verbs", "nonResourceURLs")


def rbac_explicit(resource: Resource) -> Iterable[Answer]:
    """Roles name their resources and verbs: no wildcard, and no rule without verbs.

    The gitlab-runner chart turns missing rules, and a rule without verbs, into `*`: the runner could then read every
    Secret of the namespace and start any pod.
    Source: gitlab-runner chart, templates/role.yaml; GitLab Runner, "Configure runner API permissions".
    """
    if resource.kind not in RELEASES:
        yield from _rules(resource.get("rules"), "rules")
        return
    values = helm_values(resource)
    if look(values, "runners", at="values") is None or not look(values, "rbac", "create", at="values"):
        return
    if look(values, "rbac", "clusterWideAccess", at="values"):
        yield Finding(message="values.rbac.clusterWideAccess is on", fix="Remove it: jobs run in one namespace.")
    rules = look(values, "rbac", "rules", at="values")
    if not rules:
        yield Finding(
            message="values.rbac.rules is empty, which the chart reads as everything",
            fix="List what the executor needs: pods, pods/attach, pods/exec, pods/log, secrets, services, events.",
        )
    yield from _rules(rules, "values.rbac.rules")


def rbac_bindings(resource: Resource) -> Iterable[Answer]:
    """Nobody is bound to cluster-admin, and no role to everyone.

    A runner executes what other people write, so they can do whatever its account may do.
    Source: Kubernetes, "RBAC good practices".
    """
    if resource.get("roleRef", "name") in {"cluster-admin", "admin", "edit"}:
        yield Finding(
            message=f"binds {resource.get('roleRef', 'name')}", fix="Bind a Role with the rules that are needed."
        )
    for index in range(len(resource.get("subjects") or ())):
        subject = resource.get("subjects", index, "name")
        if str(subject) in EVERYONE:
            yield Finding(message=f"subjects[{index}] is {subject}: everybody", fix="Name one service account.")


def _rules(rules: Any, at: str) -> Iterator[Answer]:
    for index, rule in enumerate(rules or ()):
        path = join(at, index)
        if not isinstance(rule, Mapping):
            yield Doubt(path)
            continue
        for name in _FIELDS:
            entries = rule.get(name)
            if entries is UNKNOWN or any(entry is UNKNOWN for entry in entries or ()):
                yield Doubt(join(path, name))
            elif "*" in (entries or ()):
                yield Finding(message=f"{path}.{name} has the wildcard *", fix="Name each one.")
        if not rule.get("verbs"):
            yield Finding(message=f"{path} has no verbs", fix="Name them: the chart reads an empty list as all.")
