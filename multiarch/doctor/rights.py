"""Whether the manager's account may do what its executor does: asked of the API server, else read from RBAC."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from multiarch.cluster.api import ApiRefused
from multiarch.cluster.errors import ClusterError
from multiarch.doctor.facts import Raw, Right
from multiarch.doctor.reader import Reader, Seen, why
from multiarch.model.executor.rights import needed
from multiarch.model.readback import Installed

_FORBIDDEN = 403
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_AT_ONCE = 8


def rights_of(reader: Reader, installed: Installed) -> Seen[Right]:
    """Ask for every right that the config makes the executor use, in the jobs' namespace."""
    wanted = list(needed(installed.config))
    try:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            answers = list(pool.map(lambda right: _may(reader, installed, *right), wanted))
    except ApiRefused as refusal:
        if refusal.status != _FORBIDDEN:
            return Seen(failure=why(refusal, "rights of the manager's account"))
        return _by_reading(reader, installed, wanted, refusal)
    except ClusterError as error:
        return Seen(failure=why(error, "rights of the manager's account"))
    return Seen(
        tuple(
            Right(verb=verb, resource=resource, allowed=allowed)
            for (_, resource, verb), allowed in zip(wanted, answers, strict=True)
        )
    )


def _may(reader: Reader, installed: Installed, group: str, resource: str, verb: str) -> bool:
    kind, _, subresource = resource.partition("/")
    attributes = {
        "namespace": installed.job_namespace,
        "verb": verb,
        "group": group,
        "resource": kind,
        "subresource": subresource,
    }
    return reader.may(user_of(installed), groups_of(installed), attributes)


def user_of(installed: Installed) -> str:
    """Return the account's name as the authorizer knows it."""
    return f"system:serviceaccount:{installed.namespace}:{installed.service_account}"


def groups_of(installed: Installed) -> tuple[str, ...]:
    """Return the groups that every service account is in."""
    return "system:serviceaccounts", f"system:serviceaccounts:{installed.namespace}", "system:authenticated"


def _by_reading(
    reader: Reader, installed: Installed, wanted: Sequence[tuple[str, str, str]], refusal: ApiRefused
) -> Seen[Right]:
    """Read bindings and roles. A right that they give is there; another authorizer may give what they do not."""
    try:
        rules = list(_rules(reader, installed))
    except (ApiRefused, ClusterError) as error:
        reason = f"{why(refusal, 'subjectaccessreviews')}; {why(error, 'RBAC')}"
        return Seen(failure=reason)
    return Seen(
        tuple(
            Right(verb=verb, resource=resource, allowed=any(grants(rule, group, resource, verb) for rule in rules))
            for group, resource, verb in wanted
        )
    )


def _rules(reader: Reader, installed: Installed) -> Iterator[Raw]:
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
            return subject.get("name") == user_of(installed)
        case "Group":
            return subject.get("name") in groups_of(installed)
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
