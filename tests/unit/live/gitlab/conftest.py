"""A small GitLab that serves a pipeline of three jobs, and a client of it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from types import MappingProxyType

import pytest

from multiarch.model.pipeline import PipelineJob
from multiarch.rehearse.live.gitlab.pipeline import Pipeline, Registered
from multiarch.rehearse.live.gitlab.server import GitLabServer
from multiarch.rehearse.live.gitlab.sources import Sources, commit_folder
from multiarch.rehearse.live.job import CiJob
from tests.unit.live.gitlab.client import Client

TOKEN = "glrt-of-the-runner-123"
TAG = "multi-arch"
RUNNER = Registered(id=1, name="both", tags=(TAG,), token=TOKEN)


def ci_job(
    name: str,
    *needs: str,
    artifacts: tuple[str, ...] = ("digest",),
    tags: tuple[str, ...] = (TAG,),
    variables: Mapping[str, str] = MappingProxyType({}),
) -> CiJob:
    job = PipelineJob(
        name=name,
        file="templates/x.yml",
        tags=tags,
        image="registry.example/kaniko:v1",
        entrypoint=("",),
        user="1000",
        script=("build", "push\nand more"),
        artifacts=artifacts,
    )
    return CiJob(pipeline=job, variables=variables, before="id", needs=needs, timeout=300)


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    folder = tmp_path_factory.mktemp("project")
    (folder / "Dockerfile").write_text("FROM scratch\n")
    (folder / ".gitignore").write_text("ignored\n")
    (folder / "ignored").write_text("of nobody's interest")
    (folder / "below").mkdir()
    (folder / "below" / "run.sh").write_text("#!/bin/sh\n")
    (folder / "below" / "run.sh").chmod(0o755)
    return commit_folder(folder, tmp_path_factory.mktemp("repository"))


@pytest.fixture
def pipeline() -> Pipeline:
    jobs = [ci_job("build-amd64"), ci_job("build-arm64"), ci_job("merge", "build-amd64", "build-arm64")]
    return Pipeline(jobs, [RUNNER])


Serve = Callable[[Pipeline], GitLabServer]


@pytest.fixture
def serve(sources: Sources, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    monkeypatch.setattr("multiarch.rehearse.live.gitlab.server.LONG_POLL_SECONDS", 0.0)
    with ExitStack() as stack:
        yield lambda served: stack.enter_context(GitLabServer("127.0.0.1", served, sources, [RUNNER]))


@pytest.fixture
def server(serve: Serve, pipeline: Pipeline) -> GitLabServer:
    return serve(pipeline)


@pytest.fixture
def client(server: GitLabServer) -> Client:
    return Client(server.url, TOKEN)
