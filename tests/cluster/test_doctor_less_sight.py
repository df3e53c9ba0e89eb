"""A healthy cluster has no cause; somebody who may not look is told so, never that all is well; nothing is changed."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from multiarch.cluster.api import ApiRefused
from multiarch.cluster.connection import Connection, TimedApiClient
from multiarch.core.render.json import schema
from multiarch.core.verdict import Verdict
from multiarch.doctor.report.words import WORDS
from multiarch.rehearse.control_plane.plane import ControlPlane
from tests.cluster.doctor_lab import kubelet, refused
from tests.cluster.doctor_lab.identities import identity
from tests.cluster.doctor_lab.ward import ROOT, Ward, open_ward

READS = frozenset({"GET"})
REVIEWS = ("/subjectaccessreviews", "/selfsubjectaccessreviews")
Identity = Callable[..., Connection]


@pytest.fixture(scope="module")
def ward(control_plane: ControlPlane) -> Iterator[Ward]:
    with open_ward(control_plane) as opened:
        yield opened


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Every request that goes to an API server from here on: method and URL."""
    sent: list[tuple[str, str]] = []
    call = TimedApiClient.call_api

    def record(self: TimedApiClient, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        sent.append((method, url))
        return call(self, method, url, *args, **kwargs)

    monkeypatch.setattr(TimedApiClient, "call_api", record)
    return sent


def versions(ward: Ward) -> dict[str, str]:
    """Return the resource version of everything that a doctor could have touched."""
    kinds = [
        "/api/v1/namespaces",
        "/api/v1/pods",
        "/api/v1/secrets",
        "/api/v1/configmaps",
        "/api/v1/events",
        "/apis/apps/v1/deployments",
        "/apis/rbac.authorization.k8s.io/v1/rolebindings",
    ]
    found = [(kind, item) for kind in kinds for item in ward.api.items(kind)]
    # The node lifecycle controller tells of the ward's new nodes when it comes to it.
    items = [
        (kind, item["metadata"]) for kind, item in found if (item.get("involvedObject") or {}).get("kind") != "Node"
    ]
    return {f"{kind}/{meta.get('namespace')}/{meta['name']}": meta["resourceVersion"] for kind, meta in items}


def test_a_healthy_cluster_has_no_cause_and_no_doubt_with_and_without_a_stack(ward: Ward) -> None:
    for stack in (True, False):
        report = ward.examine(stack=stack)
        wrong = [(check.id, check.evidence) for check in report.checks if check.verdict is not Verdict.YES]
        assert report.verdict is Verdict.YES, wrong
        assert report.runners == ("gitlab-runner/gitlab-runner",)


def test_running_jobs_of_both_architectures_are_no_cause(ward: Ward) -> None:
    try:
        for arch in ("amd64", "arm64"):
            name = ward.job(f"fine-{arch}", arch)
            ward.wait("the job to run", lambda name=name: ward.pod(name)["status"].get("phase") == "Running")  # type: ignore[misc]  # a default argument binds the name
        assert ward.examine().verdict is Verdict.YES
    finally:
        ward.discharge()


@contextmanager
def overdue(ward: Ward) -> Iterator[str]:
    """Give a job whose pod waits for a node at first, as with an empty pool, and runs in the end."""
    paths = [f"/api/v1/nodes/{node['metadata']['name']}" for node in ward.nodes("arm64")]
    events = f"/api/v1/namespaces/{ward.job_namespace}/events"

    def told(reason: str, pod: str) -> bool:
        return bool(ward.api.items(events, {"fieldSelector": f"reason={reason},involvedObject.name={pod}"}))

    try:
        for path in paths:
            ward.patch(path, {"spec": {"unschedulable": True}})
        name = ward.job("late")
        ward.wait("the scheduler's refusal", lambda: told("FailedScheduling", name))
        for path in paths:
            ward.patch(path, {"spec": {"unschedulable": None}})
        ward.wait("the job to run", lambda: ward.pod(name)["status"].get("phase") == "Running")
        ward.wait("the scheduler's word", lambda: told("Scheduled", name))
        yield name
    finally:
        for path in paths:
            ward.patch(path, {"spec": {"unschedulable": None}})
        ward.discharge()


def test_a_job_that_waited_for_its_node_and_ran_is_no_cause_once_it_is_over(ward: Ward) -> None:
    with overdue(ward) as pod:
        path = f"/api/v1/namespaces/{ward.job_namespace}/pods/{pod}"
        ward.event(pod, "Pulled", f'Container image "{kubelet.IMAGE}" already present on machine', kind="Normal")
        assert ward.examine().causes == ()
        ward.api.patch_status(path, {"phase": "Succeeded"})
        assert ward.examine().causes == ()
        ward.api.delete(path, {"gracePeriodSeconds": "0"})
        ward.wait("the pod to go", lambda: ward.api.find(path) is None)
        report = ward.examine()
        assert report.causes == ()
        assert report.verdict is Verdict.YES


def test_a_job_that_was_given_up_as_it_got_its_node_is_told_as_that(ward: Ward) -> None:
    with overdue(ward) as pod:
        path = f"/api/v1/namespaces/{ward.job_namespace}/pods/{pod}"
        ward.api.delete(path, {"gracePeriodSeconds": "0"})
        ward.wait("the pod to go", lambda: ward.api.find(path) is None)
        causes = ward.examine().causes
    assert [(one.kind, one.gone) for one in causes] == [("gave-up-waiting", (f"{ward.job_namespace}/{pod}",))]


def test_nothing_but_reads_reviews_and_dry_runs_is_sent_and_nothing_changes(
    ward: Ward, requests: list[tuple[str, str]]
) -> None:
    pod = ward.job("stuck", image=kubelet.IMAGE)
    ward.kubelet_says(pod, kubelet.init_ended("helper:1", 1))  # its log is looked at, too
    try:
        before = versions(ward)
        requests.clear()
        report = ward.examine_as_it_is()
        sent = list(requests)
        assert versions(ward) == before
    finally:
        ward.discharge()
    assert report.verdict is Verdict.NO
    assert len(sent) > 20
    others = [(method, url) for method, url in sent if method not in READS and not url.endswith(REVIEWS)]
    dry_runs = [url for method, url in others if method == "POST" and url.endswith("/pods?dryRun=All")]
    assert len(dry_runs) == len(others) == 2
    assert any("/log?" in url for _, url in sent)


def test_no_secret_is_read_whole(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, str]] = []
    call = TimedApiClient.call_api

    def record(self: TimedApiClient, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        if "/secrets" in url:
            seen.append((url, kwargs["header_params"]["Accept"]))
        return call(self, method, url, *args, **kwargs)

    monkeypatch.setattr(TimedApiClient, "call_api", record)
    ward.examine()
    ward.examine(stack=False)
    assert seen
    for url, accept in seen:
        assert "as=PartialObjectMetadata" in accept or ("as=Table" in accept and "includeObject=None" in url), url


def test_nobody_is_told_nothing_and_never_good_health(ward: Ward, tmp_path: Path) -> None:
    with identity(ward, tmp_path) as nobody:
        for stack in (True, False):
            report = ward.examine(connection=nobody, stack=stack)
            assert report.verdict is Verdict.UNKNOWN
            assert report.causes == ()
            fine = {check.id for check in report.checks if check.verdict is Verdict.YES}
            assert fine == {"api"}


def test_a_viewer_is_told_what_could_not_be_seen(ward: Ward, tmp_path: Path) -> None:
    with identity(ward, tmp_path, "view") as viewer:
        report = ward.examine(connection=viewer)
    assert report.verdict is Verdict.UNKNOWN
    assert report.causes == ()
    open_ = {check.id: check.evidence for check in report.checks if check.verdict is Verdict.UNKNOWN}
    assert set(open_) == {"manager-mounts", "rights", "admission", "nodes"}
    assert "may not try pods" in open_.pop("admission")
    assert all("403 Forbidden" in evidence for evidence in open_.values())


def test_rights_are_read_from_rbac_where_reviews_are_forbidden(ward: Ward, tmp_path: Path) -> None:
    rules = [
        {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["*"], "verbs": ["get", "list"]},
        {"apiGroups": ["", "apps"], "resources": ["configmaps", "deployments", "pods"], "verbs": ["get", "list"]},
    ]
    with identity(ward, tmp_path, rules=rules) as auditor:
        report = ward.examine(connection=auditor)
    assert {check.verdict for check in report.checks if check.id == "rights"} == {Verdict.YES}


def documented_rules() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the rules of docs/doctor.md: those that only read, and those of which one lets a dry run through."""
    page = (ROOT / "docs" / "doctor.md").read_text(encoding="utf-8")
    role, optional = (yaml.safe_load(part.partition("```")[0]) for part in page.split("```yaml\n")[1:3])
    return role["rules"], optional["rules"]


def test_the_documented_role_only_reads_and_suffices_for_every_check_but_one(ward: Ward, tmp_path: Path) -> None:
    reading, _ = documented_rules()
    verbs = {verb for rule in reading for verb in rule["verbs"] if rule["apiGroups"] != ["authorization.k8s.io"]}
    assert verbs == {"get", "list"}
    with identity(ward, tmp_path, rules=reading) as documented:
        report = ward.examine(connection=documented)
    wrong = {check.id: check.verdict for check in report.checks if check.verdict is not Verdict.YES}
    assert wrong == {"admission": Verdict.UNKNOWN}


@pytest.mark.parametrize(("rule", "asker"), [(0, "the manager's account"), (1, "the context's own user")])
def test_one_of_the_documented_optional_rights_completes_it(ward: Ward, tmp_path: Path, rule: int, asker: str) -> None:
    reading, optional = documented_rules()
    with identity(ward, tmp_path, rules=[*reading, optional[rule]]) as documented:
        report = ward.examine(connection=documented)
    wrong = [(check.id, check.evidence) for check in report.checks if check.verdict is not Verdict.YES]
    assert wrong == []
    assert all(asker in check.evidence for check in report.checks if check.id == "admission")


def test_the_runner_would_be_told_what_the_dry_run_says(ward: Ward) -> None:
    with ExitStack() as stack:
        refused.restricted(ward, stack)
        evidence = ward.examine().causes[0].evidence[0]
        with pytest.raises(ApiRefused) as refusal:
            ward.job("real")
    said = evidence.removeprefix("the API server: ")
    assert re.sub(r'pods "[^"]*"', "", said) == re.sub(r'pods "[^"]*"', "", refusal.value.message)


def test_a_webhook_that_is_down_for_others_is_no_cause(ward: Ward) -> None:
    with ExitStack() as stack:
        refused.webhook_for_others(ward, stack)
        report = ward.examine()
    wrong = [(check.id, check.evidence) for check in report.checks if check.verdict is not Verdict.YES]
    assert report.verdict is Verdict.YES, wrong


def test_a_token_that_is_not_taken_is_a_doubt(ward: Ward, tmp_path: Path) -> None:
    with identity(ward, tmp_path) as connection:
        pass  # its account is deleted by now
    report = ward.examine(connection=connection)
    assert report.verdict is Verdict.UNKNOWN
    assert report.causes == ()


class TestCommand:
    """The real command against the real API server."""

    def run(self, ward: Ward, control_plane: ControlPlane, *arguments: str) -> subprocess.CompletedProcess[str]:
        program = shutil.which("multiarch", path=str(Path(sys.executable).parent))
        assert program
        where = ["--kubeconfig", str(control_plane.kubeconfig), "--context", ward.connection.context]
        ward.sweep()
        return subprocess.run(
            [program, "doctor", *where, *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )

    def test_health_exits_0_and_its_json_is_as_documented(self, ward: Ward, control_plane: ControlPlane) -> None:
        done = self.run(ward, control_plane, "--stack", "local", "--json", "-")
        assert done.returncode == 0, done.stdout + done.stderr
        answer = json.loads(done.stdout)
        jsonschema.validate(answer, schema(WORDS))
        assert answer["verdict"] == "yes"
        assert "Traceback" not in done.stderr

    def test_a_cause_exits_1_and_comes_with_its_fix(self, ward: Ward, control_plane: ControlPlane) -> None:
        for node in ward.nodes("arm64"):
            ward.patch(f"/api/v1/nodes/{node['metadata']['name']}", {"spec": {"unschedulable": True}})
        try:
            ward.job("stuck")
            done = self.run(ward, control_plane, "--stack", "local")
        finally:
            for node in ward.nodes("arm64"):
                ward.patch(f"/api/v1/nodes/{node['metadata']['name']}", {"spec": {"unschedulable": None}})
            ward.discharge()
        assert done.returncode == 1, done.stdout + done.stderr
        assert "1 of 1 arm64 node is cordoned" in done.stdout
        assert f"kubectl --context {ward.connection.context} uncordon" in done.stdout
