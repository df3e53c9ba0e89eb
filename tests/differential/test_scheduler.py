"""Which pods a node may take: the doctor's filters, and the real scheduler's decision.

Every pod selects one node by a label of the tier's own, so that hundreds of questions are asked at once. Node and pods
are read by the doctor's own readers.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import strategies as st

from multiarch.cluster.api import Api
from multiarch.doctor.facts import Node, Raw
from multiarch.doctor.gather import node_of
from multiarch.doctor.scheduling.filters import added, lacking, requests, selects, untolerated
from tests.differential.lab import NAMESPACE, Tally, generated, side_by_side

PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
AIM = "differential.example.org/node"
MARKED = {"labelSelector": AIM}
CORDON = "node.kubernetes.io/unschedulable"
CLOSED = "node.kubernetes.io/not-ready"
SETTLE_SECONDS = 60
LAG_SECONDS = 5
"""How long the scheduler may go by an older state of a node."""
NODES = 60
ROOM = {"cpu": "4", "memory": "8Gi", "ephemeral-storage": "8Gi", "pods": "110"}
KEYS = st.sampled_from(["a", "b"])
WORDS = st.sampled_from(["", "x", "y"])
NUMBERS = st.sampled_from(["1", "5", "05", "x", ""])


def container(name: str, resources: Raw | None = None, **given: Any) -> dict[str, Any]:
    return {"name": name, "image": "x", "resources": dict(resources or {}), **given}


@dataclass(frozen=True, slots=True)
class Case:
    """A node, by its number, and a pod for it."""

    node: int
    spec: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """Nodes of one rule, what is on them already, and the pods that are given to the scheduler."""

    rule: str
    nodes: Sequence[dict[str, Any]]
    cases: Sequence[Case]
    taken: Sequence[Case] = ()

    def aim(self, number: int) -> str:
        return f"{self.rule}-{number}"

    def manifest(self, kind: str, number: int, case: Case) -> dict[str, Any]:
        selector = {**case.spec.get("nodeSelector", {}), AIM: self.aim(case.node)}
        spec = {"containers": [container("c")], **case.spec, "nodeSelector": selector}
        if kind == "taken":
            spec["nodeName"] = self.aim(case.node)
        return {"metadata": {"name": f"{self.rule}-{kind}-{number}", "labels": {AIM: self.rule}}, "spec": spec}


@pytest.fixture
def nodes_go(api: Api) -> Iterator[None]:
    yield
    api.delete(PODS, {"gracePeriodSeconds": "0", **MARKED})
    api.delete("/api/v1/nodes", MARKED)


def join(api: Api, question: Question) -> dict[str, Raw]:
    """Make the nodes, and wait until kwok and the controllers have opened them."""

    def make(number: int) -> None:
        given = question.nodes[number]
        name = question.aim(number)
        labels = {**given.get("labels", {}), AIM: name}
        status = {"allocatable": given.get("allocatable", ROOM), "capacity": given.get("allocatable", ROOM)}
        api.create(
            "/api/v1/nodes",
            {"metadata": {"name": name, "labels": labels}, "spec": given.get("spec", {}), "status": status},
        )

    side_by_side(make, range(len(question.nodes)))
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        found: dict[str, Raw] = {node["metadata"]["name"]: node for node in api.items("/api/v1/nodes", MARKED)}
        if len(found) == len(question.nodes) and all(is_open(node) for node in found.values()):
            return found
        assert time.monotonic() < deadline, "nodes did not become ready"
        time.sleep(0.2)


def is_open(node: Raw) -> bool:
    taints = {taint["key"] for taint in node["spec"].get("taints") or []}
    cordoned = bool(node["spec"].get("unschedulable"))
    return CLOSED not in taints and (CORDON in taints) == cordoned


def before_its_taint(node: Raw) -> Raw:
    """Return a cordoned node as it is until the node lifecycle controller has come by."""
    taints = [taint for taint in node["spec"].get("taints") or [] if taint["key"] != CORDON]
    return {**node, "spec": {**node["spec"], "taints": taints}}


def decided(pod: Raw) -> bool | None:
    """Tell whether the scheduler has bound a pod; None before it has said anything."""
    if pod["spec"].get("nodeName"):
        return True
    for condition in (pod.get("status") or {}).get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return False
    return None


def settled(api: Api, rule: str, ours: Sequence[bool]) -> list[Raw]:
    """Wait for a decision on every pod, and a moment longer where one that we would bind is not bound yet."""
    deadline, lag = time.monotonic() + SETTLE_SECONDS, 0.0
    while True:
        found = {pod["metadata"]["name"]: pod for pod in api.items(PODS, {"labelSelector": f"{AIM}={rule}"})}
        pods: list[Raw] = [found[f"{rule}-asked-{number}"] for number in range(len(ours))]
        answers = [decided(pod) for pod in pods]
        if None not in answers:
            lag = lag or time.monotonic() + LAG_SECONDS
            late = [mine and not real for mine, real in zip(ours, answers, strict=True)]
            if not any(late) or time.monotonic() > lag:
                return pods
        assert time.monotonic() < deadline, f"the scheduler says nothing of {answers.count(None)} pods"
        time.sleep(0.2)


def fits(pod: Raw, node: Node) -> bool:
    """Answer as `placement.explain` does: by selectors, taints and room."""
    return selects(pod, node) and not untolerated(pod, node) and not list(lacking(requests(pod), node))


def answered(api: Api, question: Question, nodes: Mapping[str, Raw]) -> list[tuple[str, bool, bool | None]]:
    """Give the pods to the scheduler; returns what was asked, our answers and the real ones."""
    taken = side_by_side(lambda pair: api.create(PODS, question.manifest("taken", *pair)), enumerate(question.taken))
    used = {name: added(requests(pod) for pod in taken if pod["spec"]["nodeName"] == name) for name in nodes}
    pods = side_by_side(lambda pair: api.create(PODS, question.manifest("asked", *pair)), enumerate(question.cases))
    seen = {name: node_of(before_its_taint(node), used[name], {}) for name, node in nodes.items()}
    ours = [fits(pod, seen[question.aim(case.node)]) for pod, case in zip(pods, question.cases, strict=True)]
    answers = [decided(pod) for pod in settled(api, question.rule, ours)]
    told = [
        f"{question.nodes[case.node]} and {case.spec}" + (f" beside {used[question.aim(case.node)]}" if taken else "")
        for case in question.cases
    ]
    return list(zip(told, ours, answers, strict=True))


def compare(api: Api, question: Question, tally: Tally) -> None:
    tally.compare(f"scheduler: {question.rule}", answered(api, question, join(api, question)))


RULES = st.one_of(
    st.fixed_dictionaries(
        {"key": KEYS, "operator": st.sampled_from(["In", "NotIn"]), "values": st.lists(WORDS, min_size=1, max_size=2)}
    ),
    st.fixed_dictionaries({"key": KEYS, "operator": st.sampled_from(["Exists", "DoesNotExist"])}),
    st.fixed_dictionaries(
        {
            "key": st.just("n"),
            "operator": st.sampled_from(["Gt", "Lt"]),
            "values": st.sampled_from([["0"], ["3"], ["05"]]),
        }
    ),
)
TERMS = st.fixed_dictionaries(
    {},
    optional={
        "matchExpressions": st.lists(RULES, min_size=1, max_size=2),
        "matchFields": st.sampled_from(["selectors-0", "selectors-1", "other"]).flatmap(
            lambda name: st.sampled_from(["In", "NotIn"]).map(
                lambda operator: [{"key": "metadata.name", "operator": operator, "values": [name]}]
            )
        ),
    },
)


@pytest.mark.usefixtures("nodes_go")
def test_selectors_and_affinity_admit_the_nodes_that_the_scheduler_binds(api: Api, tally: Tally) -> None:
    labels = st.fixed_dictionaries({}, optional={"a": WORDS, "b": WORDS, "n": NUMBERS})
    nodes = [{"labels": given} for given in generated(labels, 30)]
    pods = st.fixed_dictionaries(
        {},
        optional={
            "nodeSelector": st.dictionaries(KEYS, WORDS, max_size=1),
            "terms": st.lists(TERMS, min_size=1, max_size=2),
        },
    )

    def spec(given: Raw) -> dict[str, Any]:
        made: dict[str, Any] = {"nodeSelector": given.get("nodeSelector", {})}
        if "terms" in given:
            required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": given["terms"]}}
            made["affinity"] = {"nodeAffinity": required}
        return made

    asked = generated(st.tuples(st.integers(0, len(nodes) - 1), pods))
    compare(api, Question("selectors", nodes, [Case(number, spec(given)) for number, given in asked]), tally)


TAINT = st.fixed_dictionaries(
    {"key": KEYS, "effect": st.sampled_from(["NoSchedule", "NoExecute", "PreferNoSchedule"])}, optional={"value": WORDS}
)
EFFECT = st.sampled_from(["", "NoSchedule", "NoExecute", "PreferNoSchedule"])
TOLERATION = st.one_of(
    st.fixed_dictionaries({"key": KEYS, "operator": st.sampled_from(["Equal", ""]), "value": WORDS, "effect": EFFECT}),
    st.fixed_dictionaries(
        {"key": st.sampled_from(["a", "b", CORDON]), "operator": st.just("Exists"), "effect": EFFECT}
    ),
    st.fixed_dictionaries({"operator": st.just("Exists"), "effect": EFFECT}),
)


@pytest.mark.usefixtures("nodes_go")
def test_taints_and_cordons_keep_off_the_pods_that_the_scheduler_keeps_off(api: Api, tally: Tally) -> None:
    taints = st.lists(TAINT, max_size=2, unique_by=lambda taint: (taint["key"], taint["effect"]))
    specs = generated(st.fixed_dictionaries({"taints": taints}, optional={"unschedulable": st.just(value=True)}), 40)
    asked = generated(st.tuples(st.integers(0, len(specs) - 1), st.lists(TOLERATION, max_size=3)))
    cases = [Case(number, {"tolerations": tolerations}) for number, tolerations in asked]
    compare(api, Question("taints", [{"spec": spec} for spec in specs], cases), tally)


CPU = st.sampled_from(["100m", "1", "1500m", "2", "2001m", "4"])
MEMORY = st.sampled_from(["1Gi", "1024Mi", "2G", "2Gi", "4Gi"])
ASKED = st.fixed_dictionaries(
    {},
    optional={
        "cpu": CPU,
        "memory": MEMORY,
        "ephemeral-storage": MEMORY,
        "example.org/gpu": st.sampled_from(["0", "1", "2"]),
    },
)


def resources(asked: Raw) -> st.SearchStrategy[dict[str, Any]]:
    """Ask by request, by limit, or by both; extended resources only by both, as the API server wants it."""
    plain = {key: value for key, value in asked.items() if "/" not in key}
    return st.sampled_from([{"requests": plain, "limits": {**asked}}, {"limits": {**asked}}])


def containers(*, most: int, sidecars: bool) -> st.SearchStrategy[list[dict[str, Any]]]:
    restarts = st.sampled_from([{}, {"restartPolicy": "Always"}]) if sidecars else st.just({})
    one = st.tuples(ASKED.flatmap(resources), restarts)
    return st.lists(one, min_size=0 if sidecars else 1, max_size=most).map(
        lambda made: [
            container(f"{'i' if sidecars else 'c'}{number}", asked, **restart)
            for number, (asked, restart) in enumerate(made)
        ]
    )


def starting(asked: Sequence[tuple[str, bool]]) -> dict[str, Any]:
    """Ask little but for what comes before: init containers one after the other, beside the sidecars among them."""
    before = [
        container(f"i{number}", {"requests": {"cpu": cpu}}, **({"restartPolicy": "Always"} if stays else {}))
        for number, (cpu, stays) in enumerate(asked)
    ]
    return {"containers": [container("c", {"requests": {"cpu": "100m"}})], "initContainers": before}


@pytest.mark.usefixtures("nodes_go")
def test_a_pod_has_room_where_the_scheduler_binds_it(api: Api, tally: Tally) -> None:
    allocatable = st.fixed_dictionaries(
        {
            "cpu": st.sampled_from(["1", "2", "4"]),
            "memory": st.sampled_from(["2Gi", "4Gi", "8Gi"]),
            "pods": st.sampled_from(["1", "2", "110"]),
        },
        optional={"ephemeral-storage": MEMORY, "example.org/gpu": st.just("1")},
    )
    pod = st.fixed_dictionaries(
        {"containers": containers(most=2, sidecars=False), "initContainers": containers(most=2, sidecars=True)}
    )
    taken = st.lists(st.fixed_dictionaries({"containers": containers(most=1, sidecars=False)}), max_size=1)
    one = st.tuples(st.sampled_from(["500m", "900m", "1", "1900m", "2"]), st.booleans())
    in_turn = st.lists(one, min_size=2, max_size=3).map(starting)
    rooms = generated(allocatable, NODES)
    asked = [*generated(st.tuples(taken, pod), 200), *generated(in_turn.map(lambda made: ([], made)), 160)]
    nodes = [{"allocatable": room} for room in rooms]
    opened: dict[str, Raw] = {}
    cases = []
    # One pod a node at a time: what the scheduler binds takes the room of the next.
    for first in range(0, len(asked), NODES):
        batch = list(enumerate(asked[first : first + NODES]))
        question = Question(
            "room",
            nodes,
            [Case(number, spec) for number, (_, spec) in batch],
            [Case(number, spec) for number, (before, _) in batch for spec in before],
        )
        opened = opened or join(api, question)
        cases += answered(api, question, opened)
        api.delete(PODS, {"gracePeriodSeconds": "0", **MARKED})
    tally.compare("scheduler: room", cases)
