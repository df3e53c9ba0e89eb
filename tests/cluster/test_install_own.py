"""The rehearsal's own control plane: what a stack leaves is taken off without waiting for the namespace controller."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from multiarch.cluster.api import Api
from multiarch.cluster.connection import Connection
from multiarch.model.nodes.marks import Mark
from multiarch.rehearse.control_plane.plane import ControlPlane
from multiarch.rehearse.install.helm import Helm
from multiarch.rehearse.install.kinds import find_kinds, find_objects
from multiarch.rehearse.install.removal import Remains, Remover, take_off

MINE = Mark("s", "mine")
NAMESPACE = "/api/v1/namespaces/ended"
INSIDE = (
    {"apiVersion": "v1", "kind": "ConfigMap"},
    {"apiVersion": "v1", "kind": "Secret"},
    {"apiVersion": "v1", "kind": "ServiceAccount"},
    {"apiVersion": "v1", "kind": "Service", "spec": {"ports": [{"port": 80}]}},
    {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role"},
    {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "spec": {"podSelector": {}}},
    {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"},
)
"""Objects that no label tells from others, as Helm makes them."""


@pytest.fixture
def api(connection: Connection) -> Api:
    return Api.of(connection)


@pytest.fixture
def without_controllers(control_plane: ControlPlane) -> Iterator[None]:
    """Nobody would ever empty a namespace."""
    pid = control_plane.pids["kube-controller-manager"]
    os.kill(pid, signal.SIGSTOP)
    yield
    os.kill(pid, signal.SIGCONT)


@pytest.fixture
def remover(api: Api, control_plane: ControlPlane) -> Iterator[Remover]:
    with Helm(control_plane.binary("helm"), Path(control_plane.kubeconfig), control_plane.context) as helm:
        yield Remover(api, helm, MINE, own_plane=True)


def made(api: Api, labels: dict[str, str]) -> None:
    api.create("/api/v1/namespaces", {"metadata": {"name": "ended", "labels": labels}})
    for manifest in INSIDE:
        api.apply({**manifest, "metadata": {"name": "one", "namespace": "ended"}})


def inside(api: Api) -> set[str]:
    unseen: list[str] = []
    kinds = [kind for kind in find_kinds(api, unseen) if kind.namespaced]
    found = {item.path for item in find_objects(api, kinds, "", unseen) if item.namespace == "ended"}
    assert unseen == []
    return found


@pytest.mark.usefixtures("without_controllers")
def test_a_namespace_and_all_that_is_inside_end_without_any_controller(api: Api, remover: Remover) -> None:
    made(api, MINE.labels)
    assert len(inside(api)) == len(INSIDE)
    assert take_off(remover.steps(Remains(namespaces=("ended",)))) == []
    assert api.find(NAMESPACE) is None
    assert inside(api) == set()


def test_what_does_not_bear_the_mark_stays_as_it_is(api: Api, remover: Remover) -> None:
    made(api, {})
    try:
        before = inside(api)
        assert take_off(remover.steps(Remains(namespaces=("ended",)))) == []
        namespace = api.get(NAMESPACE)
        assert namespace["spec"]["finalizers"] == ["kubernetes"]
        assert "deletionTimestamp" not in namespace["metadata"]
        assert inside(api) >= before
    finally:
        api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ended", "labels": MINE.labels}})
        assert take_off(remover.steps(Remains(namespaces=("ended",)))) == []


@pytest.mark.usefixtures("without_controllers")
def test_an_object_that_stays_keeps_its_namespace_and_is_told(
    api: Api, remover: Remover, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("multiarch.rehearse.install.removal.CLEAN_SECONDS", 0.0)
    made(api, MINE.labels)
    held = f"{NAMESPACE}/configmaps/held"
    api.create(f"{NAMESPACE}/configmaps", {"metadata": {"name": "held", "finalizers": ["example.org/held"]}})
    (left,) = take_off(remover.steps(Remains(namespaces=("ended",))))
    assert (left.what, held in left.why) == ("everything in those namespaces", True)
    assert api.find(NAMESPACE) is not None
    api.call("PATCH", held, {"metadata": {"finalizers": None}}, None, "application/merge-patch+json")
    monkeypatch.undo()
    assert take_off(remover.steps(Remains(namespaces=("ended",)))) == []
    assert api.find(NAMESPACE) is None
