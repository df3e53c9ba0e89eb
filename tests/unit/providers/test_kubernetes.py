"""Kubernetes objects, Helm releases, GitLab runners: each rule refuses its example and accepts its neighbour."""

import base64
import json
from typing import Any

import pytest

from multiarch.model.providers.gitlab import USER_RUNNER, GitlabProvider
from multiarch.model.providers.kubernetes import KubernetesProvider
from multiarch.model.providers.kubernetes_release import TOKEN as RELEASE
from multiarch.model.providers.values import UNKNOWN, SecretValue
from tests.unit.providers.conftest import changed

RBAC = "rbac.authorization.k8s.io"
NAMESPACE = "kubernetes:core/v1:Namespace"
SECRET = "kubernetes:core/v1:Secret"
ALERTS = "kubernetes:monitoring.coreos.com/v1:PrometheusRule"
CONFIG = "kubernetes:core/v1:ConfigMap"
ROLE = f"kubernetes:{RBAC}/v1:Role"
BINDING = f"kubernetes:{RBAC}/v1:RoleBinding"
CLUSTER_ROLE = f"kubernetes:{RBAC}/v1:ClusterRole"
CLUSTER_BINDING = f"kubernetes:{RBAC}/v1:ClusterRoleBinding"
PSA = "pod-security.kubernetes.io/"
POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
ADMITTING = "kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy"
PUT_IN_FORCE = f"{ADMITTING}Binding"


def thing(api: str, kind: str, **rest: Any) -> dict[str, Any]:
    metadata = {"name": "runner", "namespace": "ci", "labels": {"app": "runner"}}
    if kind == "Namespace" or kind.startswith(("ValidatingAdmissionPolicy", "Cluster")):
        del metadata["namespace"]
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **rest}


SPACE = thing("v1", "Namespace")
SECRETS = thing("v1", "Secret", data={"token": base64.b64encode(b"x").decode()}, stringData={"plain": "text"})
ALERT = thing(
    "monitoring.coreos.com/v1",
    "PrometheusRule",
    spec={"groups": [{"name": "g", "rules": [{"alert": "A", "expr": "up == 0", "for": "1h30m"}]}]},
)
MAP = thing("v1", "ConfigMap", data={"config.toml": "x"})
RULES = thing(f"{RBAC}/v1", "Role", rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}])
BOUND = thing(
    f"{RBAC}/v1",
    "RoleBinding",
    roleRef={"apiGroup": RBAC, "kind": "Role", "name": "runner"},
    subjects=[{"kind": "ServiceAccount", "name": "runner", "namespace": "ci"}],
)
EVERYWHERE = thing(f"{RBAC}/v1", "ClusterRole", rules=RULES["rules"])
BOUND_EVERYWHERE = thing(f"{RBAC}/v1", "ClusterRoleBinding", roleRef=BOUND["roleRef"], subjects=BOUND["subjects"])
BLOCK = {"cidr": "0.0.0.0/0", "except": ["169.254.169.254/32"]}
NETWORK = thing(
    "networking.k8s.io/v1",
    "NetworkPolicy",
    spec={
        "podSelector": {},
        "policyTypes": ["Egress"],
        "egress": [{"to": [{"ipBlock": BLOCK}], "ports": [{"protocol": "TCP", "port": 443}]}],
    },
)
MATCH = {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["pods"]}]}
ADMISSION = thing(
    "admissionregistration.k8s.io/v1",
    "ValidatingAdmissionPolicy",
    spec={
        "failurePolicy": "Fail",
        "matchConstraints": MATCH,
        "variables": [{"name": "x", "expression": "1"}],
        "validations": [{"expression": "variables.x == 1", "reason": "Forbidden"}],
    },
)
IN_FORCE = thing(
    "admissionregistration.k8s.io/v1",
    "ValidatingAdmissionPolicyBinding",
    spec={"policyName": "runner", "validationActions": ["Deny"]},
)
CHART: dict[str, Any] = {
    "chart": "gitlab-runner",
    "version": "0.90.1",
    "name": "runner",
    "namespace": "ci",
    "values": {},
}


def egress(block: Any = None, port: Any = None) -> dict[str, Any]:
    peers = [{"ipBlock": block}] if block else []
    return {"spec.egress": [{"to": peers, "ports": [port] if port else []}]}


REFUSED: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    (NAMESPACE, SPACE, {"metadata.name": "CI"}, "metadata.name"),
    (NAMESPACE, SPACE, {"metadata.name": "a" * 64}, "metadata.name"),
    (NAMESPACE, SPACE, {"metadata.name": "a.b"}, "metadata.name"),
    (NAMESPACE, SPACE, {"metadata.namespace": "ci"}, "metadata.namespace"),
    (NAMESPACE, SPACE, {"apiVersion": "v2"}, "apiVersion"),
    (NAMESPACE, SPACE, {"kind": "Project"}, "kind"),
    (NAMESPACE, SPACE, {"metadata.labels": {"a/b/c": "x"}}, 'metadata.labels["a/b/c"]'),
    (NAMESPACE, SPACE, {"metadata.labels": {"a": "x" * 64}}, "metadata.labels.a"),
    (NAMESPACE, SPACE, {"metadata.annotations": {"/x": "y"}}, 'metadata.annotations["/x"]'),
    (
        NAMESPACE,
        SPACE,
        {"metadata.labels": {"pod-security.kubernetes.io/enforce": "strict"}},
        'metadata.labels["pod-security.kubernetes.io/enforce"]',
    ),
    (
        NAMESPACE,
        SPACE,
        {"metadata.labels": {"pod-security.kubernetes.io/enforce-version": "1.33"}},
        'metadata.labels["pod-security.kubernetes.io/enforce-version"]',
    ),
    (SECRET, SECRETS, {"metadata.namespace": ...}, "metadata.namespace"),
    (SECRET, SECRETS, {"metadata.namespace": "CI"}, "metadata.namespace"),
    (SECRET, SECRETS, {"data": {"token": "plain text!"}}, "data.token"),
    (SECRET, SECRETS, {"stringData": {"a b": "x"}}, 'stringData["a b"]'),
    (CONFIG, MAP, {"data": {"big": "x" * (1024 * 1024 + 1)}}, "data"),
    (ALERTS, ALERT, {"metadata.namespace": ...}, "metadata.namespace"),
    (ALERTS, ALERT, {"spec": ...}, "spec"),
    (ALERTS, ALERT, {"spec.groups": [{"name": "g", "rules": [{"alert": "A"}]}]}, "spec.groups[0].rules[0].expr"),
    (ALERTS, ALERT, {"spec.groups": [{"rules": []}]}, "spec.groups[0].name"),
    (ALERTS, ALERT, {"spec.groups": [{"name": "g"}, {"name": "g"}]}, "spec.groups[1]"),
    (ALERTS, ALERT, {"spec.groups": [{"name": "g", "rule": []}]}, "spec.groups[0].rule"),
    (
        ALERTS,
        ALERT,
        {"spec.groups": [{"name": "g", "rules": [{"expr": "1", "for": "5"}]}]},
        "spec.groups[0].rules[0].for",
    ),
    (
        ALERTS,
        ALERT,
        {"spec.groups": [{"name": "g", "rules": [{"expr": "1", "labels": {"n": 1}}]}]},
        "spec.groups[0].rules[0].labels.n",
    ),
    (ROLE, RULES, {"metadata.name": "a/b"}, "metadata.name"),
    (ROLE, RULES, {"rules": [{"apiGroups": [""], "resources": ["pods"]}]}, "rules[0].verbs"),
    (ROLE, RULES, {"rules": [{"resources": ["pods"], "verbs": ["get"]}]}, "rules[0].apiGroups"),
    (ROLE, RULES, {"rules": [{"apiGroups": [""], "verbs": ["get"]}]}, "rules[0].resources"),
    (CONFIG, MAP, {"metadata.name": "Map"}, "metadata.name"),
    (BINDING, BOUND, {"metadata.name": ".."}, "metadata.name"),
    (POLICY, NETWORK, {"metadata.name": "-x"}, "metadata.name"),
    (BINDING, BOUND, {"roleRef.apiGroup": "apps"}, "roleRef.apiGroup"),
    (BINDING, BOUND, {"roleRef.kind": "Rolle"}, "roleRef.kind"),
    (BINDING, BOUND, {"roleRef.name": ...}, "roleRef.name"),
    (
        CLUSTER_BINDING,
        BOUND_EVERYWHERE,
        {"subjects": [{"kind": "ServiceAccount", "name": "x"}]},
        "subjects[0].namespace",
    ),
    (BINDING, BOUND, {"subjects": [{"kind": "ServiceAccount", "name": "x", "apiGroup": RBAC}]}, "subjects[0].apiGroup"),
    (BINDING, BOUND, {"subjects": [{"kind": "User", "name": "x", "apiGroup": "apps"}]}, "subjects[0].apiGroup"),
    (ROLE, RULES, {"rules": [{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}]}, "rules[0].nonResourceURLs"),
    (CLUSTER_ROLE, EVERYWHERE, {"metadata.namespace": "ci"}, "metadata.namespace"),
    (CLUSTER_BINDING, BOUND_EVERYWHERE, {"metadata.namespace": "ci"}, "metadata.namespace"),
    (
        CLUSTER_ROLE,
        EVERYWHERE,
        {"rules": [{"nonResourceURLs": ["/x"], "verbs": ["get"], "resources": ["pods"]}]},
        "rules[0].nonResourceURLs",
    ),
    ("kubernetes:core/v1:ConfigMap", MAP, {"data": {"..config": "x"}}, 'data["..config"]'),
    ("kubernetes:core/v1:ConfigMap", MAP, {"data": {"a" * 254: "x"}}, f"data.{'a' * 254}"),
    (
        "kubernetes:core/v1:Namespace",
        SPACE,
        {"metadata.labels": {f"{PSA}enforce-version": "v1.036"}},
        'metadata.labels["pod-security.kubernetes.io/enforce-version"]',
    ),
    (POLICY, NETWORK, {"spec.egress": [{"ports": [{"endPort": 90}]}]}, "spec.egress[0].ports[0].endPort"),
    (
        POLICY,
        NETWORK,
        {"spec.egress": [{"ports": [{"port": "http", "endPort": 90}]}]},
        "spec.egress[0].ports[0].endPort",
    ),
    (POLICY, NETWORK, {"spec.egress": [{"ports": [{"port": "HTTP"}]}]}, "spec.egress[0].ports[0].port"),
    (BINDING, BOUND, {"subjects": [{"kind": "Robot", "name": "x"}]}, "subjects[0].kind"),
    (ADMITTING, ADMISSION, {"metadata.namespace": "ci"}, "metadata.namespace"),
    (ADMITTING, ADMISSION, {"spec.failurePolicy": "Open"}, "spec.failurePolicy"),
    (ADMITTING, ADMISSION, {"spec.matchConstraints": ...}, "spec.matchConstraints"),
    (ADMITTING, ADMISSION, {"spec.matchConstraints": {"resourceRules": []}}, "spec.matchConstraints.resourceRules"),
    (ADMITTING, ADMISSION, {"spec.validations": []}, "spec.validations"),
    (ADMITTING, ADMISSION, {"spec.validations": [{"expression": " "}]}, "spec.validations[0].expression"),
    (
        ADMITTING,
        ADMISSION,
        {"spec.validations": [{"expression": "true", "reason": "Nope"}]},
        "spec.validations[0].reason",
    ),
    (
        ADMITTING,
        ADMISSION,
        {"spec.validations": [{"expression": "true", "message": "two\nlines"}]},
        "spec.validations[0].message",
    ),
    (ADMITTING, ADMISSION, {"spec.variables": [{"name": "a-b", "expression": "1"}]}, "spec.variables[0].name"),
    (PUT_IN_FORCE, IN_FORCE, {"metadata.namespace": "ci"}, "metadata.namespace"),
    (PUT_IN_FORCE, IN_FORCE, {"spec.policyName": ...}, "spec.policyName"),
    (PUT_IN_FORCE, IN_FORCE, {"spec.validationActions": []}, "spec.validationActions"),
    (PUT_IN_FORCE, IN_FORCE, {"spec.validationActions": ["Refuse"]}, "spec.validationActions[0]"),
    (PUT_IN_FORCE, IN_FORCE, {"spec.validationActions": ["Deny", "Warn"]}, "spec.validationActions"),
    (POLICY, NETWORK, {"spec.policyTypes": ["Both"]}, "spec.policyTypes[0]"),
    (POLICY, NETWORK, egress({"cidr": "10.0.0.0/40"}), "spec.egress[0].to[0].ipBlock.cidr"),
    (POLICY, NETWORK, egress({"cidr": "10.0.0.0"}), "spec.egress[0].to[0].ipBlock.cidr"),
    (
        POLICY,
        NETWORK,
        egress({"cidr": "10.0.0.0/8", "except": ["192.168.0.0/16"]}),
        "spec.egress[0].to[0].ipBlock.except[0]",
    ),
    (
        POLICY,
        NETWORK,
        egress({"cidr": "10.0.0.0/8", "except": ["10.0.0.0/8"]}),
        "spec.egress[0].to[0].ipBlock.except[0]",
    ),
    (POLICY, NETWORK, egress(port={"protocol": "ICMP"}), "spec.egress[0].ports[0].protocol"),
    (POLICY, NETWORK, egress(port={"port": 70000}), "spec.egress[0].ports[0].port"),
    (POLICY, NETWORK, egress(port={"port": 90, "endPort": 80}), "spec.egress[0].ports[0].endPort"),
    (POLICY, NETWORK, {"spec.egress": [{"to": [{}]}]}, "spec.egress[0].to[0]"),
    (POLICY, NETWORK, {"spec.egress": [{"to": [{"ipBlock": BLOCK, "podSelector": {}}]}]}, "spec.egress[0].to[0]"),
    (RELEASE, CHART, {"chart": ...}, "chart"),
    (RELEASE, CHART, {"version": ...}, "version"),
    (RELEASE, CHART, {"version": "~0.90"}, "version"),
    (RELEASE, CHART, {"name": "r" * 54}, "name"),
    (RELEASE, CHART, {"name": "Runner"}, "name"),
    (RELEASE, CHART, {"namespace": "CI"}, "namespace"),
    (RELEASE, CHART, {"values": {"runnerToken": "glrt-abcdefgh12345678"}}, "values.runnerToken"),
    (RELEASE, CHART, {"values": {"runners": {"config": 'token = "glrt-abcdefgh12345678"'}}}, "values.runners.config"),
    (RELEASE, CHART, {"timeout": 0}, "timeout"),
    (USER_RUNNER, {"runnerType": "project_type"}, {}, "projectId"),
    (USER_RUNNER, {"runnerType": "group_type", "groupId": 1, "projectId": 2}, {}, "projectId"),
    (USER_RUNNER, {"runnerType": "shared"}, {}, "runnerType"),
    (USER_RUNNER, {"runnerType": "instance_type", "untagged": False}, {}, "tagLists"),
    (USER_RUNNER, {"runnerType": "instance_type", "maximumTimeout": 60}, {}, "maximumTimeout"),
    (USER_RUNNER, {"runnerType": "instance_type", "accessLevel": "all"}, {}, "accessLevel"),
]
ACCEPTED: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (NAMESPACE, SPACE, {}),
    (
        NAMESPACE,
        SPACE,
        {
            "metadata.labels": {
                "pod-security.kubernetes.io/enforce": "baseline",
                "pod-security.kubernetes.io/enforce-version": "v1.33",
            }
        },
    ),
    (NAMESPACE, SPACE, {"metadata.annotations": {"pulumi.com/Skip-Await": "true"}}),
    (SECRET, SECRETS, {}),
    (SECRET, SECRETS, {"data": UNKNOWN, "metadata.namespace": UNKNOWN}),
    (CONFIG, MAP, {}),
    (ALERTS, ALERT, {}),
    (ALERTS, ALERT, {"spec.groups": UNKNOWN}),
    (ROLE, RULES, {"metadata.name": "system:Runner"}),
    (CLUSTER_ROLE, EVERYWHERE, {"rules": [{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}]}),
    (BINDING, BOUND, {"subjects": [{"kind": "ServiceAccount", "name": "x"}]}),
    (BINDING, BOUND, {"roleRef.apiGroup": ...}),
    ("kubernetes:core/v1:Secret", SECRETS, {"data": {"token": "eHh4\n"}}),
    (BINDING, BOUND, {}),
    (BINDING, BOUND, {"subjects": [{"kind": "Group", "name": "ci"}]}),
    (POLICY, NETWORK, {}),
    (POLICY, NETWORK, egress({"cidr": "::/0", "except": ["fd00:ec2::254/128"]}, {"port": "dns", "protocol": "UDP"})),
    (POLICY, NETWORK, egress(port={"port": 80, "endPort": 90})),
    (ADMITTING, ADMISSION, {}),
    (ADMITTING, ADMISSION, {"spec.failurePolicy": ..., "spec.validations": [{"expression": "true"}]}),
    (PUT_IN_FORCE, IN_FORCE, {}),
    (PUT_IN_FORCE, IN_FORCE, {"spec.validationActions": ["Deny", "Audit"]}),
    (RELEASE, CHART, {}),
    (RELEASE, CHART, {"chart": "./chart", "version": ...}),
    (RELEASE, CHART, {"values": {"runners": {"secret": "token", "config": "tag glrt- is a prefix"}}, "timeout": 900}),
    (USER_RUNNER, {"runnerType": "instance_type", "tagLists": ["multi-arch"], "untagged": False}, {}),
    (USER_RUNNER, {"runnerType": "group_type", "groupId": 7, "maximumTimeout": 600}, {}),
]


@pytest.mark.parametrize(
    ("token", "inputs", "changes", "path"), REFUSED, ids=[f"{i}-{row[3][:40]}" for i, row in enumerate(REFUSED)]
)
def test_kubernetes_refuses(check: Any, token: str, inputs: dict[str, Any], changes: dict[str, Any], path: str) -> None:
    refusals = check(token, inputs, changes)
    assert path in [refusal.path for refusal in refusals], refusals
    assert all(refusal.source and refusal.message for refusal in refusals)


@pytest.mark.parametrize(("token", "inputs", "changes"), ACCEPTED, ids=range(len(ACCEPTED)))
def test_kubernetes_accepts(check: Any, token: str, inputs: dict[str, Any], changes: dict[str, Any]) -> None:
    assert check(token, inputs, changes) == []


def test_a_kind_that_the_provider_does_not_know_is_refused_and_never_passed(check: Any) -> None:
    refusals = check("kubernetes:apps/v1:Deployment", thing("apps/v1", "Deployment"), {})
    assert "has no provider for kubernetes:apps/v1:Deployment" in refusals[0].message


def kubeconfig(**changes: Any) -> str:
    entry = {"name": "ci"}
    return json.dumps(
        {"clusters": [entry], "contexts": [entry], "users": [entry], "current-context": "ci", **changes}, indent=1
    )


@pytest.mark.parametrize(
    ("inputs", "path"),
    [
        ({}, "kubeconfig"),
        ({"kubeconfig": kubeconfig(clusters=[])}, "kubeconfig"),
        ({"kubeconfig": kubeconfig(**{"current-context": ""})}, "kubeconfig"),
        ({"kubeconfig": kubeconfig(), "context": "other"}, "context"),
        ({"kubeconfig": "{ no: [yaml"}, "kubeconfig"),
    ],
)
def test_a_provider_without_a_cluster_is_refused(inputs: dict[str, Any], path: str) -> None:
    assert [refusal.path for refusal in KubernetesProvider().check_config(inputs)] == [path]


@pytest.mark.parametrize(
    "inputs", [{"kubeconfig": kubeconfig()}, {"kubeconfig": "/home/ci/.kube/config"}, {"kubeconfig": UNKNOWN}]
)
def test_a_provider_with_a_cluster_or_a_path_is_accepted(inputs: dict[str, Any]) -> None:
    assert KubernetesProvider().check_config(inputs) == []


def test_a_config_maps_data_replaces_it_and_deletes_first_when_the_name_is_fixed(differ: Any) -> None:
    diff = differ(CONFIG, MAP, {"data": {"config.toml": "y"}})
    assert diff.replaces == ('data["config.toml"]',)
    assert diff.delete_before_replace
    assert not differ(CONFIG, MAP, {"metadata.labels.app": "x"}).replaces
    unnamed = {**MAP, "metadata": {"namespace": "ci"}}
    assert not differ(CONFIG, unnamed, {"data": {"config.toml": "y"}}).delete_before_replace


def test_a_release_updates_its_values_in_place(differ: Any) -> None:
    diff = differ(RELEASE, CHART, {"values": {"concurrent": 9}})
    assert not diff.replaces
    assert diff.updates == ("values.concurrent",)


def test_an_object_without_a_name_gets_one_and_an_id() -> None:
    created = KubernetesProvider().create(CONFIG, "settings", {"metadata": {"namespace": "ci"}})
    assert created.id == f"ci/{created.outputs['metadata']['name']}"
    assert created.outputs["metadata"]["name"].startswith("settings-")


def test_a_created_runners_token_is_secret() -> None:
    created = GitlabProvider().create(USER_RUNNER, "runner", {"runnerType": "instance_type"})
    assert isinstance(created.outputs["token"], SecretValue)


OBJECT_RULES = [
    (token, rule)
    for token, kind in {**KubernetesProvider.kinds, **GitlabProvider.kinds}.items()
    if any(row[0] == token for row in REFUSED)
    for rule in kind.rules
]


@pytest.mark.parametrize(("token", "rule"), OBJECT_RULES, ids=lambda value: getattr(value, "__name__", ""))
def test_every_rule_refuses_one_of_the_examples_by_itself(token: str, rule: Any) -> None:
    assert any(list(rule(changed(inputs, changes))) for of, inputs, changes, _ in REFUSED if of == token)
