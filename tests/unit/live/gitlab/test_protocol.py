"""The small GitLab's HTTP, asked as gitlab-runner asks."""

import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from multiarch.rehearse.live.gitlab.pipeline import Pipeline, Registered, State
from multiarch.rehearse.live.gitlab.server import GitLabServer
from multiarch.rehearse.live.gitlab.sources import Sources
from multiarch.rehearse.live.pipeline import PROJECT
from tests.unit.live.gitlab.client import Client, zipped
from tests.unit.live.gitlab.conftest import RUNNER, Serve, ci_job

GIT = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "PATH": "/usr/bin:/bin",
}


def git(*words: str, folder: Path | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["git", *words], cwd=folder, env=GIT, capture_output=True, text=True, check=False, timeout=30)


def test_a_runner_with_the_right_token_is_known_and_with_another_forbidden(server: GitLabServer) -> None:
    good, bad = Client(server.url, "glrt-of-the-runner-123"), Client(server.url, "glrt-of-another-runner")
    assert good.verify().status == 200
    assert good.verify().document["token"] == good.token
    assert bad.verify().status == 403
    assert bad.request_job().status == 403
    assert bad.request_job().document == {"message": "403 Forbidden"}
    assert bad.request_job(header=False).status == 403
    assert good.request_job(header=False).status == 201


def test_jobs_are_handed_out_once_each_and_only_when_what_they_need_has_succeeded(client: Client) -> None:
    first, second = client.request_job().document, client.request_job().document
    assert [first["job_info"]["name"], second["job_info"]["name"]] == ["build-amd64", "build-arm64"]
    assert client.request_job().status == 204
    client.run(second)
    assert client.request_job().status == 204, "one of the two still runs"
    client.run(first)
    assert client.request_job().document["job_info"]["name"] == "merge"
    assert client.request_job().status == 204


def test_a_runner_that_asks_waits_for_a_job_that_may_start_soon(
    server: GitLabServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("multiarch.rehearse.live.gitlab.server.LONG_POLL_SECONDS", 10.0)
    first, second = client.request_job().document, client.request_job().document
    got: list[Any] = []
    asking = threading.Thread(target=lambda: got.append(Client(server.url, client.token).request_job()))
    asking.start()
    client.run(first)
    client.run(second)
    asking.join(10)
    assert got[0].document["job_info"]["name"] == "merge"


def test_a_failed_job_stops_those_that_need_it_and_no_others(client: Client, pipeline: Pipeline) -> None:
    first, second = client.request_job().document, client.request_job().document
    client.run(first, state="failed", failure_reason="script_failure", exit_code=2)
    client.run(second)
    assert client.request_job().status == 204
    assert pipeline.finished
    states = [entry.state for entry in pipeline.entries]
    assert states == [State.FAILED, State.SUCCEEDED, State.SKIPPED]
    assert pipeline.entries[2].reason == "not started: build-amd64 failed"
    assert (pipeline.entries[0].reason, pipeline.entries[0].exit_code) == ("script_failure", 2)


def test_a_log_grows_by_its_parts_and_a_part_that_does_not_fit_learns_where_it_ends(
    client: Client, pipeline: Pipeline
) -> None:
    job = client.request_job().document
    first = client.patch(job, 0, b"one\n")
    assert (first.status, first.headers["Range"], first.headers["Job-Status"]) == (202, "0-4", "running")
    for start in (0, 2, 9):
        refused = client.patch(job, start, b"two\n")
        assert (refused.status, refused.headers["Range"]) == (416, "0-4")
    # network/patch_response.go, NewOffset: what is behind the dash is where the runner goes on.
    assert client.patch(job, int(refused.headers["Range"].split("-")[1]), b"two\n").status == 202
    assert pipeline.entries[0].log == b"one\ntwo\n"


def test_a_part_of_a_log_without_its_true_range_is_refused(client: Client, pipeline: Pipeline) -> None:
    job = client.request_job().document
    path, token = f"/api/v4/jobs/{job['id']}/trace", {"Job-Token": job["token"]}
    assert client.send("PATCH", path, b"abc", token).status == 400
    assert client.send("PATCH", path, b"abc", {**token, "Content-Range": "0-9"}).status == 400
    assert not pipeline.entries[0].log


def test_a_job_does_not_end_before_its_whole_log_has_come(client: Client, pipeline: Pipeline) -> None:
    job = client.request_job().document
    client.patch(job, 0, b"half")
    assert client.update(job, "success", size=9).status == 412
    assert not pipeline.entries[0].state.over
    assert (
        client.patch(job, 0, b"half").status == 416
    )  # network/trace.go, sendUpdate: it begins again, and learns the rest by 416
    client.patch(job, 4, b" rest")
    assert client.update(job, "success", size=9).status == 200
    assert pipeline.entries[0].state is State.SUCCEEDED


def test_a_job_that_is_over_takes_nothing_more_and_says_so(client: Client, pipeline: Pipeline) -> None:
    job = client.request_job().document
    client.run(job, state="failed")
    for answer in (client.patch(job, 5, b"x"), client.update(job, "success"), client.upload(job, zipped({"a": b""}))):
        assert (answer.status, answer.headers["Job-Status"]) == (403, "failed")
    assert pipeline.entries[0].state is State.FAILED
    assert pipeline.entries[0].archive is None


def test_a_runner_whose_pipeline_was_stopped_learns_it_and_gets_nothing_more(
    client: Client, pipeline: Pipeline
) -> None:
    """network/trace.go, incrementalUpdate: by Job-Status the runner ends a job that it can't end by a signal."""
    job = client.request_job().document
    pipeline.cancel()
    answer = client.patch(job, 0, b"Waiting for pod")
    assert (answer.status, answer.headers["Job-Status"]) == (403, "canceled")
    assert client.request_job().status == 204
    assert {entry.state for entry in pipeline.entries} == {State.CANCELED}
    assert pipeline.finished


@pytest.mark.parametrize("what", ["patch", "update", "upload", "download"])
def test_a_job_is_known_by_its_own_token_alone(client: Client, pipeline: Pipeline, what: str) -> None:
    first, second = client.request_job().document, client.request_job().document
    posing = {**first, "token": second["token"]}
    asked = {
        "patch": lambda: client.patch(posing, 0, b"x"),
        "update": lambda: client.update(posing, "success"),
        "upload": lambda: client.upload(posing, zipped({"a": b""})),
        "download": lambda: client.download(posing),
    }
    assert asked[what]().status == 403
    assert pipeline.entries[0].state is State.RUNNING


def test_artifacts_pass_on_to_the_job_that_needs_them(client: Client) -> None:
    files = {"digests/amd64": b"sha256:1", "with\r\n--6f1c": b"\r\n\r\n--6f1c\r\n" * 9}
    first, second = client.request_job().document, client.request_job().document
    assert client.upload(first, zipped(files)).status == 201
    client.run(first)
    client.run(second)
    merge = client.request_job().document
    assert [(one["name"], one["id"]) for one in merge["dependencies"]] == [("build-amd64", first["id"])]
    assert merge["dependencies"][0]["artifacts_file"]["filename"] == "artifacts.zip"
    got = client.download(merge["dependencies"][0])
    assert (got.status, got.body) == (200, zipped(files))


def test_artifacts_of_a_job_that_is_not_needed_are_forbidden(client: Client) -> None:
    first, second = client.request_job().document, client.request_job().document
    client.upload(first, zipped({"a": b""}))
    assert client.download({"id": first["id"], "token": second["token"]}).status == 403
    assert client.download({"id": 999, "token": second["token"]}).status == 403
    assert client.download({"id": second["id"], "token": second["token"]}).status == 404, "it has none"


@pytest.mark.parametrize(("content", "kind"), [(b"no archive", "archive"), (zipped({"a": b""}), "junit")])
def test_artifacts_that_can_not_be_read_later_are_refused_at_once(
    client: Client, pipeline: Pipeline, content: bytes, kind: str
) -> None:
    job = client.request_job().document
    assert client.upload(job, content, kind=kind).status == 400
    assert pipeline.entries[0].archive is None
    assert client.patch(job, 0, b"still there").status == 202


def test_a_body_that_is_longer_than_allowed_is_refused_before_it_is_read(server: GitLabServer, client: Client) -> None:
    answer = client.send("POST", "/api/v4/jobs/request", None, {"Content-Length": str(1 << 40)})
    assert answer.status == 413
    assert client.verify().status == 200
    assert not server.site.faults


def test_the_real_git_fetches_the_sources_as_the_runner_does(client: Client, sources: Sources, tmp_path: Path) -> None:
    """shells/abstract.go, writeRefspecFetchCmd and writeCheckoutCmd."""
    told = client.request_job().document["git_info"]
    clone = tmp_path / "builds"
    assert git("init", "--quiet", str(clone)).returncode == 0
    assert git("remote", "add", "origin", told["repo_url"], folder=clone).returncode == 0
    done = git("fetch", "origin", "--no-recurse-submodules", *told["refspecs"], "--depth", "20", folder=clone)
    assert done.returncode == 0, done.stderr
    assert git("checkout", "-f", "-q", told["sha"], folder=clone).returncode == 0
    assert told["sha"] == sources.commit
    files = sorted(str(path.relative_to(clone)) for path in clone.rglob("*") if ".git/" not in f"{path}/")
    assert files == [".gitignore", "Dockerfile", "below", "below/run.sh"]
    assert (clone / "below" / "run.sh").stat().st_mode & 0o100


def test_git_gets_nothing_without_a_running_jobs_token_and_can_not_push(
    server: GitLabServer, client: Client, tmp_path: Path
) -> None:
    job = client.request_job().document
    url = job["git_info"]["repo_url"]
    assert git("ls-remote", url).returncode == 0
    assert git("ls-remote", url.replace(job["token"], "wrong")).returncode != 0
    assert git("ls-remote", f"{server.url}/{PROJECT}.git").returncode != 0
    assert git("clone", "--quiet", url, str(tmp_path / "clone")).returncode == 0
    pushed = git("push", "origin", "HEAD:refs/heads/other", folder=tmp_path / "clone")
    assert pushed.returncode != 0
    assert "refs/heads/other" not in git("ls-remote", url).stdout
    client.run(job)
    assert git("ls-remote", url).returncode != 0, "a token ends with its job"


def test_what_is_asked_in_vain_is_not_found_and_remembered(server: GitLabServer, client: Client) -> None:
    for path in ("/api/v4/version", "/api/v4/version?private_token=abcdef123456", "/api/v4/runners/router/discovery"):
        assert client.send("GET", path).status == 404
    assert client.send("GET", "/api/v4/jobs/request").status == 404
    assert client.send("DELETE", "/api/v4/runners/managers", b'{"token": "x"}').status == 404
    assert server.site.asked_in_vain == {
        "GET /api/v4/version": 2,
        "GET /api/v4/runners/router/discovery": 1,
        "GET /api/v4/jobs/request": 1,
        "DELETE /api/v4/runners/managers": 1,
    }


def test_an_error_of_the_servers_own_is_remembered_and_ends_nothing(
    server: GitLabServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise KeyError("password=hunter2hunter2")

    monkeypatch.setattr(server.site.pipeline, "take", broken)
    with pytest.raises(Exception, match=r"(?i)connection|remote"):
        client.request_job()
    monkeypatch.undo()
    assert client.verify().status == 200
    ((words, times),) = server.site.faults.items()
    assert times == 1
    assert "KeyError" in words
    assert "hunter2" not in words


def test_a_pipeline_of_jobs_that_could_never_all_run_is_refused(serve: Serve) -> None:
    for jobs in (
        [ci_job("a"), ci_job("a")],
        [ci_job("a", "b")],
        [ci_job("a", "b"), ci_job("b", "a")],
    ):
        with pytest.raises(ValueError, match=r"one name|not in the pipeline|cycle"):
            serve(Pipeline(jobs, [RUNNER]))


def test_two_runners_are_known_by_their_tokens_and_each_waits_for_its_own_jobs(
    sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = Registered(id=2, name="builder", tags=("multi-arch-buildkit",), token="glrt-second-runner")
    pipeline = Pipeline([ci_job("build", tags=second.tags), ci_job("merge", "build")], [RUNNER, second])
    with GitLabServer("127.0.0.1", pipeline, sources, [RUNNER, second]) as server:
        monkeypatch.setattr("multiarch.rehearse.live.gitlab.server.LONG_POLL_SECONDS", 10.0)
        one, two = Client(server.url, RUNNER.token), Client(server.url, second.token)
        assert two.verify().document == {"id": 2, "token": second.token, "token_expires_at": None}
        got: list[Any] = []
        asking = threading.Thread(target=lambda: got.append(Client(server.url, RUNNER.token).request_job()))
        asking.start()
        build = two.request_job().document
        told = {variable["key"]: variable["value"] for variable in build["variables"]}
        assert (told["CI_RUNNER_DESCRIPTION"], told["CI_RUNNER_ID"]) == ("builder", "2")
        assert told["CI_RUNNER_TAGS"] == '["multi-arch-buildkit"]'
        two.run(build)
        asking.join(10)
        assert got[0].document["job_info"]["name"] == "merge"
        one.run(got[0].document)
    assert pipeline.finished
