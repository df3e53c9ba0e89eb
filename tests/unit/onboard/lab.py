"""Clusters that are not there: nodes and workloads as clouds and distributions make them, behind an API of paths."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from multiarch.cluster.api import ApiRefused
from multiarch.cluster.look.look import look
from multiarch.cluster.look.model import Look
from multiarch.cluster.look.names import KubeconfigNames
from multiarch.model.clouds import marks

ARM_TAINT = {"key": "kubernetes.io/arch", "value": "arm64", "effect": "NoSchedule"}


def node(  # noqa: PLR0913 - a node has as many parts
    name: str,
    arch: str = "amd64",
    *,
    provider_id: str = "",
    cpu: str = "7910m",
    memory: str = "29000000Ki",
    taints: Sequence[Mapping[str, str]] = (),
    annotations: Mapping[str, str] | None = None,
    ready: bool = True,
    os: str = "linux",
    labels: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return a Node; labels may be given as `**{"a/b": "c"}`."""
    return {
        "metadata": {
            "name": name,
            "annotations": dict(annotations or {}),
            "labels": {
                "kubernetes.io/arch": arch,
                "kubernetes.io/os": os,
                "kubernetes.io/hostname": name,
                **(labels or {}),
            },
        },
        "spec": {"providerID": provider_id, "taints": [dict(taint) for taint in taints]},
        "status": {
            "allocatable": {"cpu": cpu, "memory": memory, "pods": "110"},
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
            "nodeInfo": {"architecture": arch, "operatingSystem": os, "kubeletVersion": "v1.34.2"},
        },
    }


def gke_nodes(  # noqa: PLR0913 - as above
    pool: str = "default-pool",
    *,
    machine: str = "e2-standard-8",
    arch: str = "amd64",
    zones: str = "abc",
    region: str = "us-central1",
    prefix: str = "gke",
    labels: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    return [
        node(
            f"{prefix}-ci-{pool}-1a2b3c4d-{index:04d}",
            arch,
            provider_id=f"gce://acme-ci/{region}-{letter}/{prefix}-ci-{pool}-1a2b3c4d-{index:04d}",
            taints=[ARM_TAINT] if arch == "arm64" else [],
            labels={
                "cloud.google.com/gke-nodepool": pool,
                "node.kubernetes.io/instance-type": machine,
                "topology.kubernetes.io/region": region,
                "topology.kubernetes.io/zone": f"{region}-{letter}",
                **(labels or {}),
            },
        )
        for index, letter in enumerate(zones)
    ]


def eks_nodes(  # noqa: PLR0913 - as above
    group: str = "workers",
    *,
    machine: str = "m7i.2xlarge",
    arch: str = "amd64",
    zones: str = "abc",
    region: str = "eu-central-1",
    labels: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    return [
        node(
            f"ip-10-0-{index}-{len(group)}.{region}.compute.internal",
            arch,
            provider_id=f"aws:///{region}{letter}/i-0{index:016x}",
            labels={
                "eks.amazonaws.com/nodegroup": group,
                "eks.amazonaws.com/capacityType": "ON_DEMAND",
                "node.kubernetes.io/instance-type": machine,
                "topology.kubernetes.io/region": region,
                "topology.kubernetes.io/zone": f"{region}{letter}",
                **(labels or {}),
            },
        )
        for index, letter in enumerate(zones)
    ]


SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"


def aks_nodes(  # noqa: PLR0913 - as above
    pool: str = "system",
    *,
    machine: str = "Standard_D8s_v5",
    arch: str = "amd64",
    count: int = 2,
    location: str = "westeurope",
    group: str = "MC_ci_builds_westeurope",
    labels: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    scale_set = f"aks-{pool}-12345678-vmss"
    return [
        node(
            f"{scale_set}00000{index}",
            arch,
            provider_id=f"azure:///subscriptions/{SUBSCRIPTION}/resourceGroups/{group.lower()}/providers/"
            f"Microsoft.Compute/virtualMachineScaleSets/{scale_set}/virtualMachines/{index}",
            labels={
                "kubernetes.azure.com/agentpool": pool,
                "agentpool": pool,
                "kubernetes.azure.com/mode": "system",
                "kubernetes.azure.com/cluster": group,
                "node.kubernetes.io/instance-type": machine,
                "topology.kubernetes.io/region": location,
                "topology.kubernetes.io/zone": "0",
                **(labels or {}),
            },
        )
        for index in range(count)
    ]


def kind_nodes() -> list[dict[str, Any]]:
    control = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
    return [
        node(
            "ci-control-plane",
            provider_id="kind://docker/ci/ci-control-plane",
            taints=[control],
            labels={"node-role.kubernetes.io/control-plane": ""},
        ),
        node("ci-worker", provider_id="kind://docker/ci/ci-worker"),
    ]


def k3s_nodes(*arguments: str, arch: str = "arm64", names: Sequence[str] = ("pi-0", "pi-1")) -> list[dict[str, Any]]:
    first, *rest = names
    noted = "[" + ",".join(f'"{word}"' for word in ("server", *arguments)) + "]"
    made = {"node.kubernetes.io/instance-type": "k3s", "beta.kubernetes.io/instance-type": "k3s"}
    server = node(
        first,
        arch,
        provider_id=f"k3s://{first}",
        cpu="4",
        memory="3884Mi",
        annotations={"k3s.io/node-args": noted},
        labels={**made, "node-role.kubernetes.io/control-plane": "true"},
    )
    agents = [
        node(
            name, arch, provider_id=f"k3s://{name}", cpu="4", memory="3884Mi",
            annotations={"k3s.io/node-args": '["agent"]'}, labels=made,
        )
        for name in rest
    ]  # fmt: skip
    return [server, *agents]


def daemon_set(name: str, namespace: str = "kube-system", image: str = "", args: Sequence[str] = ()) -> dict[str, Any]:
    container = {"name": name, "image": image, "args": list(args)}
    return {
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"template": {"spec": {"containers": [container]}}},
    }


def deployment(name: str, namespace: str, image: str = "", **labels: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"template": {"spec": {"containers": [{"name": name, "image": image}]}}},
    }


def runner(name: str = "gitlab-runner", namespace: str = "ci", chart: str = "gitlab-runner-0.71.0") -> dict[str, Any]:
    return deployment(name, namespace, app=name, chart=chart, release=name, heritage="Helm")


def helm_record(name: str, namespace: str) -> dict[str, Any]:
    labels = {"owner": "helm", "name": name, "status": "failed", "version": "1"}
    return {"metadata": {"name": f"sh.helm.release.v1.{name}.v1", "namespace": namespace, "labels": labels}}


@dataclass
class Server:
    """An API server that knows nothing but this."""

    nodes: Sequence[dict[str, Any]] = ()
    version: str = "1.34.2"
    groups: Sequence[str] = ()
    daemon_sets: Sequence[dict[str, Any]] = ()
    deployments: Sequence[dict[str, Any]] = ()
    secrets: Sequence[dict[str, Any]] = ()
    objects: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    """Further objects and lists, by path."""
    forbidden: Sequence[str] = ()
    """Ends of paths that are answered 403."""
    status: int = 0
    """What everything is answered with, if not 0."""
    open_version: bool = False
    """Whether the version is told all the same."""
    denied: Sequence[str] = ()
    """`verb resource` that an access review denies."""
    requests: list[tuple[str, str]] = field(default_factory=list)

    def get(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        del query
        self._ask("GET", path)
        if path == "/version":
            return {"gitVersion": f"v{self.version}"}
        if path == "/apis":
            return {"groups": [{"name": name} for name in self.groups]}
        for kind, found in (("daemonsets", self.daemon_sets), ("deployments", self.deployments)):
            for one in found:
                if path == f"/apis/apps/v1/namespaces/{one['metadata']['namespace']}/{kind}/{one['metadata']['name']}":
                    return one
        if path in self.objects:
            return self.objects[path]
        raise ApiRefused(404, "NotFound", f"{path} not found")

    def pages(
        self, path: str, query: Mapping[str, str] | None = None, *, size: int = 500, metadata_only: bool = False
    ) -> Iterator[list[dict[str, Any]]]:
        del query
        self._ask("GET", path)
        found = self._list(path)
        for start in range(0, max(len(found), 1), size):
            page = found[start : start + size]
            yield [{"metadata": one["metadata"]} for one in page] if metadata_only else page

    def review(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        assert path == "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        self._ask("POST", path)
        wanted = body["spec"]["resourceAttributes"]
        denied = f"{wanted['verb']} {wanted['resource']}" in self.denied or "*" in self.denied
        return {"status": {"allowed": not denied, "reason": "denied by the test" if denied else ""}}

    def _list(self, path: str) -> list[dict[str, Any]]:
        lists = {
            "/api/v1/nodes": self.nodes,
            "/apis/apps/v1/daemonsets": self.daemon_sets,
            "/apis/apps/v1/deployments": self.deployments,
            "/api/v1/secrets": self.secrets,
        }
        if path in lists:
            return list(lists[path])
        for kind in ("daemonsets", "deployments"):
            if path.startswith("/apis/apps/v1/namespaces/") and path.endswith(f"/{kind}"):
                namespace = path.split("/")[5]
                return [one for one in lists[f"/apis/apps/v1/{kind}"] if one["metadata"]["namespace"] == namespace]
        return list((self.objects.get(path) or {}).get("items") or [])

    def _ask(self, method: str, path: str) -> None:
        self.requests.append((method, path))
        if self.status and not (self.open_version and path == "/version"):
            raise ApiRefused(self.status, "Unauthorized", "no")
        if any(path.endswith(end) for end in self.forbidden):
            raise ApiRefused(403, "Forbidden", f"{path} is forbidden")


def seen(  # noqa: PLR0913 - as above
    server: Server, *, context: str = "ci", url: str = "https://192.0.2.1:6443", cluster: str = "", user: str = "",
    arguments: Sequence[str] = (), namespaces: Sequence[str] = ("gitlab-runner", "gitlab-runner-jobs"),
) -> Look:  # fmt: skip
    """Look at such a server."""
    names = KubeconfigNames(context=context, cluster=cluster, user=user, arguments=tuple(arguments))
    return look(server, context=context, server=url, clouds=marks(), namespaces=namespaces, names=names)  # type: ignore[arg-type]  # as much of an Api as is used
