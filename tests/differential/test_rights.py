"""What RBAC gives: the doctor's reading of roles and bindings, and access reviews by the API server."""

import time
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from multiarch.cluster.access_review import Action, may, service_account
from multiarch.cluster.api import Api, ApiRefused
from multiarch.cluster.readonly import ReadOnlyApi
from multiarch.core.verdict import Verdict
from multiarch.doctor.rights import _by_reading
from multiarch.model.executor import parse_config
from multiarch.model.readback import Installed
from tests.differential.conftest import MARK
from tests.differential.lab import NAMESPACE, Tally, generated, side_by_side

RBAC = "rbac.authorization.k8s.io"
ACCOUNTS = 60
"""Each with rules of its own, and asked of every right."""
GROUPS = st.lists(st.sampled_from(["", "apps", "*"]), min_size=1, max_size=2, unique=True)
RESOURCES = st.lists(
    st.sampled_from(["pods", "pods/exec", "pods/*", "*/exec", "*", "secrets", "deployments"]),
    min_size=1,
    max_size=3,
    unique=True,
)
VERBS = st.lists(st.sampled_from(["get", "create", "*", "list"]), min_size=1, max_size=2, unique=True)
RULE = st.fixed_dictionaries(
    {"apiGroups": GROUPS, "resources": RESOURCES, "verbs": VERBS},
    optional={"resourceNames": st.just(["one"])},
)
RIGHTS = (
    ("", "pods", "get"), ("", "pods", "create"), ("", "pods/exec", "create"), ("", "pods/log", "get"),
    ("", "secrets", "list"), ("apps", "deployments", "get"), ("", "deployments", "get"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Given:
    """What one account is given."""

    rules: tuple[dict[str, Any], ...]
    role: str
    binding: str
    subject: str
    where: str


GIVEN = st.builds(
    lambda rules, kinds, subject, where: Given(tuple(rules), kinds[0], kinds[1], subject, where),
    st.lists(RULE, min_size=1, max_size=2),
    st.sampled_from([("Role", "RoleBinding"), ("ClusterRole", "RoleBinding"), ("ClusterRole", "ClusterRoleBinding")]),
    st.sampled_from(["ServiceAccount"] * 4 + ["User", "Group", "ServiceAccount elsewhere", "another User"]),
    st.sampled_from([NAMESPACE] * 5 + ["default"]),
)


def subject(kind: str, number: int) -> dict[str, str]:
    """Name an account, which has a namespace of its own so that a group can mean it alone."""
    user = {"apiGroup": RBAC, "kind": "User"}
    name = f"system:serviceaccount:manager-{number}:account"
    return {
        "ServiceAccount": {"kind": "ServiceAccount", "name": "account", "namespace": f"manager-{number}"},
        "ServiceAccount elsewhere": {"kind": "ServiceAccount", "name": "account", "namespace": f"other-{number}"},
        "User": {**user, "name": name},
        "another User": {**user, "name": f"{name}s"},
        "Group": {"apiGroup": RBAC, "kind": "Group", "name": f"system:serviceaccounts:manager-{number}"},
    }[kind]


def manifests(number: int, given: Given) -> list[dict[str, Any]]:
    metadata = {"name": f"differential-{number}", "labels": MARK.labels}
    place = {"namespace": given.where}
    return [
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": given.role,
            "metadata": {**metadata, **(place if given.role == "Role" else {})},
            "rules": list(given.rules),
        },
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": given.binding,
            "metadata": {**metadata, **(place if given.binding == "RoleBinding" else {})},
            "roleRef": {"apiGroup": RBAC, "kind": given.role, "name": metadata["name"]},
            "subjects": [subject(given.subject, number)],
        },
    ]


def installed(number: int) -> Installed:
    return Installed(
        namespace=f"manager-{number}",
        release="r",
        deployment="r",
        selector={},
        service_account="account",
        config=parse_config(f'[[runners]]\nexecutor = "kubernetes"\n[runners.kubernetes]\nnamespace = "{NAMESPACE}"\n'),
        runner_version="19.1.1",
    )


def by_reading(api: Api, number: int) -> list[bool]:
    refusal = ApiRefused(403, "Forbidden", "no access reviews")
    found = _by_reading(ReadOnlyApi(api), installed(number), RIGHTS, refusal)
    assert not found.failure, found.failure
    return [right.allowed.verdict is Verdict.YES for right in found.value]


def by_review(api: Api, number: int) -> list[bool]:
    account = service_account(f"manager-{number}", "account")
    actions = [Action(verb=verb, resource=kind, group=group, namespace=NAMESPACE) for group, kind, verb in RIGHTS]
    answers = [may(api, action, account) for action in actions]
    assert {answer.verdict for answer in answers} <= {Verdict.YES, Verdict.NO}
    return [answer.verdict is Verdict.YES for answer in answers]


def test_the_doctor_reads_of_rbac_what_the_api_server_says(api: Api, tally: Tally) -> None:
    given = generated(GIVEN, ACCOUNTS)
    objects = [made for number, one in enumerate(given) for made in manifests(number, one)]
    last = Given(
        ({"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]},), "Role", "RoleBinding", "User", NAMESPACE
    )
    try:
        side_by_side(api.apply, objects)
        # The API server hears of roles and bindings in order: when the last one counts, all do.
        objects += manifests(ACCOUNTS, last)
        side_by_side(api.apply, objects[-2:])
        deadline = time.monotonic() + 30
        while not any(by_review(api, ACCOUNTS)):
            assert time.monotonic() < deadline, "the API server does not take the last role in"
        ours = side_by_side(lambda number: by_reading(api, number), range(ACCOUNTS))
        real = side_by_side(lambda number: by_review(api, number), range(ACCOUNTS))
    finally:
        side_by_side(lambda made: api.delete(api.path_of(made)), objects)
    cases = [
        (f"{right} by {one}", mine, theirs)
        for one, left, there in zip(given, ours, real, strict=True)
        for right, mine, theirs in zip(RIGHTS, left, there, strict=True)
    ]
    tally.compare("rights by RBAC", cases)
