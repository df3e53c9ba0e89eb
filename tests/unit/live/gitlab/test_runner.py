"""A pipeline from its jobs to what came of them, by a program in gitlab-runner's place."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from multiarch.cluster.api import Api
from multiarch.cluster.errors import ClusterError, UnreachableError
from multiarch.core.secrets import HIDDEN
from multiarch.core.verdict import Verdict
from multiarch.core.waiting import wait_while
from multiarch.model.executor import parse_config
from multiarch.model.readback import Installed
from multiarch.rehearse.claims.scene import Scene
from multiarch.rehearse.control_plane.sources import BinarySource, Origin
from multiarch.rehearse.live import claims, confined
from multiarch.rehearse.live.gitlab import runner as subject
from multiarch.rehearse.live.gitlab.pods import Watch, of_jobs
from multiarch.rehearse.live.gitlab.runner import ClusterPlace, GitLabRunner
from multiarch.rehearse.live.job import CiJob
from multiarch.rehearse.live.views import node_of
from tests.repository import ROOT
from tests.unit.live.gitlab.conftest import TAG, ci_job

BEARER = "of-the-service-account-77"
SECOND = "multi-arch-buildkit"


BEARERS = {
    "/api/v1/namespaces/gitlab/serviceaccounts/runner/token": BEARER,
    "/api/v1/namespaces/gitlab-buildkit/serviceaccounts/builder/token": "of-the-second-account-88",
}
SPEC = {
    "nodeName": "real-amd64",
    "automountServiceAccountToken": False,
    "containers": [
        {
            "name": "build",
            "image": "registry.example/builder:1",
            "securityContext": {
                "runAsUser": 1000,
                "capabilities": {"drop": ["ALL"], "add": ["SETUID", "SETGID"]},
                "seccompProfile": {"type": "RuntimeDefault"},
            },
        }
    ],
}
"""Of a build's pod, as the API server has it."""

URL = "http://10.231.0.1:4000"


def pod(job: int, name: str, made: str = "2026-11-30T11:00:00Z", url: str = URL) -> dict[str, Any]:
    annotations = {"job.runner.gitlab.com/id": str(job), "job.runner.gitlab.com/url": f"{url}/multiarch/-/jobs/{job}"}
    return {"metadata": {"name": name, "namespace": "ci", "annotations": annotations, "creationTimestamp": made}}


class FakeApi(Api):
    """An API server with the pod of the first job, and tokens."""

    def __init__(self, folder: Path) -> None:
        """No connection."""
        self.folder = folder
        self.deleted: list[str] = []

    def items(self, path: str, query: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        assert (path, query) == ("/api/v1/pods", None)
        seen = self.folder / "seen.json"
        own = [pod(1001, "runner-x", url=json.loads(seen.read_text())["url"])] if seen.exists() else []
        for one in own:
            one["spec"] = SPEC
        return [*own, pod(1001, "of-the-users-gitlab"), {"metadata": {"name": "of-somebody-else"}}]

    def delete(self, path: str, query: Mapping[str, str] | None = None) -> None:
        assert query is None
        self.deleted.append(path)

    def create(self, path: str, body: Mapping[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        assert not dry_run
        assert body["kind"] == "TokenRequest"
        return {"status": {"token": BEARERS[path]}}


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "gitlab-runner"
    fake = ROOT / "tests" / "unit" / "live" / "gitlab" / "fake_runner.py"
    path.write_text(f'#!/bin/sh\ncd {ROOT}\nPYTHONPATH={ROOT} exec {sys.executable} {fake} "$@"\n')
    path.chmod(0o755)
    return path


def runner_of(folder: Path, program: Path) -> GitLabRunner:
    """A runner whose fake leaves what it saw in `folder`."""
    (folder / "project").mkdir(exist_ok=True)
    (folder / "project" / "Dockerfile").write_text("FROM scratch\n")
    toml = f'[[runners]]\nname = "both"\nbuilds_dir = "{folder}"\n[runners.kubernetes]\nnamespace = "ci"\n'
    installed = Installed(
        namespace="gitlab", release="r", deployment="d", selector={}, service_account="runner",
        config=parse_config(toml), runner_version="19.3.1",
    )  # fmt: skip
    place = ClusterPlace(api=FakeApi(folder), server="https://127.0.0.1:1", certificate=b"PEM", address="127.0.0.1")
    source = BinarySource(name="gitlab-runner", path=program, version="19.3.1", origin=Origin.PATH)
    return GitLabRunner(
        program=source, scenes={TAG: scene(place.api, installed)}, place=place, sources=folder / "project"
    )


def scene(api: Api, installed: Installed, **more: Any) -> Scene:
    return Scene(stack="local", admin=api, runner=api, installed=installed, groups=(), **{"nodes": {}, **more})


@pytest.fixture
def runner(tmp_path: Path, program: Path, monkeypatch: pytest.MonkeyPatch) -> GitLabRunner:
    monkeypatch.setattr(subject, "_LOOK_SECONDS", 0.05)
    monkeypatch.setattr("multiarch.rehearse.live.gitlab.server.LONG_POLL_SECONDS", 0.0)
    return runner_of(tmp_path, program)


def seen(runner: GitLabRunner, name: str = "seen") -> Any:
    return json.loads((runner.sources.parent / f"{name}.json").read_text())


def with_second(runner: GitLabRunner, **more: Any) -> GitLabRunner:
    """The same with a second runner, as a stack has it for BuildKit."""
    toml = '[[runners]]\nname = "builder"\n[runners.kubernetes]\nnamespace = "ci-buildkit"\n'
    installed = replace(
        runner.scenes[TAG].installed, namespace="gitlab-buildkit", service_account="builder",
        config=parse_config(toml), **more,
    )  # fmt: skip
    return replace(runner, scenes={**runner.scenes, SECOND: scene(runner.place.api, installed)})


def doing(name: str, what: str, *needs: str) -> CiJob:
    return ci_job(name, *needs, variables={"DO": what})


def gone(process: int) -> bool:
    return not Path("/proc", str(process)).exists()


def test_a_pipeline_runs_to_its_end_and_all_of_it_comes_back(runner: GitLabRunner) -> None:
    told: list[tuple[str, str]] = []
    a, b, c = runner.run([ci_job("a"), ci_job("b"), ci_job("c", "a", "b")], lambda *words: told.append(words))
    assert [one.job.name for one in (a, b, c)] == ["a", "b", "c"]
    assert all(one.succeeded and one.reason == "" for one in (a, b, c))
    assert a.artifacts == {"digest": b"a"}
    assert "downloads [200, 200]" in c.log
    assert a.pod is not None
    assert a.pod["metadata"]["name"] == "runner-x"
    assert b.pod is None
    assert ("c", "succeeded in 0 s") in told
    assert runner.notes == [
        "gitlab-runner asked for what the small GitLab has not: GET /api/v4/runners/router/discovery"
    ]
    assert runner.faults == []
    assert runner.what == "gitlab-runner 19.3.1 (path)"
    assert seen(runner, "left") == "SIGQUIT", "it may finish what it is at"
    assert seen(runner)["leads_its_session"], "Ctrl-C at the terminal is not for it"


def test_no_secret_is_in_what_comes_back_nor_in_the_runners_environment(runner: GitLabRunner) -> None:
    told: list[str] = []
    (ended,) = runner.run([ci_job("a")], lambda *words: told.extend(words))
    assert ended.log.startswith(f"of {HIDDEN} by {HIDDEN} and {HIDDEN}\n")
    for text in (ended.log, *told, repr(ended), repr(runner)):
        assert BEARER not in text
        assert "glcbt-" not in text
        assert "glrt-" not in text
    assert set(seen(runner)["environment"]) <= {"HOME", "TMPDIR", "PATH", "PWD", "OLDPWD", "SHLVL", "_", "LC_CTYPE", "PYTHONPATH"}  # fmt: skip # noqa: E501 - the shell around the fake adds the latter
    assert seen(runner)["modes"] == ["0o600", "0o700", "0o600"]


def test_a_failed_job_says_why_and_what_needs_it_says_that_it_was_not_started(runner: GitLabRunner) -> None:
    a, b, c = runner.run([doing("a", "fail"), doing("b", "", "a"), doing("c", "")], lambda *_: None)
    assert (a.succeeded, a.reason) == (False, "exit code 4")
    assert (b.succeeded, b.reason, b.log, b.pod) == (False, "not started: a failed", "", None)
    assert c.succeeded


def test_each_runner_of_a_stack_takes_its_jobs_with_its_own_token_and_account(runner: GitLabRunner) -> None:
    both = with_second(runner)
    jobs = [ci_job("a", tags=(SECOND,)), ci_job("b", tags=(SECOND,)), ci_job("merge", "a", "b")]
    assert all(one.succeeded for one in both.run(jobs, lambda *_: None))
    second = "of-the-second-account-88"
    assert sorted(seen(runner, "taken")) == [
        ["a", "builder", second], ["b", "builder", second], ["merge", "both", BEARER],
    ]  # fmt: skip


def test_a_job_that_no_runner_has_the_tags_of_is_told_as_such_and_not_waited_for(runner: GitLabRunner) -> None:
    both = with_second(runner)
    jobs = [ci_job("a", tags=(TAG, "gpu")), ci_job("b", "a"), ci_job("c", tags=()), ci_job("d")]
    a, b, c, d = both.run(jobs, lambda *_: None)
    assert a.reason == "no runner of this stack has the tags multi-arch, gpu"
    assert b.reason == "not started: a was not started"
    assert c.reason == "it has no tags, and no runner of this stack takes such a job"
    assert [one.succeeded for one in (a, b, c, d)] == [False, False, False, True]


def test_runners_of_two_versions_are_not_played_by_one_program(runner: GitLabRunner) -> None:
    both = with_second(runner, runner_version="19.4.0")
    found, reason = GitLabRunner.find(both.scenes, both.place, both.sources)
    assert (found, reason) == (None, "the stack's runners are of different versions: 19.3.1, 19.4.0")


def test_what_the_claims_read_of_a_job_is_in_what_the_real_runner_leaves(runner: GitLabRunner) -> None:
    build = ci_job("image-build: [amd64]", variables={"DO": "build", "ARCH": "amd64"}, artifacts=("digests/",))
    built, merged = runner.run([build, ci_job("image-merge", build.name)], lambda *_: None)
    assert node_of(built) == "real-amd64"
    assert claims.built("amd64", built, node_of(built), "amd64").verdict is Verdict.YES
    assert claims.digest_of(built, "amd64") == "sha256:amd64"
    confinement = claims.confinement("amd64", built, "", filters=True)
    assert confinement.verdict is Verdict.YES, confinement.evidence
    assert claims.merged(replace(merged, pod=built.pod)).verdict is Verdict.YES
    assert "Uid:" not in confined.without(built.log)
    assert confined.without(built.log).endswith("building\n")


def test_requests_that_do_not_fit_this_machine_are_lowered_where_the_runner_makes_the_pods_and_that_is_said(
    runner: GitLabRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    toml = '[[runners]]\nname = "both"\n[runners.kubernetes]\ncpu_request = "8"\nmemory_request = "1Mi"\n'
    node = {"metadata": {"labels": {}}, "status": {"allocatable": {"cpu": "2", "memory": "4Gi"}}}
    first = runner.scenes[TAG]
    small = replace(first, installed=replace(first.installed, config=parse_config(toml)), nodes={"real-amd64": node})
    runner.scenes = {TAG: small}
    written: list[dict[str, Any]] = []

    monkeypatch.setattr(subject, "write_whole", lambda path, text: _kept(written, path, text))
    with pytest.raises(ClusterError, match="enough seen"):
        runner.run([ci_job("a")], lambda *_: None)
    kubernetes = written[0]["runners"][0]["kubernetes"]
    assert (kubernetes["cpu_request"], kubernetes["memory_request"]) == ("10m", "1Mi")
    assert runner.notes == ["jobs request less cpu than the stack says: this machine has no more"]


def _kept(written: list[dict[str, Any]], path: Path, text: str) -> None:
    """Keep the config, and go no further."""
    if path.name == "config.toml":
        written.append(tomllib.loads(text))
        raise ClusterError("enough seen")


def test_nothing_is_left_when_the_pipeline_has_ended(runner: GitLabRunner) -> None:
    runner.run([ci_job("a")], lambda *_: None)
    assert not Path(seen(runner)["folder"]).exists()
    assert gone(seen(runner)["pid"])


def test_a_runner_that_ends_is_an_error_with_its_last_words_and_no_secret(runner: GitLabRunner) -> None:
    with pytest.raises(ClusterError, match=r"gitlab-runner has ended \(exit code 7\): .*FATAL: crashed") as caught:
        runner.run([doing("a", "crash")], lambda *_: None)
    assert "glrt-" not in str(caught.value)
    assert not Path(seen(runner)["folder"]).exists()


def test_a_runner_that_does_not_ask_is_an_error(runner: GitLabRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    silent = runner.sources.parent / "silent"
    silent.write_text("#!/bin/sh\nexec sleep 60\n")
    silent.chmod(0o755)
    runner.program = BinarySource(name="gitlab-runner", path=silent, version="19.3.1", origin=Origin.PATH)
    monkeypatch.setattr(subject, "_SILENCE_SECONDS", -2.5)
    with pytest.raises(ClusterError, match=r"gitlab-runner has not asked for a job for \d s: it said nothing"):
        runner.run([ci_job("a")], lambda *_: None)


def test_ctrl_c_stops_the_runner_and_its_jobs_and_leaves_nothing(
    runner: GitLabRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(entries: Any) -> None:
        if (runner.sources.parent / "seen.json").exists() and any(entry.began for entry in entries):
            raise KeyboardInterrupt

    monkeypatch.setattr(subject._Teller, "tell", lambda _, entries: interrupted(entries))
    with pytest.raises(KeyboardInterrupt):
        runner.run([doing("a", "hang")], lambda *_: None)
    assert seen(runner, "left") == "SIGTERM", "it is not waited for"
    assert isinstance(runner.place.api, FakeApi)
    assert runner.place.api.deleted == ["/api/v1/namespaces/ci/pods/runner-x"], "what it left, and nobody else's"
    assert gone(seen(runner)["pid"])
    assert not Path(seen(runner)["folder"]).exists()


def test_a_runner_that_heeds_no_signal_is_killed_with_all_that_it_started(
    runner: GitLabRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaf = runner.sources.parent / "deaf"
    deaf.write_text(
        f"#!/bin/sh\ntrap '' QUIT TERM INT\nsleep 60 &\necho $! > {runner.sources.parent}/child\nwait\nwait\n"
    )
    deaf.chmod(0o755)
    runner.program = BinarySource(name="gitlab-runner", path=deaf, version="19.3.1", origin=Origin.PATH)
    monkeypatch.setattr("multiarch.rehearse.live.gitlab.process._GRACE", ((signal.SIGQUIT, 0.1), (signal.SIGTERM, 0.1)))

    def interrupted(_: Any, __: Any) -> None:
        if (runner.sources.parent / "child").exists() and (runner.sources.parent / "child").read_text().strip():
            raise KeyboardInterrupt

    monkeypatch.setattr(subject._Teller, "tell", interrupted)
    with pytest.raises(KeyboardInterrupt):
        runner.run([ci_job("a")], lambda *_: None)
    child = int((runner.sources.parent / "child").read_text())
    assert not wait_while(lambda: not gone(child) and alive(child), 10)


def alive(process: int) -> bool:
    """Whether it still runs: what nobody has waited for yet is a zombie, which does not."""
    try:
        return ") Z " not in Path("/proc", str(process), "stat").read_text()
    except OSError:
        return False


OWNER = textwrap.dedent("""
    import sys
    from pathlib import Path
    from tests.unit.live.gitlab.test_runner import doing, runner_of
    runner_of(Path(sys.argv[1]), Path(sys.argv[2])).run([doing("a", "hang")], lambda *_: None)
""")


def test_the_runner_does_not_outlive_a_rehearsal_that_is_killed(tmp_path: Path, program: Path) -> None:
    own = {**os.environ, "TMPDIR": str(tmp_path)}  # what is killed removes nothing: a folder with tokens
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path), str(program)], cwd=ROOT, env=own)
    try:
        assert not wait_while(lambda: not (tmp_path / "seen.json").exists() or None, 30)
        time.sleep(0.2)
        process = json.loads((tmp_path / "seen.json").read_text())["pid"]
        assert not gone(process)
        os.kill(owner.pid, signal.SIGKILL)
        owner.wait(10)
        assert not wait_while(lambda: not gone(process), 10)
    finally:
        owner.kill()
        owner.wait()


def test_the_newest_pod_of_a_job_counts_and_those_of_another_gitlab_do_not() -> None:
    old, new = pod(7, "old", "2026-11-30T11:00:00Z"), pod(7, "new", "2026-11-30T11:00:05Z")
    for order in ([old, new], [new, old]):
        others = [{}, {"metadata": {"annotations": None}}, pod(7, "other", "2027-01-01T00:00:00Z", f"{URL}0")]
        found = of_jobs([*order, *others], URL)
        assert {job: one["metadata"]["name"] for job, one in found.items()} == {"7": "new"}


def test_a_pod_that_is_gone_is_remembered_and_a_server_that_is_gone_is_told_after_some_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Lists:
        answer: Callable[[], list[dict[str, Any]]]

        def items(self, _: str) -> list[dict[str, Any]]:
            return self.answer()

        def delete(self, _: str) -> None:
            raise AssertionError("it only looks")

    def unreachable() -> list[dict[str, Any]]:
        raise UnreachableError("connection refused")

    api = Lists()
    watch = Watch(api, URL)
    api.answer = lambda: [pod(7, "x")]
    watch.look()
    api.answer = list
    watch.look()
    found = watch.pod(7)
    assert found is not None
    api.answer = unreachable
    watch.look()
    monkeypatch.setattr("multiarch.rehearse.live.gitlab.pods.PATIENCE_SECONDS", -1.0)
    with pytest.raises(ClusterError, match="the jobs' pods can't be listed: connection refused"):
        watch.look()


def test_without_git_or_a_runner_there_is_none_and_the_reason_says_so(
    runner: GitLabRunner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wanted = (runner.scenes, runner.place, runner.sources)
    found, reason = GitLabRunner.find(*wanted, program=tmp_path / "nowhere")
    assert found is None
    assert reason.startswith(f"gitlab-runner 19.3.1 is not available: {tmp_path}/nowhere does not run")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert GitLabRunner.find(*wanted) == (None, "git is not on PATH: it serves the sources to the jobs")
