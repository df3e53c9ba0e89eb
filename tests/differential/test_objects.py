"""What the rehearsal's stand-in for the Kubernetes provider refuses, and what the API server's validation does."""

from typing import Any

import pytest
from hypothesis import strategies as st

from multiarch.cluster.api import Api
from multiarch.model.providers import kubernetes_objects as objects
from tests.differential.lab import NAMESPACE, Tally, accepted, generated, side_by_side

Json = dict[str, Any]
RBAC = "rbac.authorization.k8s.io"
INSIDE = f"/namespaces/{NAMESPACE}"
SCOPES = {scope.kind: scope for scope in reversed(objects.SCOPES)}
NAMES = st.text("aA0-._/%: ", min_size=1, max_size=4)
KEYS = st.one_of(
    st.text("aA0-._/ é", max_size=4),
    st.sampled_from(["...", "..a", "..", ".", "a" * 253, "a" * 254, "a..b"]),
)


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries({}, optional=fields)


def lists(values: list[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), max_size=2, unique=True)


BASE64 = st.sampled_from(["", "YQ==", "YQ=", "YQ", "Y!==", "YWJj", "YWJj\n", "é", "YWJjZA=="])
RULE = optional(
    verbs=lists(["get", "*"]), apiGroups=lists(["", "apps"]), resources=lists(["pods"]), nonResourceURLs=lists(["/x"])
)
SUBJECT = optional(
    kind=st.sampled_from(["ServiceAccount", "User", "Group", "Robot"]),
    apiGroup=st.sampled_from(["", RBAC]),
    name=st.sampled_from(["", "ann"]),
    namespace=st.sampled_from(["", "ci"]),
)
ROLE_REF = optional(
    apiGroup=st.sampled_from([RBAC, "", "apps"]),
    kind=st.sampled_from(["Role", "ClusterRole", "User"]),
    name=st.sampled_from(["", "role"]),
)
CIDR = st.sampled_from(
    ["10.0.0.0/8", "10.1.0.0/16", "10.0.0.0/8 ", "10.0.0.0", "::/0", "fd00::/8", "10.0.0.0/33", "0.0.0.0/0"]
)
PORT = st.one_of(
    optional(
        protocol=st.sampled_from(["TCP", "UDP", "SCTP", "tcp", "ICMP"]),
        port=st.sampled_from([0, 1, 80, 443, 65535, 65536]),
        endPort=st.sampled_from([0, 79, 80, 443, 65536]),
    ),
    optional(port=st.sampled_from(["http", "HTTP", "a" * 15, "a" * 16, "8080", "-"]), endPort=st.just(90)),
)
SELECTOR = st.sampled_from([{}, {"matchLabels": {"a": "b"}}, {"matchLabels": {"a b": "c"}}])
PEER = optional(
    podSelector=SELECTOR,
    namespaceSelector=SELECTOR,
    ipBlock=st.fixed_dictionaries({"cidr": CIDR}, optional={"except": st.lists(CIDR, max_size=1)}),
)
POLICY = st.fixed_dictionaries(
    {"podSelector": st.just({})},
    optional={
        "policyTypes": lists(["Ingress", "Egress", "Both"]),
        "ingress": st.lists(
            optional(**{"from": st.lists(PEER, max_size=1), "ports": st.lists(PORT, max_size=1)}), max_size=1
        ),
        "egress": st.lists(optional(to=st.lists(PEER, max_size=1), ports=st.lists(PORT, max_size=1)), max_size=1),
    },
)
LEVELS = ["privileged", "baseline", "restricted", "Baseline", "none", ""]
VERSIONS = ["latest", "v1.36", "v1.0", "v1", "1.36", "v1.36.1", "v2.0", "v1.036", ""]
SECURITY = st.fixed_dictionaries(
    {},
    optional={
        f"pod-security.kubernetes.io/{mode}{end}": st.sampled_from(values)
        for mode in ("enforce", "warn")
        for end, values in (("", LEVELS), ("-version", VERSIONS))
    },
)

CASES: dict[str, tuple[str, str, st.SearchStrategy[Json]]] = {
    "keys of ConfigMaps": ("ConfigMap", f"/api/v1{INSIDE}/configmaps", KEYS.map(lambda key: {"data": {key: "x"}})),
    "data of Secrets": (
        "Secret",
        f"/api/v1{INSIDE}/secrets",
        st.builds(
            lambda data, more: {"data": data, "stringData": more},
            st.dictionaries(KEYS, BASE64, max_size=1),
            st.dictionaries(KEYS, st.just("x"), max_size=1),
        ),
    ),
    "rules of Roles": (
        "Role",
        f"/apis/{RBAC}/v1{INSIDE}/roles",
        st.builds(lambda rules: {"rules": rules}, st.lists(RULE, max_size=2)),
    ),
    "rules of ClusterRoles": (
        "ClusterRole",
        f"/apis/{RBAC}/v1/clusterroles",
        st.builds(lambda rules: {"rules": rules}, st.lists(RULE, max_size=2)),
    ),
    "names of Roles": ("Role", f"/apis/{RBAC}/v1{INSIDE}/roles", NAMES.map(lambda name: {"metadata": {"name": name}})),
    "RoleBindings": (
        "RoleBinding",
        f"/apis/{RBAC}/v1{INSIDE}/rolebindings",
        st.builds(
            lambda role, subjects: {"roleRef": role, "subjects": subjects}, ROLE_REF, st.lists(SUBJECT, max_size=1)
        ),
    ),
    "NetworkPolicies": (
        "NetworkPolicy",
        f"/apis/networking.k8s.io/v1{INSIDE}/networkpolicies",
        st.builds(lambda spec: {"spec": spec}, POLICY),
    ),
    "Pod Security labels": (
        "Namespace",
        "/api/v1/namespaces",
        SECURITY.map(lambda labels: {"metadata": {"labels": labels}}),
    ),
}


def whole(kind: str, part: Json) -> Json:
    scope = SCOPES[kind]
    place = {"namespace": NAMESPACE} if scope.namespaced else {}
    metadata = {"name": "made", **place, **part.get("metadata", {})}
    return {"apiVersion": scope.api_version, "kind": kind, **part, "metadata": metadata}


def faultless(kind: str, manifest: Json) -> bool:
    rules = (objects.identity_rule(SCOPES[kind]), *objects.RULES.get(kind, ()))
    return not any(refusal for rule in rules for refusal in rule(manifest))


@pytest.mark.parametrize("case", CASES)
def test_the_stand_in_refuses_what_the_api_server_refuses(case: str, api: Api, tally: Tally) -> None:
    kind, collection, strategy = CASES[case]
    manifests = [whole(kind, part) for part in generated(strategy)]
    real = side_by_side(lambda manifest: accepted(api, collection, manifest), manifests)
    ours = [faultless(kind, manifest) for manifest in manifests]
    told = [
        {key: part for key, part in manifest.items() if key not in {"apiVersion", "kind"}} for manifest in manifests
    ]
    tally.compare(case, zip(told, ours, real, strict=True))
