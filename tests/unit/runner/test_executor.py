import tomllib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.clouds.aks import SPOT_TAINT as AKS_SPOT_TAINT
from components.clouds.contract import ARM64_TAINT
from components.clouds.machines import Arch
from components.clouds.sections import Taint, TaintEffect
from components.runner.executor import config_toml, runner_entry
from components.runner.job_pods import JobPods
from components.runner.placement import RunnerPool, job_tolerations
from components.runner.settings import RunnerConfig
from components.runner.values import helm_values

Stacks = dict[str, Callable[..., Any]]
Read = Callable[..., RunnerConfig]

KANIKO = {"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETFCAP", "SETGID", "SETUID"}


def kubernetes(stack: Any) -> dict[str, Any]:
    (entry,) = tomllib.loads(config_toml(stack.runner, stack.runner_pools, stack.cluster.type))["runners"]
    table: dict[str, Any] = entry["kubernetes"]
    return table


def test_the_template_is_one_runners_table_and_nothing_global(stack: Any) -> None:
    parsed = tomllib.loads(config_toml(stack.runner, stack.runner_pools, stack.cluster.type))
    assert set(parsed) == {"runners"}
    assert len(parsed["runners"]) == 1
    assert {"name", "url", "token", "id"}.isdisjoint(parsed["runners"][0])


def test_jobs_run_unprivileged_with_exactly_kanikos_capabilities(stack: Any) -> None:
    table = kubernetes(stack)
    assert table["privileged"] is False
    assert table["allow_privilege_escalation"] is False
    assert table["cap_drop"] == ["ALL"]
    assert set(table["cap_add"]) == KANIKO
    assert table["automount_service_account_token"] is False
    assert table["pod_security_context"]["seccomp_profile"]["type"] == "RuntimeDefault"


def test_jobs_can_overwrite_their_selector_and_nothing_else_of_their_place(stack: Any) -> None:
    overwritable = {key for key in kubernetes(stack) if key.endswith("_overwrite_allowed")}
    assert overwritable == {"node_selector_overwrite_allowed"}


def test_the_default_architecture_is_selected_statically(stacks: Stacks) -> None:
    assert kubernetes(stacks["gke"]())["node_selector"] == {"kubernetes.io/arch": "amd64"}
    assert kubernetes(stacks["gke"](defaultArch="arm64"))["node_selector"] == {"kubernetes.io/arch": "arm64"}


def test_the_arm64_taint_is_tolerated_in_every_stack(stack: Any) -> None:
    assert kubernetes(stack)["node_tolerations"]["kubernetes.io/arch=arm64"] == "NoSchedule"


def test_the_spot_taint_is_tolerated_only_where_a_pool_has_it(stacks: Stacks) -> None:
    assert kubernetes(stacks["aks"]())["node_tolerations"]["kubernetes.azure.com/scalesetpriority=spot"] == "NoSchedule"
    assert set(kubernetes(stacks["eks"]())["node_tolerations"]) == {"kubernetes.io/arch=arm64"}


def test_poll_timeout_outlasts_a_node_that_is_still_being_made(stack: Any) -> None:
    assert kubernetes(stack)["poll_timeout"] == 600


def test_the_helper_image_is_left_to_the_runner_unless_asked_for(stacks: Stacks) -> None:
    assert "helper_image" not in kubernetes(stacks["gke"]())
    upstream = stacks["gke"](helperImage="upstream", chart={"version": "0.92.2"})
    assert kubernetes(upstream)["helper_image"].endswith("gitlab-runner-helper:alpine-latest-v${CI_RUNNER_VERSION}")


def test_only_eks_waits_for_reachable_pods_by_default(stacks: Stacks) -> None:
    def flags(name: str, **keys: Any) -> dict[str, Any]:
        stack = stacks[name](**keys)
        entry = runner_entry(stack.runner, stack.runner_pools, stack.cluster.type)
        found = entry.get("feature_flags", {})
        assert isinstance(found, dict)
        return dict(found)

    assert flags("eks") == {"FF_WAIT_FOR_POD_TO_BE_REACHABLE": True}
    assert flags("eks", waitForPodReachable=False) == {}
    assert flags("gke") == flags("aks") == flags("local") == {}
    assert flags("gke", waitForPodReachable=True) == {"FF_WAIT_FOR_POD_TO_BE_REACHABLE": True}


def test_builds_are_not_evicted_by_autoscalers(stack: Any) -> None:
    annotations = kubernetes(stack)["pod_annotations"]
    assert annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"] == "false"
    assert annotations["karpenter.sh/do-not-disrupt"] == "true"


def test_the_helper_has_a_cpu_request_of_its_own(stack: Any) -> None:
    table = kubernetes(stack)
    assert table["helper_cpu_request"]
    assert table["helper_memory_request"]


def test_a_null_ceiling_forbids_the_variable(stacks: Stacks) -> None:
    table = kubernetes(stacks["gke"](resources={"ceiling": {"cpu": None}}))
    assert not [key for key in table if key.startswith("cpu_") and "overwrite" in key]
    assert table["memory_request_overwrite_max_allowed"] == "24Gi"


def test_a_partial_setting_keeps_the_other_defaults(stacks: Stacks) -> None:
    table = kubernetes(stacks["gke"](resources={"build": {"cpuRequest": "3"}}))
    assert table["cpu_request"] == "3"
    assert table["memory_limit"] == "8Gi"


def test_a_cache_brings_no_static_keys(stack: Any) -> None:
    text = config_toml(stack.runner, stack.runner_pools, stack.cluster.type)
    for key in ("AccessKey", "SecretKey", "AccountKey", "PrivateKey", "CredentialsFile", "SessionToken"):
        assert key not in text


def test_a_cache_server_of_ones_own_is_reached_with_keys_that_only_a_secret_holds(stacks: Stacks) -> None:
    server = {"address": "minio.example.com:9000", "existingSecret": "minio", "pathStyle": True}
    stack = stacks["gke"](cache={"type": "s3", "bucket": "ci", "region": "us-east-1", "server": server})
    entry: Any = runner_entry(stack.runner, stack.runner_pools, stack.cluster.type)
    assert entry["cache"]["s3"] == {
        "BucketName": "ci",
        "BucketLocation": "us-east-1",
        "ServerAddress": "minio.example.com:9000",
        "Insecure": False,
        "AuthenticationType": "access-key",
        "PathStyle": True,
    }
    values: Any = helm_values(stack.runner, stack.runner_pools, stack.cluster.type, secret="token")
    assert values["runners"]["cache"] == {"secretName": "minio"}
    assert values["serviceAccount"]["annotations"] == {}


def test_only_azures_workload_identity_labels_the_jobs_pods(stacks: Stacks) -> None:
    assert kubernetes(stacks["aks"]())["pod_labels"] == {"azure.workload.identity/use": "true"}
    assert "pod_labels" not in kubernetes(stacks["gke"]())
    pushing = stacks["aks"](cache=None, jobServiceAccount={"annotations": {"azure.workload.identity/client-id": "x"}})
    assert "pod_labels" in kubernetes(pushing)


taints = st.builds(
    Taint,
    key=st.sampled_from(["dedicated", "example.com/ci", "kubernetes.io/arch"]),
    value=st.sampled_from(["", "ci", "arm64"]),
    effect=st.sampled_from(TaintEffect),
)
pools = st.lists(
    st.builds(
        RunnerPool, name=st.just("p"), arch=st.sampled_from(Arch), taints=st.lists(taints, max_size=4).map(tuple)
    ),
    max_size=3,
)


def tolerates(key: str, effect: str, taint: Taint) -> bool:
    """Match as Kubernetes does, after GitLab Runner split the key at its `=` (common/config.go GetNodeTolerations)."""
    name, equals, value = key.partition("=")
    return name == taint.key and (not equals or value == taint.value) and effect in ("", taint.effect)


@given(pools)
def test_jobs_tolerate_the_taints_of_every_pool_and_no_others(found: list[RunnerPool]) -> None:
    config = RunnerConfig(gitlab_url="https://gitlab.com")
    tolerations = job_tolerations(config, found)
    carried = {ARM64_TAINT, *(taint for pool in found for taint in pool.taints)}
    for taint in carried:
        assert any(tolerates(key, effect, taint) for key, effect in tolerations.items()), taint
    assert not any(tolerates(key, effect, AKS_SPOT_TAINT) for key, effect in tolerations.items())
    assert "" not in tolerations


texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=30).map("x{}".format)


@given(image=texts, pattern=texts, script=texts)
def test_any_text_comes_back_out_of_the_toml_as_it_went_in(image: str, pattern: str, script: str) -> None:
    config = RunnerConfig(
        gitlab_url="https://gitlab.com",
        default_image=image,
        allowed_images=[pattern],
        jobs=JobPods(pre_build_script=script),
    )
    assert tomllib.loads(config_toml(config, [], "gke")) == {"runners": [runner_entry(config, [], "gke")]}


@pytest.mark.parametrize("arch", list(Arch))
def test_without_arm64_nothing_tolerates_its_taint(runner: Read, arch: Arch) -> None:
    config = runner(architectures=[arch.value], defaultArch=arch.value)
    assert ("kubernetes.io/arch=arm64" in job_tolerations(config, [])) == (arch is Arch.ARM64)
