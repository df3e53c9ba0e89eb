"""The manager stays off spot nodes by rule, not by chance: the scheduler is asked for those nodes alone."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest

from multiarch.cluster.api import Api
from multiarch.core.verdict import Verdict
from multiarch.rehearse.claims import manager, pods
from multiarch.rehearse.claims.pods import kept_out, only_on
from multiarch.rehearse.claims.scene import Proof, Scene
from tests.unit.claims.test_claims import prove, scene

TAINTED = "1 node(s) had untolerated taint(s)"
SPOT = {"eks.amazonaws.com/capacityType": "SPOT"}


class Scheduler(Api):
    """A cluster whose manager runs on `lands`, and whose scheduler answers a trial by a node or a message."""

    def __init__(self, lands: str, *, places: str = "", says: str = "") -> None:
        self.lands, self.places, self.says = lands, places, says
        self.made: list[Mapping[str, Any]] = []
        self.deleted: list[str] = []

    def items(self, path: str, query: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        del path, query
        rules = {"nodeSelector": {"pool": "steady"}, "tolerations": [{"key": "t", "operator": "Exists"}]}
        spec = {**rules, "nodeName": self.lands, "containers": [{"name": "m", "image": "runner", "env": ["secret"]}]}
        return [{"metadata": {"name": "manager"}, "spec": spec, "status": {"phase": "Running"}}]

    def create(self, path: str, body: Mapping[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        del path
        assert not dry_run
        self.made.append(body)
        return {}

    def get(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        del path, query
        if self.places:
            return {"spec": {"nodeName": self.places}}
        return {
            "spec": {},
            "status": {"conditions": [{"type": "PodScheduled", "status": "False", "message": self.says}]},
        }

    def delete(self, path: str, query: Mapping[str, str] | None = None) -> None:
        del query
        self.deleted.append(path)


def with_spot(where: Scene, *names: str) -> Scene:
    def labelled(node: Mapping[str, Any]) -> Mapping[str, Any]:
        if node["metadata"]["name"] not in names:
            return node
        return {**node, "metadata": {**node["metadata"], "labels": {**node["metadata"]["labels"], **SPOT}}}

    return dataclasses.replace(where, nodes={name: labelled(node) for name, node in where.nodes.items()})


def on_demand(api: Scheduler, *spot: str) -> Proof:
    return prove("manager-on-demand", dataclasses.replace(with_spot(scene(), *spot), admin=api))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pods, "_POLL_SECONDS", 0.001)
    monkeypatch.setattr(manager, "SHORT_PATIENCE_SECONDS", 0.01)


def node_of(arch: str) -> str:
    where = scene()
    return next(name for name in where.nodes if where.arch(name) == arch)


def test_a_manager_that_landed_well_by_chance_fails() -> None:
    api = Scheduler(node_of("amd64"), places=node_of("arm64"))
    proof = on_demand(api, node_of("arm64"))
    assert (proof.verdict, "by chance" in proof.evidence) == (Verdict.NO, True)


def test_a_manager_that_labels_and_taints_keep_off_spot_nodes_is_proved() -> None:
    says = f"0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, {TAINTED}."
    assert on_demand(Scheduler(node_of("amd64"), says=says), node_of("arm64")).verdict is Verdict.YES


@pytest.mark.parametrize(
    "says", ["0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s).", ""]
)
def test_a_spot_node_that_is_only_full_proves_nothing(monkeypatch: pytest.MonkeyPatch, says: str) -> None:
    monkeypatch.setattr(pods, "SETTLE_SECONDS", 0.05)
    assert on_demand(Scheduler(node_of("amd64"), says=says), node_of("arm64")).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "label",
    [
        {"eks.amazonaws.com/capacityType": "SPOT"},
        {"cloud.google.com/gke-spot": "true"},
        {"cloud.google.com/gke-preemptible": "true"},
        {"kubernetes.azure.com/scalesetpriority": "spot"},
        {"karpenter.sh/capacity-type": "spot"},
    ],
)
def test_every_cloud_and_karpenter_mark_the_nodes_that_they_may_take_away(label: dict[str, str]) -> None:
    where = scene()
    name = node_of("amd64")
    node = where.nodes[name]
    marked = {**node, "metadata": {**node["metadata"], "labels": {**node["metadata"]["labels"], **label}}}
    assert dataclasses.replace(where, nodes={name: marked}).spot(name)


def test_without_spot_pools_nothing_is_tried() -> None:
    api = Scheduler(node_of("amd64"))
    assert on_demand(api).verdict is Verdict.YES
    assert api.made == []


def test_the_trial_is_placed_as_the_manager_is_but_does_nothing_and_goes_again() -> None:
    spot = node_of("arm64")
    api = Scheduler(node_of("amd64"), places=spot)
    on_demand(api, spot)
    (made,) = api.made
    assert made["spec"]["nodeSelector"] == {"pool": "steady"}
    assert {"key": "t", "operator": "Exists"} in made["spec"]["tolerations"]
    assert made["spec"]["affinity"] == only_on([spot])
    assert [container["image"] for container in made["spec"]["containers"]] == ["registry.k8s.io/pause:3.10"]
    assert "env" not in made["spec"]["containers"][0]
    assert api.deleted == [f"/api/v1/namespaces/manager/pods/{made['metadata']['name']}"]


def test_an_affinity_of_the_managers_own_still_holds_on_the_nodes_asked_for() -> None:
    own = {"matchExpressions": [{"key": "disk", "operator": "Exists"}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [own]}}
    both = only_on(["a", "b"], {"nodeAffinity": required})["nodeAffinity"]
    terms = both["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert [term["matchExpressions"] for term in terms] == [own["matchExpressions"]] * 2
    assert [term["matchFields"][0]["values"] for term in terms] == [["a"], ["b"]]


def test_a_cordoned_node_is_not_kept_out_for_good() -> None:
    assert not kept_out("0/1 nodes are available: 1 node(s) were unschedulable.")
    assert not kept_out("")
