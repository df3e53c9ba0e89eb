"""The scheduler's messages: of every version, and of nobody's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiarch.doctor.scheduling.message import Why, parse

MESSAGES = [
    pytest.param(
        # kube-scheduler 1.36.3, embedded control plane
        "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. no new claims to deallocate, "
        "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.",
        1,
        [(1, Why.SELECTOR, "")],
        id="1.36 selector",
    ),
    pytest.param(
        # kube-scheduler 1.36.3: the taint is not named any more
        "0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) had untolerated "
        "taint(s). no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for "
        "scheduling.",
        2,
        [(1, Why.SELECTOR, ""), (1, Why.TAINT, "")],
        id="1.36 taint without its name",
    ),
    pytest.param(
        # hystax/optscale#568
        "0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/unreachable: }. preemption: 0/1 "
        "nodes are available: 1 Preemption is not helpful for scheduling.",
        1,
        [(1, Why.TAINT, "node.kubernetes.io/unreachable")],
        id="1.27 taint of a node in trouble",
    ),
    pytest.param(
        # NVIDIA/k8s-device-plugin#421: two full stops at the end
        "0/1 nodes are available: 1 node(s) had untolerated taint {gpu: }. preemption: 0/1 nodes are available: 1 "
        "Preemption is not helpful for scheduling..",
        1,
        [(1, Why.TAINT, "gpu")],
        id="1.25 two full stops",
    ),
    pytest.param(
        # red-hat-storage/ocs-operator#4163
        "0/6 nodes are available: 1 node(s) had untolerated taint {unschedulable: true}, 2 node(s) didn't match pod "
        "topology spread constraints, 3 node(s) had untolerated taint {node-role.kubernetes.io/master: }. preemption: "
        "0/6 nodes are available: 2 node(s) didn't match pod topology spread constraints, 4 Preemption is not helpful "
        "for scheduling.",
        6,
        [(1, Why.TAINT, "unschedulable=true"), (2, Why.SPREAD, ""), (3, Why.TAINT, "node-role.kubernetes.io/master")],
        id="1.28 several taints",
    ),
    pytest.param(
        "0/3 nodes are available: 1 node(s) had taint {kubernetes.io/arch: arm64}, that the pod didn't tolerate, 2 "
        "Insufficient cpu.",
        3,
        [(1, Why.TAINT, "kubernetes.io/arch=arm64"), (2, Why.RESOURCE, "cpu")],
        id="1.22 a comma inside a reason",
    ),
    pytest.param(
        "0/4 nodes are available: 1 Too many pods, 1 node(s) were unschedulable, 2 Insufficient ephemeral-storage, 2 "
        "Insufficient memory. preemption: 0/4 nodes are available: 4 No preemption victims found for incoming pod.",
        4,
        [
            (1, Why.PODS, ""),
            (1, Why.CORDONED, ""),
            (2, Why.RESOURCE, "ephemeral-storage"),
            (2, Why.RESOURCE, "memory"),
        ],
        id="1.30 no room",
    ),
    pytest.param(
        "0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found",
        2,
        [(None, Why.CLAIM, "")],
        id="prefilter",
    ),
    pytest.param(
        '0/2 nodes are available: persistentvolumeclaim "cache" not found. preemption: 0/2 nodes are available: 2 '
        "Preemption is not helpful for scheduling.",
        2,
        [(None, Why.CLAIM, "cache")],
        id="prefilter with a name",
    ),
    pytest.param("no nodes available to schedule pods", None, [(None, Why.NO_NODES, "")], id="no node at all"),
    pytest.param(
        "0/1 nodes are available: 1 node(s) are sulking, 1 node(s) didn't have free ports for the requested pod ports.",
        1,
        [(1, Why.OTHER, ""), (1, Why.PORTS, "")],
        id="a plugin that nobody knows",
    ),
]


@pytest.mark.parametrize(("text", "nodes", "reasons"), MESSAGES)
def test_messages_of_every_version_are_understood(
    text: str, nodes: int | None, reasons: list[tuple[int | None, Why, str]]
) -> None:
    message = parse(text)
    assert message.nodes == nodes
    assert [(reason.count, reason.why, reason.detail) for reason in message.reasons] == reasons


@pytest.mark.parametrize("text", [param.values[0] for param in MESSAGES])
def test_nothing_of_a_message_is_dropped(text: str) -> None:
    message = parse(text)
    said = "".join((*(reason.text for reason in message.reasons), message.after))
    kept = {letter for letter in said if letter.isalpha()}
    assert kept >= {letter for letter in text.partition("available: ")[2] if letter.isalpha()}
    assert message.text == text


@given(st.text())
def test_any_text_is_read_and_kept(text: str) -> None:
    message = parse(text)
    assert message.text == " ".join(text.split())
    assert bool(message.reasons) or not message.text or message.nodes is not None


@given(st.lists(st.sampled_from(["Insufficient cpu", "Too many pods", "node(s) were unschedulable"]), min_size=1))
def test_as_many_reasons_are_read_as_were_written(reasons: list[str]) -> None:
    text = f"0/9 nodes are available: {', '.join(f'{count} {why}' for count, why in enumerate(reasons))}."
    assert [reason.text for reason in parse(text).reasons] == reasons
