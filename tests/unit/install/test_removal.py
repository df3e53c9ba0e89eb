"""What a rehearsal put on a cluster is taken off: every step is tried, and nobody else's object is touched."""

import json
import os
import re
import signal
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from components.problems import ConfigError
from multiarch.cluster.api import Api, ApiRefused
from multiarch.cluster.errors import UnreachableError
from multiarch.model.nodes import NodeGroup
from multiarch.model.nodes.marks import ANY, KEPT, TAINTS, Mark, tolerating
from multiarch.model.plan.model import Plan, PlannedResource
from multiarch.model.pools import PlannedPool
from multiarch.rehearse.install import fleet, removal
from multiarch.rehearse.install.chart import Chart
from multiarch.rehearse.install.helm import Helm, HelmError
from multiarch.rehearse.install.installer import Installer
from multiarch.rehearse.install.leftovers import find_leftovers
from multiarch.rehearse.install.removal import Remover, Step, take_off
from multiarch.rehearse.interrupts import Interrupts

KINDS = {
    "/api/v1": [("Namespace", "namespaces", False), ("Node", "nodes", False), ("Secret", "secrets", True)],
    "/apis/apps/v1": [("Deployment", "deployments", True)],
    "/apis/scheduling.k8s.io/v1": [("PriorityClass", "priorityclasses", False)],
}
PLURALS = {"pods", "replicasets", *(plural for kinds in KINDS.values() for _, plural, _ in kinds)}
MINE = Mark("s", "mine")
OTHER_RUN = Mark("s", "theirs")
NAMESPACE, NODE, CLASS = "/api/v1/namespaces/n", "/api/v1/nodes/node", "/apis/scheduling.k8s.io/v1/priorityclasses/p"
RECORD = "/api/v1/namespaces/n/secrets/sh.helm.release.v1.r.v1"
HELMS = {"owner": "helm", "name": "r"}


class Cluster(Api):
    """An API server in memory: objects by path, label selectors, discovery."""

    def __init__(self, objects: Mapping[str, Mapping[str, str]] | None = None) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.down: set[str] = set()
        for path, labels in (objects or {}).items():
            self.put(path, labels)

    def put(self, path: str, labels: Mapping[str, str]) -> None:
        parts = path.split("/")
        place = {"namespace": parts[-3]} if parts[-4] == "namespaces" else {}
        metadata = {"name": parts[-1], "uid": f"uid-{len(self.objects)}", "labels": dict(labels), **place}
        self.objects[path] = {"metadata": metadata, "spec": {}, "status": {}}

    def call(self, method: str, path: str, body: Any = None, query: Any = None, *_: Any, **__: Any) -> dict[str, Any]:
        if path in self.down:
            raise ApiRefused(503, "ServiceUnavailable", "the server is currently unable to handle the request")
        if path == "/apis":
            return {"groups": [{"preferredVersion": {"groupVersion": root[6:]}} for root in KINDS if "apis" in root]}
        if path in KINDS:
            keys = ("kind", "name", "namespaced")
            return {
                "resources": [
                    {**dict(zip(keys, kind, strict=True)), "verbs": ["list", "delete"]} for kind in KINDS[path]
                ]
            }
        if path.rpartition("/")[2] not in PLURALS:
            return self.one(method, path, body)
        selector = (query or {}).get("labelSelector")
        items = [item for where, item in self.objects.items() if within(where, path) and selects(selector, item)]
        if method == "DELETE":
            self.objects = {where: item for where, item in self.objects.items() if item not in items}
        return {"items": items}

    def one(self, method: str, path: str, body: Any) -> dict[str, Any]:
        if path not in self.objects:
            raise ApiRefused(404, "NotFound", "not found")
        return self.delete_one(path, body) if method == "DELETE" else self.objects[path]

    def delete_one(self, path: str, body: Any) -> dict[str, Any]:
        wanted = ((body or {}).get("preconditions") or {}).get("uid", self.objects[path]["metadata"]["uid"])
        if wanted != self.objects[path]["metadata"]["uid"]:
            raise ApiRefused(409, "Conflict", "another uid")
        self.objects = {where: item for where, item in self.objects.items() if not f"{where}/".startswith(f"{path}/")}
        return {}

    def path_of(self, manifest: Mapping[str, Any]) -> str:
        return {"Namespace": NAMESPACE, "PriorityClass": CLASS, "Secret": "/api/v1/namespaces/n/secrets/token"}[
            manifest["kind"]
        ]

    def apply(self, manifest: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        self.put(self.path_of(manifest), manifest["metadata"]["labels"])
        return {}


def within(where: str, collection: str) -> bool:
    """Tell whether an object is in a collection; one without a namespace holds those of all."""
    root, _, plural = collection.rpartition("/")
    return bool(re.fullmatch(rf"{re.escape(root)}(/namespaces/[^/]+)?/{plural}/[^/]+", where))


def selects(selector: str | None, item: Mapping[str, Any]) -> bool:
    labels = item["metadata"]["labels"]
    for term in (selector or "").split(","):
        key, unequal, refused = term.partition("!=")
        if unequal:
            if labels.get(key) == refused:
                return False
            continue
        key, equal, value = term.partition("=")
        if term and (key not in labels or (equal and labels[key] != value)):
            return False
    return True


class FakeHelm(Helm):
    """A Helm that takes its record away."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.values: Mapping[str, Any] = {}

    def install(self, release: str, namespace: str, chart: Path, values: Any, labels: Any = None) -> None:
        del release, namespace, chart
        self.values = values
        self.cluster.put(RECORD, {**HELMS, **labels})

    def uninstall(self, release: str, namespace: str) -> None:
        assert (release, namespace) == ("r", "n")
        self.cluster.objects.pop(RECORD, None)


def plan_of() -> Plan:
    """One of everything that is taken away by a step of its own."""

    def planned(kind_: str, **inputs: Any) -> PlannedResource:
        return PlannedResource(urn=kind_, type=f"kubernetes:{kind_}", name=kind_, inputs=inputs)

    objects = [
        planned("x:Namespace", apiVersion="v1", kind="Namespace", metadata={"name": "n"}),
        planned("x:Class", apiVersion="scheduling.k8s.io/v1", kind="PriorityClass", metadata={"name": "p"}),
        planned("helm.sh/v3:Release", name="r", namespace="n", chart="c", values={"runners": {"secret": "token"}}),
    ]
    return Plan(stack="s", resources=tuple(objects))


def nodes(labels: Mapping[str, str] | None = None) -> tuple[NodeGroup, ...]:
    pool = PlannedPool(
        name="p", cloud="existing", arch="arm64", machine_type="", spot=False, min_nodes=1, max_nodes=1,
        labels={}, taints=(), zones=(),
    )  # fmt: skip
    node = {
        "metadata": {"name": "node", "labels": dict(labels or {})},
        "spec": {},
        "status": {"allocatable": {"cpu": "2"}},
    }
    return (NodeGroup(pool=pool, nodes=(node,)),)


def installed(mark: Mark = MINE) -> tuple[Cluster, Installer]:
    cluster = Cluster()
    installer = Installer(cluster, FakeHelm(cluster), mark.stack, mark.run)
    cluster.put(NODE, mark.labels)
    assert installer.install(plan_of(), Chart(Path(), "")) == ["Secret token"]
    return cluster, installer


STEPS = [step.what for step in installed()[1].steps(["node"])]
"""The code's own list: a new step is covered by itself."""
ERRORS = [
    HelmError("broken"),
    ApiRefused(403, "Forbidden", "broken"),
    UnreachableError("broken"),
    removal.RemovalError("broken"),
]


@pytest.fixture(autouse=True)
def without_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removal, "CLEAN_SECONDS", 0.0)
    monkeypatch.setattr(fleet, "READY_SECONDS", 0.0)


def spoiled(steps: list[Step], what: str, act: Callable[[], None]) -> list[Step]:
    return [Step(step.what, act if step.what == what else step.take) for step in steps]


def test_all_is_taken_off_and_the_nodes_first() -> None:
    cluster, installer = installed()
    assert STEPS[0] == "nodes node"
    assert installer.clean(["node"]) == []
    assert cluster.objects == {}


@pytest.mark.parametrize("what", STEPS)
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_a_step_that_fails_keeps_no_other_from_being_taken(what: str, error: Exception) -> None:
    taken: list[str] = []

    def fail() -> None:
        raise error

    steps = [Step(name, partial(taken.append, name)) for name in STEPS]
    left = take_off(spoiled(steps, what, fail))
    assert taken == [name for name in STEPS if name != what]
    assert [(one.what, one.why, one.unanswered) for one in left] == [
        (what, "broken", isinstance(error, UnreachableError))
    ]


@pytest.mark.parametrize("what", [step for step in STEPS if not step.startswith(("pods", "everything"))])
def test_what_a_failed_step_should_have_taken_off_is_found_by_its_label_later(what: str) -> None:
    cluster, installer = installed()

    def fail() -> None:
        raise ApiRefused(403, "Forbidden", "not now")

    assert take_off(spoiled(installer.steps(["node"]), what, fail))[0].what == what
    remains = find_leftovers(cluster, ANY).remains
    assert take_off(Remover(cluster, FakeHelm(cluster), ANY).steps(remains)) == []
    assert cluster.objects == {}


@pytest.mark.parametrize("what", STEPS)
def test_a_defect_of_ours_comes_out_after_the_other_steps(what: str) -> None:
    taken: list[str] = []

    def fail() -> None:
        raise KeyError("defect")

    steps = [Step(name, partial(taken.append, name)) for name in STEPS]
    with pytest.raises(KeyError) as caught:
        take_off(spoiled(steps, what, fail))
    assert len(taken) == len(STEPS) - 1
    assert what in caught.value.__notes__[0]


def cleaned(steps: list[Step]) -> None:
    """Clean up as the rehearsal does after its work."""
    with Interrupts() as interrupts:
        interrupts.hold()
        take_off(steps)


class TestInterrupts:
    @pytest.fixture(autouse=True)
    def handled(self) -> Iterator[None]:
        def leave(number: int, _: object) -> None:
            raise SystemExit(128 + number)

        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, leave)
        yield
        for number, handler in before.items():
            signal.signal(number, handler)

    @pytest.mark.parametrize("what", STEPS)
    @pytest.mark.parametrize(("number", "end"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)])
    def test_an_interrupt_in_any_step_of_cleaning_up_waits_for_its_end(
        self, what: str, number: int, end: type[BaseException]
    ) -> None:
        cluster, installer = installed()
        steps = installer.steps(["node"])
        (spoilt,) = [step for step in steps if step.what == what]

        def interrupted() -> None:
            os.kill(os.getpid(), number)
            spoilt.take()

        with pytest.raises(end):
            cleaned(spoiled(steps, what, interrupted))
        assert cluster.objects == {}

    def test_who_interrupts_the_cleaning_twice_is_told_what_is_left(self) -> None:
        def twice() -> None:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

        steps = [Step("first", twice), Step("second", lambda: None)]
        with pytest.raises(KeyboardInterrupt) as caught:
            cleaned(steps)
        assert caught.value.__notes__ == ["still on the cluster: first (interrupted); second (interrupted)"]

    def test_the_first_interrupt_of_the_work_is_raised_and_the_second_waits(self) -> None:
        done: list[str] = []

        def work() -> None:
            with Interrupts():
                try:
                    os.kill(os.getpid(), signal.SIGINT)
                finally:
                    os.kill(os.getpid(), signal.SIGTERM)
                    done.append("cleaned")

        with pytest.raises(KeyboardInterrupt):
            work()
        assert done == ["cleaned"]
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


class TestOthers:
    """Somebody else's objects of the same names, and another run's."""

    @pytest.mark.parametrize("labels", [{}, OTHER_RUN.labels], ids=["somebody's", "another run's"])
    @pytest.mark.parametrize("path", [NODE, NAMESPACE, CLASS, RECORD, "/api/v1/namespaces/n/secrets/token"])
    def test_what_this_run_did_not_make_stops_it_and_is_not_taken_off(
        self, path: str, labels: Mapping[str, str]
    ) -> None:
        cluster = Cluster({path: {**labels, **(HELMS if path == RECORD else {})}})
        cluster.put("/api/v1/namespaces/n/pods/theirs", {})
        before = json.dumps(cluster.objects)
        installer = Installer(cluster, FakeHelm(cluster), MINE.stack, MINE.run)
        with pytest.raises(ConfigError) as caught:
            installer.check_free(plan_of(), nodes(), "multiarch rehearse --clean")
        assert ("--clean" in str(caught.value)) == bool(labels)
        # As if it had appeared between the check and the installation.
        installer._releases = [*installed()[1]._releases]
        installer._namespaces = ["n"]
        installer._made = [(CLASS, {"kind": "PriorityClass", "metadata": {"name": "p"}})]
        assert installer.clean(["node"]) == []
        assert json.dumps(cluster.objects) == before

    def test_an_object_that_took_the_place_of_ours_is_not_deleted(self) -> None:
        cluster, installer = installed()
        find = cluster.find

        def replaced(path: str) -> dict[str, Any] | None:
            found = find(path)
            if found is not None and path == CLASS:
                cluster.put(CLASS, {})
            return found

        cluster.find = replaced  # type: ignore[method-assign]
        assert installer.clean(["node"]) == []
        assert list(cluster.objects) == [CLASS]

    def test_clean_takes_what_any_run_left_and_neither_kept_nor_others(self) -> None:
        cluster, _ = installed(OTHER_RUN)
        kept = "/api/v1/nodes/kept"
        cluster.put(kept, Mark("s", KEPT).labels)
        cluster.put("/api/v1/nodes/real", {})
        cluster.put("/apis/apps/v1/namespaces/theirs/deployments/d", {})
        found = find_leftovers(cluster, ANY)
        assert found.unseen == ()
        assert found.remains.nodes == ("node",)
        assert take_off(Remover(cluster, FakeHelm(cluster), ANY).steps(found.remains)) == []
        assert set(cluster.objects) == {kept, "/api/v1/nodes/real", "/apis/apps/v1/namespaces/theirs/deployments/d"}
        assert find_leftovers(cluster, ANY).remains == removal.Remains()

    def test_a_part_of_the_api_that_does_not_answer_is_told_and_hides_no_other(self) -> None:
        cluster, _ = installed()
        cluster.down.add("/apis/scheduling.k8s.io/v1")
        found = find_leftovers(cluster, ANY)
        assert found.remains.nodes == ("node",)
        (unseen,) = found.unseen
        assert unseen.startswith("scheduling.k8s.io/v1: the server")

    def test_without_helm_the_rest_is_taken_off_and_the_release_told(self) -> None:
        cluster, _ = installed()
        left = take_off(Remover(cluster, None, ANY).steps(find_leftovers(cluster, ANY).remains))
        assert [one.what for one in left] == ["Helm release r in n"]
        assert NODE not in cluster.objects


class TestKept:
    """Nodes that `--keep` left serve the next rehearsal and stay; others than planned are in its way."""

    @pytest.mark.parametrize(("cpu", "free"), [("2", True), ("2000m", True), ("4", False)])
    def test_kept_nodes_are_used_only_where_they_are_as_planned(self, cpu: str, *, free: bool) -> None:
        cluster = Cluster({NODE: Mark("s", KEPT).labels})
        cluster.objects[NODE]["status"] = {"allocatable": {"cpu": cpu}}
        assert (fleet.in_the_way(cluster, nodes()) == []) == free

    def test_what_a_run_did_not_make_it_does_not_remove(self) -> None:
        cluster = Cluster({NODE: Mark("s", KEPT).labels, "/api/v1/nodes/new": MINE.labels})
        fleet.remove_nodes(cluster, MINE.stack, MINE.run)
        assert list(cluster.objects) == [NODE]


class TestTaint:
    def test_nodes_of_a_run_are_closed_to_all_and_kept_ones_are_open(self) -> None:
        (closed,) = fleet._marked(nodes(), MINE)
        (kept,) = fleet._marked(nodes(), Mark("s", KEPT))
        assert closed["spec"]["taints"] == [dict(taint) for taint in TAINTS]
        assert {taint["effect"] for taint in TAINTS} == {"NoSchedule", "NoExecute"}
        assert kept["spec"].get("taints") is None

    def test_the_managers_pod_tolerates_it_beside_its_own(self) -> None:
        cluster, installer = installed()
        assert isinstance(installer._helm, FakeHelm)
        assert installer._helm.values["tolerations"] == tolerating(None)
        assert tolerating([{"key": "own"}]) == [{"key": "own"}, *tolerating(None)]
        assert tolerating("no list") == "no list"
        assert cluster.objects
