"""Network policies beside the stack's own that open what its own keep closed. Pure.

Policies add up: what any of them allows, is allowed (k8s.io/api, networking/v1, NetworkPolicySpec). So one that allows
nothing changes nothing for pods that the stack's own policies close already, and one that allows something opens it.
"""

from collections.abc import Iterable, Iterator
from ipaddress import ip_network
from typing import Any, Final

from multiarch.drift.live.beside.ours import POLICY, Ours, Pods
from multiarch.drift.live.beside.selectors import may_select
from multiarch.drift.live.beside.widening import Kind, Raw, Widening, kubectl
from multiarch.drift.live.lists import canonical
from multiarch.drift.live.paths import Item
from multiarch.drift.live.shown import shortened

NETWORK_POLICY: Final = Kind(version="networking.k8s.io/v1", kind=POLICY, plural="networkpolicies")
DIRECTIONS: Final = {"Egress": ("egress", "to"), "Ingress": ("ingress", "from")}
_LAST_PORT: Final = 65535


def widening_policies(items: Iterable[Raw], namespace: str, ours: Ours) -> Iterator[Widening]:
    """Yield every rule of somebody else's policies that opens something for the stack's pods of a namespace."""
    for item in items:
        if ours.has(POLICY, item):
            continue
        spec, where = item.get("spec") or {}, NETWORK_POLICY.named(item)
        for direction in _directions(spec):
            pods = selected(spec.get("podSelector"), namespace, ours, direction)
            for index, rule in enumerate(spec.get(DIRECTIONS[direction][0]) or []):
                if pods and not _is_open_already(rule, direction, ours.policies[namespace]):
                    yield opening(where, direction, index, pods, _words(rule, direction))


def selected(selector: Raw | None, namespace: str, ours: Ours, direction: str) -> list[Pods]:
    """Return the stack's pods that a policy may select, and that the stack's own policies close in a direction."""
    closed = any(direction in _directions(spec) for spec in ours.policies.get(namespace, ()))
    return [
        pods
        for pods in ours.pods
        if closed and pods.account.namespace == namespace and may_select(selector, pods.labels, pods.varies)
    ]


def _directions(spec: Raw) -> list[str]:
    """Return the directions that a policy is about, as the API server fills in those that it leaves out."""
    return spec.get("policyTypes") or ["Ingress", *(["Egress"] if spec.get("egress") else [])]


def opening(where: Raw, direction: str, index: int, pods: list[Pods], what: str) -> Widening:
    """Return that a rule of a policy opens something."""
    who = " and ".join(sorted({one.whose for one in pods}))
    does = "may also reach" if direction == "Egress" else "may also be reached from"
    return Widening(
        where=where,
        path=("spec", DIRECTIONS[direction][0], Item(str(index))),
        found=what,
        lets=f"{who} {does} {what}: policies add up, and the stack's own do not allow it",
        undo=kubectl("delete", where),
    )


def _is_open_already(rule: Raw, direction: str, own: Iterable[Raw]) -> bool:
    """Tell whether every peer and port of a rule is within one that a policy of the stack's allows."""
    key, peers_key = DIRECTIONS[direction]
    pairs = [
        (peer, port)
        for spec in own
        for known in spec.get(key) or []
        for peer in known.get(peers_key) or [None]
        for port in known.get("ports") or [None]
    ]
    return all(
        any(_peer_within(peer, other) and _port_within(port, another) for other, another in pairs)
        for peer in rule.get(peers_key) or [None]
        for port in rule.get("ports") or [None]
    )


def _peer_within(peer: Raw | None, known: Raw | None) -> bool:
    """Tell whether a peer is part of another; None is everybody. Pods are no addresses: networks differ in that."""
    if known is None or canonical(peer) == canonical(known):
        return True
    block, other = (peer or {}).get("ipBlock"), known.get("ipBlock")
    return bool(block and other) and _block_within(block or {}, other or {})


def _block_within(block: Raw, known: Raw) -> bool:
    if not _is_subnet(block["cidr"], known["cidr"]):
        return False
    cut = block.get("except") or []
    return all(
        any(_is_subnet(hole, mine) for mine in cut) or not _overlap(hole, block["cidr"])
        for hole in known.get("except") or []
    )


def _overlap(one: str, other: str) -> bool:
    return ip_network(one, strict=False).overlaps(ip_network(other, strict=False))


def _is_subnet(inner: str, outer: str) -> bool:
    one, other = ip_network(inner, strict=False), ip_network(outer, strict=False)
    return one.version == other.version and one.subnet_of(other)  # type: ignore[arg-type]  # of one version


def _port_within(port: Raw | None, known: Raw | None) -> bool:
    if known is None:
        return True
    if port is None or (port.get("protocol") or "TCP") != (known.get("protocol") or "TCP"):
        return False
    first, last = _ports(port)
    low, high = _ports(known)
    if isinstance(first, str) or isinstance(low, str):
        return bool(first == low)
    return bool(low <= first and last <= high)


def _ports(port: Raw) -> tuple[Any, Any]:
    """Return the first and the last port; a named one is no range, and without any all ports are meant."""
    number = port.get("port")
    return (1, _LAST_PORT) if number is None else (number, port.get("endPort") or number)


def _words(rule: Raw, direction: str) -> str:
    peers = [_peer_words(peer) for peer in rule.get(DIRECTIONS[direction][1]) or []]
    ports = [_port_words(port) for port in rule.get("ports") or []]
    where = f" on {', '.join(ports)}" if ports else ""
    return shortened(f"{', '.join(peers) or 'everything'}{where}", 200)


def _peer_words(peer: Raw) -> str:
    if "ipBlock" in peer:
        cut = peer["ipBlock"].get("except")
        return str(peer["ipBlock"]["cidr"]) + (f" without {', '.join(cut)}" if cut else "")
    spaces = peer.get("namespaceSelector")
    where = f" of namespaces {_selector_words(spaces)}" if spaces is not None else ""
    return f"pods {_selector_words(peer.get('podSelector'))}{where}"


def _selector_words(selector: Raw | None) -> str:
    return canonical(selector) if selector else "of any label"


def _port_words(port: Raw) -> str:
    first, last = _ports(port)
    return f"{port.get('protocol') or 'TCP'} {first}{f'-{last}' if last != first else ''}"
