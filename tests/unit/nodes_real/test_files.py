"""What a node's programs are told: pure texts, read back as the programs read them."""

import ipaddress
import json
import tomllib
from typing import Any

import pytest
import yaml

from multiarch.rehearse.control_plane import programs
from multiarch.rehearse.control_plane.programs import REAL_NODE
from multiarch.rehearse.nodes import files, objects
from multiarch.rehearse.nodes.architectures import Arch
from multiarch.rehearse.nodes.files import Node
from multiarch.rehearse.nodes.network import Subnet
from tests.unit.control_plane.test_programs import BINARY, LAYOUT, flags

SUBNET = Subnet(ipaddress.IPv4Network("10.231.0.0/16"))
TAINT = {"key": "kubernetes.io/arch", "value": "arm64", "effect": "NoSchedule"}
NODES = {
    arch: Node(
        arch=arch,
        emulated=arch is Arch.ARM64,
        subnet=SUBNET,
        labels={"pool": "builds", "kubernetes.io/hostname": "of-the-cloud", "kubernetes.io/arch": "s390x"},
        taints=(TAINT,),
    )
    for arch in Arch
}


def kubelet(arch: Arch) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(files.kubelet(NODES[arch]))
    return found


def test_a_kubelet_lets_nobody_in_without_a_certificate_and_listens_where_pods_do_not_need_it() -> None:
    for arch in Arch:
        found = kubelet(arch)
        assert found["authentication"]["anonymous"] == {"enabled": False}
        assert found["authentication"]["x509"]["clientCAFile"]
        assert found["authorization"] == {"mode": "Webhook"}
        assert found["address"] == SUBNET.node(arch)
        assert found["healthzPort"] == 0


def test_nodes_share_neither_address_nor_cgroup_nor_pods_addresses() -> None:
    assert len({kubelet(arch)["address"] for arch in Arch} | {SUBNET.gateway}) == 3
    assert len({kubelet(arch)["cgroupRoot"] for arch in Arch}) == 2
    shares = [tuple(map(ipaddress.IPv4Address, SUBNET.pods(arch))) for arch in Arch]
    taken = [ipaddress.IPv4Address(address) for address in (SUBNET.gateway, *map(SUBNET.node, Arch))]
    assert shares[0][1] < shares[1][0] or shares[1][1] < shares[0][0]
    assert not [one for one in taken for first, last in shares if first <= one <= last]
    assert all(address in SUBNET.network for share in shares for address in share)


def test_containerd_makes_no_folder_outside_of_what_is_the_nodes_own() -> None:
    found = tomllib.loads(files.containerd(cni="/opt/cni/bin", sandbox="a.example/pause:1"))
    assert "io.containerd.internal.v1.opt" in found["disabled_plugins"], "it makes /opt/containerd"


def test_no_setting_lets_a_plugin_or_a_kubelet_change_the_machines_network() -> None:
    (bridge,) = json.loads(files.network(NODES[Arch.ARM64]))["plugins"]
    assert (bridge["isGateway"], bridge["ipMasq"]) == (False, False)
    assert kubelet(Arch.AMD64)["makeIPTablesUtilChains"] is False


def test_containerd_reads_what_was_meant_whatever_is_in_a_path() -> None:
    found = tomllib.loads(files.containerd(cni='/opt/"odd" folder', sandbox="a.example/pause:1"))
    runtime, images = (found["plugins"][f"io.containerd.cri.v1.{name}"] for name in ("runtime", "images"))
    assert runtime["cni"]["bin_dirs"] == ['/opt/"odd" folder']
    assert runtime["restrict_oom_score_adj"] is True
    assert runtime["containerd"]["runtimes"]["runc"]["options"]["BinaryName"] == f"{files.PROGRAMS}/runc"
    assert images["pinned_images"]["sandbox"] == "a.example/pause:1"


@pytest.mark.parametrize(
    ("registry", "own_path"),
    [("http://127.0.0.1:5000", False), ("http://127.0.0.1:5000/", False), ("http://127.0.0.1:5000/v2/arm64", True)],
)
def test_a_mirrors_path_counts_only_if_it_has_one(registry: str, *, own_path: bool) -> None:
    made = files.registries(registry)
    (host,) = tomllib.loads(made["certs.d/_default/hosts.toml"])["host"].items()
    assert host[0] == registry
    assert host[1].get("override_path", False) is own_path
    itself = tomllib.loads(made["certs.d/127.0.0.1:5000/hosts.toml"])
    assert itself == {"server": "http://127.0.0.1:5000"}, "what names the registry comes from it, and from its root"


def test_a_node_has_its_pools_labels_but_its_own_name_and_architecture() -> None:
    for arch, node in NODES.items():
        found = objects.manifest(node)
        labels = found["metadata"]["labels"]
        assert labels["pool"] == "builds"
        assert (labels["kubernetes.io/hostname"], labels["kubernetes.io/arch"]) == (node.name, arch)
        assert labels[REAL_NODE] == "true"
        assert (objects.EMULATED in labels) == node.emulated
        assert found["spec"]["taints"] == [TAINT]


def test_the_policy_is_asked_by_a_node_that_says_the_wrong_thing_and_is_otherwise_its_own() -> None:
    node = NODES[Arch.ARM64]
    assert objects.arch_of(objects.probe(node)) == "amd64"
    assert objects.EMULATED in objects.probe(node)["metadata"]["labels"]
    (rule,) = objects.policy()["spec"]["matchConstraints"]["resourceRules"]
    assert {"nodes", "nodes/status"} <= set(rule["resources"])


@pytest.mark.parametrize(
    ("status", "taints", "ready"),
    [
        ("True", [], True),
        ("True", [{"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}], False),
        ("False", [], False),
        ("Unknown", [], False),
    ],
)
def test_ready_is_a_node_to_which_pods_may_go(status: str, taints: list[dict[str, str]], *, ready: bool) -> None:
    found = {"status": {"conditions": [{"type": "Ready", "status": status}]}, "spec": {"taints": taints}}
    assert objects.is_ready(found) is ready
    assert objects.is_ready({}) is False


def test_kwok_leaves_real_nodes_alone_only_where_there_may_be_some() -> None:
    beside = flags(programs.kwok(BINARY, LAYOUT, beside_real_nodes=True))
    assert beside["manage-nodes-with-label-selector"] == f"{REAL_NODE}!=true"
    assert "manage-all-nodes" not in beside
    assert flags(programs.kwok(BINARY, LAYOUT))["manage-all-nodes"] == "true"
