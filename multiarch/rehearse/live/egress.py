"""Whether NetworkPolicies let a pod reach an address. Pure.

Source: k8s.io/api networking/v1 types.go. Policies add up: what any rule of any policy over a pod allows is allowed,
and a pod that no policy with `Egress` selects reaches everything.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

from multiarch.cluster.selectors import label_selector
from multiarch.core.verdict import Answer, no, unknown, yes

Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A pod in another namespace than the policies' own, and a TCP port of it."""

    address: str
    port: int
    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    pod_labels: Mapping[str, str] = field(default_factory=dict)


def forbidden(policies: Sequence[Raw], labels: Mapping[str, str], to: Destination) -> Answer:
    """Tell whether a namespace's policies keep its pod with these labels from reaching a destination."""
    over = [one for one in policies if _is_over(one["spec"], labels)]
    if not over:
        return no("no NetworkPolicy with egress is over the job's pod")
    for policy in over:
        for rule in policy["spec"].get("egress") or []:
            allowed = _allows(rule, to)
            if allowed is None:
                return unknown(
                    f"NetworkPolicy {_named(policy)} names a port, which only the pod's own node can look up"
                )
            if allowed:
                return no(f"NetworkPolicy {_named(policy)} allows it")
    return yes(f"of {', '.join(_named(one) for one in over)} none allows it")


def tcp_ports(policies: Iterable[Raw]) -> list[int]:
    """Return every TCP port by number that some rule opens."""
    ports = (port for one in policies for rule in one["spec"].get("egress") or [] for port in rule.get("ports") or [])
    numbers = {port.get("port") for port in ports if port.get("protocol", "TCP") == "TCP"}
    return sorted(number for number in numbers if isinstance(number, int))


def _is_over(spec: Raw, labels: Mapping[str, str]) -> bool:
    directions = spec.get("policyTypes") or ["Ingress", *(["Egress"] if spec.get("egress") else [])]
    return "Egress" in directions and label_selector(spec.get("podSelector"), labels)


def _allows(rule: Raw, to: Destination) -> bool | None:
    """Tell whether a rule allows it; one without peers, or without ports, is for all of them."""
    peers, ports = rule.get("to") or [], rule.get("ports") or []
    if peers and not any(_is_peer(peer, to) for peer in peers):
        return False
    found = list(_answers_of_ports(ports, to.port)) if ports else [True]
    return True if True in found else None if None in found else False


def _is_peer(peer: Raw, to: Destination) -> bool:
    if block := peer.get("ipBlock"):
        address = ip_address(to.address)
        within = address in ip_network(block["cidr"])
        return within and not any(address in ip_network(one) for one in block.get("except") or [])
    # Without a selector of namespaces it means pods of the policy's own, where the destination is not.
    spaces = peer.get("namespaceSelector")
    return (
        spaces is not None
        and label_selector(spaces, to.namespace_labels)
        and label_selector(peer.get("podSelector"), to.pod_labels)
    )


def _answers_of_ports(ports: Sequence[Raw], wanted: int) -> Iterator[bool | None]:
    for port in ports:
        number = port.get("port")
        if port.get("protocol", "TCP") != "TCP":
            yield False
        elif isinstance(number, str):
            yield None
        else:
            yield number is None or number <= wanted <= (port.get("endPort") or number)


def _named(policy: Raw) -> str:
    return str(policy["metadata"]["name"])
