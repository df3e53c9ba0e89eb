"""Builders of what a cluster would answer: nodes, pods, facts, and a runner with the local stack's own config."""

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from multiarch.cluster.look.model import Look
from multiarch.cluster.seen import Seen
from multiarch.core.verdict import Answer, Verdict, yes
from multiarch.doctor.facts import Admission, Event, Facts, Node, Right, Runner, Space, Taint, amounts
from multiarch.model.executor import parse_config
from multiarch.model.pools import PlannedPool
from multiarch.model.readback import Installed

NOW = dt.datetime(2026, 11, 25, 12, 0, tzinfo=dt.UTC)
ARM_TAINT = Taint(key="kubernetes.io/arch", value="arm64", effect="NoSchedule")
CONFIG = r"""
[[runners]]
executor = "kubernetes"
[runners.kubernetes]
namespace = "jobs"
image = "docker.io/library/alpine:3.22"
poll_timeout = 600
service_account = "job"
node_selector_overwrite_allowed = '^kubernetes\.io/arch=(amd64|arm64)$'
cpu_request = "1"
memory_request = "2Gi"
memory_limit = "8Gi"
allow_privilege_escalation = false
node_selector = { "kubernetes.io/arch" = "amd64" }
node_tolerations = { "kubernetes.io/arch=arm64" = "NoSchedule" }
"""


def node(name: str = "n", arch: str = "amd64", **given: Any) -> Node:
    labels = {"kubernetes.io/arch": arch, "kubernetes.io/hostname": name, **given.pop("labels", {})}
    room = given.pop("allocatable", {"cpu": "8", "memory": "32Gi", "ephemeral-storage": "100Gi", "pods": "110"})
    used, daemons = given.pop("used", {}), given.pop("daemons", {})
    taints = given.pop("taints", (ARM_TAINT,) if arch == "arm64" else ())
    return Node(
        name=name,
        labels={key: value for key, value in labels.items() if value is not None},
        taints=taints,
        allocatable=amounts(room),
        used=None if used is None else amounts(used),
        daemons=amounts(daemons),
        **given,
    )


def pod(name: str = "runner-abc-project-1-concurrent-0-xyz", **given: Any) -> dict[str, Any]:
    """Return a job's pod that is two minutes old."""
    status = given.pop("status", {"phase": "Pending"})
    requests = given.pop("requests", {})
    metadata = {
        "name": name,
        "namespace": "jobs",
        "uid": f"uid-{name}",
        "labels": {"job.runner.gitlab.com/pod": "x"},
        "creationTimestamp": given.pop("created", "2026-11-25T11:58:00+00:00"),
        **given.pop("metadata", {}),
    }
    tolerations = [{"key": "kubernetes.io/arch", "operator": "Equal", "value": "arm64", "effect": "NoSchedule"}]
    spec = {
        "nodeSelector": {"kubernetes.io/arch": given.pop("arch", "arm64")},
        "tolerations": tolerations,
        "containers": [{"name": "build", "image": "app:1", "resources": {"requests": requests}}],
        **given,
    }
    return {"metadata": metadata, "spec": spec, "status": status}


def unschedulable(message: str) -> dict[str, Any]:
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    return {"phase": "Pending", "conditions": [condition]}


def waiting(reason: str, message: str, container: str = "build", image: str = "app:1") -> dict[str, Any]:
    state = {"waiting": {"reason": reason, "message": message}}
    return {"phase": "Pending", "containerStatuses": [{"name": container, "image": image, "state": state}]}


def runner(toml: str = CONFIG, **given: Any) -> Runner:
    installed = Installed(
        namespace="manager",
        release="gitlab-runner",
        deployment="gitlab-runner",
        selector={"app": "gitlab-runner"},
        service_account="gitlab-runner",
        config=parse_config(toml),
        runner_version="19.1.1",
    )
    deployment = {"metadata": {"name": "gitlab-runner"}, "spec": {"replicas": 1}, "status": {"readyReplicas": 1}}
    return Runner(
        **{
            "name": "gitlab-runner",
            "namespace": "manager",
            "installed": installed,
            "deployment": deployment,
            "rights": Seen((Right(verb="create", resource="pods", allowed=yes("RBAC")),)),
            **given,
        }
    )


def with_config(**changes: str) -> str:
    """Return the config with lines of `[runners.kubernetes]` replaced, or taken out by an empty text."""
    lines = []
    for line in CONFIG.splitlines():
        key = line.partition(" =")[0]
        lines += ([f"{key} = {changes[key]}"] if changes[key] else []) if key in changes else [line]
    lines += [f"{key} = {value}" for key, value in changes.items() if value and f"\n{key} =" not in CONFIG]
    return "\n".join(lines)


def space(**given: Any) -> Space:
    labels = given.pop("labels", {"pod-security.kubernetes.io/enforce": "baseline"})
    return Space(name="jobs", found=Seen({"metadata": {"name": "jobs", "labels": labels}}), **given)


def admission(arch: str = "arm64", **given: Any) -> Admission:
    """Return that the API server takes a job's pod, but for what is given."""
    values = {
        "runner": "manager/gitlab-runner",
        "namespace": "jobs",
        "image": "app:1",
        "asker": "the manager's account",
    }
    return Admission(**{**values, "arch": arch, **given})


def look(provider: str = "existing", **given: Any) -> Look:
    told = Answer(verdict=Verdict.NO, because="a test says so")
    given = {"autoscaler": told, "network_policies": told, **given}
    return Look(context="c", server="s", version="1.36.3", provider=provider, provider_because="test", **given)


def pool(name: str = "arm64", arch: str = "arm64", **given: Any) -> PlannedPool:
    return PlannedPool(
        **{
            "name": name,
            "cloud": "eks",
            "arch": arch,
            "machine_type": "",
            "spot": False,
            "min_nodes": 1,
            "max_nodes": 5,
            "labels": {},
            "taints": (str(ARM_TAINT),) if arch == "arm64" else (),
            "zones": (),
            **given,
        }
    )


def facts(**given: Any) -> Facts:
    """Return a cluster in good health, but for what is given."""
    values: dict[str, Any] = {
        "now": NOW,
        "version": "1.36.3",
        "nodes": (node("a"), node("b", "arm64")),
        "pods": (),
        "events": (),
        "runners": (runner(),),
        "spaces": (space(),),
        "admissions": (admission(),),
        "local_dns": Seen(False),  # noqa: FBT003 - what was found
        "look": look(),
        **given,
    }
    seen = {key: Seen(tuple(values[key])) for key in ("nodes", "pods", "events") if not isinstance(values[key], Seen)}
    return Facts(**{**values, **seen})


def event(reason: str, message: str, about: Mapping[str, Any] | str = "", **given: Any) -> Event:
    name = about if isinstance(about, str) else about["metadata"]["name"]
    return Event(kind="Pod", namespace="jobs", name=name, reason=reason, message=message, last=NOW, **given)


def cpus(value: str) -> dict[str, Decimal]:
    return {"cpu": Decimal(value)}


def kinds(causes: Sequence[Any]) -> list[str]:
    return [one.kind for one in causes]
