"""Whether network policies leave the jobs' pods a way to DNS, the nodes' cache included."""

import ipaddress
from collections.abc import Iterator, Sequence

from multiarch.cluster.selectors import label_selector
from multiarch.core.verdict import Verdict
from multiarch.doctor.advice import Advice, cause
from multiarch.doctor.facts import Facts, Raw, Space
from multiarch.doctor.model import Asked, Check, Fix
from multiarch.doctor.probe import plain_pods

DNS_PORT = 53
_CLUSTER_DNS = {"k8s-app": "kube-dns"}
_CACHE_PODS = {"k8s-app": "node-local-dns"}
_SYSTEM = {"kubernetes.io/metadata.name": "kube-system"}
_CACHE_ADDRESS = "169.254.20.10"
"""NodeLocal DNSCache (kubernetes.io, "Using NodeLocal DNSCache")."""


def network_checks(facts: Facts) -> Iterator[Check]:
    """Ask of every namespace that jobs run in and that is there."""
    pods = plain_pods(facts.runners)
    for space in facts.spaces:
        if not space.found.missing:
            asked = Asked("dns", "network policies let the jobs' pods ask the DNS", space.name)
            yield _dns(facts, space, pods.get(space.name, []), asked)


def _dns(  # noqa: PLR0911 - one answer after the other, the plain ones first
    facts: Facts, space: Space, pods: Sequence[Raw], asked: Asked
) -> Check:
    if not space.policies.known:
        return asked.unknown(space.policies.failure)
    if not space.policies.value:
        return asked.fine("there is no network policy")
    if not pods:
        return asked.unknown("there are network policies, and the jobs' labels are not known")
    closed = [rules for pod in pods if (rules := egress(space.policies.value, pod["metadata"]["labels"])) is not None]
    if not closed:
        return asked.fine("no policy closes the way out of the jobs' pods")
    missing = _missing(facts, closed)
    if not missing:
        return asked.fine("port 53 is open to the cluster's DNS")
    enforced = facts.look.network_policies if facts.look else None
    if enforced is not None and enforced.verdict is Verdict.NO:
        return asked.fine(f"{missing} is cut off, but nothing enforces policies here: {enforced.because}")
    if enforced is None or enforced.verdict is Verdict.UNKNOWN:
        because = enforced.because if enforced else "not looked at"
        return asked.unknown(f"{missing} is cut off, if network policies are enforced, which is not known: {because}")
    advice = Advice(facts)
    fix = (
        advice.deploy("The stack's policies admit DNS. Deploy them again:")
        if facts.stack
        else Fix(
            text="Add an egress rule for port 53, UDP and TCP, to kube-system's pods k8s-app=kube-dns and "
            f"k8s-app=node-local-dns and to {_CACHE_ADDRESS}/32."
        )
    )
    names = ", ".join(policy["metadata"]["name"] for policy in space.policies.value)
    headline = f"the jobs' pods in {space.name} can't ask {missing}"
    return asked.judged([cause("dns-blocked", space.name, headline, [f"network policies: {names}"], [fix])])


def _missing(facts: Facts, closed: Sequence[list[Raw]]) -> str:
    """Say which resolver some of the pods can't reach; nothing when all is open."""
    for rules in closed:
        if not any(_to_pods(rule, _CLUSTER_DNS) for rule in rules):
            return "the cluster's DNS"
        cached = facts.local_dns.value or facts.cloud.dns_on_nodes
        if cached and not any(_to_pods(rule, _CACHE_PODS) or _to_address(rule, _CACHE_ADDRESS) for rule in rules):
            return "the DNS cache of the nodes (NodeLocal DNSCache)"
    return ""


def egress(policies: Sequence[Raw], labels: dict[str, str]) -> list[Raw] | None:
    """Return the egress rules that hold for a pod's labels; None when no policy closes its way out."""
    mine = [
        policy["spec"]
        for policy in policies
        if label_selector(policy["spec"].get("podSelector"), labels) and _closes_egress(policy["spec"])
    ]
    return [rule for spec in mine for rule in spec.get("egress") or []] if mine else None


def _closes_egress(spec: Raw) -> bool:
    types = spec.get("policyTypes")
    return "Egress" in types if types else "egress" in spec


def _opens_dns(rule: Raw) -> bool:
    ports = rule.get("ports")
    return not ports or any(
        port.get("protocol", "TCP") == "UDP" and (port.get("port") in (None, DNS_PORT, "dns") or _in_range(port))
        for port in ports
    )


def _in_range(port: Raw) -> bool:
    first, last = port.get("port"), port.get("endPort")
    return isinstance(first, int) and isinstance(last, int) and first <= DNS_PORT <= last


def _to_pods(rule: Raw, labels: dict[str, str]) -> bool:
    """Tell whether a rule admits DNS to kube-system's pods of these labels."""
    if not _opens_dns(rule):
        return False
    peers = rule.get("to")
    if not peers:
        return True
    return any(
        "namespaceSelector" in peer
        and label_selector(peer["namespaceSelector"], _SYSTEM)
        and label_selector(peer.get("podSelector"), labels)
        for peer in peers
    ) or any(_is_everywhere(peer) for peer in peers)


def _is_everywhere(peer: Raw) -> bool:
    """Tell whether a peer is every address; pods are among them but for CNIs that judge pods by identity (Cilium)."""
    block = peer.get("ipBlock") or {}
    return block.get("cidr") == "0.0.0.0/0" and not block.get("except")


def _to_address(rule: Raw, address: str) -> bool:
    if not _opens_dns(rule):
        return False
    peers = rule.get("to")
    return not peers or any(_covers(peer.get("ipBlock") or {}, address) for peer in peers)


def _covers(block: Raw, address: str) -> bool:
    try:
        own = ipaddress.ip_address(address)
        return own in ipaddress.ip_network(str(block["cidr"])) and not any(
            own in ipaddress.ip_network(str(cut)) for cut in block.get("except") or []
        )
    except (KeyError, ValueError):
        return False
