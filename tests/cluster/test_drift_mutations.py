"""A runner on the real control plane, changed behind the program's back, as days go by, and seen by every login."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from multiarch.cluster.api import Api, ApiRefused
from multiarch.cluster.connection import Connection
from multiarch.core.verdict import Verdict
from multiarch.drift.live.request import LiveAnswer
from multiarch.drift.model import Check, CheckResult
from multiarch.rehearse.control_plane.plane import ControlPlane
from multiarch.rehearse.install import Helm
from tests.cluster.drift_lab.changes import CONFIG, JOB_NAMESPACE, JOBS, SECRET
from tests.cluster.drift_lab.expectations import Harmless, Mutation
from tests.cluster.drift_lab.harmless import HARMLESS
from tests.cluster.drift_lab.lab import STACK, Lab, ask, laboratory, not_clean, until
from tests.cluster.drift_lab.logins import documented, login, writes_refused
from tests.cluster.drift_lab.mutations import MUTATIONS
from tests.cluster.drift_lab.of_objects import IN_JOB_NAMESPACE
from tests.cluster.drift_lab.of_release import IN_CONFIG, IN_CONFIG_MAP
from tests.cluster.drift_lab.recorder import Recorder, kubeconfig_for
from tests.cluster.drift_lab.widenings import JOB, bind, debug, group

IN_CLUSTER = [Check.OBJECTS, Check.RELEASE, Check.NODES, Check.RUNNER_CONFIG, Check.WIDENED]
STILL_SECONDS = 2.0
"""Without a write for so long, nobody is still busy with what was."""


@pytest.fixture(scope="module")
def lab(control_plane: ControlPlane, connection: Connection, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder: Path = tmp_path_factory.mktemp("drift")
    helm = Helm(control_plane.binary("helm"), control_plane.kubeconfig, control_plane.context)
    with helm, laboratory(Api.of(connection), helm, folder) as made:
        yield made


@pytest.fixture(autouse=True)
def restored(lab: Lab) -> Iterator[None]:
    yield
    lab.restore()


def told(lab: Lab, *, readonly: bool = False) -> list[str]:
    """Return what is not clean, in words for a failed assertion."""
    return [
        f"{item.check}: {item.resource}: {item.verdict}: {item.reason} {[one.path for one in item.differences]}"
        for item in not_clean(lab.check(readonly=readonly))
    ]


def test_an_installed_stack_is_clean_for_whoever_looks(lab: Lab) -> None:
    assert told(lab) == []
    assert told(lab, readonly=True) == []
    assert {result.check: len(result.findings) for result in lab.check()} == {
        "objects": 24,
        "release": 12,
        "nodes": 2,
        "images": 0,
        "runner-config": 2,
        "widened": 12,
    }


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_change_is_found_where_it_is_and_never_clean_for_a_reader(lab: Lab, mutation: Mutation) -> None:
    mutation.do(lab)
    results = lab.check()
    assert mutation.found_in(results), not_clean(results)
    assert mutation.answer_in(lab.check(mutation.expected.check, readonly=True)) is not Verdict.YES


@pytest.mark.parametrize("harmless", HARMLESS, ids=lambda harmless: harmless.name)
def test_what_happens_every_day_is_no_drift_for_whoever_looks(lab: Lab, harmless: Harmless) -> None:
    harmless.do(lab)
    assert told(lab) == []
    assert told(lab, readonly=True) == []


def test_a_container_put_into_the_managers_pod_is_found(lab: Lab) -> None:
    name = debug(lab)
    for readonly in (False, True):
        (finding,) = not_clean(lab.check(readonly=readonly))
        assert finding.resource == f"v1 Pod gitlab-runner/{name}"
        assert [one.path for one in finding.differences] == ["spec.ephemeralContainers[debugger]"]


def by_check(answer: LiveAnswer) -> dict[Check, CheckResult]:
    return {result.check: result for result in answer.results}


class TestNothingIsWritten:
    """What goes over the wire, recorded between the check and the real API server."""

    def test_every_request_is_a_get_or_a_dry_run_and_no_object_is_touched(
        self, lab: Lab, control_plane: ControlPlane, tmp_path: Path
    ) -> None:
        before = _still(lab.api)
        with Recorder(control_plane.kubeconfig, control_plane.context) as recorder:
            answer = ask(lab.project, STACK, kubeconfig_for(tmp_path, recorder.url), "recorded")
        assert {result.verdict for result in answer.results} == {Verdict.YES}
        writes = [one for one in recorder.requests if one.method != "GET"]
        assert len(recorder.requests) > 60
        assert {one.method for one in writes} == {"POST"}
        assert [one for one in writes if one.query.get("dryRun") != ["All"]] == []
        assert [one for one in writes if "/secrets" in one.path] == []
        assert _versions(lab.api) == before

    def test_no_token_leaves_the_cluster_in_a_report(self, lab: Lab, control_plane: ControlPlane) -> None:
        token = "glrt-aVerySecretTokenOfMine"
        lab.patch(SECRET, {"stringData": {"runner-token": token, "glrt-x": token}})
        lab.patch(CONFIG, {"data": {"config.toml": f'concurrent = 4\ncheck_interval = 3\ntoken = "{token}"\n'}})
        answer = ask(lab.project, STACK, control_plane.kubeconfig, control_plane.context)
        assert len(not_clean(list(answer.results))) == 2
        assert token not in repr(answer)


def _still(api: Api) -> dict[str, str]:
    """Return the versions once controllers write no more of what an earlier case did."""
    deadline, versions, since = time.monotonic() + 60, _versions(api), time.monotonic()
    while time.monotonic() - since < STILL_SECONDS:
        assert time.monotonic() < deadline, "controllers go on writing"
        time.sleep(0.2)
        if (now := _versions(api)) != versions:
            versions, since = now, time.monotonic()
    return versions


def _versions(api: Api) -> dict[str, str]:
    """Return the version of every object that a check looks at, but for nodes, whose heart beats."""
    kinds = ("/api/v1/configmaps", "/api/v1/secrets", "/api/v1/serviceaccounts", "/api/v1/namespaces",
             "/apis/apps/v1/deployments", "/apis/networking.k8s.io/v1/networkpolicies",
             "/apis/rbac.authorization.k8s.io/v1/roles", "/apis/rbac.authorization.k8s.io/v1/rolebindings",
             "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies")  # fmt: skip
    return {
        item["metadata"]["uid"]: f"{kind} {item['metadata']['name']} {item['metadata']['resourceVersion']}"
        for kind in kinds
        for item in api.items(kind)
    }


class TestLogins:
    """Whoever may not look gets no answer, and the reason."""

    def test_a_reader_with_the_documented_rights_gets_every_answer(
        self, lab: Lab, control_plane: ControlPlane, tmp_path: Path
    ) -> None:
        with documented(lab, "reader"):
            access = login(lab.api, control_plane, tmp_path)
            answer = ask(lab.project, STACK, access, "login")
            assert {result.verdict for result in answer.results} == {Verdict.YES}, not_clean(list(answer.results))
            assert any("without the API server's help" in note for note in answer.notes)

    def test_the_documented_rights_to_dry_runs_need_no_guess_and_allow_no_write(
        self, lab: Lab, control_plane: ControlPlane, tmp_path: Path
    ) -> None:
        with documented(lab, "reader"), documented(lab, "dry runs only"):
            access = login(lab.api, control_plane, tmp_path)
            with Connection(access, "login") as connection:
                api = Api.of(connection)
                until(lambda: writes_refused(api))
                body = {"metadata": {"name": "theirs"}}
                with pytest.raises(ApiRefused, match="the drift check may only ask"):
                    api.create("/api/v1/namespaces/gitlab-runner/configmaps", body)
                lab.patch(JOB_NAMESPACE, {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "privileged"}}})
                answer = ask(lab.project, STACK, access, "login")
            assert [item.resource for item in not_clean(list(answer.results))] == [IN_JOB_NAMESPACE.resource]
            helpless = [note for note in answer.notes if "without the API server's help" in note]
            assert [note for note in helpless if "roles" not in note and "rolebindings" not in note] == []

    @pytest.mark.parametrize(
        ("lost", "doubted"),
        [
            ("rolebindings", "RoleBindings in all namespaces"),
            ("clusterrolebindings", "ClusterRoleBindings that give rights to the runner's accounts"),
            ("networkpolicies", "NetworkPolicies of others in gitlab-runner-jobs"),
            ("secrets", "tokens of the runner's accounts in gitlab-runner"),
            ("cronjobs", "CronJobs of others in gitlab-runner"),
            ("pods", "Pods of others in gitlab-runner-jobs"),
        ],
    )
    def test_what_a_login_may_not_list_is_a_doubt_and_never_clean(
        self, lab: Lab, control_plane: ControlPlane, tmp_path: Path, lost: str, doubted: str
    ) -> None:
        with documented(lab, "reader", without=lost):
            access = login(lab.api, control_plane, tmp_path)
            (result,) = ask(lab.project, STACK, access, "login", [Check.WIDENED]).results
        doubts = {item.resource: item.reason for item in result.findings if item.verdict is Verdict.UNKNOWN}
        assert "may not look (403)" in doubts[doubted]
        assert lost in doubts[doubted]
        assert Verdict.NO not in {item.verdict for item in result.findings}

    def test_who_may_not_read_roles_doubts_what_everybody_has_and_tells_what_the_jobs_have(
        self, lab: Lab, control_plane: ControlPlane, tmp_path: Path
    ) -> None:
        bind(JOB, "admin", JOBS)(lab)
        bind(group("system:authenticated"), "view")(lab)  # which lets nobody read roles
        with documented(lab, "reader", without="clusterroles"):
            access = login(lab.api, control_plane, tmp_path)
            (result,) = ask(lab.project, STACK, access, "login", [Check.WIDENED]).results
        told = {item.resource: item for item in result.findings if item.verdict is not Verdict.YES}
        binding = "rbac.authorization.k8s.io/v1 RoleBinding gitlab-runner-jobs/theirs"
        assert told[binding].verdict is Verdict.NO
        assert "whatever ClusterRole admin allows" in told[binding].reason
        assert told["rbac.authorization.k8s.io/v1 ClusterRoleBinding theirs"].verdict is Verdict.UNKNOWN

    def test_without_the_right_to_secrets_releases_and_tokens_could_not_be_told(
        self, lab: Lab, control_plane: ControlPlane, tmp_path: Path
    ) -> None:
        with documented(lab, "reader", without="secrets"):
            access = login(lab.api, control_plane, tmp_path)
            answer = ask(lab.project, STACK, access, "login")
        results = by_check(answer)
        doubted = {item.resource: item.reason for item in results[Check.OBJECTS].findings if item.reason}
        assert set(doubted) == {
            "v1 Secret gitlab-runner/gitlab-runner-token",
            "v1 Secret gitlab-runner/gitlab-runner-buildkit-token",
        }
        assert {item.verdict for item in results[Check.RELEASE].findings} == {Verdict.UNKNOWN}
        assert "may not look (403)" in results[Check.RELEASE].findings[0].reason
        assert results[Check.NODES].verdict is Verdict.YES
        assert Verdict.NO not in {item.verdict for item in not_clean(list(answer.results))}

    def test_a_login_that_expired_is_told_by_every_check(
        self, lab: Lab, control_plane: ControlPlane, tmp_path: Path
    ) -> None:
        answer = ask(
            lab.project, STACK, kubeconfig_for(tmp_path, control_plane, token="expired"), "recorded", IN_CLUSTER
        )
        assert {result.verdict for result in answer.results} == {Verdict.UNKNOWN}
        assert all("401" in result.failure and "expired" in result.failure for result in answer.results)

    def test_a_server_that_is_not_there_is_told_by_every_check(self, lab: Lab, tmp_path: Path) -> None:
        answer = ask(lab.project, STACK, kubeconfig_for(tmp_path, "http://127.0.0.1:9"), "recorded", IN_CLUSTER)
        assert {result.verdict for result in answer.results} == {Verdict.UNKNOWN}
        assert all("127.0.0.1:9" in result.failure for result in answer.results)


def _is_refused(api: Api, path: str) -> bool:
    """Tell whether the webhook is in force already."""
    try:
        api.create(path.rpartition("/")[0], {"metadata": {"name": path.rpartition("/")[2]}}, dry_run=True)
    except ApiRefused:
        return True
    return False


class TestTroubles:
    """The cluster helps less than it could, and the answer is still right."""

    def test_a_webhook_that_does_not_answer_costs_the_help_and_not_the_answer(self, lab: Lab) -> None:
        hook = {
            "name": "effects.example.org",
            "sideEffects": "NoneOnDryRun",
            "failurePolicy": "Fail",
            "admissionReviewVersions": ["v1"],
            "clientConfig": {"url": "https://127.0.0.1:9/"},
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "gitlab-runner"}},
            "rules": [
                {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}
            ],
        }
        path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/drift-lab"
        lab.create(path, {"metadata": {"name": "drift-lab"}, "webhooks": [hook]})
        config_map = f"{CONFIG.rpartition('/')[0]}/probe"
        until(lambda: _is_refused(lab.api, config_map))
        assert told(lab) == []
        lab.patch(CONFIG, {"data": {"entrypoint": "#!/bin/sh"}})
        assert [item.resource for item in not_clean(lab.check())] == [IN_CONFIG_MAP.resource]

    def test_a_config_that_is_newer_than_the_manager_is_noted_with_both_times(
        self, lab: Lab, control_plane: ControlPlane
    ) -> None:
        time.sleep(1.1)  # the API keeps whole seconds
        lab.patch(CONFIG, {"metadata": {"annotations": {"a": "b"}}, "data": {"note": "x"}}, manager="kubectl-edit")
        answer = ask(lab.project, STACK, control_plane.kubeconfig, control_plane.context, [Check.RUNNER_CONFIG])
        (result,) = answer.results
        assert result.verdict is Verdict.YES
        (note,) = [note for note in answer.notes if "may be older than the ConfigMap" in note]
        assert re.search(r"started at 20\S+, the ConfigMap was changed at 20\S+ by kubectl-edit", note)
        assert note in next(item for item in result.findings if item.resource == IN_CONFIG.resource).reason


def test_after_every_repair_the_stack_is_clean(lab: Lab) -> None:
    assert told(lab) == []
