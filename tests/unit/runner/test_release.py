import ast
import importlib.util
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import rpc

import components.runner
from components.problems import ConfigError
from components.runner.arguments import checked, runner_args
from components.runner.component import MultiArchRunner, Runner

Stacks = dict[str, Callable[..., Any]]
Record = Callable[[Callable[[], object]], Any]

RELEASE = "kubernetes:helm.sh/v3:Release"
SECRET = "kubernetes:core/v1:Secret"
NAMESPACE = "kubernetes:core/v1:Namespace"


def declared(record: Record, stack: Any) -> Any:
    return record(lambda: MultiArchRunner("runner", runner_args(stack.config)))


def secrets(value: Any) -> list[Any]:
    """List every secret among the inputs, in the open."""
    if isinstance(value, dict):
        if value.get(rpc._special_sig_key) == rpc._special_secret_sig:
            return [value["value"]]
        return [found for entry in value.values() for found in secrets(entry)]
    return [found for entry in value for found in secrets(entry)] if isinstance(value, list) else []


def without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get(rpc._special_sig_key) == rpc._special_secret_sig:
            return "[secret]"
        return {key: without_secrets(entry) for key, entry in value.items()}
    return [without_secrets(entry) for entry in value] if isinstance(value, list) else value


def test_the_token_is_sent_as_a_secret_in_one_secret_and_nowhere_else(
    record: Record, stacks: Stacks, token: str
) -> None:
    for name in ("gke", "eks", "aks"):
        found = declared(record, stacks[name]())
        for resource in found.resources:
            assert token not in json.dumps(without_secrets(resource.inputs)), resource.name
            holds = token in json.dumps(secrets(resource.inputs))
            assert holds == (resource.type == SECRET), resource.name
        assert set(found.one(SECRET).secret_outputs) == {"data", "stringData"}
        assert token not in json.dumps(found.outputs)


def test_the_secret_has_both_keys_that_the_chart_projects(record: Record, stacks: Stacks, token: str) -> None:
    found = declared(record, stacks["gke"]())
    (content,) = secrets(found.one(SECRET).inputs)
    assert content == {"runner-registration-token": "", "runner-token": token}
    assert found.one(SECRET).inputs["metadata"]["name"] == "gitlab-runner-token"
    assert found.one(RELEASE).inputs["values"]["runners"]["secret"] == "gitlab-runner-token"


def test_another_token_restarts_the_manager(record: Record, stacks: Stacks) -> None:
    def annotation(token: str) -> str:
        stack = replace(stacks["gke"](), token=token)
        found = declared(record, stack).one(RELEASE).inputs["values"]["podAnnotations"]
        return str(found["multiarch-runner.io/token-checksum"])

    assert annotation("glrt-first_0123456789") == annotation("glrt-first_0123456789")
    assert annotation("glrt-first_0123456789") != annotation("glrt-other_0123456789")


def test_an_existing_secret_is_only_named_and_its_revision_restarts_the_manager(record: Record, stacks: Stacks) -> None:
    found = declared(record, stacks["local"]())
    assert found.all(SECRET) == []
    values = found.one(RELEASE).inputs["values"]
    assert values["runners"]["secret"] == "gitlab-runner-token"
    assert values["podAnnotations"]["multiarch-runner.io/token-checksum"] == "2"


def test_the_release_is_pinned_and_atomic(record: Record, stacks: Stacks) -> None:
    release = declared(record, stacks["gke"]()).one(RELEASE).inputs
    assert release["chart"] == "gitlab-runner"
    assert release["version"] == "0.90.1"
    assert release["repositoryOpts"] == {"repo": "https://charts.gitlab.io"}
    assert release["name"] == release["namespace"] == "gitlab-runner"
    assert release["atomic"] is release["cleanupOnFail"] is True
    assert release["maxHistory"] == 5


@pytest.mark.parametrize("job_timeout", [600, 3600, 86400])
def test_a_manager_that_cannot_start_fails_the_update_within_ten_minutes_however_long_jobs_are(
    record: Record, stacks: Stacks, job_timeout: int
) -> None:
    own = {"token": {"existingSecret": "buildkit-token"}}
    for stack in stacks.values():
        found = declared(record, stack(jobTimeout=job_timeout, pollTimeout=300, buildkit=own))
        releases = [resource.inputs for resource in found.all(RELEASE)]
        assert len(releases) == 2
        for release in releases:
            assert 0 < release["timeout"] <= 600
            # The old manager's jobs finish all the same: that is its pod's own grace period.
            assert release["values"]["terminationGracePeriodSeconds"] == job_timeout


@pytest.mark.parametrize(
    ("chart", "inputs"),
    [
        ({"version": "0.92.2"}, {"chart": "gitlab-runner", "version": "0.92.2"}),
        (
            {"reference": "oci://r.example.com/charts/gitlab-runner", "version": "0.90.1"},
            {"chart": "oci://r.example.com/charts/gitlab-runner", "version": "0.90.1"},
        ),
        ({"path": "/srv/charts/gitlab-runner"}, {"chart": "/srv/charts/gitlab-runner"}),
    ],
)
def test_a_chart_comes_from_where_the_stack_says(
    record: Record, stacks: Stacks, chart: dict[str, str], inputs: dict[str, str]
) -> None:
    release = declared(record, stacks["gke"](chart=chart)).one(RELEASE).inputs
    assert {key: release[key] for key in ("chart", "version") if key in release} == inputs
    assert ("repositoryOpts" in release) == (inputs["chart"] == "gitlab-runner")


def test_the_release_waits_for_everything_it_stands_on(record: Record, stacks: Stacks) -> None:
    class Pool(pulumi.CustomResource):
        names: pulumi.Output[list[str]]

        def __init__(self) -> None:
            super().__init__("test:index:Pool", "pool", {"names": ["a"]}, pulumi.ResourceOptions())

    def program() -> None:
        MultiArchRunner("runner", runner_args(stacks["gke"]().config, nodes=[Pool().names]))

    found = record(program)
    waited = set(found.one(RELEASE).dependencies)
    before = [NAMESPACE, "kubernetes:core/v1:ServiceAccount", "kubernetes:networking.k8s.io/v1:NetworkPolicy", SECRET]
    for type_ in [*before, "test:index:Pool"]:
        for resource in found.all(type_):
            assert resource.urn in waited, resource.name


def test_policies_and_account_wait_for_their_namespace(record: Record, stacks: Stacks) -> None:
    found = declared(record, stacks["gke"]())
    urns = {resource.inputs["metadata"]["name"]: resource.urn for resource in found.all(NAMESPACE)}
    for type_ in ("kubernetes:networking.k8s.io/v1:NetworkPolicy", "kubernetes:core/v1:ServiceAccount"):
        for resource in found.all(type_):
            assert urns[resource.inputs["metadata"]["namespace"]] in resource.dependencies, resource.name


def test_every_child_hangs_under_the_component_and_carries_its_name(record: Record, stacks: Stacks) -> None:
    found = declared(record, stacks["aks"]())
    names = {resource.urn: resource.name for resource in found.resources}
    for resource in found.resources:
        if resource.type != "multiarch-runner:index:MultiArchRunner":
            assert resource.name.startswith("runner-"), resource.name
            assert names[resource.parent] in ("runner", "runner-namespaces"), resource.name


def test_namespaces_enforce_their_profiles(record: Record, stacks: Stacks) -> None:
    found = declared(record, stacks["gke"]())
    profiles = {
        namespace.inputs["metadata"]["name"]: namespace.inputs["metadata"]["labels"]
        for namespace in found.all(NAMESPACE)
    }
    assert profiles["gitlab-runner"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert profiles["gitlab-runner-jobs"]["pod-security.kubernetes.io/enforce"] == "baseline"
    assert all(labels["managed-by"] == "pulumi" for labels in profiles.values())


def test_namespaces_of_others_get_the_labels_and_are_never_the_stacks_to_delete(record: Record, stacks: Stacks) -> None:
    ours = declared(record, stacks["gke"](buildkit={"token": {"existingSecret": "t"}})).all(NAMESPACE)
    found = declared(record, stacks["gke"](existingNamespaces=True, buildkit={"token": {"existingSecret": "t"}}))
    assert found.all(NAMESPACE) == []
    theirs = {
        one.inputs["metadata"]["name"]: one.inputs["metadata"]["labels"] for one in found.all(f"{NAMESPACE}Patch")
    }
    assert theirs == {
        one.inputs["metadata"]["name"]: {
            key: value for key, value in one.inputs["metadata"]["labels"].items() if key != "managed-by"
        }
        for one in ours
    }
    assert {labels["pod-security.kubernetes.io/enforce"] for labels in theirs.values()} == {
        "restricted",
        "baseline",
        "privileged",
    }


def test_the_jobs_account_mounts_no_token_and_has_no_role(record: Record, stacks: Stacks) -> None:
    found = declared(record, stacks["gke"](jobServiceAccount={"annotations": {"a": "b"}}))
    account = found.one("kubernetes:core/v1:ServiceAccount").inputs
    assert account["automountServiceAccountToken"] is False
    assert account["metadata"]["annotations"] == {"a": "b"}
    assert not [resource for resource in found.resources if "rbac" in resource.type]


def test_policies_close_both_directions_and_cut_out_the_metadata_addresses(record: Record, stacks: Stacks) -> None:
    found = declared(record, stacks["eks"]()).all("kubernetes:networking.k8s.io/v1:NetworkPolicy")
    assert all(policy.inputs["spec"]["policyTypes"] == ["Ingress", "Egress"] for policy in found)
    assert all(policy.inputs["spec"]["podSelector"] == {} for policy in found)
    (registry,) = (policy for policy in found if policy.inputs["metadata"]["name"] == "allow-registry")
    v4, v6 = (peer["ipBlock"] for peer in registry.inputs["spec"]["egress"][0]["to"])
    assert (v4["cidr"], v6["cidr"]) == ("0.0.0.0/0", "::/0")
    assert {"169.254.0.0/16", "10.0.0.0/8"} <= set(v4["except"])
    assert {"fe80::/10", "fc00::/7"} <= set(v6["except"])
    holes = [ip_network(text) for text in (*v4["except"], *v6["except"])]
    assert not [(a, b) for a in holes for b in holes if a != b and a.version == b.version and a.overlaps(b)]
    assert registry.inputs["spec"]["egress"][0]["ports"] == [{"port": 443, "protocol": "TCP"}]


def test_outputs_are_the_annotated_attributes(record: Record, stacks: Stacks) -> None:
    found = declared(record, stacks["eks"]())
    (runner,) = (outputs for urn, outputs in found.outputs.items() if urn.endswith("MultiArchRunner::runner"))
    assert set(runner) == set(Runner.__annotations__)
    assert runner["runner_version"] == "19.1.1"
    assert runner["service_account"] == runner["release_name"] == "gitlab-runner"
    assert runner["job_service_account"] == "gitlab-runner-job"
    assert runner["selector_regex"] == r"^(kubernetes\.io/arch=(amd64|arm64)|disktype=ssd|team=(a|b))$"
    assert len(runner["config_checksum"]) == 64


def test_nothing_is_declared_for_a_mistaken_configuration(record: Record, stacks: Stacks) -> None:
    stack = stacks["gke"](selectorRegex=r"^kubernetes\.io/arch=amd64$")
    problems: list[str] = []

    def program() -> None:
        try:
            MultiArchRunner("runner", runner_args(stack.config))
        except ConfigError as error:
            problems.extend(problem.path for problem in error.problems)

    assert record(program).resources == []
    assert problems == ["runner.selectorRegex"]


def test_a_missing_token_is_a_problem_and_not_a_crash(stacks: Stacks) -> None:
    with pytest.raises(ConfigError) as caught:
        checked(runner_args(replace(stacks["gke"](), token=None).config))
    assert [problem.path for problem in caught.value.problems] == ["token"]


def test_pools_that_are_no_list_are_told_as_a_whole(stacks: Stacks) -> None:
    args: Any = runner_args(stacks["gke"]().config)
    args["pools"] = "x"
    with pytest.raises(ConfigError, match=r"^pools: 'x' is text"):
        checked(args)


@pytest.mark.parametrize(
    ("pool", "path"),
    [({"arch": "s390x"}, "pools[0].arch"), ({"taints": [{"key": "a", "effect": "None"}]}, "pools[0].taints[0].effect")],
)
def test_arguments_from_other_languages_are_checked_too(stacks: Stacks, pool: dict[str, Any], path: str) -> None:
    args: Any = runner_args(stacks["gke"]().config)
    args["pools"][0] = {"name": "amd64", "arch": "amd64", **pool}
    with pytest.raises(ConfigError) as caught:
        checked(args)
    assert [problem.path for problem in caught.value.problems] == [path]


def test_arguments_carry_the_whole_configuration(stack: Any) -> None:
    runner, pools = checked(runner_args(stack.config))
    assert runner is stack.runner
    assert pools == stack.runner_pools


def test_a_runner_that_the_stack_creates_has_its_tag_on_the_server(record: Record, stacks: Stacks) -> None:
    pytest.importorskip("pulumi_gitlab", reason="the optional extra multiarch-runner[gitlab] is not installed")
    create = {"runnerType": "group", "groupId": 7, "protected": True}
    found = declared(record, replace(stacks["gke"](token={"create": create}), token=None))
    created = found.one("gitlab:index/userRunner:UserRunner")
    assert created.inputs == {
        "runnerType": "group_type",
        "groupId": 7,
        "tagLists": ["multi-arch"],
        "untagged": False,
        "locked": False,
        "accessLevel": "ref_protected",
        "maximumTimeout": 3600,
        "description": "amd64 and arm64 image builds",
    }
    assert created.secret_outputs == ("token",)
    assert found.one("pulumi:providers:gitlab").inputs["baseUrl"] == "https://gitlab.com/api/v4/"
    assert secrets(found.one(SECRET).inputs)[0]["runner-token"] == "glrt-created_0123456789abcdef"


def test_the_stacks_gitlab_token_reaches_the_provider_as_a_secret(record: Record, stacks: Stacks) -> None:
    """An explicit provider never reads `gitlab:token` by itself."""
    pytest.importorskip("pulumi_gitlab", reason="the optional extra multiarch-runner[gitlab] is not installed")
    stack = replace(stacks["gke"](token={"create": {"runnerType": "instance"}}), token=None)
    config = replace(stack.config, gitlab_token="glpat-login_0123456789")
    found = record(lambda: MultiArchRunner("runner", runner_args(config)))
    assert secrets(found.one("pulumi:providers:gitlab").inputs) == ["glpat-login_0123456789"]
    assert "glpat-" not in repr(config)
    for resource in found.resources:
        assert "glpat-" not in json.dumps(without_secrets(resource.inputs)), resource.name


def test_without_the_extra_a_created_runner_is_refused_with_the_command(
    stacks: Stacks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pulumi_gitlab" else object())
    stack = replace(stacks["gke"](token={"create": {"runnerType": "instance"}}), token=None)
    with pytest.raises(ConfigError) as caught:
        checked(runner_args(stack.config))
    assert "pip install -e '.[gitlab]'" in caught.value.problems[0].fix


def test_the_gitlab_sdk_is_imported_only_when_it_is_used(record: Record, stacks: Stacks) -> None:
    for name in [name for name in sys.modules if name.startswith("pulumi_gitlab") or name.endswith("runner.created")]:
        del sys.modules[name]
    declared(record, stacks["gke"]())
    assert "pulumi_gitlab" not in sys.modules


def test_component_modules_evaluate_their_annotations() -> None:
    """Pulumi's schema analyzer reads types, and fails on `from __future__ import annotations`."""
    folder = Path(components.runner.__file__ or "").parent
    for path in folder.glob("*.py"):
        imports = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
        assert "__future__" not in [node.module for node in imports], path.name
