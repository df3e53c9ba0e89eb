"""The same rehearsal on a cluster that is not ours: no kwok to count on, and nothing touched that was there before."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from components.problems import ConfigError
from multiarch.cluster.api import Api
from multiarch.cluster.connection import Connection
from multiarch.core.ending import unwind_on_terminate
from multiarch.core.verdict import Verdict
from multiarch.model.nodes import nodes_for
from multiarch.model.nodes.marks import ANY, Mark
from multiarch.model.plan import plan_stack
from multiarch.model.plan.model import Plan
from multiarch.rehearse.claims import rehearse_stack
from multiarch.rehearse.claims.pods import settle
from multiarch.rehearse.claims.stack import INSTALL, JOBS, NOTHING_LEFT, STEPS
from multiarch.rehearse.control_plane.existing import ExistingControlPlane, use_existing
from multiarch.rehearse.control_plane.plane import ControlPlane
from multiarch.rehearse.install import Charts, add_nodes, remove_nodes
from multiarch.rehearse.install.chart import EMBEDDED
from multiarch.rehearse.install.leftovers import find_leftovers
from multiarch.rehearse.install.removal import Remains
from multiarch.rehearse.report.model import StackReport

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


@dataclass(frozen=True, slots=True)
class There:
    """A user's cluster, and what is rehearsed on it."""

    plane: ExistingControlPlane
    api: Api
    charts: Charts
    plan: Plan

    def rehearse(self, progress: Callable[[str], None] = lambda _: None) -> StackReport:
        return rehearse_stack(self.plan, self.plane, chart=self.charts, progress=progress)

    def names(self, plural: str) -> set[str]:
        return {item["metadata"]["name"] for item in self.api.items(f"/api/v1/{plural}")}

    def left(self) -> Remains:
        found = find_leftovers(self.api, ANY)
        assert found.unseen == ()
        return found.remains


@pytest.fixture(scope="module")
def local() -> Plan:
    return plan_stack(ROOT, "local")


@pytest.fixture
def there(
    control_plane: ControlPlane, connection: Connection, local: Plan, monkeypatch: pytest.MonkeyPatch
) -> Iterator[There]:
    """The embedded control plane as a user's cluster, with Helm on PATH."""
    monkeypatch.setenv("PATH", f"{control_plane.binary('helm').parent}:{os.environ['PATH']}")
    plane = use_existing(control_plane.kubeconfig, control_plane.context)
    with Charts(str(EMBEDDED)) as charts:
        yield There(plane, Api.of(connection), charts, local)


@pytest.fixture
def signals() -> Iterator[None]:
    """Handle signals as the command does."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    unwind_on_terminate()
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def at(step: str, act: Callable[[], None]) -> Callable[[str], None]:
    """Give a progress that acts when the rehearsal comes to a step."""
    return lambda told: act() if told == step else None


@pytest.mark.usefixtures("without_kwok")
def test_a_cluster_of_the_users_is_left_as_it_was(there: There, somebodys: Api) -> None:
    before = somebodys.get("/api/v1/nodes/theirs")["metadata"]["uid"]
    report = replace(there, plan=plan_stack(ROOT, "aks")).rehearse()
    verdicts = {claim.id: (claim.verdict, claim.evidence) for claim in report.checks}
    assert {verdict for verdict, _ in verdicts.values()} == {Verdict.YES}, verdicts
    # A pod on a node without kubelet never runs, and the evidence does not say that it does.
    assert "Running" not in verdicts["runner-installed"][1]
    assert somebodys.get("/api/v1/nodes/theirs")["metadata"]["uid"] == before
    assert {node["metadata"]["name"] for node in somebodys.items("/api/v1/nodes")} == {"theirs"}
    namespaces = {item["metadata"]["name"] for item in somebodys.items("/api/v1/namespaces")}
    assert namespaces == KUBE_SYSTEM | {"theirs"}


BLANKET = {"operator": "Exists", "effect": "NoSchedule"}
"""What many DaemonSets tolerate."""


@pytest.mark.parametrize("tolerations", [[], [BLANKET]], ids=["no toleration", "blanket toleration"])
def test_a_real_pod_does_not_land_on_the_rehearsals_nodes(there: There, tolerations: list[dict[str, str]]) -> None:
    seen = []
    spec = {"containers": [{"name": "real", "image": "registry.k8s.io/pause:3.10"}], "tolerations": tolerations}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "real"}, "spec": spec}

    def deploy() -> None:
        while there.api.find("/api/v1/namespaces/default/serviceaccounts/default") is None:
            time.sleep(0.1)
        there.api.create("/api/v1/namespaces/default/pods", pod)
        try:
            seen.append(settle(there.api, "default", "real"))
        finally:
            there.api.delete("/api/v1/namespaces/default/pods/real", {"gracePeriodSeconds": "0"})

    report = there.rehearse(at(JOBS, deploy))
    assert {claim.verdict for claim in report.checks} == {Verdict.YES}
    (placement,) = seen
    assert (placement.node, "untolerated taint" in placement.message) == ("", True), placement
    assert not any("rehearsal" in taint for node in report.detail.nodes for taint in node.taints)


@pytest.mark.parametrize(
    ("step", "number", "end"),
    [
        *((step, signal.SIGINT, KeyboardInterrupt) for step in STEPS),
        (JOBS, signal.SIGTERM, SystemExit),
        (INSTALL, signal.SIGHUP, SystemExit),
    ],
)
@pytest.mark.usefixtures("signals")
def test_an_interrupt_at_any_step_leaves_nothing_on_the_cluster(
    there: There, step: str, number: int, end: type[BaseException]
) -> None:
    with pytest.raises(end) as caught:
        there.rehearse(at(step, lambda: os.kill(os.getpid(), number)))
    assert getattr(caught.value, "__notes__", [NOTHING_LEFT]) == [NOTHING_LEFT]
    assert there.left() == Remains()
    assert there.names("namespaces") == KUBE_SYSTEM


def test_a_helm_that_cannot_uninstall_leaves_no_node_behind_and_the_rest_is_told(
    there: There, control_plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing = 'if [ "$1" = uninstall ]; then echo "Error: no" >&2; exit 1; fi'
    (tmp_path / "helm").write_text(f'#!/bin/sh\n{refusing}\nexec {control_plane.binary("helm")} "$@"\n')
    (tmp_path / "helm").chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (claim,) = [claim for claim in there.rehearse().checks if claim.verdict is not Verdict.YES]
    assert (claim.id, claim.verdict) == ("cleaned-up", Verdict.NO)
    assert "Helm release gitlab-runner in gitlab-runner (no)" in claim.evidence
    target = f"--kubeconfig {there.plane.kubeconfig} --context {there.plane.context}"
    assert f"multiarch rehearse --clean {target}" in claim.evidence
    assert there.left() == Remains()  # the release went with its namespace


@pytest.mark.parametrize("run", ["", "another"], ids=["somebody's", "another run's"])
@pytest.mark.parametrize("kind", ["Node", "Namespace"])
def test_objects_of_the_same_names_stop_it_before_anything_is_made(there: There, kind: str, run: str) -> None:
    name = nodes_for(there.plan)[0].nodes[0]["metadata"]["name"] if kind == "Node" else "gitlab-runner"
    path = f"/api/v1/{kind.lower()}s/{name}"
    labels = Mark("local", run).labels if run else {}
    body = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "labels": labels}}
    uid = there.api.create(path.rpartition("/")[0], body)["metadata"]["uid"]
    try:
        with pytest.raises(ConfigError, match=f"the {kind} {name}") as caught:
            there.rehearse()
        assert ("multiarch rehearse --clean" in str(caught.value)) == bool(run)
        metadata = there.api.get(path)["metadata"]
        assert (metadata["uid"], "deletionTimestamp" in metadata) == (uid, False)
        ours = {key: value for key, value in (metadata.get("labels") or {}).items() if "rehearsal" in key}
        assert ours == labels
        assert there.names("nodes") == ({name} if kind == "Node" else set())
    finally:
        there.api.delete(path)
        while there.api.find(path) is not None:
            time.sleep(0.1)


def test_a_second_rehearsal_leaves_the_kept_nodes_of_the_first(there: There) -> None:
    try:
        add_nodes(there.api, nodes_for(there.plan), "local", embedded=True)
        before = {node["metadata"]["uid"] for node in there.api.items("/api/v1/nodes")}
        assert {claim.verdict for claim in there.rehearse().checks} == {Verdict.YES}
        assert {node["metadata"]["uid"] for node in there.api.items("/api/v1/nodes")} == before
        assert there.left() == Remains()
    finally:
        remove_nodes(there.api, "local")
