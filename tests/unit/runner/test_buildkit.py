"""The second runner, for rootless BuildKit: apart from the first, never privileged, and absent unless asked for."""

import json
import tomllib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import yaml

from components.clouds.machines import Arch
from components.problems import ConfigError
from components.runner.admission import policy_name, validations
from components.runner.arguments import checked, runner_args
from components.runner.checks import check_settings
from components.runner.classes import KANIKO, ROOTLESS_BUILDKIT, buildkit_class, first_class
from components.runner.component import MultiArchRunner
from components.runner.executor import config_toml
from components.runner.placement import RunnerPool
from components.runner.settings import RunnerConfig
from components.runner.values import helm_values
from tests.unit.runner.conftest import read, told
from tests.unit.runner.test_golden import GOLDEN, _Block, expect
from tests.unit.runner.test_release import NAMESPACE, RELEASE, SECRET, secrets, without_secrets

Stacks = dict[str, Callable[..., Any]]
Record = Callable[[Callable[[], object]], Any]
Read = Callable[..., RunnerConfig]

SECOND = "glrt-the-second-one_0123456789"
ADMISSION = "kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy"
JOBS = "gitlab-runner-buildkit-jobs"
POOLS = [RunnerPool(name=arch.value, arch=arch) for arch in Arch]


def declared(record: Record, stack: Any) -> Any:
    config = replace(stack.config, buildkit_token=SECOND)
    return record(lambda: MultiArchRunner("runner", runner_args(config)))


def problems(**keys: Any) -> dict[str, str]:
    """Return path to what was found, of every problem under `runner`."""
    return {one.path: one.found for one in told(lambda: check_settings(read(**keys), POOLS, "gke"))}


def test_both_managers_tolerate_the_taints_of_the_nodes_that_are_named(stacks: Stacks) -> None:
    manager = {"nodeSelector": {"a": "b"}, "taints": [{"key": "dedicated", "value": "x"}]}
    runner = stacks["gke"](buildkit={}, manager=manager).runner
    for kind in (first_class(runner), buildkit_class(runner)):
        assert kind
        wanted = [{"key": "dedicated", "operator": "Equal", "value": "x", "effect": "NoSchedule"}]
        assert helm_values(kind.runner, POOLS, "gke", secret="s")["tolerations"] == wanted


class TestOff:
    def test_a_stack_without_it_has_nothing_of_it(self, record: Record, stacks: Stacks) -> None:
        found = record(lambda: MultiArchRunner("runner", runner_args(stacks["gke"]().config)))
        assert [one.name for one in found.resources if "buildkit" in json.dumps([one.type, one.name]).lower()] == []

    def test_the_first_runner_is_the_same_with_it_and_without(self, record: Record, stacks: Stacks) -> None:
        without = record(lambda: MultiArchRunner("runner", runner_args(stacks["gke"]().config)))
        beside = declared(record, stacks["gke"](buildkit={}))
        mine = {one.urn: one for one in beside.resources}
        assert {one.urn for one in without.resources} < set(mine)
        for one in without.resources:
            assert mine[one.urn].inputs == one.inputs, one.name
        stack = stacks["gke"](buildkit={})
        assert first_class(stack.runner).runner == stacks["gke"]().runner


class TestConfig:
    def test_config_toml_is_as_reviewed(self, stacks: Stacks) -> None:
        stack = stacks["gke"](buildkit={})
        own = buildkit_class(stack.runner)
        assert own is not None
        text = config_toml(own.runner, stack.runner_pools, "gke", own.profile)
        expect(GOLDEN / "buildkit" / "gke.config.toml", text)

    def test_helm_values_are_as_reviewed(self, stacks: Stacks) -> None:
        stack = stacks["gke"](buildkit={"concurrent": 4})
        own = buildkit_class(stack.runner)
        assert own is not None
        values = helm_values(own.runner, stack.runner_pools, "gke", secret="a-secret", profile=own.profile)
        expect(GOLDEN / "buildkit" / "gke.values.yaml", yaml.dump(values, Dumper=_Block, sort_keys=False, width=1000))

    def test_only_the_build_container_is_loosened_and_nothing_is_privileged(self, stacks: Stacks) -> None:
        stack = stacks["gke"](buildkit={})
        own = buildkit_class(stack.runner)
        assert own is not None
        first = tomllib.loads(config_toml(stack.runner, stack.runner_pools, "gke"))["runners"][0]["kubernetes"]
        second = tomllib.loads(config_toml(own.runner, stack.runner_pools, "gke", own.profile))["runners"][0]
        changed = {key for key in second["kubernetes"] if second["kubernetes"].get(key) != first.get(key)}
        assert changed == {"namespace", "build_container_security_context", "volumes"}
        context = second["kubernetes"]["build_container_security_context"]
        assert context["run_as_user"] > 0
        assert "privileged" not in context
        assert second["kubernetes"]["privileged"] is False
        assert second["kubernetes"]["allow_privilege_escalation"] is False
        assert set(context["capabilities"]["add"]) == {"SETUID", "SETGID"}


class TestResources:
    def test_it_has_a_namespace_a_secret_and_a_release_of_its_own(self, record: Record, stacks: Stacks) -> None:
        found = declared(record, stacks["gke"](buildkit={}))
        levels = {
            one.inputs["metadata"]["name"]: one.inputs["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
            for one in found.all(NAMESPACE)
        }
        assert levels == {"gitlab-runner": "restricted", "gitlab-runner-jobs": "baseline", JOBS: "privileged"}
        releases = {one.inputs["name"]: one.inputs for one in found.all(RELEASE)}
        assert set(releases) == {"gitlab-runner", "gitlab-runner-buildkit"}
        second = releases["gitlab-runner-buildkit"]
        assert second["namespace"] == "gitlab-runner"
        assert second["values"]["runners"]["secret"] == "gitlab-runner-buildkit-token"
        assert second["values"]["runners"]["jobNamespace"] == JOBS
        assert second["values"]["serviceAccount"]["name"] == "gitlab-runner-buildkit"

    def test_each_runner_has_its_own_token_and_neither_is_in_the_open(
        self, record: Record, stacks: Stacks, token: str
    ) -> None:
        found = declared(record, stacks["gke"](buildkit={}))
        held = {one.inputs["metadata"]["name"]: secrets(one.inputs)[0]["runner-token"] for one in found.all(SECRET)}
        assert held == {"gitlab-runner-token": token, "gitlab-runner-buildkit-token": SECOND}
        for one in found.resources:
            assert SECOND not in json.dumps(without_secrets(one.inputs)), one.name

    def test_its_policy_is_bound_to_its_namespace_alone_and_fails_closed(self, record: Record, stacks: Stacks) -> None:
        found = declared(record, stacks["gke"](buildkit={}))
        policy, binding = found.one(ADMISSION).inputs, found.one(f"{ADMISSION}Binding").inputs
        here = {"matchLabels": {"kubernetes.io/metadata.name": JOBS}}
        assert policy["spec"]["failurePolicy"] == "Fail"
        assert policy["spec"]["matchConstraints"]["namespaceSelector"] == here
        assert binding["spec"]["matchResources"]["namespaceSelector"] == here
        assert binding["spec"]["validationActions"] == ["Deny"]
        assert binding["spec"]["policyName"] == policy["metadata"]["name"] == policy_name(JOBS)
        assert len(policy["spec"]["validations"]) == len(validations())

    def test_no_job_starts_before_the_rules_are_in_force(self, record: Record, stacks: Stacks) -> None:
        found = declared(record, stacks["gke"](buildkit={}))
        second = next(one for one in found.all(RELEASE) if one.inputs["name"] == "gitlab-runner-buildkit")
        assert found.one(f"{ADMISSION}Binding").urn in second.dependencies
        manager = next(one for one in found.all(NAMESPACE) if one.inputs["metadata"]["name"] == "gitlab-runner")
        assert manager.urn in second.dependencies

    def test_its_jobs_are_held_by_the_same_network_policies(self, record: Record, stacks: Stacks) -> None:
        found = declared(record, stacks["gke"](buildkit={}))
        by_namespace: dict[str, dict[str, Any]] = {}
        for one in found.all("kubernetes:networking.k8s.io/v1:NetworkPolicy"):
            metadata = one.inputs["metadata"]
            by_namespace.setdefault(metadata["namespace"], {})[metadata["name"]] = one.inputs["spec"]
        assert by_namespace[JOBS] == by_namespace["gitlab-runner-jobs"]

    def test_its_resources_are_those_of_an_existing_stack_so_that_none_is_replaced(
        self, record: Record, stacks: Stacks
    ) -> None:
        """Their URNs hold the component's type: another one would need an alias."""
        found = declared(record, stacks["gke"](buildkit={}))
        (second,) = [one for one in found.resources if one.type == "multiarch-runner:index:BuildKitRunner"]
        assert second.name == "runner-buildkit"
        children = {one.name for one in found.resources if one.parent == second.urn}
        policies = ("default-deny", "allow-dns", "allow-gitlab", "allow-registry", "allow-packages", "allow-cache")
        assert children == {
            *(f"runner-buildkit-{name}" for name in ("jobs", "job", "rules", "rules-here", "token", "release")),
            *(f"runner-buildkit-jobs-{name}" for name in policies),
        }

    def test_without_a_token_it_is_refused_before_anything_is_declared(self, stacks: Stacks) -> None:
        with pytest.raises(ConfigError) as caught:
            checked(runner_args(stacks["gke"](buildkit={}).config))
        assert [problem.path for problem in caught.value.problems] == ["buildkit_token"]

    def test_an_existing_secret_is_only_named(self, record: Record, stacks: Stacks) -> None:
        stack = stacks["local"](buildkit={"token": {"existingSecret": "buildkit-token", "revision": "3"}})
        found = record(lambda: MultiArchRunner("runner", runner_args(stack.config)))
        assert found.all(SECRET) == []
        second = next(one for one in found.all(RELEASE) if one.inputs["name"] == "gitlab-runner-buildkit")
        assert second.inputs["values"]["runners"]["secret"] == "buildkit-token"

    def test_a_runner_that_the_stack_creates_has_its_own_tag(self, record: Record, stacks: Stacks) -> None:
        pytest.importorskip("pulumi_gitlab", reason="the optional extra multiarch-runner[gitlab] is not installed")
        create = {"runnerType": "instance", "tags": ["multi-arch-buildkit"]}
        stack = stacks["local"](buildkit={"token": {"create": create}})
        found = record(lambda: MultiArchRunner("runner", runner_args(stack.config)))
        created = found.one("gitlab:index/userRunner:UserRunner")
        assert (created.name, created.inputs["tagLists"]) == ("runner-buildkit-registration", ["multi-arch-buildkit"])


@pytest.mark.parametrize(
    ("keys", "path", "found"),
    [
        ({"buildkit": {"jobNamespace": "gitlab-runner-jobs"}}, "buildkit.jobNamespace", "the other jobs' namespace"),
        ({"buildkit": {"jobNamespace": "gitlab-runner"}}, "buildkit.jobNamespace", "the managers' namespace"),
        (
            {"buildkit": {"jobNamespace": "kube-system"}},
            "buildkit.jobNamespace",
            "is a namespace of the cluster itself",
        ),
        ({"buildkit": {"jobNamespace": "Builds"}}, "buildkit.jobNamespace", "is not a valid Kubernetes name"),
        ({"buildkit": {"concurrent": 0}}, "buildkit.concurrent", "0"),
        (
            {"buildkit": {"jobServiceAccount": {"name": "A b"}}},
            "buildkit.jobServiceAccount.name",
            "is not a valid name",
        ),
        ({"buildkit": {"token": {}}}, "buildkit.token", "neither existingSecret nor create"),
        (
            {"token": {"existingSecret": "one"}, "buildkit": {"token": {"existingSecret": "one"}}},
            "buildkit.token.existingSecret",
            "is also the first runner's",
        ),
        (
            {"buildkit": {"token": {"create": {"runnerType": "instance"}}}},
            "buildkit.token.create.tags",
            "'multi-arch' is also a tag of the first runner",
        ),
        (
            {"buildkit": {"token": {"create": {"runnerType": "instance", "tags": ["b"], "runUntagged": True}}}},
            "buildkit.token.create.runUntagged",
            "true",
        ),
        ({"buildkit": {}, "releaseName": "r" * 48}, "releaseName", "57 for the BuildKit runner's release"),
        ({"buildkit": {}, "chart": {"path": "/c", "runnerVersion": "18.10.1"}}, "buildkit", "holds runner 18.10.1"),
        ({"buildkit": {}, "chart": {"path": "/c"}}, "buildkit", "is not known"),
    ],
)
def test_a_second_runner_that_could_not_be_kept_apart_is_refused(keys: dict[str, Any], path: str, found: str) -> None:
    assert found in problems(**keys).get(f"runner.{path}", ""), problems(**keys)


def test_a_good_second_runner_has_no_problem() -> None:
    assert problems(buildkit={}) == {}
    create = {"runnerType": "instance", "tags": ["multi-arch-buildkit"]}
    assert problems(buildkit={"token": {"create": create}, "jobNamespace": "builds"}) == {}


def test_every_control_says_what_it_wants_once() -> None:
    rules = validations()
    assert len({rule.message for rule in rules}) == len(rules)
    assert all(rule.expression and "\n" not in rule.expression + rule.message for rule in rules)


def test_the_profiles_differ_in_their_pod_security_level() -> None:
    assert (KANIKO.pod_security, ROOTLESS_BUILDKIT.pod_security) == ("baseline", "privileged")
    assert not KANIKO.build_container
    assert not KANIKO.scratch
