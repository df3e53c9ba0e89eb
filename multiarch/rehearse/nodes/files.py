"""The files that a node's programs read: pure functions of where things are inside the node.

A node has /run, /var/lib and /var/log of its own, so every path here is the programs' usual one.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import yaml

from multiarch.rehearse.nodes.architectures import Arch
from multiarch.rehearse.nodes.cgroups import NAME
from multiarch.rehearse.nodes.network import BRIDGE, Subnet

PROGRAMS = "/run/multiarch-bin"
"""Where a node finds its programs."""
SETTINGS = "/run/multiarch-node"
"""Where a node finds the files of this module."""
SOCKET = "/run/containerd/containerd.sock"
# renovate: datasource=docker depName=registry.k8s.io/pause
SANDBOX = "registry.k8s.io/pause:3.10.1"
"""The image that holds a pod's namespaces, Kubernetes' own."""
KUBELET_PORT = 10250
ANY_REGISTRY = "_default"
"""As whose settings containerd reads those for every registry that has none of its own."""

SYSCTLS: Mapping[str, str] = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
"""What a kubelet sets on its whole machine (pkg/kubelet/cm: setupKernelTunables). Here it sees files that say so, and
writes to those: the machine's own settings stay as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node: what it says it is, and where it is reached."""

    arch: Arch
    emulated: bool
    subnet: Subnet
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: Sequence[Mapping[str, str]] = ()
    """Those of a planned pool."""

    @property
    def name(self) -> str:
        """The node's name, in Kubernetes and in the names of its processes' logs."""
        return f"real-{self.arch}"

    @property
    def address(self) -> str:
        """Where its kubelet listens."""
        return self.subnet.node(self.arch)


def containerd(*, cni: str, sandbox: str) -> str:
    """Return containerd's configuration (version 3), with its default root, state and socket."""
    quoted = {name: json.dumps(value) for name, value in {"cni": cni, "sandbox": sandbox}.items()}
    return f"""version = 3
# The second one would make a folder for programs on the machine itself: /opt is not the node's own.
disabled_plugins = ["io.containerd.nri.v1.nri", "io.containerd.internal.v1.opt"]

# Else it makes a folder /opt/containerd on the machine.
[plugins."io.containerd.internal.v1.opt"]
  path = "/var/lib/containerd/opt"

[plugins."io.containerd.cri.v1.images"]
  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = {quoted["sandbox"]}
  [plugins."io.containerd.cri.v1.images".registry]
    config_path = "{SETTINGS}/certs.d"

[plugins."io.containerd.cri.v1.runtime"]
  # Without CAP_SYS_RESOURCE, which containers lack, runc may not lower a score.
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = [{quoted["cni"]}]
    conf_dir = "{SETTINGS}/cni"
  [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
      BinaryName = "{PROGRAMS}/runc"
      SystemdCgroup = false
"""


def registries(url: str) -> dict[str, str]:
    """Return what containerd reads at each pull: every registry's images come from this one, and its own as well.

    A URL with a path names a part of a registry, `http://127.0.0.1:5000/v2/mirror`: `docker.io/library/debian` is then
    its repository `mirror/library/debian`. What names this registry itself, `127.0.0.1:5000/app`, is its `app`.
    """
    parts = urlsplit(url)
    itself = f"{parts.scheme}://{parts.netloc}"
    own_path = "  override_path = true\n" if parts.path.strip("/") else ""
    every = f'[host.{json.dumps(url)}]\n  capabilities = ["pull", "resolve"]\n{own_path}'
    return {
        f"certs.d/{ANY_REGISTRY}/hosts.toml": every,
        f"certs.d/{parts.netloc}/hosts.toml": f"server = {json.dumps(itself)}\n",
    }


def network(node: Node) -> str:
    """Return the CNI configuration: the bridge, and addresses of the node's own share of its subnet."""
    first, last = node.subnet.pods(node.arch)
    share = {
        "subnet": str(node.subnet.network),
        "rangeStart": first,
        "rangeEnd": last,
        "gateway": node.subnet.gateway,
    }
    bridge = {
        "type": "bridge",
        "bridge": BRIDGE,
        # The bridge has its address already; as its gateway the plugin would also switch forwarding on, on the host.
        "isGateway": False,
        "ipMasq": False,
        "ipam": {
            "type": "host-local",
            "dataDir": "/run/cni-addresses",
            "ranges": [[share]],
            "routes": [{"dst": "0.0.0.0/0", "gw": node.subnet.gateway}],
        },
    }
    return json.dumps({"cniVersion": "1.0.0", "name": "nodes", "plugins": [bridge]}, indent=2)


def kubelet(node: Node) -> str:
    """Return the kubelet's configuration. It lets in who has a certificate of the control plane's, and nobody else."""
    settings: dict[str, Any] = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": f"unix://{SOCKET}",
        "address": node.address,
        "port": KUBELET_PORT,
        "healthzPort": 0,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": False},
            "x509": {"clientCAFile": f"{SETTINGS}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "failCgroupV1": False,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{NAME}/{node.arch}",
        "enforceNodeAllocatable": [],
        "failSwapOn": False,
        "makeIPTablesUtilChains": False,  # the machine's own tables are not the node's to change
        "oomScoreAdj": 0,
        "evictionHard": {},
        "imageGCHighThresholdPercent": 100,  # a full disk is the user's; what a node pulled goes at its end
        "imageGCLowThresholdPercent": 99,
        "serializeImagePulls": False,
        "resolvConf": "/etc/resolv.conf",
        "registerNode": True,
    }
    return yaml.safe_dump(settings, sort_keys=False)


def kubelet_flags(node: Node) -> tuple[str, ...]:
    """Return what a kubelet takes on its command line only."""
    return (
        f"--config={SETTINGS}/kubelet.yaml",
        f"--kubeconfig={SETTINGS}/kubeconfig",
        f"--hostname-override={node.name}",
        f"--node-ip={node.address}",
    )
