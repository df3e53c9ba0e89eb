"""Whatever goes wrong, `check_live` answers: could not tell, and why. And it has no way to write."""

import inspect
import json
import re
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from multiarch.cluster.access_review import Action, may
from multiarch.cluster.api import Api
from multiarch.cluster.readonly import ReadOnlyApi
from multiarch.core.verdict import Verdict
from multiarch.drift.live import check as module
from multiarch.drift.live.check import CHECKS, check_live
from multiarch.drift.live.exempt import EXEMPTIONS, GUARDED
from multiarch.drift.live.pools import LIFECYCLE_TAINTS
from multiarch.drift.live.request import LiveAnswer, LiveRequest
from multiarch.drift.model import Check, CheckResult
from multiarch.model.plan.model import Plan, PlanError

ROOT = Path(__file__).resolve().parents[3]
IN_CLUSTER: Sequence[Check] = [check for check in CHECKS if check is not Check.IMAGES]


def request(project: Path = ROOT, stack: str = "local", **fields: Any) -> LiveRequest:
    limits = {"checks": frozenset(Check), "deadline": time.monotonic() + 60}
    return LiveRequest(project=project, stack=stack, **{**limits, **fields})


def ask(wanted: LiveRequest) -> LiveAnswer:
    return check_live(wanted, lambda _: None)


def assert_unknown(answer: LiveAnswer, *words: str, checks: Sequence[Check] = IN_CLUSTER) -> None:
    results = {result.check: result for result in answer.results}
    for check in checks:
        assert results[check].verdict is Verdict.UNKNOWN
        for word in words:
            assert word in results[check].failure


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan with nothing in it, at once."""
    monkeypatch.setattr(module, "plan_stack", lambda _, stack: Plan(stack=stack))


def test_a_stack_that_is_not_there_and_a_broken_one_are_told_by_every_check(tmp_path: Path) -> None:
    assert_unknown(ask(request(stack="nope")), "Pulumi.nope.yaml", checks=list(CHECKS))
    (tmp_path / "Pulumi.yaml").write_text("name: multiarch-runner\n")
    (tmp_path / "Pulumi.x.yaml").write_text("config:\n  cluster: {type: moon}\n")
    assert_unknown(ask(request(tmp_path, "x")), "moon", checks=list(CHECKS))
    assert_unknown(ask(request(tmp_path / "nowhere")), "Pulumi.yaml", checks=list(CHECKS))


def test_a_program_that_crashes_or_stops_early_is_told_by_every_check(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: Any) -> Plan:
        raise PlanError("stack local: the program ended: ImportError")

    monkeypatch.setattr(module, "plan_stack", crash)
    assert_unknown(ask(request()), "ImportError", checks=list(CHECKS))
    monkeypatch.setattr(module, "plan_stack", lambda _, stack: Plan(stack=stack, complete=False))
    assert_unknown(ask(request()), "stopped before it had said all", checks=list(CHECKS))


@pytest.mark.usefixtures("planned")
def test_only_the_wanted_checks_are_made_in_their_order_and_images_need_no_cluster() -> None:
    answer = ask(request(checks=frozenset({Check.IMAGES})))
    assert [result.check for result in answer.results] == [Check.IMAGES]
    assert (answer.cluster, answer.results[0].verdict) == ("", Verdict.YES)
    answer = ask(request(checks=frozenset({Check.NODES, Check.OBJECTS, Check.STATE})))
    assert [result.check for result in answer.results] == [Check.OBJECTS, Check.NODES]


@pytest.mark.usefixtures("planned")
def test_without_a_kubeconfig_the_clusters_checks_say_so_and_images_go_on(tmp_path: Path) -> None:
    answer = ask(request(kubeconfig=tmp_path / "none", context="x"))
    assert_unknown(answer, "none")
    assert answer.results[list(CHECKS).index(Check.IMAGES)].skipped


def kubeconfig(folder: Path, user: dict[str, Any], **cluster: Any) -> Path:
    path = folder / "config"
    document = {
        "clusters": [{"name": "x", "cluster": {"server": "https://127.0.0.1:9", **cluster}}],
        "users": [{"name": "x", "user": user}],
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
    }
    path.write_text(json.dumps(document))
    return path


def plugin(program: str) -> dict[str, Any]:
    api = "client.authentication.k8s.io/v1beta1"
    return {"exec": {"apiVersion": api, "command": sys.executable, "args": ["-c", program], "interactiveMode": "Never"}}


@pytest.mark.usefixtures("planned")
@pytest.mark.parametrize(
    ("user", "cluster"),
    [
        (plugin("import sys; sys.exit('no login')"), {}),
        (plugin("print('no JSON')"), {}),
        ({"exec": {"command": "a-program-that-is-not-there", "apiVersion": "x"}}, {}),
        ({"client-certificate-data": "!"}, {}),
        ({"client-certificate": "/nonexistent", "client-key": "/nonexistent"}, {}),
        ({}, {"certificate-authority": "/nonexistent"}),
        ({}, {"certificate-authority-data": "bm8gY2VydGlmaWNhdGU="}),
        ({}, {}),
    ],
)
def test_a_kubeconfig_that_leads_nowhere_is_told_whatever_is_wrong_with_it(
    user: dict[str, Any], cluster: dict[str, Any], tmp_path: Path
) -> None:
    answer = ask(request(kubeconfig=kubeconfig(tmp_path, user, **cluster), context="x"))
    assert_unknown(answer)
    assert answer.cluster in ("", "context x"), "not another one"
    assert all(result.failure for result in answer.results if result.check in IN_CLUSTER)


@pytest.mark.usefixtures("planned")
def test_a_login_program_that_hangs_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "UNATTENDED_SECONDS", 0.2)
    path = kubeconfig(tmp_path, plugin("import time; time.sleep(5)"))
    assert_unknown(ask(request(kubeconfig=path, context="x")), "did not end within")


@pytest.mark.usefixtures("planned")
def test_after_the_deadline_nothing_is_begun(tmp_path: Path) -> None:
    answer = ask(request(deadline=time.monotonic() - 1, kubeconfig=tmp_path / "none", context="x"))
    results = {result.check: result for result in answer.results}
    assert "time limit" in results[Check.IMAGES].failure


@pytest.mark.usefixtures("planned")
def test_an_answer_of_no_known_shape_costs_one_check(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Any) -> CheckResult:
        raise KeyError("metadata")

    monkeypatch.setitem(module.CHECKS, Check.IMAGES, broken)
    (result,) = ask(request(checks=frozenset({Check.IMAGES}))).results
    assert result.verdict is Verdict.UNKNOWN
    assert "KeyError" in result.failure


class Recording(Api):
    """Records what would be sent."""

    impersonates = False

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any]] = []

    def call(self, method: str, path: str, body: Any = None, query: Any = None, *_: Any, **__: Any) -> dict[str, Any]:
        del path, body
        self.sent.append((method, dict(query or {})))
        return {"items": [], "metadata": {}}

    def path_of(self, manifest: Any) -> str:
        return f"/api/v1/configmaps/{manifest['metadata']['name']}"


def test_the_read_only_api_has_no_way_to_write() -> None:
    api = Recording()
    readonly, manifest = ReadOnlyApi(api), {"metadata": {"name": "x"}}
    calls: dict[str, Callable[[], Any]] = {
        "get": lambda: readonly.get("/x"),
        "find": lambda: readonly.find("/x"),
        "items": lambda: readonly.items("/x"),
        "metadata": lambda: list(readonly.metadata("/x")),
        "pages": lambda: list(readonly.pages("/x")),
        "metadata_of": lambda: readonly.metadata_of("/x"),
        "table": lambda: readonly.table("/x"),
        "log_tail": lambda: readonly.log_tail("n", "p", "c"),
        "requests": lambda: readonly.requests,
        "review": lambda: may(readonly, Action(verb="get", resource="pods")),
        "path_of": lambda: readonly.path_of(manifest),
        "would_create": lambda: readonly.would_create(manifest),
        "would_admit": lambda: readonly.would_admit("/x", manifest, "somebody"),
        "impersonates": lambda: readonly.impersonates,
        "would_apply": lambda: readonly.would_apply(manifest),
    }
    public = {name for name, _ in inspect.getmembers(ReadOnlyApi) if not name.startswith("_")}
    assert public == set(calls)
    for call in calls.values():
        call()
    assert {method for method, _ in api.sent} == {"GET", "POST", "PATCH"}
    written = [query for method, query in api.sent if method != "GET"]
    assert written.count({}) == 1  # the review, which its API does not store
    assert all(query.get("dryRun") == "All" for query in written if query)


def test_everything_that_is_no_drift_is_documented() -> None:
    page = (ROOT / "docs" / "drift-cluster.md").read_text()
    documented = re.sub(r"\s+", " ", page)
    wanted = [one.why for one in EXEMPTIONS] + [f"`{name}`" for names in GUARDED.values() for name in names]
    wanted += [f"`{key}`" for key in LIFECYCLE_TAINTS] + [f"`{check}`" for check in CHECKS]
    assert [text for text in wanted if text not in documented] == []
