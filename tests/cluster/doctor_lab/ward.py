"""A really installed stack to be broken: real API server, scheduler and controllers, kwok for the kubelets."""

import contextlib
import datetime as dt
import json
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import tomli_w

from multiarch.cluster.api import Api, ApiRefused
from multiarch.cluster.connection import Connection
from multiarch.doctor.doctor import diagnose
from multiarch.doctor.model import Examination
from multiarch.doctor.target import Promised, promised
from multiarch.model.executor import Job, Pod, build_pod
from multiarch.model.nodes import nodes_for
from multiarch.model.plan import plan_stack
from multiarch.model.plan.model import Plan
from multiarch.model.readback import Installed, read_back, service_account_api
from multiarch.model.release import release_of
from multiarch.rehearse.control_plane.plane import ControlPlane
from multiarch.rehearse.install import Charts, Helm, Installer, add_nodes, remove_nodes
from multiarch.rehearse.install.chart import EMBEDDED

ROOT = Path(__file__).resolve().parents[3]
MERGE = "application/merge-patch+json"
PATIENCE = 20.0


@dataclass(slots=True)
class Ward:
    """An installed stack, and the hands to break it with."""

    connection: Connection
    api: Api
    runner: Api
    plan: Plan
    said: Promised
    installed: Installed
    jobs: list[str] = field(default_factory=list)
    told_of: set[str] = field(default_factory=set)
    """UIDs of the jobs' pods since the last discharge: events of others are an earlier case's."""

    @property
    def manager_namespace(self) -> str:
        return self.installed.namespace

    @property
    def job_namespace(self) -> str:
        return self.installed.job_namespace

    def examine(self, *, connection: Connection | None = None, stack: bool = True, later: float = 0.0) -> Examination:
        """Run the doctor as the command does, `later` seconds from now, without an earlier case's events in its way.

        The scheduler's events come late: one that is written twice at once is written again 10 s later, and a series'
        last word comes after 6 minutes (client-go tools/events/event_broadcaster.go), though they were deleted.
        """
        for _ in range(10):
            self.sweep()
            report = self.examine_as_it_is(connection=connection, stack=stack, later=later)
            if not self.sweep():
                return report
        raise AssertionError("events of pods of earlier cases keep coming")

    def sweep(self) -> int:
        """Delete the events of pods that are neither there nor of this case; gives their number."""
        place = f"/api/v1/namespaces/{self.job_namespace}"
        told = [event for event in self.api.items(f"{place}/events") if event["involvedObject"].get("kind") == "Pod"]
        there = {pod["metadata"]["uid"] for pod in self.api.items(f"{place}/pods")} if told else set()
        old = [event for event in told if event["involvedObject"].get("uid") not in there | self.told_of]
        for event in old:
            self.api.delete(f"{place}/events/{event['metadata']['name']}")
        return len(old)

    def examine_as_it_is(
        self, *, connection: Connection | None = None, stack: bool = True, later: float = 0.0
    ) -> Examination:
        """Run the doctor, and do nothing else."""
        who = connection or self.connection
        now = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=later)
        if not stack:
            return diagnose(who, lambda _: None, now=now)
        return diagnose(who, lambda _: None, stack=self.plan.stack, plan=self.said, now=now)

    def job(self, name: str, arch: str = "arm64", **given: Any) -> str:
        """Give a job to the executor model, create its pod as the runner's account, and wait for the scheduler."""
        variables = {"KUBERNETES_NODE_SELECTOR_ARCH": f"kubernetes.io/arch={arch}", **given.pop("variables", {})}
        config = read_back(self.api, release_of(self.plan)).config
        built = build_pod(config, Job(name=name, variables=variables, **given), self.installed.runner_version)
        assert isinstance(built, Pod), built
        made = self.runner.create(f"/api/v1/namespaces/{built.namespace}/pods", built.manifest)
        self.jobs.append(built.name)
        self.told_of.add(made["metadata"]["uid"])
        self.wait(f"a word from the scheduler on {built.name}", lambda: self._told(built.name))
        return built.name

    def _told(self, name: str) -> bool:
        pod = self.pod(name)
        return bool(pod["spec"].get("nodeName") or (pod.get("status") or {}).get("conditions"))

    def pod(self, name: str, namespace: str = "") -> dict[str, Any]:
        return self.api.get(f"/api/v1/namespaces/{namespace or self.job_namespace}/pods/{name}")

    def kubelet_says(self, pod: str, status: Mapping[str, Any], namespace: str = "") -> None:
        """Write into a pod's status what a kubelet would, once kwok has started it."""
        space = namespace or self.job_namespace
        self.wait(f"kwok starts {pod}", lambda: self.pod(pod, space)["status"].get("phase") == "Running")
        self.api.patch_status(f"/api/v1/namespaces/{space}/pods/{pod}", status)

    def event(self, pod: str, reason: str, message: str, *, component: str = "kubelet", kind: str = "Warning") -> None:
        """Record an event about a pod, as kubelets and autoscalers do."""
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        about = {"kind": "Pod", "apiVersion": "v1", "namespace": self.job_namespace, "name": pod}
        body = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": f"{pod[:40]}.", "namespace": self.job_namespace},
            "involvedObject": {**about, "uid": self.pod(pod)["metadata"]["uid"]},
            "reason": reason,
            "message": message,
            "type": kind,
            "source": {"component": component},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        self.api.create(f"/api/v1/namespaces/{self.job_namespace}/events", body)

    def patch(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self.api.call("PATCH", path, body, None, MERGE)

    def wait(self, what: str, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not done():
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {PATIENCE:.0f} s for: {what}")
            time.sleep(0.05)

    def nodes(self, arch: str) -> list[dict[str, Any]]:
        return self.api.items("/api/v1/nodes", {"labelSelector": f"kubernetes.io/arch={arch}"})

    def discharge(self) -> None:
        """Delete every pod and event of the jobs."""
        place = f"/api/v1/namespaces/{self.job_namespace}"
        for name in self.jobs:
            self.patch_quietly(f"{place}/pods/{name}", {"metadata": {"finalizers": None}})
        self.jobs.clear()
        self.api.delete(f"{place}/pods", {"gracePeriodSeconds": "0"})
        self.wait("the jobs' pods to go", lambda: not self.api.items(f"{place}/pods"))
        self.told_of.clear()
        self.api.delete(f"{place}/events")

    def patch_quietly(self, path: str, body: Mapping[str, Any]) -> None:
        with contextlib.suppress(ApiRefused):
            self.patch(path, body)

    def settled(self) -> None:
        """Wait until the manager runs again."""
        path = f"/apis/apps/v1/namespaces/{self.manager_namespace}/deployments/{self.installed.deployment}"

        def ready() -> bool:
            deployment = self.api.get(path)
            status = deployment["status"]
            fresh = status.get("observedGeneration") == deployment["metadata"]["generation"]
            return bool(fresh and status.get("readyReplicas") == 1 and status.get("replicas") == 1)

        self.wait("the manager to run", ready)


@contextmanager
def open_ward(
    plane: ControlPlane, stack: str = "local", stack_file: Path | None = None, *, clean: bool = True
) -> Iterator[Ward]:
    """Install a stack as the rehearsal does, and take it away again; not where the control plane ends with it."""
    plan = plan_stack(ROOT, stack, stack_file=stack_file)
    with ExitStack() as resources:
        connection = resources.enter_context(Connection(plane.kubeconfig, plane.context))
        helm = resources.enter_context(Helm(plane.binary("helm"), plane.kubeconfig, plane.context))
        charts = resources.enter_context(Charts(str(EMBEDDED)))
        api = Api.of(connection)
        installer = Installer(api, helm, stack)
        if clean:
            resources.callback(remove_nodes, api, stack)
        add_nodes(api, nodes_for(plan), stack, embedded=True)
        if clean:
            resources.callback(installer.clean)
        release = release_of(plan)
        installer.install(plan, charts.choose(release, helm))
        installed = read_back(api, release)
        runner = service_account_api(api, installed.namespace, installed.service_account)
        resources.callback(runner.close)
        ward = Ward(connection, api, runner, plan, promised(plan), installed)
        ward.settled()
        yield ward


@contextmanager
def changed_config(ward: Ward, **changes: Any) -> Iterator[None]:
    """Change `[runners.kubernetes]` in the release's ConfigMap for a while, as `kubectl edit` would."""
    path = f"/api/v1/namespaces/{ward.manager_namespace}/configmaps/gitlab-runner"
    before = ward.api.get(path)["data"]["config.template.toml"]
    document = tomllib.loads(before)
    document["runners"][0]["kubernetes"].update(changes)
    ward.patch(path, {"data": {"config.template.toml": tomli_w.dumps(document)}})
    try:
        yield
    finally:
        ward.patch(path, {"data": {"config.template.toml": before}})


@contextmanager
def replaced(ward: Ward, path: str) -> Iterator[dict[str, Any]]:
    """Hand out an object's present state, and put it back whole, whatever became of it."""
    before = ward.api.get(path)
    try:
        yield before
    finally:
        body = {key: value for key, value in before.items() if key != "status"}
        meta = before["metadata"]
        body["metadata"] = {key: meta[key] for key in ("name", "namespace", "labels", "annotations") if key in meta}
        if ward.api.find(path) is None:
            ward.api.create(path.rpartition("/")[0], json.loads(json.dumps(body)))
        else:
            current = ward.api.get(path)["metadata"]["resourceVersion"]
            body["metadata"]["resourceVersion"] = current
            ward.api.call("PUT", path, body)


@contextmanager
def made(ward: Ward, collection: str, body: Mapping[str, Any]) -> Iterator[str]:
    """Create an object for a while; gives its path."""
    name = ward.api.create(collection, body)["metadata"]["name"]
    path = f"{collection}/{name}"
    try:
        yield path
    finally:
        ward.patch_quietly(path, {"metadata": {"finalizers": None}})
        ward.api.delete(path)
        ward.wait(f"{path} to go", lambda: ward.api.find(path) is None)


@contextmanager
def tainted(ward: Ward, arch: str, taints: Sequence[Mapping[str, str]]) -> Iterator[None]:
    """Give the nodes of an architecture other taints for a while."""
    nodes = {node["metadata"]["name"]: node["spec"].get("taints") or [] for node in ward.nodes(arch)}
    for name, before in nodes.items():
        ward.patch(f"/api/v1/nodes/{name}", {"spec": {"taints": [*before, *taints]}})
    try:
        yield
    finally:
        for name, before in nodes.items():
            ward.patch(f"/api/v1/nodes/{name}", {"spec": {"taints": before}})


@contextmanager
def without_nodes(ward: Ward, arch: str, instead: Callable[[dict[str, Any]], dict[str, Any] | None]) -> Iterator[None]:
    """Take the nodes of an architecture away for a while; `instead` may give another in each one's place."""
    nodes = [node for group in nodes_for(ward.plan) for node in group.nodes]
    mine = [node for node in nodes if node["metadata"]["labels"]["kubernetes.io/arch"] == arch]
    owned = {node["metadata"]["name"]: node for node in ward.nodes(arch)}
    for node in mine:
        ward.api.delete(f"/api/v1/nodes/{node['metadata']['name']}")
        other = instead(json.loads(json.dumps(node)))
        if other is not None:
            ward.api.create("/api/v1/nodes", other)
    try:
        yield
    finally:
        for node in ward.nodes(arch):
            ward.api.delete(f"/api/v1/nodes/{node['metadata']['name']}")
        for name, node in owned.items():
            meta = {key: node["metadata"][key] for key in ("name", "labels", "annotations")}
            taints = [taint for taint in node["spec"].get("taints") or [] if taint["key"] == "kubernetes.io/arch"]
            spec = {"providerID": node["spec"]["providerID"], "taints": taints}
            body = {"apiVersion": "v1", "kind": "Node", "metadata": meta, "spec": spec}
            ward.api.create("/api/v1/nodes", {**body, "status": _fresh(node["status"])})
            ward.wait(f"node {name} to be ready", partial(_open, ward, name))


def _fresh(status: Mapping[str, Any]) -> dict[str, Any]:
    return {key: status[key] for key in ("allocatable", "capacity", "nodeInfo") if key in status}


def _open(ward: Ward, name: str) -> bool:
    node = ward.api.get(f"/api/v1/nodes/{name}")
    conditions = {entry["type"]: entry["status"] for entry in node["status"].get("conditions") or []}
    taints = {taint["key"] for taint in node["spec"].get("taints") or []}
    return conditions.get("Ready") == "True" and not any(key.startswith("node.kubernetes.io/") for key in taints)
