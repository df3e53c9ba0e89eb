import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.problems import ConfigError
from components.reading import parse
from components.runner.executor import config_toml
from components.runner.permissions import job_rules, pod_security
from components.runner.settings import RunnerConfig
from components.runner.values import (
    TOKEN_CHECKSUM,
    escape_template,
    fullname,
    helm_values,
    merged,
    with_token_checksum,
)

Stacks = dict[str, Callable[..., Any]]
CHART = Path(__file__).parents[3] / "multiarch/rehearse/chart/gitlab-runner"


def values(stack: Any) -> dict[str, Any]:
    return helm_values(stack.runner, stack.runner_pools, stack.cluster.type, secret="gitlab-runner-token")


def test_the_token_is_never_among_the_values(stack: Any, token: str) -> None:
    found = values(stack)
    assert token not in json.dumps(found)
    assert "runnerToken" not in found
    assert found["runners"]["secret"] == "gitlab-runner-token"


def test_values_fit_the_embedded_charts_schema(stack: Any) -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    jsonschema.validate(with_token_checksum(values(stack), "0123"), schema)


def test_the_managers_pod_meets_the_restricted_profile(stack: Any) -> None:
    found = values(stack)
    assert found["podSecurityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert found["podSecurityContext"]["runAsNonRoot"] is True
    container = found["securityContext"]
    assert container["capabilities"] == {"drop": ["ALL"]}
    assert container["allowPrivilegeEscalation"] is False
    assert container["privileged"] is False


def test_jobs_may_finish_however_long_they_are(stacks: Stacks) -> None:
    found = values(stacks["gke"](jobTimeout=7200))
    assert found["terminationGracePeriodSeconds"] == 7200
    command = found["deploymentLifecycle"]["preStop"]["exec"]["command"][-1]
    assert "kill -QUIT 1" in command
    assert found["unregisterRunners"] is False  # the chart would drop one hook for the other


def test_every_rbac_rule_names_its_verbs_and_none_is_a_wildcard(stack: Any) -> None:
    rbac = values(stack)["rbac"]
    assert rbac["create"] is True
    assert rbac["rules"] == job_rules()
    for rule in rbac["rules"]:
        assert set(rule) == {"apiGroups", "resources", "verbs"}
        assert all(rule.values())
        assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]


def test_the_manager_may_make_pods_but_change_no_rights() -> None:
    resources = {name for rule in job_rules() for name in rule["resources"]}
    assert {"pods", "pods/attach", "pods/exec", "pods/log", "secrets"} <= resources
    assert not resources & {"roles", "rolebindings", "serviceaccounts/token", "namespaces", "nodes", "configmaps"}
    (accounts,) = (rule["verbs"] for rule in job_rules() if rule["resources"] == ["serviceaccounts"])
    assert accounts == ["get"]


def test_pod_security_is_enforced_audited_and_warned_at_a_pinned_version() -> None:
    labels = pod_security("baseline")
    for mode in ("enforce", "audit", "warn"):
        assert labels[f"pod-security.kubernetes.io/{mode}"] == "baseline"
        assert labels[f"pod-security.kubernetes.io/{mode}-version"] != "latest"


@pytest.mark.parametrize(
    ("name", "selector", "tolerations"),
    [
        ("gke", {"multiarch-runner.io/pool": "amd64"}, []),
        ("eks", {"multiarch-runner.io/pool": "amd64"}, []),
        ("aks", {"multiarch-runner.io/pool": "amd64"}, []),  # its first pool is a spot pool
        ("local", {"role": "ci", "kubernetes.io/arch": "amd64"}, []),
    ],
)
def test_the_manager_runs_on_the_first_on_demand_pool_of_the_default_architecture(
    stacks: Stacks, name: str, selector: dict[str, str], tolerations: list[Any]
) -> None:
    found = values(stacks[name]())
    assert found["nodeSelector"] == selector
    assert found["tolerations"] == tolerations


def test_a_manager_on_an_arm64_pool_tolerates_its_taint(stacks: Stacks) -> None:
    for name in ("gke", "eks", "aks"):
        found = values(stacks[name](manager={"pool": "arm64"}))
        arm64 = {"key": "kubernetes.io/arch", "operator": "Equal", "value": "arm64", "effect": "NoSchedule"}
        assert found["tolerations"] == [arm64], name
        assert found["nodeSelector"] == {"multiarch-runner.io/pool": "arm64"}


def test_a_manager_on_nodes_of_others_tolerates_the_taints_that_are_named_and_no_others(stacks: Stacks) -> None:
    named = [{"key": "CriticalAddonsOnly", "value": "true"}, {"key": "dedicated", "effect": "NoExecute"}]
    found = values(stacks["aks"](manager={"nodeSelector": {"agentpool": "system"}, "taints": named}))
    assert found["nodeSelector"] == {"agentpool": "system"}
    assert found["tolerations"] == [
        {"key": "CriticalAddonsOnly", "operator": "Equal", "value": "true", "effect": "NoSchedule"},
        {"key": "dedicated", "operator": "Exists", "effect": "NoExecute"},
    ]


def test_taints_of_the_managers_nodes_move_no_job(stacks: Stacks) -> None:
    placed = {"nodeSelector": {"agentpool": "system"}}
    tainted = values(stacks["aks"](manager={**placed, "taints": [{"key": "CriticalAddonsOnly"}]}))
    assert tainted["runners"] == values(stacks["aks"](manager=placed))["runners"]


@pytest.mark.parametrize(
    ("taints", "words"),
    [
        (None, "runner.manager.taints"),
        ({"key": "a"}, "runner.manager.taints"),
        (["a=b:NoSchedule"], "runner.manager.taints[0]"),
        ([{"value": "x"}], "runner.manager.taints[0].key"),
        ([{"key": None}], "runner.manager.taints[0].key"),
        ([{"key": "a", "value": True}], "runner.manager.taints[0].value"),
        ([{"key": "a", "effect": "NoScheduling"}], "runner.manager.taints[0].effect"),
        ([{"key": "a", "operator": "Exists"}], "runner.manager.taints[0].operator"),
    ],
)
def test_what_is_no_taint_is_refused_with_its_place(taints: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(f"{words}: ")):
        parse(
            RunnerConfig,
            {"gitlabUrl": "https://gitlab.com", "manager": {"nodeSelector": {"a": "b"}, "taints": taints}},
            "runner",
        )


def test_the_managers_cloud_identity_is_an_annotation_of_its_service_account(stacks: Stacks) -> None:
    keys = {
        "gke": "iam.gke.io/gcp-service-account",
        "eks": "eks.amazonaws.com/role-arn",
        "aks": "azure.workload.identity/client-id",
    }
    for name, key in keys.items():
        assert list(values(stacks[name]())["serviceAccount"]["annotations"]) == [key]
    assert values(stacks["local"]())["serviceAccount"]["annotations"] == {}


def test_extra_values_are_merged_key_by_key(stacks: Stacks) -> None:
    found = values(stacks["gke"](values={"podLabels": {"team": "ci"}, "podAnnotations": {"a": "b"}, "hostname": "x"}))
    assert found["podLabels"] == {"team": "ci"}
    assert found["podAnnotations"]["a"] == "b"
    assert found["podAnnotations"]["cluster-autoscaler.kubernetes.io/safe-to-evict"] == "false"
    assert found["hostname"] == "x"


def test_a_new_token_changes_the_pods_annotations(stack: Any) -> None:
    found = with_token_checksum(values(stack), "0123")
    assert found["podAnnotations"][TOKEN_CHECKSUM] == "0123"
    assert TOKEN_CHECKSUM not in values(stack)["podAnnotations"]


@pytest.mark.parametrize(
    ("release", "name"),
    [
        ("gitlab-runner", "gitlab-runner"),
        ("gitlab-runner-eu", "gitlab-runner-eu"),
        ("ci", "ci-gitlab-runner"),
        ("r" * 49, "r" * 49 + "-gitlab-runner"),
        ("r" * 53, ("r" * 53 + "-gitlab-runner")[:63]),
        ("r" * 49 + "-x", "r" * 49 + "-x-gitlab-runn"),
    ],
)
def test_the_objects_name_is_derived_as_the_chart_does(release: str, name: str) -> None:
    assert fullname(release) == name.removesuffix("-")
    assert len(fullname(release)) <= 63


@given(st.text(alphabet="{}a \"'`\\", max_size=20))
def test_an_escaped_text_holds_no_template_action_but_the_escape(text: str) -> None:
    assert "{{" not in escape_template(text).replace('{{ "{{" }}', "")
    # What Helm's tpl makes of it: each escape prints two braces.
    assert escape_template(text).replace('{{ "{{" }}', "{{") == text


def test_the_config_goes_through_helms_templating_unharmed(stacks: Stacks) -> None:
    stack = stacks["gke"](allowedImages=["registry.example.com/{{ .Values.runnerToken }}/*"])
    config = values(stack)["runners"]["config"]
    assert config.replace('{{ "{{" }}', "{{") == config_toml(stack.runner, stack.runner_pools, "gke")
    assert "{{ .Values" not in config


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
mappings = st.dictionaries(st.sampled_from("abc"), json_values, max_size=3)


@given(mappings, mappings)
def test_merging_keeps_all_of_the_upper_and_what_it_leaves_alone_of_the_lower(lower: Any, upper: Any) -> None:
    result = merged(lower, upper)
    assert set(result) == set(lower) | set(upper)
    assert merged(lower, {}) == lower
    assert merged(result, upper) == result
    for key in set(lower) - set(upper):
        assert result[key] == lower[key]
