"""The broken clusters, as data: how each is broken, and the one cause that the doctor must put first."""

import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

from multiarch.doctor.facts import amount
from tests.cluster.doctor_lab import kubelet, refused
from tests.cluster.doctor_lab.ward import Ward, changed_config, made, replaced, tainted, without_nodes

UNFIT = "1 node(s) didn't match Pod's node affinity/selector"
"""Cluster Autoscaler's words of a group whose nodes would not do (kubernetes/autoscaler#5692)."""
HELPER = "registry.gitlab.com/gitlab-org/gitlab-runner/gitlab-runner-helper:x86_64-v19.1.1"


@dataclass(frozen=True, slots=True)
class Broken:
    """One broken cluster."""

    id: str
    expects: str
    """The catalogue's id of the cause that must come first."""
    break_: Callable[[Ward, ExitStack], Any]
    also: frozenset[str] = frozenset()
    """Causes that follow from it and may be told as well; any other is a false alarm."""
    pods: int | None = None
    """How many pods the first cause must hold up; None where pods are not the point."""
    says: str = ""
    """What its evidence must quote."""
    later: float = 0.0
    """Seconds that pass before the doctor looks."""
    by_words: str = ""
    """The cause that is told where nodes can't be listed, if it is a coarser one."""


def _no_arm64(ward: Ward, stack: ExitStack) -> None:
    stack.enter_context(without_nodes(ward, "arm64", lambda _: None))
    for number in range(20):
        ward.job(f"twin-{number}")


def _foreign_taint(ward: Ward, stack: ExitStack) -> None:
    stack.enter_context(tainted(ward, "arm64", [{"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}]))
    ward.job("build")


def _no_toleration(ward: Ward, stack: ExitStack) -> None:
    stack.enter_context(changed_config(ward, node_tolerations={}))
    ward.job("build")


def _s390x(ward: Ward, stack: ExitStack) -> None:
    stack.enter_context(changed_config(ward, node_selector_overwrite_allowed=r"kubernetes\.io/arch=.*"))
    ward.job("build", "s390x")


def _misspelt_label(ward: Ward, stack: ExitStack) -> None:
    stack.enter_context(changed_config(ward, node_selector={"kubernetes.io/arch": "amd64", "node-pol": "amd64"}))
    ward.job("build", "amd64")


def _cordoned(ward: Ward, stack: ExitStack) -> None:
    for node in ward.nodes("arm64"):
        path = f"/api/v1/nodes/{node['metadata']['name']}"
        stack.callback(_untainted, ward, path)
        stack.callback(ward.patch, path, {"spec": {"unschedulable": None}})
        ward.patch(path, {"spec": {"unschedulable": True}})
        ward.wait("the cordon's taint", partial(_lifecycle_tainted, ward, path))
    ward.job("build")


def _ill(kind: str, reason: str, message: str) -> Callable[[Ward, ExitStack], None]:
    """Let a node report a condition; the node lifecycle controller makes the taint of it.

    Ready itself can't be taken from a node here: kwok plays every kubelet, and gives it back at once.
    """

    def break_(ward: Ward, stack: ExitStack) -> None:
        for node in ward.nodes("arm64"):
            path = f"/api/v1/nodes/{node['metadata']['name']}"
            others = [one for one in node["status"]["conditions"] if one["type"] != kind]
            fine = {"type": kind, "status": "False", "reason": "Well", "message": "well"}
            times = {"lastHeartbeatTime": kubelet.NOW, "lastTransitionTime": kubelet.NOW}
            ill = {"type": kind, "status": "True", "reason": reason, "message": message}
            stack.callback(_untainted, ward, path)
            stack.callback(ward.api.patch_status, path, {"conditions": [*others, {**fine, **times}]})
            ward.api.patch_status(path, {"conditions": [*others, {**ill, **times}]})
            ward.wait("the taint", partial(_lifecycle_tainted, ward, path))
        ward.job("build")

    return break_


def _lifecycle_tainted(ward: Ward, path: str) -> bool:
    taints = ward.api.get(path)["spec"].get("taints") or []
    return any(taint["key"].startswith("node.kubernetes.io/") for taint in taints)


def _untainted(ward: Ward, path: str) -> None:
    ward.wait("the taint to go", lambda: not _lifecycle_tainted(ward, path))


def _too_large(ward: Ward, stack: ExitStack) -> None:
    stack.enter_context(changed_config(ward, cpu_request="64"))
    ward.job("build")


def _full(ward: Ward, stack: ExitStack) -> None:
    node = ward.nodes("arm64")[0]
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "hog", "namespace": "default"},
        "spec": {
            "nodeName": node["metadata"]["name"],
            "containers": [
                {
                    "name": "hog",
                    "image": "hog",
                    "resources": {"requests": {"cpu": node["status"]["allocatable"]["cpu"]}},
                }
            ],
        },
    }
    stack.enter_context(_pod(ward, body))
    ward.job("build")


def _daemon_sets(ward: Ward, stack: ExitStack) -> None:
    """A DaemonSet takes so much of each arm64 node that no job ever fits beside it."""
    node = ward.nodes("arm64")[0]
    share = str(amount(node["status"]["allocatable"]["cpu"]) - 1)
    spec = {
        "nodeSelector": {"kubernetes.io/arch": "arm64"},
        "tolerations": [{"operator": "Exists"}],
        "containers": [{"name": "agent", "image": "agent", "resources": {"requests": {"cpu": share}}}],
    }
    labels = {"app": "agent"}
    body = {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "agent"},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": spec}},
    }
    pods = "/api/v1/namespaces/default/pods"

    def agents() -> list[dict[str, Any]]:
        return ward.api.items(pods, {"labelSelector": "app=agent"})

    stack.callback(ward.wait, "the agents to go", lambda: not agents())
    stack.callback(ward.api.delete, pods, {"labelSelector": "app=agent", "gracePeriodSeconds": "0"})
    stack.enter_context(made(ward, "/apis/apps/v1/namespaces/default/daemonsets", body))
    ward.wait("the agent to have its node", lambda: any(pod["spec"].get("nodeName") for pod in agents()))
    ward.job("build")


def _pod(ward: Ward, body: dict[str, Any]) -> Any:
    return made(ward, "/api/v1/namespaces/default/pods", body)


def _state(status: dict[str, Any], **given: Any) -> Callable[[Ward, ExitStack], None]:
    def break_(ward: Ward, stack: ExitStack) -> None:
        del stack
        for number in range(3):
            ward.kubelet_says(ward.job(f"build-{number}", image=kubelet.IMAGE, **given), status)

    return break_


def _old_backoff(ward: Ward, stack: ExitStack) -> None:
    """A kubelet before 1.32 says nothing in the back-off; the reason stands in an event."""
    del stack
    pod = ward.job("build", image=kubelet.IMAGE)
    message = f'Back-off pulling image "{kubelet.IMAGE}"'
    ward.kubelet_says(pod, kubelet.waiting("build", "ImagePullBackOff", message))
    ward.event(pod, "Failed", f'Failed to pull image "{kubelet.IMAGE}": {kubelet.MOBY_PLATFORM}')


def _pinned_helper(ward: Ward, stack: ExitStack) -> None:
    stack.enter_context(changed_config(ward, helper_image=HELPER))
    pod = ward.job("build")
    ward.kubelet_says(pod, kubelet.init_ended(HELPER, 255))


def _one_arch_helper(ward: Ward, stack: ExitStack) -> None:
    stack.enter_context(changed_config(ward, helper_image=HELPER))


def _secret_key(ward: Ward, stack: ExitStack) -> None:
    path = f"/api/v1/namespaces/{ward.manager_namespace}/secrets/gitlab-runner-token"
    ward.patch(path, {"data": {"runner-registration-token": None}})
    stack.callback(ward.patch, path, {"data": {"runner-registration-token": ""}})


def _manager_refused(ward: Ward, stack: ExitStack) -> None:
    path = _deployment(ward)
    stack.callback(ward.settled)
    stack.enter_context(replaced(ward, path))
    ward.patch(path, {"spec": {"template": {"spec": {"securityContext": {"seccompProfile": None}}}, "strategy": None}})
    ward.patch(path, {"spec": {"strategy": {"type": "Recreate", "rollingUpdate": None}}})
    ward.api.delete(f"/api/v1/namespaces/{ward.manager_namespace}/pods", {"gracePeriodSeconds": "0"})
    ward.wait("the refusal", lambda: "violates PodSecurity" in json.dumps(ward.api.get(path)["status"]))


def _scaled(ward: Ward, stack: ExitStack) -> None:
    path = _deployment(ward)
    stack.callback(ward.settled)
    ward.patch(path, {"spec": {"replicas": 0}})
    stack.callback(ward.patch, path, {"spec": {"replicas": 1}})


def _deployment(ward: Ward) -> str:
    return f"/apis/apps/v1/namespaces/{ward.manager_namespace}/deployments/{ward.installed.deployment}"


def _manager_says(status: Callable[[str], dict[str, Any]]) -> Callable[[Ward, ExitStack], None]:
    def break_(ward: Ward, stack: ExitStack) -> None:
        pods = ward.api.items(f"/api/v1/namespaces/{ward.manager_namespace}/pods")
        name, image = pods[0]["metadata"]["name"], pods[0]["spec"]["containers"][0]["image"]
        stack.callback(ward.settled)
        path = f"/api/v1/namespaces/{ward.manager_namespace}/pods/{name}"
        stack.callback(ward.api.delete, path, {"gracePeriodSeconds": "0"})
        ward.kubelet_says(name, status(image), ward.manager_namespace)
        ward.wait("the Deployment to count", lambda: not ward.api.get(_deployment(ward))["status"].get("readyReplicas"))

    return break_


def _manager_pull(image: str) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": "False"}, {"type": "ContainersReady", "status": "False"}]
    return {**kubelet.waiting("gitlab-runner", "ImagePullBackOff", kubelet.DENIED, image), "conditions": conditions}


def _unbound(ward: Ward, stack: ExitStack) -> None:
    root = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{ward.job_namespace}/rolebindings"
    path = f"{root}/{ward.api.items(root)[0]['metadata']['name']}"
    user = f"system:serviceaccount:{ward.manager_namespace}:{ward.installed.service_account}"
    spec = {"user": user, "resourceAttributes": {"namespace": ward.job_namespace, "verb": "create", "resource": "pods"}}
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}

    def may() -> bool:
        answer = ward.api.create("/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
        return bool(answer["status"]["allowed"])

    stack.callback(lambda: ward.wait("the right to be back", may))
    stack.enter_context(replaced(ward, path))
    ward.api.delete(path)
    ward.wait("the right to be gone", lambda: not may())


def _no_account(ward: Ward, stack: ExitStack) -> None:
    stack.enter_context(changed_config(ward, service_account="builder"))


def _no_priority(ward: Ward, stack: ExitStack) -> None:
    stack.enter_context(changed_config(ward, priority_class_name="builds"))


def _regex_empty(ward: Ward, stack: ExitStack) -> None:
    stack.enter_context(changed_config(ward, node_selector_overwrite_allowed=""))


def _elsewhere(ward: Ward, stack: ExitStack) -> None:
    stack.enter_context(changed_config(ward, namespace="elsewhere"))


def _broken_toml(ward: Ward, stack: ExitStack) -> None:
    path = f"/api/v1/namespaces/{ward.manager_namespace}/configmaps/gitlab-runner"
    before = ward.api.get(path)["data"]["config.template.toml"]
    ward.patch(path, {"data": {"config.template.toml": "[[runners]\nexecutor = kubernetes"}})
    stack.callback(ward.patch, path, {"data": {"config.template.toml": before}})


def _claim(ward: Ward, stack: ExitStack, **spec: Any) -> str:
    body = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "cache"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, **spec},
    }
    path = stack.enter_context(made(ward, f"/api/v1/namespaces/{ward.job_namespace}/persistentvolumeclaims", body))
    stack.callback(ward.discharge)  # a claim in use does not go
    volumes = {"pvc": [{"name": "cache", "mount_path": "/cache"}]}
    stack.enter_context(changed_config(ward, volumes=volumes))
    return path


def _unbound_claim(ward: Ward, stack: ExitStack) -> None:
    _claim(ward, stack, storageClassName="nowhere")
    ward.job("build")


def _other_zone(ward: Ward, stack: ExitStack) -> None:
    terms = [{"matchExpressions": [{"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["zone-z"]}]}]
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": "cache-in-zone-z"},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "",
            "csi": {"driver": "example.com", "volumeHandle": "v1"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": terms}},
        },
    }
    stack.enter_context(made(ward, "/api/v1/persistentvolumes", volume))
    path = _claim(ward, stack, storageClassName="", volumeName="cache-in-zone-z")
    # The rehearsal's control plane has no volume controller: the two are bound as that would do it.
    claim = ward.patch(path, {"metadata": {"annotations": {"pv.kubernetes.io/bind-completed": "yes"}}})
    reference = {"kind": "PersistentVolumeClaim", "apiVersion": "v1", "namespace": ward.job_namespace, "name": "cache"}
    ward.patch(
        "/api/v1/persistentvolumes/cache-in-zone-z",
        {"spec": {"claimRef": {**reference, "uid": claim["metadata"]["uid"]}}},
    )
    ward.api.patch_status("/api/v1/persistentvolumes/cache-in-zone-z", {"phase": "Bound"})
    ward.api.patch_status(path, {"phase": "Bound"})
    ward.job("build")


def _at_maximum(ward: Ward, stack: ExitStack) -> None:
    """All arm64 nodes that the pool may have are there, and full."""
    _full(ward, stack)
    _autoscaler_says(ward, ward.jobs[-1], f"{UNFIT}, 1 max node group size reached")


def _other_at_maximum(ward: Ward, stack: ExitStack) -> None:
    """The flagship: an empty arm64 pool that can't grow from zero, beside an amd64 pool that may not grow further.

    Cluster Autoscaler leaves out groups at their maximum before it tries the pod on any, and counts them for every pod
    (core/scaleup/orchestrator/orchestrator.go, ScaleUp: filterValidScaleUpNodeGroups before SchedulablePodGroups;
    processors/status/eventing_scale_up_processor.go, ReasonsMessage).
    """
    stack.enter_context(without_nodes(ward, "arm64", lambda _: None))
    _autoscaler_says(ward, ward.job("build"), f"1 max node group size reached, {UNFIT}")


def _other_in_backoff(ward: Ward, stack: ExitStack) -> None:
    """Likewise beside an amd64 pool in backoff."""
    stack.enter_context(without_nodes(ward, "arm64", lambda _: None))
    _autoscaler_says(ward, ward.job("build"), f"{UNFIT}, 1 in backoff after failed scale-up")


def _autoscaler_says(ward: Ward, pod: str, why: str) -> None:
    said = f"pod didn't trigger scale-up: {why}"
    ward.event(pod, "NotTriggerScaleUp", said, component="cluster-autoscaler", kind="Normal")


def _from_zero(ward: Ward, stack: ExitStack) -> None:
    """As Azure/AKS#5079: the pool is there, empty, and its template says amd64."""
    stack.enter_context(without_nodes(ward, "arm64", lambda _: None))
    _autoscaler_says(ward, ward.job("build"), UNFIT)


def _back_off(ward: Ward, stack: ExitStack) -> None:
    """The pool took the pod once; since the cloud gave no machine it is left out."""
    stack.enter_context(without_nodes(ward, "arm64", lambda _: None))
    pod = ward.job("build")
    said = "pod triggered scale-up: [{ci-arm64 0->1 (max: 5)}]"
    ward.event(pod, "TriggeredScaleUp", said, component="cluster-autoscaler", kind="Normal")
    time.sleep(1.1)  # events tell the second
    _autoscaler_says(ward, pod, f"{UNFIT}, 1 in backoff after failed scale-up")


def _karpenter(ward: Ward, stack: ExitStack) -> None:
    stack.enter_context(without_nodes(ward, "arm64", lambda _: None))
    pod = ward.job("build")
    said = (
        'Failed to schedule pod, incompatible with nodepool "general-purpose", incompatible requirements, key '
        "kubernetes.io/arch, kubernetes.io/arch In [arm64] not in kubernetes.io/arch In [amd64]"
    )
    ward.event(pod, "FailedScheduling", said, component="karpenter")


def _gone(ward: Ward, stack: ExitStack) -> None:
    """The runner has given up: no pod is left, only its events."""
    stack.enter_context(without_nodes(ward, "arm64", lambda _: None))
    pod = ward.job("build")
    events = f"/api/v1/namespaces/{ward.job_namespace}/events"
    ward.wait("the scheduler's event", lambda: pod in json.dumps(ward.api.items(events)))
    ward.api.delete(f"/api/v1/namespaces/{ward.job_namespace}/pods/{pod}", {"gracePeriodSeconds": "0"})


def _finalizer(ward: Ward, stack: ExitStack) -> None:
    del stack
    path = f"/api/v1/namespaces/{ward.job_namespace}/pods/{ward.job('build')}"
    ward.patch(path, {"metadata": {"finalizers": ["example.com/billing"]}})
    ward.api.delete(path, {"gracePeriodSeconds": "0"})


def _ordered(ward: Ward, stack: ExitStack) -> None:
    stack.enter_context(without_nodes(ward, "arm64", lambda _: None))
    pod = ward.job("build")
    said = "pod triggered scale-up: [{ci-arm64 1->2 (max: 5)}]"
    ward.event(pod, "TriggeredScaleUp", said, component="cluster-autoscaler", kind="Normal")


def _missing_mount(ward: Ward, stack: ExitStack) -> None:
    del stack
    pod = ward.job("build")
    ward.kubelet_says(pod, {"phase": "Pending", "containerStatuses": [], "initContainerStatuses": []})
    ward.event(pod, "FailedMount", 'MountVolume.SetUp failed for volume "ca" : secret "registry-ca" not found')


def _no_sandbox(ward: Ward, stack: ExitStack) -> None:
    del stack
    pod = ward.job("build")
    ward.kubelet_says(pod, {"phase": "Pending", "containerStatuses": [], "initContainerStatuses": []})
    said = (
        "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox: plugin "
        'type="aws-cni" name="aws-cni" failed (add): add cmd: failed to assign an IP address to container'
    )
    ward.event(pod, "FailedCreatePodSandBox", said)


def _gate(ward: Ward, stack: ExitStack) -> None:
    del stack
    name = ward.job("model")
    manifest = ward.pod(name)
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"{name}-gated", "labels": manifest["metadata"]["labels"]},
        "spec": {**manifest["spec"], "nodeName": None, "schedulingGates": [{"name": "kueue.x-k8s.io/admission"}]},
    }
    ward.api.create(f"/api/v1/namespaces/{ward.job_namespace}/pods", body)


def _no_scheduler(ward: Ward, stack: ExitStack) -> None:
    stack.enter_context(changed_config(ward, scheduler_name="volcano"))
    ward.runner.create(f"/api/v1/namespaces/{ward.job_namespace}/pods", _silent_pod(ward))


def _silent_pod(ward: Ward) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "runner-abc-project-1-concurrent-0-xyz"},
        "spec": {
            "schedulerName": "volcano",
            "nodeSelector": {"kubernetes.io/arch": "amd64"},
            "containers": [{"name": "build", "image": kubelet.IMAGE}],
            "serviceAccountName": ward.installed.config.kubernetes.text("service_account"),
        },
    }


CASES: tuple[Broken, ...] = (
    Broken(
        "no arm64 node, twenty jobs", "no-node-of-arch", _no_arm64, pods=20, says="didn't match Pod's node affinity"
    ),
    Broken(
        "a taint of somebody else's", "taint-not-tolerated", _foreign_taint, pods=1, says="dedicated=gpu:NoSchedule"
    ),
    Broken("the toleration is gone from the config", "taint-not-tolerated", _no_toleration, pods=1, says="arm64"),
    Broken(
        "a job for s390x", "selector-matches-no-node", _s390x, frozenset({"selector-too-wide"}), pods=1, says="s390x"
    ),
    Broken("a misspelt label", "selector-matches-no-node", _misspelt_label, pods=1, says="did you mean node-pool?"),
    Broken("arm64 nodes cordoned", "nodes-cordoned", _cordoned, pods=1),
    Broken(
        "no network plugin on arm64 nodes",
        "nodes-not-ready",
        _ill("NetworkUnavailable", "NoRouteCreated", "Node created without a route"),
        pods=1,
        says="without a route",
        by_words="taint-not-tolerated",
    ),
    Broken(
        "arm64 nodes out of disk",
        "nodes-under-pressure",
        _ill("DiskPressure", "KubeletHasDiskPressure", "kubelet has disk pressure"),
        pods=1,
        says="disk pressure",
        by_words="taint-not-tolerated",
    ),
    Broken(
        "jobs larger than any node",
        "job-too-large",
        _too_large,
        frozenset({"job-too-large"}),  # of amd64 nodes too
        pods=1,
        says="the pod asks for 64",
        by_words="nodes-full",
    ),
    Broken(
        "DaemonSets leave no room",
        "job-too-large",
        _daemon_sets,
        pods=1,
        says="for its DaemonSets",
        by_words="nodes-full",
    ),
    Broken("arm64 nodes full", "nodes-full", _full, pods=1, says="Insufficient cpu"),
    Broken("quota used up, no pod at all", "quota-exhausted", refused.quota, says="used: pods=2, limited: pods=2"),
    Broken(
        "a quota on what one container lacks", "quota-needs-requests", refused.quota_of_one_container, says="helper"
    ),
    Broken(
        "limit range below the jobs' limits",
        "limit-range-refuses",
        refused.limit_range(type="Container", max={"memory": "1Gi"}),
        says="maximum memory usage per Container is 1Gi",
    ),
    Broken(
        "limit range for whole pods",
        "limit-range-refuses",
        refused.limit_range(type="Pod", max={"memory": "4Gi"}),
        says="maximum memory usage per Pod is 4Gi",
    ),
    Broken(
        "limit range on the ratio of limit to request",
        "limit-range-refuses",
        refused.limit_range(type="Container", maxLimitRequestRatio={"memory": "2"}),
        says="max limit to request ratio per Container is 2",
    ),
    Broken("jobs' namespace restricted", "pod-security-refuses-jobs", refused.restricted, says="runAsNonRoot"),
    Broken(
        "procMount without a user namespace",
        "job-pod-invalid",  # baseline would refuse it next: without `hostUsers: false` the API itself comes first
        refused.config(build_container_security_context={"proc_mount": "Unmasked"}),
        says="procMount",
    ),
    Broken(
        "SELinux under baseline",
        "pod-security-refuses-jobs",
        refused.config(build_container_security_context={"selinux_type": "spc_t"}),
        says="seLinuxOptions",
    ),
    Broken(
        "AppArmor under baseline",
        "pod-security-refuses-jobs",
        refused.config(build_container_security_context={"app_armor_profile": {"type": "Unconfined"}}),
        says="AppArmor",
    ),
    Broken("a policy in CEL", "policy-refuses-jobs", refused.policy, says="every pod names its team"),
    Broken(
        "a request above its limit",
        "job-pod-invalid",
        refused.config(cpu_request="4", cpu_limit="2"),
        says="must be less than or equal to cpu limit of 2",
    ),
    Broken(
        "image without arm64, containerd",
        "image-lacks-arch",
        _state(kubelet.waiting("build", "ImagePullBackOff", kubelet.CONTAINERD_PLATFORM)),
        pods=3,
        says="no match for platform",
    ),
    Broken(
        "image without arm64, CRI-O",
        "image-lacks-arch",
        _state(kubelet.waiting("build", "ImagePullBackOff", kubelet.CRIO_PLATFORM)),
        pods=3,
    ),
    Broken("image without arm64, an older kubelet", "image-lacks-arch", _old_backoff, pods=1),
    Broken(
        "image of another architecture that starts",
        "image-lacks-arch",
        _state(kubelet.waiting("build", "RunContainerError", kubelet.WRONG_FORMAT)),
        pods=3,
        says="exec format error",
    ),
    Broken(
        "pull refused",
        "image-pull-denied",
        _state(kubelet.waiting("build", "ImagePullBackOff", kubelet.DENIED)),
        pods=3,
    ),
    Broken(
        "no such tag",
        "image-not-found",
        _state(kubelet.waiting("build", "ErrImagePull", kubelet.NOT_FOUND)),
        pods=3,
    ),
    Broken(
        "rate limit",
        "image-rate-limited",
        _state(kubelet.waiting("build", "ErrImagePull", kubelet.RATE_LIMITED)),
        pods=3,
    ),
    Broken(
        "unknown certificate authority",
        "registry-tls",
        _state(kubelet.waiting("build", "ErrImagePull", kubelet.UNTRUSTED)),
        pods=3,
    ),
    Broken(
        "registry not reached",
        "registry-unreachable",
        _state(kubelet.waiting("build", "ErrImagePull", kubelet.UNREACHED)),
        pods=3,
    ),
    Broken(
        "x86 helper on arm64",
        "helper-image-wrong-arch",
        _pinned_helper,
        frozenset({"helper-image-of-one-arch"}),
        pods=1,
    ),
    Broken("x86 helper in the config", "helper-image-of-one-arch", _one_arch_helper),
    Broken(
        "evicted for disk",
        "pod-evicted",
        _state({"phase": "Failed", "reason": "Evicted", "message": kubelet.LOW_ON_DISK}),
        pods=3,
        says="ephemeral-storage",
    ),
    Broken(
        "spot node reclaimed",
        "node-taken-away",
        _state(kubelet.disrupted("DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint")),
        pods=3,
    ),
    Broken(
        "preempted",
        "pod-preempted",
        _state(
            kubelet.disrupted(
                "PreemptionByScheduler", "default-scheduler: preempting to accommodate a higher priority pod"
            )
        ),
        pods=3,
    ),
    Broken("the token's Secret lacks its second key", "manager-secret", _secret_key),
    Broken("Pod Security refuses the manager", "manager-refused", _manager_refused, says="violates PodSecurity"),
    Broken(
        "the manager crashes",
        "manager-crashes",
        _manager_says(lambda image: kubelet.crashing("gitlab-runner", image, 1)),
        says="7 restarts",
    ),
    Broken("the manager's image can't be pulled", "manager-not-ready", _manager_says(_manager_pull)),
    Broken("the manager is scaled to zero", "manager-scaled-to-zero", _scaled),
    Broken("the role binding is gone", "manager-lacks-rights", _unbound, says="create pods"),
    Broken("the jobs' service account is missing", "job-object-missing", _no_account),
    Broken("the jobs' priority class is missing", "job-object-missing", _no_priority),
    Broken("the regex is empty", "selector-overwrite-off", _regex_empty),
    Broken("the config names another namespace", "job-namespace-missing", _elsewhere),
    Broken("config.toml is no TOML", "config-invalid", _broken_toml),
    Broken("a webhook whose service is gone", "admission-webhook-down", refused.webhook_without_service),
    Broken(
        "a webhook without endpoints",
        "admission-webhook-down",
        refused.webhook_without_endpoints,
        says="failed to call webhook",
    ),
    Broken(
        "a webhook that refuses",
        "webhook-refuses-jobs",
        refused.webhook_says("pods.policy.example.com", "no cost center"),
        says="no cost center",
    ),
    Broken(
        "Kyverno refuses",
        "kyverno-refuses-jobs",
        refused.webhook_says(
            "validate.kyverno.svc-fail",
            "\n\nresource Pod/jobs/runner was blocked due to the following policies \n\nrequire-team:\n  check-team: "
            "'validation error: label team is required'\n",
        ),
        says="require-team",
    ),
    Broken(
        "Gatekeeper refuses",
        "gatekeeper-refuses-jobs",
        refused.webhook_says("validation.gatekeeper.sh", "[all-must-have-team] you must provide labels: {team}"),
        says="all-must-have-team",
    ),
    Broken("an unbound claim", "claim-unbound", _unbound_claim, pods=1),
    Broken("a volume in another zone", "volume-elsewhere", _other_zone, pods=1),
    Broken("the pool is at its maximum", "pool-at-maximum", _at_maximum, pods=1, by_words="nodes-full"),
    Broken("scale from zero does not work", "scale-from-zero", _from_zero, pods=1),
    Broken(
        "nor does it beside a full amd64 pool", "scale-from-zero", _other_at_maximum, pods=1, says="1 max node group"
    ),
    Broken("nor beside an amd64 pool in backoff", "scale-from-zero", _other_in_backoff, pods=1),
    Broken("the cloud gives no node", "scale-up-fails", _back_off, pods=1),
    Broken("no Karpenter NodePool for arm64", "node-pool-excludes", _karpenter, pods=1),
    Broken(
        "given up, only events are left",
        "no-node-of-arch",
        _gone,
        says="the pods are gone",
        by_words="selector-matches-no-node",
    ),
    Broken(
        "a finalizer that nobody takes away", "stuck-terminating", _finalizer, pods=1, says="example.com", later=300
    ),
    Broken("the node was ordered, and does not come", "no-node-of-arch", _ordered, pods=1, says="1->2", later=900),
    Broken("a Secret to mount is missing", "volume-mount-fails", _missing_mount, pods=1, says="registry-ca"),
    Broken("no address for the pod", "sandbox-fails", _no_sandbox, pods=1),
    Broken("a scheduling gate", "scheduling-gated", _gate, pods=1),
    Broken("a scheduler that does not exist", "scheduler-silent", _no_scheduler, pods=1, later=120),
)
