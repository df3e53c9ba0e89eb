"""Nodes counted into pools while the list comes in, so that a thousand of them are never in memory at once."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from multiarch.cluster.look import marks
from multiarch.cluster.look.model import Pool
from multiarch.core.verdict import Verdict

PAGE = 250
"""Nodes per page: a node is 5 to 20 KiB of JSON, mostly the names of its images."""

_MOST_SAMPLES = 8
_CONTROL_PLANE = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")


@dataclass(slots=True, kw_only=True)
class _Group:
    """One pool so far."""

    name: str
    named: bool
    arch: str
    os: str
    known: marks.NodeMarks
    machine_types: Counter[str] = field(default_factory=Counter)
    nodes: int = 0
    ready: int = 0
    zones: set[str] = field(default_factory=set)
    taints: list[str] | None = None
    labels: dict[str, str] | None = None
    spot: set[Verdict] = field(default_factory=set)
    cpu_millis: int = 0
    memory_mib: int = 0
    maker: str = ""
    ours: bool = False
    selector: dict[str, str] = field(default_factory=dict)
    control_plane: bool = False
    gpu: bool = False

    def add(self, node: Mapping[str, Any]) -> None:
        """Count one more node of this pool."""
        labels = _labels(node)
        self.nodes += 1
        self.ready += _ready(node)
        self.machine_types[labels.get(marks.INSTANCE_TYPE, "")] += 1
        if zone := _zone(labels):
            self.zones.add(zone)
        taints = _taints(node)
        self.taints = taints if self.taints is None else [taint for taint in self.taints if taint in taints]
        own = {key: value for key, value in labels.items() if self.known.of_a_pool(key)}
        if self.labels is None:
            self.labels = own
        else:
            self.labels = {key: value for key, value in self.labels.items() if own.get(key) == value}
        self.spot.add(self.known.spot_of(labels))
        allocatable = (node.get("status") or {}).get("allocatable") or {}
        self.cpu_millis = _least(self.cpu_millis, marks.millis(str(allocatable.get("cpu") or "")))
        self.memory_mib = _least(self.memory_mib, marks.mib(str(allocatable.get("memory") or "")))
        self.maker = self.maker or self.known.maker_of(labels)
        self.ours = self.ours or marks.OURS in labels
        self.gpu = self.gpu or any("/gpu" in key or key.endswith("/nvidia") for key in allocatable)

    def pool(self, name: str) -> Pool:
        """Return what was counted."""
        return Pool(
            name=name,
            arch=self.arch,
            machine_type=min(self.machine_types, key=lambda name: (-self.machine_types[name], name), default=""),
            nodes=self.nodes,
            ready=self.ready,
            zones=tuple(sorted(self.zones)),
            taints=tuple(self.taints or ()),
            labels=dict(sorted((self.labels or {}).items())),
            spot=next(iter(self.spot)) if len(self.spot) == 1 else Verdict.UNKNOWN,
            cpu_millis=self.cpu_millis,
            memory_mib=self.memory_mib,
            named=self.named,
            os=self.os,
            maker=self.maker,
            ours=self.ours,
            selector=self.selector or dict(sorted((self.labels or {}).items())),
            control_plane=self.control_plane,
            gpu=self.gpu,
        )


@dataclass(slots=True, kw_only=True)
class NodeCount:
    """What all nodes seen so far tell, of their pools and of their cluster."""

    known: marks.NodeMarks = marks.EVERYWHERE
    """The labels that mean something."""
    nodes: int = 0
    provider_ids: list[str] = field(default_factory=list)
    """A few of each scheme (`gce`, `aws` ...)."""
    schemes: Counter[str] = field(default_factory=Counter)
    """How many nodes have a provider ID of which scheme; the empty one has none."""
    regions: Counter[str] = field(default_factory=Counter)
    labels: dict[str, Counter[str]] = field(default_factory=dict)
    """Values of the labels that tell about the cluster, with the number of nodes that carry each."""
    names: list[str] = field(default_factory=list)
    """Of a few nodes."""
    versions: Counter[str] = field(default_factory=Counter)
    """kubelet's versions."""
    k3s_arguments: list[str] = field(default_factory=list)
    """What k3s notes in `k3s.io/node-args` of its servers."""
    groups: dict[tuple[str, ...], _Group] = field(default_factory=dict)

    def add(self, node: Mapping[str, Any]) -> None:
        """Count one node."""
        labels = _labels(node)
        self.nodes += 1
        if len(self.names) < _MOST_SAMPLES:
            self.names.append(str(node["metadata"]["name"]))
        identity = str((node.get("spec") or {}).get("providerID") or "")
        scheme = identity.partition("://")[0] if "://" in identity else ""
        if scheme and self.schemes[scheme] < _MOST_SAMPLES:
            self.provider_ids.append(identity)
        self.schemes[scheme] += 1
        if region := labels.get(marks.REGION):
            self.regions[region] += 1
        self._note(labels)
        info = (node.get("status") or {}).get("nodeInfo") or {}
        self.versions[str(info.get("kubeletVersion") or "")] += 1
        arguments = (node["metadata"].get("annotations") or {}).get("k3s.io/node-args")
        if arguments and "server" in arguments:
            self.k3s_arguments.append(str(arguments))
        key, group = _group(node, labels, self.known)
        self.groups.setdefault(key, group).add(node)

    def _note(self, labels: Mapping[str, str]) -> None:
        for key in self.known.cluster:
            if key in labels:
                self.labels.setdefault(key, Counter())[labels[key]] += 1

    def pools(self) -> tuple[Pool, ...]:
        """Return the pools, by architecture and name; each has a name of its own."""
        groups = sorted(self.groups.values(), key=lambda group: (group.os, group.arch, group.name))
        taken: Counter[str] = Counter()
        pools = []
        for group in groups:
            taken[group.name] += 1
            again = not group.named and taken[group.name] > 1
            pools.append(group.pool(f"{group.name}-{taken[group.name]}" if again else group.name))
        return tuple(pools)

    def carried(self, *labels: str) -> bool:
        """Tell whether any node carries one of these labels, which tell about the cluster."""
        return any(self.labels.get(label) for label in labels)

    def agreed_label(self, label: str) -> str:
        """Return a cluster label's value where all nodes that carry it agree; empty otherwise."""
        values = self.labels.get(label) or Counter[str]()
        return next(iter(values)) if len(values) == 1 else ""


def _labels(node: Mapping[str, Any]) -> dict[str, str]:
    labels: dict[str, str] = node["metadata"].get("labels") or {}
    return labels


def _group(
    node: Mapping[str, Any], labels: Mapping[str, str], known: marks.NodeMarks
) -> tuple[tuple[str, ...], _Group]:
    """Return the pool that a node belongs to, and its key: by the cloud's pool label, else by what the node is."""
    info = (node.get("status") or {}).get("nodeInfo") or {}
    arch = labels.get(marks.ARCH) or str(info.get("architecture") or "unknown")
    system = labels.get("kubernetes.io/os") or str(info.get("operatingSystem") or "linux")
    machine = labels.get(marks.INSTANCE_TYPE, "")
    label = next((key for key in known.pools if labels.get(key)), "")
    if label:
        # A pool of several types (EKS, Karpenter) is one pool; of several architectures it is one of each.
        named = labels[label]
        group = _Group(name=named, named=True, arch=arch, os=system, known=known, selector={label: named})
        return (named, arch, system), group
    # k3s and single-node clusters put ordinary work on their control plane: only the taint makes it one of its own.
    role = "control-plane" if any(taint.startswith(_CONTROL_PLANE) for taint in _taints(node)) else ""
    name = "-".join(filter(None, (arch, machine.lower(), role, system if system != "linux" else "")))
    group = _Group(name=name, named=False, arch=arch, os=system, known=known, control_plane=bool(role))
    return ("", arch, machine, system, role, *sorted(_taints(node))), group


def _zone(labels: Mapping[str, str]) -> str:
    zone = labels.get(marks.ZONE, "")
    return "" if zone == "0" else zone  # Azure's spelling of "no zone": the fault domain


def _taints(node: Mapping[str, Any]) -> list[str]:
    taints = []
    for taint in (node.get("spec") or {}).get("taints") or []:
        value = f"={taint['value']}" if taint.get("value") else ""
        taints.append(f"{taint['key']}{value}:{taint['effect']}")
    return sorted(text for text in taints if marks.lasting(text))


def _ready(node: Mapping[str, Any]) -> bool:
    conditions = (node.get("status") or {}).get("conditions") or []
    return any(entry["type"] == "Ready" and entry["status"] == "True" for entry in conditions)


def _least(before: int, now: int) -> int:
    return now if before == 0 else min(before, now) if now else before
