"""A pod that never will run is told at once, in its own words; one that may still run is waited for."""

from types import SimpleNamespace
from typing import Any

import pytest

from multiarch.model.executor import ExecutorConfig, Job, JobRefusal, build_pod, parse_config
from multiarch.model.pipeline import PipelineJob
from multiarch.rehearse.live.by_model import JobFailed, packed, unpacked, unplaced, waiting_for
from multiarch.rehearse.live.job import CiJob, End
from multiarch.rehearse.live.room import fitted, fitted_config, too_much
from multiarch.rehearse.live.taking import taker


def status(**found: Any) -> dict[str, Any]:
    return {"status": found}


def container(name: str, **state: Any) -> dict[str, Any]:
    return {"name": name, "state": state}


def waiting(name: str, reason: str, message: str | None = None) -> dict[str, Any]:
    return container(name, waiting={"reason": reason, **({"message": message} if message else {})})


RUNS = container("build", running={})
UNPLACED = {"type": "PodScheduled", "status": "False", "message": "0/2"}
ENDED = container("init-permissions", terminated={"exitCode": 2, "reason": "Error"})


@pytest.mark.parametrize(
    ("pod", "left"),
    [
        ({}, "all not running yet"),
        (status(containerStatuses=[RUNS, waiting("helper", "ContainerCreating")]), "helper not running yet"),
        (status(containerStatuses=[waiting("build", "ErrImagePull", "busy")]), "build not running yet"),
        (status(containerStatuses=[RUNS]), ""),
        (status(conditions=[UNPLACED]), "no node takes its pod: 0/2"),
    ],
)
def test_what_may_still_come_is_waited_for(pod: dict[str, Any], left: str) -> None:
    assert waiting_for(pod) == left


@pytest.mark.parametrize(
    ("pod", "words"),
    [
        (
            status(containerStatuses=[waiting("build", "ImagePullBackOff", "not found")]),
            "ImagePullBackOff: not found",
        ),
        (status(containerStatuses=[waiting("build", "CreateContainerError")]), "no message"),
        (status(initContainerStatuses=[ENDED]), "init-permissions ended with 2: Error"),
        (status(phase="Failed", message="evicted"), "its pod is over: evicted"),
    ],
)
def test_what_never_will_come_ends_the_job_with_its_reason(pod: dict[str, Any], words: str) -> None:
    with pytest.raises(JobFailed, match=words) as failed:
        waiting_for(pod)
    assert failed.value.end is End.SURROUNDINGS, "none of it says anything of the stack"


SELECTOR, TAINT = "1 node(s) didn't match Pod's node affinity/selector", "1 node(s) had untolerated taint(s)"


@pytest.mark.parametrize(
    ("says", "taint", "end"),
    [
        (f"{SELECTOR}, {TAINT}", "kubernetes.io/arch", End.STACK),
        ("2 Insufficient nvidia.com/gpu", "kubernetes.io/arch", End.STACK),
        (f"1 Insufficient cpu, {SELECTOR}", "kubernetes.io/arch", End.SURROUNDINGS),
        ("2 Insufficient ephemeral-storage", "kubernetes.io/arch", End.SURROUNDINGS),
        ("2 Too many pods", "kubernetes.io/arch", End.SURROUNDINGS),
        (f"{SELECTOR}, {TAINT}", "node.kubernetes.io/unreachable", End.SURROUNDINGS),
        (f"{SELECTOR}, {TAINT}", "node.kubernetes.io/disk-pressure", End.SURROUNDINGS),
        ("something that no scheduler said until now", "kubernetes.io/arch", End.SURROUNDINGS),
    ],
)
def test_a_pod_without_a_node_is_the_stacks_fault_by_its_labels_and_taints_and_not_in_a_lab_in_trouble(
    says: str, taint: str, end: End
) -> None:
    preemption = "no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful."
    told = f"0/2 nodes are available: {says}. {preemption}"
    state = waiting_for(status(conditions=[{**UNPLACED, "message": told}]))
    assert unplaced(state, [{"spec": {}}, {"spec": {"taints": [{"key": taint}]}}]) is end


def test_artifacts_come_back_as_they_were_given() -> None:
    files = {"digests/amd64.json": b"{}", "image.digest": b"sha256:0"}
    assert unpacked(packed(files)) == files
    assert unpacked(b"") == {}


def test_artifacts_that_are_no_archive_are_told() -> None:
    with pytest.raises(JobFailed, match="cannot be unpacked"):
        unpacked(b"something else" * 100)


NODE = {
    "metadata": {"labels": {"kubernetes.io/arch": "amd64"}},
    "status": {"allocatable": {"cpu": "2", "memory": "4Gi", "ephemeral-storage": "10Gi"}},
}


def asking(request: str, **limits: str) -> dict[str, Any]:
    resources = {"requests": {"cpu": request}, **({"limits": limits} if limits else {})}
    return {
        "spec": {
            "nodeSelector": {"kubernetes.io/arch": "amd64"},
            "containers": [{"name": "build", "resources": resources}],
        }
    }


def test_a_pod_that_fits_stays_as_it_is() -> None:
    assert fitted(asking("500m"), [NODE]) == (asking("500m"), "")


def test_a_pod_that_does_not_fit_requests_less_and_keeps_its_limits() -> None:
    pod, note = fitted(asking("4", cpu="8", memory="1Gi"), [NODE])
    assert pod["spec"]["containers"][0]["resources"] == {
        "requests": {"cpu": "10m"},
        "limits": {"cpu": "8", "memory": "1Gi"},
    }
    assert "cpu" in note


def test_a_limit_without_a_request_counts_as_one() -> None:
    given = asking("100m")
    given["spec"]["containers"][0]["resources"] = {"limits": {"memory": "16Gi"}}
    pod, note = fitted(given, [NODE])
    assert pod["spec"]["containers"][0]["resources"]["requests"] == {"memory": "16Mi"}
    assert "memory" in note


def test_where_no_node_has_the_labels_the_scheduler_answers() -> None:
    assert fitted(asking("64"), []) == (asking("64"), "")


def test_a_runners_own_pods_fit_by_its_config_whatever_a_job_asks_for() -> None:
    keys = 'cpu_request = "4"\ncpu_limit = "8"\nmemory_request = "64Mi"\ncpu_request_overwrite_max_allowed = "16"\n'
    config = parse_config(f"concurrent = 3\n[[runners]]\n[runners.kubernetes]\n{keys}helper_cpu_request = '1'\n")
    job = Job(name="build", image="x", variables={"KUBERNETES_CPU_REQUEST": "6"})

    def lacks(of: ExecutorConfig) -> tuple[list[str], Any]:
        pod = build_pod(of, job, "19.3.1")
        assert not isinstance(pod, JobRefusal)
        return too_much(pod.manifest, [{**NODE, "metadata": {"labels": {}}}]), pod.manifest["spec"]["containers"][0]

    names, asked = lacks(config)
    assert (names, asked["resources"]["requests"]["cpu"]) == (["cpu"], "6")
    less = fitted_config(config, names)
    names, asked = lacks(less)
    assert names == []
    assert asked["resources"] == {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"cpu": "8"}}
    assert less.concurrent == 3
    assert fitted_config(config, []) is config


def scene(*tags: str) -> Any:
    return SimpleNamespace(tags=tags or None)


def test_a_job_goes_to_the_runner_that_has_all_of_its_tags() -> None:
    runners = {"multi-arch": scene(), "builder": scene("builder", "arm")}

    def taken(*tags: str) -> str | None:
        return taker(runners, CiJob(pipeline=PipelineJob(name="a", file="f", tags=tags), variables={}))

    assert taken("multi-arch") == "multi-arch"
    assert taken("arm", "builder") == "builder"
    assert taken("arm", "multi-arch") is None
    assert taken() is None
