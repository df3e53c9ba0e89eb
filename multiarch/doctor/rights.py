"""Whether the manager's account may do what its executor does: asked of the API server, else read from RBAC."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from multiarch.cluster.access_review import Action, Subject, may, service_account
from multiarch.cluster.api import ApiRefused
from multiarch.cluster.errors import ClusterError
from multiarch.cluster.readonly import ReadOnlyApi
from multiarch.cluster.seen import Seen, why
from multiarch.core.verdict import Answer, no, yes
from multiarch.doctor.facts import Raw, Right
from multiarch.model.executor.rights import needed
from multiarch.model.readback import Installed

_FORBIDDEN = 403
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_AT_ONCE = 8


def rights_of(reader: ReadOnlyApi, installed: Installed) -> Seen[tuple[Right, ...]]:
    """Ask for every right that the config makes the executor use, in the jobs' namespace."""
    wanted = list(needed(installed.config))
    account = subject_of(installed)

    def ask(right: tuple[str, str, str]) -> Right:
        group, resource, verb = right
        action = Action(verb=verb, resource=resource, group=group, namespace=installed.job_namespace)
        return Right(verb=verb, resource=resource, allowed=may(reader, action, account))

    try:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return Seen(tuple(pool.map(ask, wanted)))
    except ApiRefused as refusal:
        if refusal.status != _FORBIDDEN:
            return Seen((), why(refusal, "rights of the manager's account"))
        return _by_reading(reader, installed, wanted, refusal)
    except ClusterError as error:
        return Seen((), why(error, "rights of the manager's account"))


def subject_of(installed: Installed) -> Subject:
    """Return the manager's account as the authorizers know it."""
    return service_account(installed.namespace, installed.service_account)


def _by_reading(
    reader: ReadOnlyApi, installed: Installed, wanted: Sequence[tuple[str, str, str]], refusal: ApiRefused
) -> Seen[tuple[Right, ...]]:
    """Read bindings and roles. A right that they give is there; another authorizer may give what they do not."""
    try:
        rules = list(_rules(reader, installed))
    except (ApiRefused, ClusterError) as error:
        reason = f"{why(refusal, 'subjectaccessreviews')}; {why(error, 'RBAC')}"
        return Seen((), reason)
    return Seen(
        tuple(
            Right(verb=verb, resource=resource, allowed=_by_rules(rules, group, resource, verb))
            for group, resource, verb in wanted
        )
    )


def _by_rules(rules: Sequence[Raw], group: str, resource: str, verb: str) -> Answer:
    if any(grants(rule, group, resource, verb) for rule in rules):
        return yes("a role that is bound to it")
    return no("no role that is bound to it")


def _rules(reader: ReadOnlyApi, installed: Installed) -> Iterator[Raw]:
    place = f"{_RBAC}/namespaces/{installed.job_namespace}"
    for bindings in (f"{place}/rolebindings", f"{_RBAC}/clusterrolebindings"):
        for binding in reader.items(bindings):
            if any(_is_subject(subject, installed) for subject in binding.get("subjects") or []):
                reference = binding["roleRef"]
                root = place if reference["kind"] == "Role" else _RBAC
                role = reader.find(f"{root}/{reference['kind'].lower()}s/{reference['name']}")
                yield from (role or {}).get("rules") or []


def _is_subject(subject: Mapping[str, Any], installed: Installed) -> bool:
    match subject.get("kind"):
        case "ServiceAccount":
            return (subject.get("namespace"), subject.get("name")) == (installed.namespace, installed.service_account)
        case "User":
            return subject.get("name") == subject_of(installed).user
        case "Group":
            return subject.get("name") in subject_of(installed).groups
        case _:
            return False


def grants(rule: Raw, group: str, resource: str, verb: str) -> bool:
    """Tell whether one rule gives a right on every object of a kind (kubernetes rbac/v1 evaluation_helpers.go)."""
    if rule.get("resourceNames"):
        return False
    _, _, subresource = resource.partition("/")
    resources = rule.get("resources") or []
    named = "*" in resources or resource in resources or bool(subresource and f"*/{subresource}" in resources)
    groups, verbs = rule.get("apiGroups") or [], rule.get("verbs") or []
    return named and ("*" in groups or group in groups) and ("*" in verbs or verb in verbs)
