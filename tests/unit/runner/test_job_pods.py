"""What teams add to the jobs' pods reaches the pods that the executor makes, and a mistake is told before."""

import tomllib
from collections.abc import Callable
from typing import Any

import pytest

from components.problems import ConfigError
from components.reading import parse
from components.runner.executor import config_toml
from components.runner.job_pods import JobPods
from components.runner.job_pods_checks import check_job_pods
from components.runner.job_pods_toml import volumes
from components.runner.settings import RunnerConfig
from multiarch.model.executor import Job, Pod, parse_config
from multiarch.model.executor.build import build_pod
from tests.unit.runner.conftest import read, told

Stacks = dict[str, Callable[..., Any]]
EVERYTHING: dict[str, Any] = {
    "volumes": [
        {"type": "pvc", "name": "cache", "mountPath": "/cache"},
        {"type": "secret", "name": "netrc", "mountPath": "/etc/netrc.d", "items": {"netrc": ".netrc"}},
        {"type": "configMap", "name": "certs", "mountPath": "/usr/local/share/ca-certificates"},
        {"type": "emptyDir", "name": "tmpfs", "mountPath": "/ram", "medium": "Memory", "sizeLimit": "1Gi"},
        {
            "type": "csi",
            "name": "vault",
            "mountPath": "/vault",
            "driver": "secrets-store.csi.k8s.io",
            "attributes": {"secretProviderClass": "ci"},
        },
        {"type": "nfs", "name": "data", "mountPath": "/data", "server": "nfs.example.com", "path": "/export"},
    ],
    "environment": {"HTTP_PROXY": "http://proxy.example.com:3128"},
    "labels": {"team": "build"},
    "annotations": {"example.com/cost": "ci"},
    "hostAliases": [{"ip": "10.0.0.10", "hostnames": ["gitlab.internal"]}],
    "dns": {"nameservers": ["10.0.0.53"], "searches": ["corp.example.com"], "options": {"ndots": "2"}},
    "pullPolicy": ["always", "if-not-present"],
    "runtimeClass": "gvisor",
    "preBuildScript": "update-ca-certificates",
    "services": [{"name": "docker.io/library/redis:8", "alias": "redis"}],
    "featureFlags": {"FF_SCRIPT_SECTIONS": True},
}


def toml_of(stacks: Stacks, **jobs: Any) -> str:
    stack = stacks["gke"](jobs=jobs)
    return config_toml(stack.runner, stack.runner_pools, "gke")


@pytest.fixture
def pod(stacks: Stacks) -> Any:
    config = parse_config(toml_of(stacks, **EVERYTHING))
    assert config.unmodelled == ()
    made = build_pod(config, Job(name="j"), runner_version="19.1.1")
    assert isinstance(made, Pod)
    return made.manifest


def test_every_kind_of_volume_is_mounted_in_the_build(pod: Any) -> None:
    mounts = {one["name"]: one["mountPath"] for one in pod["spec"]["containers"][0]["volumeMounts"]}
    assert {one["name"]: one["mountPath"] for one in EVERYTHING["volumes"]}.items() <= mounts.items()
    sources = {one["name"]: one for one in pod["spec"]["volumes"]}
    assert sources["cache"]["persistentVolumeClaim"] == {"claimName": "cache"}
    assert sources["netrc"]["secret"] == {"secretName": "netrc", "items": [{"key": "netrc", "path": ".netrc"}]}
    assert sources["certs"]["configMap"] == {"name": "certs"}
    assert sources["tmpfs"]["emptyDir"] == {"medium": "Memory", "sizeLimit": "1Gi"}
    assert sources["vault"]["csi"]["volumeAttributes"] == {"secretProviderClass": "ci"}
    assert sources["data"]["nfs"] == {"server": "nfs.example.com", "path": "/export"}


def test_metadata_dns_and_hosts_reach_the_pod(pod: Any) -> None:
    assert pod["metadata"]["labels"]["team"] == "build"
    annotations = pod["metadata"]["annotations"]
    assert annotations["example.com/cost"] == "ci"
    assert annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"] == "false"
    assert pod["spec"]["dnsPolicy"] == "ClusterFirst"
    assert pod["spec"]["dnsConfig"]["options"] == [{"name": "ndots", "value": "2"}]
    assert {"ip": "10.0.0.10", "hostnames": ["gitlab.internal"]} in pod["spec"]["hostAliases"]
    assert pod["spec"]["runtimeClassName"] == "gvisor"
    assert "redis" in str(pod["spec"]["containers"])


def test_scripts_variables_and_flags_stand_where_the_runner_reads_them(stacks: Stacks) -> None:
    (entry,) = tomllib.loads(toml_of(stacks, **EVERYTHING))["runners"]
    assert entry["pre_build_script"] == "update-ca-certificates"
    assert entry["environment"] == ["HTTP_PROXY=http://proxy.example.com:3128"]
    assert entry["feature_flags"]["FF_SCRIPT_SECTIONS"] is True


def test_a_patch_turns_its_feature_on_and_is_told_not_to_be_judged(stacks: Stacks) -> None:
    patch = {"name": "ptrace", "patch": {"shareProcessNamespace": True}}
    config = parse_config(toml_of(stacks, podPatches=[patch]))
    assert config.unmodelled == ("feature_flags.FF_USE_ADVANCED_POD_SPEC_CONFIGURATION",)
    (said,) = config.kubernetes.tables("pod_spec")
    assert (said.text("patch"), said.text("patch_type")) == ('{"shareProcessNamespace": true}', "strategic")


def test_without_additions_the_config_is_as_it_was(stacks: Stacks) -> None:
    assert toml_of(stacks) == config_toml(stacks["gke"]().runner, stacks["gke"]().runner_pools, "gke")
    assert volumes(JobPods()) == {}


MISTAKES: list[tuple[dict[str, Any], str, str]] = [
    ({"volumes": [{"type": "emptyDir", "name": "A_b", "mountPath": "/x"}]}, "volumes[0].name", "Kubernetes name"),
    ({"volumes": [{"type": "emptyDir", "name": "a", "mountPath": "x"}]}, "volumes[0].mountPath", "absolute"),
    ({"volumes": [{"type": "emptyDir", "name": "a", "mountPath": "/a/../.."}]}, "volumes[0].mountPath", "absolute"),
    ({"volumes": [{"type": "emptyDir", "name": "a", "mountPath": "/builds/"}]}, "volumes[0].mountPath", "cloned"),
    ({"volumes": [{"type": "pvc", "name": "a", "mountPath": "/a"}] * 2}, "volumes[1]", "another volume"),
    (
        {"volumes": [{"type": "emptyDir", "name": "a", "mountPath": "/a", "sizeLimit": "1GB"}]},
        "volumes[0].sizeLimit",
        "quantity",
    ),
    ({"environment": {"A-B": "c"}}, "environment.A-B", "variable"),
    ({"environment": {"T": "glpat-" + "x" * 20}}, "environment.T", "GitLab token"),
    ({"environment": {"DB_PASSWORD": "hunter2xxxx"}}, "environment.DB_PASSWORD", "by its name"),
    ({"services": [{"name": "db", "environment": {"API_KEY": "xxxx"}}]}, "environment.API_KEY", "by its name"),
    ({"labels": {"a": "b c"}}, "labels.a", "label"),
    ({"annotations": {"karpenter.sh/do-not-disrupt": "false"}}, "do-not-disrupt", "sets itself"),
    ({"labels": {"job.runner.gitlab.com/pod": "x"}}, "job.runner.gitlab.com/pod", "sets itself"),
    ({"hostAliases": [{"ip": "gitlab", "hostnames": ["g"]}]}, "hostAliases[0].ip", "not an IP address"),
    ({"dns": {"policy": "none"}}, "dns.nameservers", "policy none"),
    ({"services": [{"name": " "}]}, "services[0].name", "empty"),
    ({"featureFlags": {"SCRIPT": True}}, "featureFlags.SCRIPT", "feature flag"),
    ({"podPatches": [{"name": "p", "patch": [], "type": "merge"}]}, "podPatches[0].patch", "a mapping"),
]


@pytest.mark.parametrize(("jobs", "path", "words"), MISTAKES)
def test_a_mistake_is_told_with_its_path(jobs: dict[str, Any], path: str, words: str) -> None:
    (problem,) = told(lambda: check_job_pods(read(jobs=jobs).jobs))
    assert path in problem.path
    assert words in problem.found
    assert "xxxx" not in str(problem)


def test_a_variable_may_name_a_secrets_place() -> None:
    places = {
        "DB_PASSWORD_FILE": "/etc/db/password",
        "TOKEN": "$DEPLOY_TOKEN",
        "PGPASSWORD": "${DB}",
        "USE_SECRET": "true",
    }
    assert check_job_pods(read(jobs={"environment": places}).jobs) == []


@pytest.mark.parametrize("kind", ["hostPath", "host_path"])
def test_there_is_no_volume_of_the_nodes_own_disk(kind: str) -> None:
    volume = {"type": kind, "name": "x", "mountPath": "/x"}
    with pytest.raises(ConfigError, match="volumes"):
        parse(RunnerConfig, {"gitlabUrl": "https://gitlab.example.com", "jobs": {"volumes": [volume]}}, "runner")


_BUILD: dict[str, Any] = {"name": "build"}
OPENERS: list[tuple[dict[str, Any], str]] = [
    ({"hostNetwork": True}, "hostNetwork"),
    ({"hostPID": True}, "hostPID"),
    ({"hostIPC": True}, "hostIPC"),
    ({"volumes": [{"name": "x", "hostPath": {"path": "/"}}]}, "volumes[0].hostPath"),
    ({"containers": [_BUILD | {"securityContext": {"privileged": True}}]}, "securityContext.privileged"),
    ({"containers": [_BUILD | {"securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}}]}, "add[0]"),
    ({"containers": [_BUILD | {"securityContext": {"procMount": "Unmasked"}}]}, "procMount"),
    ({"initContainers": [_BUILD | {"ports": [{"hostPort": 80}]}]}, "ports[0].hostPort"),
    ({"containers": [_BUILD | {"livenessProbe": {"httpGet": {"host": "10.0.0.1"}}}]}, "httpGet.host"),
    ({"securityContext": {"seccompProfile": {"type": "Unconfined"}}}, "seccompProfile.type"),
    ({"securityContext": {"seLinuxOptions": {"type": "spc_t"}}}, "seLinuxOptions.type"),
]


def told_of_patch(patch: Any, **more: str) -> list[Any]:
    patches = [{"name": "p", "patch": patch, **more}]
    return check_job_pods(read(jobs={"podPatches": patches}).jobs)


@pytest.mark.parametrize(("patch", "path"), OPENERS)
def test_a_patch_that_baseline_refuses_is_refused_before(patch: dict[str, Any], path: str) -> None:
    (problem,) = told_of_patch(patch)
    assert problem.path.endswith(path)
    assert "baseline" in problem.consequence
    ((key, value),) = patch.items()
    (as_operation,) = told_of_patch([{"op": "add", "path": f"/{key}", "value": value}], type="json")
    assert as_operation.path.endswith(path)


def test_an_operation_deep_in_the_spec_is_judged_too() -> None:
    operation = {"op": "add", "path": "/containers/0/securityContext/privileged", "value": True}
    (problem,) = told_of_patch([operation], type="json")
    assert problem.path.endswith("[0].containers[0].securityContext.privileged")


@pytest.mark.parametrize(
    ("patch", "kind", "words"),
    [
        ({"affinty": {}}, "merge", "Did you mean affinity?"),
        ([{"op": "add", "path": "/affinty", "value": {}}], "json", "Did you mean affinity?"),
        ([{"op": "put", "path": "/affinity", "value": {}}], "json", "not a JSON patch operation"),
        ([{"op": "add"}], "json", "no operation"),
        ({"affinity": {"$patch": "swap"}}, "strategic", "not a patch directive"),
    ],
)
def test_a_patch_that_no_pod_could_take_is_refused(patch: Any, kind: str, words: str) -> None:
    (problem,) = told_of_patch(patch, type=kind)
    assert words in str(problem)


def test_a_patch_that_keeps_the_sandbox_closed_passes() -> None:
    closed = {"securityContext": {"privileged": False, "capabilities": {"add": ["CHOWN"], "drop": ["ALL"]}}}
    assert told_of_patch({"hostNetwork": False, "containers": [_BUILD | closed], "$retainKeys": ["containers"]}) == []
    assert told_of_patch([{"op": "remove", "path": "/hostNetwork"}], type="json") == []
