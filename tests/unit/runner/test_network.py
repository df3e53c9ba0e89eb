from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.runner.network_policies import Peer, Policy, network_policies
from components.runner.settings import RunnerConfig

Stacks = dict[str, Callable[..., Any]]

METADATA = {
    "gke": ["169.254.169.254", "169.254.169.252", "fd20:ce::254"],
    "eks": ["169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::254"],
    "aks": ["169.254.169.254", "168.63.129.16"],
    "existing": ["169.254.169.254", "168.63.129.16", "fd00:ec2::254", "fd20:ce::254"],
}


def covers(peer: Peer, address: str) -> bool:
    if peer.cidr is None:
        return False
    ip = ip_address(address)
    return ip in ip_network(peer.cidr) and not any(ip in ip_network(hole) for hole in peer.blocked)


def reaches(policies: list[Policy], namespace: str, address: str, port: int, protocol: str = "TCP") -> bool:
    """Add the policies up, as Kubernetes does."""
    return any(
        covers(peer, address) and entry.protocol == protocol and entry.number <= port <= (entry.end or entry.number)
        for policy in policies
        if policy.namespace == namespace
        for rule in policy.egress
        for peer in rule.peers
        for entry in rule.ports
    )


def policies_of(stack: Any) -> list[Policy]:
    return network_policies(stack.runner, stack.cluster.type)


def test_each_namespace_denies_by_default_in_both_directions(stack: Any) -> None:
    for namespace in ("gitlab-runner", "gitlab-runner-jobs"):
        (deny,) = (p for p in policies_of(stack) if p.name == "default-deny" and p.namespace == namespace)
        assert deny.egress == deny.ingress == ()


def test_jobs_reach_no_metadata_address(stack: Any) -> None:
    for address in METADATA[stack.cluster.type]:
        for port in (80, 443, 987, 8080, 32526):
            assert not reaches(policies_of(stack), "gitlab-runner-jobs", address, port), (address, port)


PRIVATE_HOSTS = ["10.0.0.1", "172.20.3.4", "192.168.1.9", "100.64.7.7", "fd12::1"]


@pytest.mark.parametrize("address", PRIVATE_HOSTS)
def test_anywhere_is_the_internet_and_no_private_network(stack: Any, address: str) -> None:
    found = policies_of(stack)
    open_to_jobs = [port for port in (80, 443, 6443, 8080) if reaches(found, "gitlab-runner-jobs", address, port)]
    assert open_to_jobs == []
    assert reaches(found, "gitlab-runner", address, 443), "the manager needs the API server, which may be there"
    assert reaches(found, "gitlab-runner-jobs", "203.0.113.9", 443)


def test_a_private_registry_is_open_where_it_is_named_and_nothing_beside_it(stacks: Stacks) -> None:
    named = {"registry": {"cidrs": ["0.0.0.0/0", "10.20.0.0/16"]}, "metadata": {"provider": "gkeDataplaneV2"}}
    found = policies_of(stacks["gke"](networkPolicies=named))
    assert reaches(found, "gitlab-runner-jobs", "10.20.3.4", 443)
    assert not reaches(found, "gitlab-runner-jobs", "10.21.3.4", 443)
    assert not reaches(found, "gitlab-runner-jobs", "10.20.3.4", 80)


def test_the_manager_reaches_only_the_metadata_address_it_was_given(stacks: Stacks) -> None:
    dataplane = policies_of(stacks["gke"]())
    assert reaches(dataplane, "gitlab-runner", "169.254.169.254", 80)
    assert not reaches(dataplane, "gitlab-runner", "169.254.169.252", 988)
    calico = policies_of(stacks["gke"](networkPolicies={"metadata": {"provider": "gkeCalico"}}))
    assert reaches(calico, "gitlab-runner", "169.254.169.252", 988)
    assert not reaches(calico, "gitlab-runner", "169.254.169.254", 80)
    pod_identity = policies_of(stacks["eks"](networkPolicies={"metadata": {"provider": "eksPodIdentity"}}))
    assert reaches(pod_identity, "gitlab-runner", "169.254.170.23", 80)
    assert not reaches(pod_identity, "gitlab-runner", "169.254.169.254", 80)
    assert not reaches(policies_of(stacks["eks"]()), "gitlab-runner", "169.254.170.23", 80)


def test_jobs_get_an_identity_only_when_asked_for(stacks: Stacks) -> None:
    asked = stacks["gke"](networkPolicies={"metadata": {"provider": "gkeDataplaneV2", "jobs": True}})
    assert reaches(policies_of(asked), "gitlab-runner-jobs", "169.254.169.254", 80)


def test_jobs_and_manager_reach_gitlab_on_its_own_port(stacks: Stacks) -> None:
    policies = policies_of(stacks["gke"](gitlabUrl="https://gitlab.example.com:8443"))
    for namespace in ("gitlab-runner", "gitlab-runner-jobs"):
        assert reaches(policies, namespace, "203.0.113.7", 8443)
        assert reaches(policies, namespace, "203.0.113.7", 443)


@pytest.mark.parametrize(
    ("server", "address", "port"),
    [
        ({"address": "minio.example.com:9000"}, "203.0.113.7", 9000),
        ({"address": "minio.example.com", "insecure": True}, "203.0.113.7", 80),
        ({"address": "10.1.2.3:9000"}, "10.1.2.3", 9000),
        ({"address": "[fd12::7]:9000"}, "fd12::7", 9000),
    ],
)
def test_jobs_and_manager_reach_a_cache_server_of_ones_own(
    stacks: Stacks, server: dict[str, Any], address: str, port: int
) -> None:
    cache = {"type": "s3", "bucket": "b", "region": "r", "server": {**server, "existingSecret": "keys"}}
    policies = [p for p in policies_of(stacks["gke"](cache=cache)) if p.name == "allow-cache"]
    for namespace in ("gitlab-runner", "gitlab-runner-jobs"):
        assert reaches(policies, namespace, address, port)
        assert not reaches(policies, namespace, "10.1.2.4", port)


def test_jobs_reach_registries_and_package_mirrors_but_not_ssh_or_the_api_servers_port(stack: Any) -> None:
    policies = policies_of(stack)
    assert reaches(policies, "gitlab-runner-jobs", "203.0.113.7", 443)
    assert reaches(policies, "gitlab-runner-jobs", "203.0.113.7", 80)
    for port in (22, 25, 6443, 10250):
        assert not reaches(policies, "gitlab-runner-jobs", "203.0.113.7", port)


def test_the_manager_reaches_the_api_server(stack: Any) -> None:
    assert reaches(policies_of(stack), "gitlab-runner", "10.96.0.1", 443)
    assert reaches(policies_of(stack), "gitlab-runner", "10.0.0.1", 6443)


def test_dns_goes_to_the_clusters_resolvers_only(stack: Any) -> None:
    policies = policies_of(stack)
    for namespace in ("gitlab-runner", "gitlab-runner-jobs"):
        assert not reaches(policies, namespace, "8.8.8.8", 53, "UDP")
        (dns,) = (p for p in policies if p.name == "allow-dns" and p.namespace == namespace)
        assert {(port.number, port.protocol) for port in dns.egress[0].ports} == {(53, "UDP"), (53, "TCP")}


def test_a_dns_cache_on_the_node_is_reached_however_the_dataplane_sees_it(stack: Any) -> None:
    """By its pods' label (GKE Dataplane V2), by the DNS Service's address (Calico), at its own (IPVS, AKS LocalDNS)."""
    policies = policies_of(stack)
    clouds = {"aks": ["169.254.10.10", "169.254.10.11"], "gke": ["169.254.169.254"]}
    own = [address for kind in clouds if stack.cluster.type in (kind, "existing") for address in clouds[kind]]
    for namespace in ("gitlab-runner", "gitlab-runner-jobs"):
        (dns,) = (p for p in policies if p.name == "allow-dns" and p.namespace == namespace)
        labels = [peer.pod_labels for peer in dns.egress[0].peers if peer.cidr is None]
        assert labels == [{"k8s-app": "kube-dns"}, {"k8s-app": "node-local-dns"}]
        for address in ["10.0.0.10", "172.20.0.10", "192.168.0.10", "34.118.224.10", "fd00::a", "169.254.20.10", *own]:
            assert reaches(policies, namespace, address, 53, "UDP"), address
            assert reaches(policies, namespace, address, 53, "TCP"), address


def test_the_dns_service_can_be_named_and_stays_open_in_a_blocked_range(stacks: Stacks) -> None:
    named = {"dnsCidrs": ["10.96.0.10/32"], "blockedCidrs": ["10.96.0.0/12"]}
    policies = policies_of(stacks["eks"](networkPolicies=named))
    assert reaches(policies, "gitlab-runner-jobs", "10.96.0.10", 53, "UDP")
    assert not reaches(policies, "gitlab-runner-jobs", "10.96.0.11", 53, "UDP")
    assert not reaches(policies, "gitlab-runner-jobs", "10.96.0.10", 443)


def test_an_empty_list_closes_an_endpoint_instead_of_opening_it(stacks: Stacks) -> None:
    closed = stacks["aks"](networkPolicies={"packages": {"cidrs": []}, "registry": {"cidrs": ["10.1.0.0/16"]}})
    policies = policies_of(closed)
    assert not reaches(policies, "gitlab-runner-jobs", "203.0.113.7", 80)
    assert "allow-packages" not in [policy.name for policy in policies]
    for policy in policies:
        for rule in (*policy.egress, *policy.ingress):
            assert rule.peers  # without peers, a rule allows every address
            assert rule.ports


def test_only_metrics_come_in_and_only_to_the_manager(stacks: Stacks) -> None:
    policies = policies_of(stacks["gke"](metrics={"namespace": "monitoring"}))
    (incoming,) = (policy for policy in policies if policy.ingress)
    assert incoming.namespace == "gitlab-runner"
    assert [port.number for port in incoming.ingress[0].ports] == [9252]
    assert incoming.ingress[0].peers == (Peer(namespace_labels={"kubernetes.io/metadata.name": "monitoring"}),)
    assert not [p for p in policies_of(stacks["gke"](metrics={"enabled": False})) if p.ingress]


def test_turned_off_means_none(stacks: Stacks) -> None:
    assert policies_of(stacks["gke"](networkPolicies={"enabled": False})) == []


ranges = st.builds(
    lambda number, bits: str(IPv4Network((number & (0xFFFFFFFF << (32 - bits)) & 0xFFFFFFFF, bits))),
    st.one_of(
        st.integers(0, 2**32 - 1), st.integers(0, 2**16 - 1).map(lambda low: int(IPv4Address("169.254.0.0")) + low)
    ),
    st.integers(0, 32),
)


@given(
    cidrs=st.lists(ranges, min_size=1, max_size=3),
    blocked=st.lists(ranges, max_size=3),
    port=st.sampled_from([80, 443]),
    probe=st.integers(0, 2**32 - 1),
)
def test_no_choice_of_ranges_opens_a_blocked_address(
    cidrs: list[str], blocked: list[str], port: int, probe: int
) -> None:
    config = RunnerConfig(gitlab_url="https://gitlab.com")
    endpoint = replace(config.network_policies.registry, cidrs=cidrs, ports=[port])
    settings = replace(
        config.network_policies, gitlab=endpoint, registry=endpoint, packages=endpoint, blocked_cidrs=blocked
    )
    policies = network_policies(replace(config, network_policies=settings), "existing")
    for address in METADATA["existing"]:
        assert not reaches(policies, "gitlab-runner-jobs", address, port)
    address = str(IPv4Address(probe))
    ip = ip_address(address)
    holes = [*blocked, "169.254.0.0/16", "168.63.129.16/32"]
    wanted = any(ip in ip_network(cidr) for cidr in cidrs) and not any(ip in ip_network(hole) for hole in holes)
    assert reaches(policies, "gitlab-runner-jobs", address, port) == wanted


@given(cidrs=st.lists(ranges, min_size=1, max_size=3), blocked=st.lists(ranges, max_size=3))
def test_every_exception_lies_strictly_inside_its_range_as_the_api_server_demands(
    cidrs: list[str], blocked: list[str]
) -> None:
    config = RunnerConfig(gitlab_url="https://gitlab.com")
    endpoint = replace(config.network_policies.registry, cidrs=cidrs)
    settings = replace(config.network_policies, registry=endpoint, blocked_cidrs=blocked)
    for policy in network_policies(replace(config, network_policies=settings), "aks"):
        for peer in (peer for rule in policy.egress for peer in rule.peers if peer.cidr):
            outer = ip_network(peer.cidr or "")
            for hole in map(ip_network, peer.blocked):
                assert isinstance(hole, type(outer))
                assert hole != outer
                assert hole.network_address in outer
                assert hole.broadcast_address in outer


@pytest.mark.parametrize("name", ["gke", "eks", "aks", "local"])
def test_policy_names_are_unique_within_a_namespace(stacks: Stacks, name: str) -> None:
    names = [(policy.namespace, policy.name) for policy in policies_of(stacks[name]())]
    assert len(names) == len(set(names))
