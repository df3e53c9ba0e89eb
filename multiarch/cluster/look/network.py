"""The network plugin, and whether it enforces network policies: from its DaemonSet and its settings."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from multiarch.core.verdict import Answer, no, unknown, yes

_ENFORCING: Final[Mapping[str, tuple[str, str]]] = {
    "anetd": ("gke dataplane v2 (cilium)", "GKE Dataplane V2"),
    "calico-node": ("calico", "Calico"),
    "canal": ("canal", "Calico's policy engine over flannel"),
    "rke2-canal": ("canal", "Calico's policy engine over flannel"),
    "azure-npm": ("azure cni with azure npm", "Azure Network Policy Manager"),
    "kube-router": ("kube-router", "kube-router"),
    "weave-net": ("weave", "Weave Net's policy controller"),
    "antrea-agent": ("antrea", "Antrea"),
    "ovnkube-node": ("ovn-kubernetes", "OVN-Kubernetes"),
}
"""DaemonSets that enforce policies whenever they run: the plugin's name, and who enforces."""
_KINDNET_SINCE: Final = 20240813
"""kindnetd enforces network policies since the image that kind 0.24.0 ships (kubernetes-sigs/kind, release notes)."""
_KINDNET: Final = re.compile(r":v([0-9]{8})")


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkLook:
    """The plugin's name (empty where unknown), and whether policies are enforced."""

    cni: str
    policies: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkEvidence:
    """What the judgement rests on."""

    flavour: str
    daemon_sets: Mapping[str, Mapping[str, Any]]
    """By name."""
    unseen: str = ""
    """Why DaemonSets could not be listed."""
    cilium: Mapping[str, str] | None = None
    """Data of the ConfigMap cilium-config; None where it was not seen."""
    vpc_cni: Mapping[str, str] | None = None
    """Data of the ConfigMap amazon-vpc-cni; None where it was not seen."""
    k3s_arguments: tuple[str, ...] = ()


def network(seen: NetworkEvidence, of_cloud: Callable[[NetworkEvidence], NetworkLook | None]) -> NetworkLook:
    """Name the plugin and tell whether it enforces policies. An enforcing one beside another decides.

    `of_cloud` is asked where no DaemonSet that is known here tells.
    """
    told = _by_daemon_set(seen)
    if told is not None:
        return told
    if seen.flavour.startswith(("k3s", "k3d")):
        return NetworkLook(cni="flannel (k3s)", policies=_k3s(seen.k3s_arguments))
    if seen.unseen:
        return NetworkLook(cni="", policies=unknown(seen.unseen))
    return of_cloud(seen) or NetworkLook(cni="", policies=unknown("no DaemonSet of a plugin that is known here"))


def _by_daemon_set(seen: NetworkEvidence) -> NetworkLook | None:
    sets = seen.daemon_sets
    for name, (cni, who) in _ENFORCING.items():
        if name in sets:
            return NetworkLook(cni=cni, policies=yes(f"DaemonSet {_where(sets[name])}: {who}"))
    if "cilium" in sets:
        return _cilium(sets["cilium"], seen.cilium)
    if "aws-node" in sets:
        return NetworkLook(cni="aws vpc cni", policies=_vpc_cni(sets["aws-node"], seen.vpc_cni))
    if "kindnet" in sets:
        return NetworkLook(cni="kindnet", policies=_kindnet(sets["kindnet"]))
    flannel = next((name for name in ("kube-flannel-ds", "kube-flannel") if name in sets), "")
    if flannel:
        return NetworkLook(cni="flannel", policies=no(f"DaemonSet {_where(sets[flannel])}: flannel has no policies"))
    return None


def _cilium(daemon_set: Mapping[str, Any], config: Mapping[str, str] | None) -> NetworkLook:
    where = f"DaemonSet {_where(daemon_set)}"
    if config is None:
        return NetworkLook(cni="cilium", policies=yes(f"{where}; enable-policy was not seen, its default enforces"))
    mode = config.get("enable-policy", "default")
    if mode == "never":
        return NetworkLook(cni="cilium", policies=no(f"{where}, but cilium-config says enable-policy: never"))
    return NetworkLook(cni="cilium", policies=yes(f"{where}, enable-policy: {mode}"))


def _vpc_cni(daemon_set: Mapping[str, Any], config: Mapping[str, str] | None) -> Answer:
    """Judge AWS's plugin: off unless the agent is told otherwise (aws/amazon-vpc-cni-k8s, README).

    The add-on sets both the agent's flag and the controller's switch in the ConfigMap amazon-vpc-cni.
    """
    for container in _containers(daemon_set):
        for argument in container.get("args") or []:
            if argument.startswith("--enable-network-policy="):
                on = argument.endswith("=true")
                because = f"DaemonSet {_where(daemon_set)}, container {container.get('name')}: {argument}"
                return yes(because) if on else no(because)
    if config is not None and "enable-network-policy-controller" in config:
        on = config["enable-network-policy-controller"] == "true"
        because = f"amazon-vpc-cni: enable-network-policy-controller: {config['enable-network-policy-controller']}"
        return yes(because) if on else no(because)
    return no(f"DaemonSet {_where(daemon_set)} runs without the network policy agent")


def _kindnet(daemon_set: Mapping[str, Any]) -> Answer:
    image = next((str(container.get("image") or "") for container in _containers(daemon_set)), "")
    match = _KINDNET.search(image)
    if match is None:
        return unknown(f"kindnet's image names no version: {image or 'none'}")
    if int(match[1]) >= _KINDNET_SINCE:
        return yes(f"{image}: kindnet enforces them since v{_KINDNET_SINCE}")
    return no(f"{image}: kindnet enforces them only since v{_KINDNET_SINCE} (kind 0.24.0)")


def _k3s(arguments: Iterable[str]) -> Answer:
    told = list(arguments)
    if not told:
        return unknown(
            "k3s enforces them unless started with --disable-network-policy, and no server's arguments are visible"
        )
    if any("--disable-network-policy" in line for line in told):
        return no("a k3s server was started with --disable-network-policy (annotation k3s.io/node-args)")
    return yes("k3s's own controller: no server was started with --disable-network-policy")


def _containers(daemon_set: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    spec = ((daemon_set.get("spec") or {}).get("template") or {}).get("spec") or {}
    containers: list[Mapping[str, Any]] = spec.get("containers") or []
    return containers


def _where(daemon_set: Mapping[str, Any]) -> str:
    return f"{daemon_set['metadata'].get('namespace', '')}/{daemon_set['metadata']['name']}"
