"""The same rehearsal on a cluster that is not ours: no kwok to count on, and nothing touched that was there before."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.kubernetes.connection import Connection
from ops.rehearse.claims import rehearse_stack
from ops.rehearse.cluster import ControlPlane, use_existing
from ops.rehearse.install import Api, Charts
from ops.rehearse.install.chart import EMBEDDED
from ops.rehearse.nodes import OWNER_LABEL
from ops.rehearse.plan import plan_stack
from ops.rehearse.report.model import Verdict

ROOT = Path(__file__).resolve().parents[2]
KUBE_SYSTEM = {"kube-system", "kube-public", "kube-node-lease", "default"}


@pytest.fixture
def without_kwok(control_plane: ControlPlane) -> Iterator[None]:
    """A cluster where nobody plays the kubelet of nodes that do not exist."""
    pid = control_plane.pids["kwok"]
    os.kill(pid, signal.SIGSTOP)
    yield
    os.kill(pid, signal.SIGCONT)


@pytest.fixture
def somebodys(connection: Connection) -> Iterator[Api]:
    """Somebody else's node, namespace and object in it."""
    api = Api.of(connection)
    api.create("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "theirs"}})
    node = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "theirs", "labels": {"kubernetes.io/arch": "arm64", "theirs": "yes"}},
    }
    api.create("/api/v1/nodes", node)
    yield api
    api.delete("/api/v1/nodes/theirs")
    api.delete("/api/v1/namespaces/theirs")
    while api.find("/api/v1/namespaces/theirs") is not None:
        time.sleep(0.2)


@pytest.mark.usefixtures("without_kwok")
def test_a_cluster_of_the_users_is_left_as_it_was(
    control_plane: ControlPlane, somebodys: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = str(control_plane.binary("helm").parent)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    plane = use_existing(control_plane.kubeconfig, control_plane.context)
    before = somebodys.get("/api/v1/nodes/theirs")["metadata"]["uid"]
    with Charts(str(EMBEDDED)) as charts:
        report = rehearse_stack(plan_stack(ROOT, "aks"), plane, chart=charts)
    verdicts = {claim.id: (claim.verdict, claim.evidence) for claim in report.claims}
    assert {verdict for verdict, _ in verdicts.values()} == {Verdict.PROVED}, verdicts
    # A pod on a node without kubelet never runs, and the evidence does not say that it does.
    assert "Running" not in verdicts["runner-installed"][1]
    assert somebodys.get("/api/v1/nodes/theirs")["metadata"]["uid"] == before
    assert {node["metadata"]["name"] for node in somebodys.items("/api/v1/nodes")} == {"theirs"}
    namespaces = {item["metadata"]["name"] for item in somebodys.items("/api/v1/namespaces")}
    assert namespaces == KUBE_SYSTEM | {"theirs"}


def test_what_a_crashed_rehearsal_left_is_taken_over_and_cleaned(
    control_plane: ControlPlane, connection: Connection
) -> None:
    api = Api.of(connection)
    labels = {OWNER_LABEL: "aks"}
    left = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "gitlab-runner", "labels": labels}}
    api.create("/api/v1/namespaces", left)
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "aks-amd64-82764621-vmss000000", "labels": labels}}
    api.create("/api/v1/nodes", node)
    with Charts(str(EMBEDDED)) as charts:
        report = rehearse_stack(plan_stack(ROOT, "aks"), control_plane, chart=charts)
    assert {claim.verdict for claim in report.claims} == {Verdict.PROVED}
    assert api.find("/api/v1/namespaces/gitlab-runner") is None
    assert api.items("/api/v1/nodes") == []
