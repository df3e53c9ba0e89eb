"""A pipeline by the executor model, with a made-up cluster: what a job needs, what it leaves, and how it fails."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from multiarch.cluster.api import Api, ApiRefused
from multiarch.model.pipeline import PipelineJob
from multiarch.rehearse.live.by_model import ByModel, packed
from multiarch.rehearse.live.job import CiJob, End, Ended
from multiarch.rehearse.live.kubectl import Kubectl, Said
from tests.repository import ROOT
from tests.unit.claims.test_claims import scene

PLACE = "/builds/group/app"
LEFT = {"digests/amd64.json": b"{}"}


class Cluster(Api):
    """The API as the runner's account sees it: pods run as soon as they are created."""

    def __init__(self, refusal: ApiRefused | None = None) -> None:
        self.refusal, self.pods, self.asked = refusal, dict[str, Any](), list[str]()

    def call(self, method: str, path: str, body: Any = None, *_: Any, **__: Any) -> dict[str, Any]:
        name = path.rpartition("/")[2]
        self.asked.append(method)
        if method == "POST":
            if self.refusal:
                raise self.refusal
            running = [{"name": one["name"], "state": {"running": {}}} for one in body["spec"]["containers"]]
            self.pods[body["metadata"]["name"]] = {**body, "status": {"phase": "Running", "containerStatuses": running}}
            return {}
        if method == "DELETE":
            return dict(self.pods.pop(name))
        return dict(self.pods[name])


@dataclass
class Shell(Kubectl):
    """kubectl whose containers do what a script is answered with."""

    script: Callable[[str], int] = lambda _: 0
    cut: int = 0
    """How many answers lose their end."""
    files: dict[str, bytes] = field(default_factory=dict)
    scripts: list[str] = field(default_factory=list)
    stopped: bool = False
    answer: Said | None = None
    """What comes of every script, in place of what `script` says."""

    def stop(self) -> None:
        self.stopped = True

    def execute(
        self, where: tuple[str, str, str], words: Sequence[str], *, seconds: float,
        given: bytes | None = None, log: Path | None = None,
    ) -> Said:  # fmt: skip
        del seconds
        if log is not None:
            text = self.files[f"{where[1]}{words[1]}"].decode()
            self.scripts.append(text)
            code = self.script(text)
            log.write_bytes(b"it said something\n")
            if self.answer is not None:
                return self.answer
            return Said(code, b"")
        if given is not None:
            whole, self.cut = (given if not self.cut else given[:-1]), max(0, self.cut - 1)
            self.files[f"{where[1]}{words[4]}"] = whole
            return Said(0, str(len(whole)).encode())
        if "cat" in words[2]:
            content = packed(LEFT)
            given_back, self.cut = (content if not self.cut else content[:-512]), max(0, self.cut - 1)
            return Said(0, given_back, f"{len(content)}\n")
        return Said(0, b"")


def runner(shell: Shell, cluster: Cluster | None = None) -> ByModel:
    there = replace(scene(), runner=cluster or Cluster())
    return ByModel(scenes={"multi-arch": there}, kubectl={"multi-arch": shell}, sources=ROOT / "stacks")


def job(name: str, *needs: str, tags: tuple[str, ...] = ("multi-arch",), **variables: str) -> CiJob:
    own = PipelineJob(name=name, file="f", tags=tags, image="i", script=(f"echo {name}",), artifacts=("digests/",))
    return CiJob(pipeline=own, variables={"CI_PROJECT_DIR": PLACE, **variables}, needs=needs)


def run(by: ByModel, *jobs: CiJob) -> Mapping[str, Ended]:
    return {one.job.name: one for one in by.run(jobs, lambda *_: None)}


def test_a_job_gets_sources_and_artifacts_and_leaves_its_own_and_its_pod_goes() -> None:
    shell, cluster = Shell(), Cluster()
    ended = run(runner(shell, cluster), job("build"), job("merge", "build"))
    assert [one.succeeded for one in ended.values()] == [True, True]
    assert ended["merge"].artifacts == LEFT
    assert ended["build"].log == "it said something\n"
    assert ended["build"].pod is not None
    assert [text.splitlines()[-1] for text in shell.scripts] == ["echo build", "echo merge"]
    assert cluster.pods == {}, "every pod is deleted"


def test_a_job_without_checkout_gets_none() -> None:
    shell = Shell()
    run(runner(shell), job("merge", GIT_STRATEGY="none"))
    assert not [name for name in shell.files if name.endswith(".tar")]


def test_a_job_whose_need_failed_is_not_started_and_says_whose() -> None:
    cluster = Cluster()
    by = runner(Shell(script=lambda text: 7 if "echo build" in text else 0), cluster)
    ended = run(by, job("build"), job("beside"), job("merge", "build"), job("after", "merge"))
    assert ended["build"].reason == "exit code 7"
    assert ended["beside"].succeeded
    assert ended["merge"].reason == "not started: build failed"
    assert ended["after"].reason == "not started: merge failed"
    assert cluster.asked.count("POST") == 2
    assert cluster.pods == {}


def test_a_refused_pod_says_who_refused_it_and_why() -> None:
    refusal = ApiRefused(403, "Forbidden", 'pods "p" is forbidden: violates PodSecurity "baseline:latest"')
    ended = run(runner(Shell(), Cluster(refusal)), job("build"))
    assert ended["build"].reason.startswith("its pod was refused by admission: pods")
    assert ended["build"].pod is None


def test_a_job_whose_tags_no_runner_has_says_so() -> None:
    assert (
        "no runner of this stack has the tags gpu" in run(runner(Shell()), job("build", tags=("gpu",)))["build"].reason
    )


@pytest.mark.parametrize("cut", [1, 2])
def test_what_loses_its_end_on_the_way_is_sent_again(cut: int) -> None:
    shell = Shell(cut=cut)
    ended = run(runner(shell), job("build"))
    assert ended["build"].succeeded
    assert shell.scripts[0].endswith("echo build")


GONE = ApiRefused(404, "NotFound", 'pods "p" not found')
FORBIDDEN = ApiRefused(403, "Forbidden", 'pods is forbidden: User "u" cannot create resource "pods"')
NO_EXEC = (
    'Error from server (Forbidden): pods "p" is forbidden: User "u" cannot create resource "pods/exec" in API group'
)


@pytest.mark.parametrize(
    ("refusal", "end"),
    [
        (FORBIDDEN, End.STACK),
        (ApiRefused(422, "Invalid", "spec.containers: Required value"), End.STACK),
        (ApiRefused(500, "InternalError", "failed calling webhook"), End.SURROUNDINGS),
        (ApiRefused(503, "ServiceUnavailable", "etcdserver: leader changed"), End.SURROUNDINGS),
    ],
)
def test_a_pod_that_is_refused_is_the_stacks_and_a_server_in_trouble_is_not(refusal: ApiRefused, end: End) -> None:
    assert run(runner(Shell(), Cluster(refusal)), job("build"))["build"].end is end


@pytest.mark.parametrize(("refusal", "end"), [(GONE, End.SURROUNDINGS), (FORBIDDEN, End.STACK)])
def test_a_pod_that_goes_on_the_way_is_not_the_stacks(refusal: ApiRefused, end: End) -> None:
    class Lost(Cluster):
        def call(self, method: str, *given: Any, **more: Any) -> dict[str, Any]:
            if method == "GET":
                raise refusal
            return super().call(method, *given, **more)

    assert run(runner(Shell(), Lost()), job("build"))["build"].end is end


@pytest.mark.parametrize(
    ("said", "end"),
    [
        (Said(0, b""), End.SUCCEEDED),
        (Said(1, b""), End.STACK),
        (Said(None, b"", "it did not end within 900 s", overdue=True), End.STACK),
        (Said(None, b"", NO_EXEC), End.STACK),
        (Said(None, b"", "error dialing backend: dial tcp 10.231.0.2:10250: connect: connection refused"),
         End.SURROUNDINGS),
        (Said(None, b"", "unable to upgrade connection: Forbidden (user=api, verb=create, resource=nodes)"),
         End.SURROUNDINGS),
        (Said(None, b"", "interrupted"), End.SURROUNDINGS),
    ],
)  # fmt: skip
def test_a_script_is_the_stacks_and_the_way_to_it_is_not(said: Said, end: End) -> None:
    assert run(runner(Shell(answer=said)), job("build"))["build"].end is end


def test_a_runner_that_takes_no_such_job_is_the_stacks_and_a_need_that_failed_is_not_the_jobs() -> None:
    ended = run(runner(Shell()), job("build", tags=("gpu",)), job("merge", "build"))
    assert [one.end for one in ended.values()] == [End.STACK, End.NOT_STARTED]


def test_what_never_comes_whole_is_no_success() -> None:
    ended = run(runner(Shell(cut=99)), job("build"))
    assert "only a part of" in ended["build"].reason
    assert ended["build"].end is End.SURROUNDINGS
    assert ended["build"].artifacts == {}


def test_an_interrupt_ends_every_job() -> None:
    def interrupted(_: str) -> int:
        raise KeyboardInterrupt

    shell = Shell(script=interrupted)
    by = runner(shell)
    with suppress(KeyboardInterrupt):
        by.run([job("build")], lambda *_: None)
    assert by.stopped
    assert shell.stopped, "a build that runs for minutes is not waited for"
