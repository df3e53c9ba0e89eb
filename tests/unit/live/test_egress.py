"""Which destination NetworkPolicies keep a pod from: the sums and defaults of Kubernetes' own types."""

from typing import Any

import pytest

from multiarch.core.verdict import Verdict
from multiarch.rehearse.live.egress import Destination, forbidden, tcp_ports

CANARY = Destination(
    address="10.231.1.7",
    port=18099,
    namespace_labels={"kubernetes.io/metadata.name": "canary"},
    pod_labels={"app": "c"},
)


def policy(*egress: dict[str, Any], **spec: Any) -> dict[str, Any]:
    whole = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "egress": list(egress), **spec}
    return {"metadata": {"name": "one"}, "spec": whole}


def block(cidr: str, *holes: str) -> dict[str, Any]:
    return {"ipBlock": {"cidr": cidr, "except": list(holes)}}


def to(*peers: dict[str, Any], ports: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {"to": list(peers), **({"ports": ports} if ports else {})}


@pytest.mark.parametrize(
    ("policies", "verdict"),
    [
        ([], Verdict.NO),
        ([policy()], Verdict.YES),
        ([policy(policyTypes=["Ingress"])], Verdict.NO),
        ([policy(policyTypes=None)], Verdict.NO),
        ([policy(podSelector={"matchLabels": {"a": "b"}})], Verdict.NO),
        ([policy(podSelector={"matchLabels": {"job": "1"}})], Verdict.YES),
        ([policy({})], Verdict.NO),
        ([policy(), policy(to(block("10.0.0.0/8")))], Verdict.NO),
        ([policy(to(block("0.0.0.0/0", "10.0.0.0/8")))], Verdict.YES),
        ([policy(to(block("::/0")))], Verdict.YES),
        ([policy(to(block("10.0.0.0/8"), ports=[{"port": 443}]))], Verdict.YES),
        ([policy(to(block("10.0.0.0/8"), ports=[{"port": 18099, "protocol": "UDP"}]))], Verdict.YES),
        ([policy(to(block("10.0.0.0/8"), ports=[{"port": 18000, "endPort": 18100}]))], Verdict.NO),
        ([policy(to(block("10.0.0.0/8"), ports=[{"protocol": "TCP"}]))], Verdict.NO),
        ([policy(to(block("10.0.0.0/8"), ports=[{"port": "web"}]))], Verdict.UNKNOWN),
        ([policy(to(block("192.168.0.0/16"), ports=[{"port": "web"}]))], Verdict.YES),
        ([policy(to({"podSelector": {}}))], Verdict.YES),
        ([policy(to({"namespaceSelector": {}}))], Verdict.NO),
        ([policy(to({"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "other"}}}))], Verdict.YES),
        (
            [policy(to({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}))],
            Verdict.YES,
        ),
    ],
)
def test_a_destination_is_forbidden_when_a_policy_is_over_the_pod_and_no_rule_of_any_allows_it(
    policies: list[dict[str, Any]], verdict: Verdict
) -> None:
    answer = forbidden(policies, {"job": "1"}, CANARY)
    assert answer.verdict is verdict
    assert answer.because


def test_only_tcp_ports_by_number_are_listened_at() -> None:
    rules = to(
        ports=[{"port": 443}, {"port": 53, "protocol": "UDP"}, {"port": "web"}, {"protocol": "TCP"}, {"port": 80}]
    )
    assert tcp_ports([policy(rules), policy(to(ports=[{"port": 443}])), policy(policyTypes=["Ingress"])]) == [80, 443]
