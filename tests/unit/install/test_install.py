"""What a plan puts into the cluster, which chart is taken, and how Helm is run."""

import dataclasses
import json
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from components.problems import ConfigError
from components.versions import RUNNER_OF_CHART
from multiarch.cluster.api import Api, ApiRefused
from multiarch.cluster.errors import ClusterError
from multiarch.model.plan.model import Plan, PlannedResource
from multiarch.model.providers.values import UNKNOWN, SecretValue
from multiarch.model.release import InstallFailed, PlannedObject, PlannedRelease, installables, release_of
from multiarch.rehearse.install import fleet
from multiarch.rehearse.install.chart import EMBEDDED, Chart, Charts
from multiarch.rehearse.install.helm import ChartRefusalError, Helm, HelmError, HelmSilentError
from multiarch.rehearse.install.installer import Installer, missing_secrets

FAKE_HELM = """#!/bin/sh
here=$(dirname "$0")
echo "$@" >> "$here/calls"
env > "$here/environment"
for word in "$@"; do
  case "$previous" in --values) cp -p "$word" "$here/values";; --destination) target=$word;; esac
  previous=$word
done
case "$1:$(cat "$here/refuses" 2>/dev/null)" in
  pull:yes) echo "WARNING: a word" >&2; echo "Error: no such host" >&2; exit 1;;
  pull:*) : > "$target/gitlab-runner-0.90.1.tgz";;
  show:*) printf 'name: gitlab-runner\\nversion: 0.90.1\\n';;
esac
"""
SCHEMA_SAYS_NO = """cat >&2 <<END
Error: values don't meet the specifications of the schema(s) in the following chart(s):
gitlab-runner:
- at '/replicas': got number, want string
END
exit 1"""
RELEASE = PlannedRelease(
    name="gitlab-runner",
    namespace="gitlab-runner",
    chart="gitlab-runner",
    version="0.90.1",
    repository="https://charts.example",
)


@pytest.fixture
def helm(tmp_path: Path) -> Iterator[Helm]:
    program = tmp_path / "helm"
    program.write_text(FAKE_HELM)
    program.chmod(0o700)
    with Helm(program, tmp_path / "kubeconfig", "there") as started:
        yield started


def calls(tmp_path: Path) -> list[str]:
    path = tmp_path / "calls"
    return path.read_text().splitlines() if path.exists() else []


def planned(type_: str, inputs: Mapping[str, Any], name: str = "thing") -> PlannedResource:
    return PlannedResource(urn=f"urn:{name}", type=type_, name=name, inputs=inputs)


class TestObjects:
    def test_objects_and_the_release_come_in_the_plans_order_without_secret_marks(self) -> None:
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "t"},
            "stringData": SecretValue({"a": "b"}),
        }
        release = {"name": "r", "namespace": "n", "chart": "c", "version": "1", "values": {"x": SecretValue("y")}}
        plan = Plan(
            stack="s",
            resources=(
                planned("pulumi:providers:kubernetes", {}),
                planned("kubernetes:core/v1:Secret", secret, "token"),
                planned("kubernetes:helm.sh/v3:Release", release),
                planned("gcp:container/nodePool:NodePool", {}),
            ),
        )
        first, second = installables(plan)
        assert isinstance(first, PlannedObject)
        assert first.manifest["stringData"] == {"a": "b"}
        assert second == PlannedRelease(name="r", namespace="n", chart="c", version="1", values={"x": "y"})
        assert release_of(plan) == second

    def test_a_value_that_only_a_deployment_knows_is_said_and_not_applied(self) -> None:
        inputs = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": UNKNOWN}}
        with pytest.raises(InstallFailed, match="thing: some of its inputs are not known"):
            list(installables(Plan(stack="s", resources=(planned("kubernetes:core/v1:Namespace", inputs),))))

    @pytest.mark.parametrize("count", [0, 2])
    def test_one_runner_is_one_release(self, count: int) -> None:
        release = planned("kubernetes:helm.sh/v3:Release", {"name": "r"})
        with pytest.raises(InstallFailed, match=f"declares {count} Helm releases"):
            release_of(Plan(stack="s", resources=(release,) * count))

    def test_a_secret_that_the_plan_does_not_make_gets_a_stand_in_with_all_its_keys(self) -> None:
        values = {"runners": {"secret": "theirs", "cache": {"secretName": "minio"}}}
        release = PlannedRelease(name="r", namespace="n", chart="c", values=values)
        token, keys = (stand_in.manifest for stand_in in missing_secrets(release, []))
        assert token["metadata"] == {"name": "theirs", "namespace": "n"}
        assert set(token["stringData"]) == {"runner-token", "runner-registration-token"}
        assert keys["metadata"] == {"name": "minio", "namespace": "n"}
        assert set(keys["stringData"]) == {"accesskey", "secretkey"}
        made = {"kind": "Secret", "metadata": {"name": "theirs", "namespace": "n"}}
        assert [one.manifest for one in missing_secrets(release, [("path", made)])] == [keys]
        assert list(missing_secrets(PlannedRelease(name="r", namespace="n", chart="c"), [])) == []


class TestHelm:
    def test_values_travel_in_a_private_file_and_not_in_the_arguments(self, helm: Helm, tmp_path: Path) -> None:
        helm.install("r", "n", Path("chart"), {"secret": "hush"})
        (call,) = calls(tmp_path)
        assert "hush" not in call
        assert call.endswith(f"--kubeconfig {tmp_path / 'kubeconfig'} --kube-context there")
        values = tmp_path / "values"
        assert "hush" in values.read_text()
        assert stat.S_IMODE(values.stat().st_mode) == 0o600
        assert not Path(call.split("--values ")[1].split()[0]).exists()

    def test_the_users_helm_folders_are_not_used(
        self, helm: Helm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HELM_CONFIG_HOME", "/users/own")
        helm.run(["version"])
        settings = dict(line.split("=", 1) for line in (tmp_path / "environment").read_text().splitlines())
        folders = {settings[f"HELM_{kind}_HOME"] for kind in ("CACHE", "CONFIG", "DATA")}
        assert "/users/own" not in folders
        assert all("multiarch-helm-" in folder for folder in folders)

    def test_a_refusal_is_helms_last_words(self, helm: Helm, tmp_path: Path) -> None:
        (tmp_path / "refuses").write_text("yes")
        with pytest.raises(HelmError, match=r"^no such host$"):
            helm.run(["pull", "x"])

    def test_a_program_that_is_not_there_is_no_answer(self, tmp_path: Path) -> None:
        with Helm(tmp_path / "none", tmp_path, "c") as helm, pytest.raises(HelmSilentError, match="can't be run"):
            helm.run(["version"])

    @pytest.mark.parametrize(
        ("script", "error", "words"),
        [
            ("kill -9 $$", HelmSilentError, "ended by signal 9"),
            ("exec sleep 60", HelmSilentError, "no answer in 0 s"),
            ('echo "Error: Kubernetes cluster unreachable: EOF" >&2; exit 1', HelmSilentError, "cluster unreachable"),
            (SCHEMA_SAYS_NO, ChartRefusalError, "got number, want string"),
            ('echo "Error: template: c/templates/x.yaml:1:2: no" >&2; exit 1', ChartRefusalError, "no"),
            ('echo "Error: Role \\"r\\" is invalid" >&2; exit 1', HelmError, "is invalid"),
        ],
    )
    def test_silence_a_charts_refusal_and_the_clusters_are_told_apart(
        self, tmp_path: Path, script: str, error: type[HelmError], words: str
    ) -> None:
        program = tmp_path / "helm"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o700)
        with Helm(program, tmp_path, "c") as helm, pytest.raises(HelmError, match=words) as caught:
            helm.run(["upgrade"], seconds=0.4 if "sleep" in script else 30)
        assert type(caught.value) is error


class _Answers(Api):
    """An API that gives each request the answer that a test set for its path, else 404."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = answers
        self.sent: list[tuple[str, str]] = []

    def call(self, method: str, path: str, *_: Any, **__: Any) -> dict[str, Any]:
        self.sent.append((method, path))
        answer = self.answers.get(path, ApiRefused(404, "NotFound", "not found"))
        if isinstance(answer, ApiRefused):
            raise answer
        return dict(answer)

    def path_of(self, manifest: Mapping[str, Any]) -> str:
        if manifest["kind"] == "Unheard":
            raise ApiRefused(404, "NotFound", "the server has no kind Unheard in example.com/v1")
        return f"/{manifest['kind']}/{manifest['metadata']['name']}"


def manifest(kind: str, name: str) -> PlannedResource:
    return planned("kubernetes:x:Y", {"apiVersion": "example.com/v1", "kind": kind, "metadata": {"name": name}}, name)


class TestInstaller:
    def test_somebody_elses_object_is_found_although_a_later_kind_is_unknown(self, helm: Helm) -> None:
        api = _Answers({"/Namespace/theirs": {"metadata": {"name": "theirs"}}})
        plan = Plan(stack="s", resources=(manifest("Namespace", "theirs"), manifest("Unheard", "of")))
        with pytest.raises(ConfigError, match="already has the Namespace theirs"):
            Installer(api, helm, "s").check_free(plan)

    def test_a_cluster_that_does_not_tell_is_not_taken_for_a_free_one(self, helm: Helm) -> None:
        api = _Answers({"/Namespace/n": ApiRefused(500, "InternalError", "etcdserver: request timed out")})
        with pytest.raises(ApiRefused, match="timed out"):
            Installer(api, helm, "s").check_free(Plan(stack="s", resources=(manifest("Namespace", "n"),)))

    @pytest.mark.parametrize(("status", "error"), [(422, InstallFailed), (403, InstallFailed), (500, ApiRefused)])
    def test_a_server_in_trouble_says_nothing_about_the_plan(
        self, helm: Helm, status: int, error: type[Exception]
    ) -> None:
        api = _Answers({"/Namespace/n": ApiRefused(status, "reason", "message")})
        with pytest.raises(error):
            Installer(api, helm, "s").install(
                Plan(stack="s", resources=(manifest("Namespace", "n"),)), Chart(EMBEDDED, "embedded")
            )

    @pytest.mark.parametrize(
        ("stand_in", "error"),
        [(True, HelmError), (False, InstallFailed)],
        ids=["ours", "theirs"],
    )
    def test_values_that_only_the_stand_in_chart_refuses_are_a_doubt(
        self, tmp_path: Path, error: type[Exception], *, stand_in: bool
    ) -> None:
        program = tmp_path / "helm"
        program.write_text(f"#!/bin/sh\n{SCHEMA_SAYS_NO}\n")
        program.chmod(0o700)
        release = planned("kubernetes:helm.sh/v3:Release", {"name": "r", "namespace": "n", "chart": "c"})
        with Helm(program, tmp_path, "c") as helm, pytest.raises(error, match="got number, want string"):
            Installer(_Answers({}), helm, "s").install(
                Plan(stack="s", resources=(release,)), Chart(EMBEDDED, "", stand_in=stand_in)
            )


class TestNodes:
    @pytest.mark.parametrize(("status", "error"), [(422, InstallFailed), (500, ApiRefused)])
    def test_a_node_refused_is_told_from_a_server_in_trouble(self, status: int, error: type[Exception]) -> None:
        with pytest.raises(error):
            fleet._create(_Answers({"/api/v1/nodes": ApiRefused(status, "r", "m")}), {"metadata": {"name": "n"}})

    def test_nodes_that_the_cluster_never_makes_ready_are_no_fault_of_the_pools(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(fleet, "READY_SECONDS", 0.0)
        node = {"metadata": {"name": "n"}, "spec": {}, "status": {}}
        with pytest.raises(ClusterError, match="did not become ready"):
            fleet._wait_until_open(_Answers({"/api/v1/nodes": {"items": [node]}}), {"n"})

    def test_a_pools_own_taint_under_kuberneteses_prefix_does_not_close_its_nodes(self) -> None:
        status = {"conditions": [{"type": "Ready", "status": "True"}]}
        for key, is_open in (("node.kubernetes.io/dedicated", True), ("node.kubernetes.io/not-ready", False)):
            assert fleet._is_open({"spec": {"taints": [{"key": key}]}, "status": status}) is is_open


class TestCharts:
    def test_the_pinned_chart_is_pulled_once(self, helm: Helm, tmp_path: Path) -> None:
        with Charts() as charts:
            first, second = charts.choose(RELEASE, helm), charts.choose(RELEASE, helm)
            assert first.path.is_file()
        assert first == second
        assert first.description == "gitlab-runner 0.90.1 (official: https://charts.example)"
        pulls = [call for call in calls(tmp_path) if call.startswith("pull")]
        assert len(pulls) == 1
        assert pulls[0].endswith("--version 0.90.1 --repo https://charts.example")
        assert not first.path.exists()

    def test_a_chart_that_cannot_be_pulled_is_replaced_by_the_embedded_one_and_it_says_so_once(
        self, helm: Helm, tmp_path: Path
    ) -> None:
        (tmp_path / "refuses").write_text("yes")
        with Charts() as charts:
            chart = charts.choose(RELEASE, helm)
            charts.choose(RELEASE, helm)
        assert chart.stand_in
        assert chart.description == "gitlab-runner 0.90.1 (embedded stand-in)"
        assert chart.note == "the pinned chart gitlab-runner 0.90.1 could not be pulled: no such host"
        assert len([call for call in calls(tmp_path) if call.startswith("pull")]) == 1

    @pytest.mark.parametrize(("version", "runner"), RUNNER_OF_CHART.items())
    def test_the_stand_in_brings_the_runner_of_the_planned_chart(
        self, helm: Helm, tmp_path: Path, version: str, runner: str
    ) -> None:
        (tmp_path / "refuses").write_text("yes")
        with Charts() as charts:
            path = charts.choose(dataclasses.replace(RELEASE, version=version), helm).path
            assert f"appVersion: {runner}\n" in (path / "Chart.yaml").read_text()
            assert (path / "templates" / "manager.yaml").is_file()

    def test_a_chart_of_unknown_runner_is_stood_in_for_by_the_tested_one(self, helm: Helm, tmp_path: Path) -> None:
        (tmp_path / "refuses").write_text("yes")
        with Charts() as charts:
            assert charts.choose(dataclasses.replace(RELEASE, version="0.99.9"), helm).path == EMBEDDED

    def test_the_chart_that_was_asked_for_wins(self, helm: Helm, tmp_path: Path) -> None:
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "Chart.yaml").write_text(json.dumps({"name": "mine", "version": "9"}))
        with Charts(str(tmp_path / "mine")) as charts:
            chart = charts.choose(RELEASE, helm)
        assert (chart.path, chart.note) == (tmp_path / "mine", "")
        assert chart.description.startswith("mine 9 (")

    def test_an_asked_for_chart_that_cannot_be_had_is_not_replaced(self, helm: Helm, tmp_path: Path) -> None:
        (tmp_path / "refuses").write_text("yes")
        with Charts("oci://none/chart") as charts, pytest.raises(HelmError, match="oci://none/chart"):
            charts.choose(RELEASE, helm)

    def test_a_path_in_the_plan_needs_no_pull(self, helm: Helm, tmp_path: Path) -> None:
        with Charts() as charts:
            chart = charts.choose(PlannedRelease(name="r", namespace="n", chart=str(EMBEDDED)), helm)
        assert chart.path == EMBEDDED
        assert chart.note == ""
        assert calls(tmp_path) == []
