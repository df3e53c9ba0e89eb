"""The real gitlab-runner against the small GitLab, with the real helper, on real nodes.

Needs gitlab-runner on PATH or in MULTIARCH_GITLAB_RUNNER, and the registries of its helper and of the sandbox.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from multiarch.cluster.api import Api
from multiarch.cluster.connection import Connection
from multiarch.model.executor import parse_config
from multiarch.model.pipeline import PipelineJob
from multiarch.model.readback import Installed
from multiarch.rehearse.claims.scene import Scene
from multiarch.rehearse.control_plane.plane import ControlPlane
from multiarch.rehearse.control_plane.sources import Binaries, BinarySource
from multiarch.rehearse.live.gitlab.program import find_runner
from multiarch.rehearse.live.gitlab.runner import ClusterPlace, GitLabRunner
from multiarch.rehearse.live.job import CiJob
from multiarch.rehearse.nodes.architectures import Arch
from multiarch.rehearse.nodes.real import RealNodes

pytestmark = pytest.mark.gitlab_runner

TAG = "multi-arch"
NAMED = "MULTIARCH_GITLAB_RUNNER"
REGISTRIES = ("registry.gitlab.com", "registry.k8s.io")
HELPER = "registry.gitlab.com/gitlab-org/gitlab-runner/gitlab-runner-helper"
OF_HELPER = {Arch.AMD64: "x86_64", Arch.ARM64: "arm64"}
"""How GitLab's tags of its helper spell the architectures: a single image each, which an emulated node needs."""
CONFIG = """
concurrent = 4
[[runners]]
  name = "rehearsal"
  executor = "kubernetes"
  [runners.kubernetes]
    namespace = "ci"
    dns_policy = "default"
    node_selector_overwrite_allowed = "^kubernetes\\\\.io/arch=(amd64|arm64)$"
    cpu_request = "100m"
    poll_timeout = 300
    automount_service_account_token = false
    cap_drop = ["ALL"]
"""
ACCOUNT = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "runner", "namespace": "ci"}}
BINDING = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "RoleBinding",
    "metadata": {"name": "runner", "namespace": "ci"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"},
    "subjects": [{"kind": "ServiceAccount", "name": "runner", "namespace": "ci"}],
}


@pytest.fixture(scope="session")
def program() -> BinarySource:
    """The runner, whichever version: nothing is downloaded for a test."""
    named = os.environ.get(NAMED)
    found, reason = find_runner("", program=Path(named) if named else None)
    if found is None:
        pytest.skip(f"no real gitlab-runner here: {reason}; set {NAMED}, or put it on PATH")
    return found


@pytest.fixture(scope="session")
def reached(program: BinarySource) -> None:
    """The registries of what the runner's pods are made of."""
    del program
    for host in REGISTRIES:
        try:
            urllib3.PoolManager(retries=False).request("GET", f"https://{host}/v2/", timeout=5.0)
        except urllib3.exceptions.HTTPError as error:
            pytest.skip(f"no images for the real gitlab-runner: {host} is not reached: {type(error).__name__}")


@pytest.fixture
def runner(
    program: BinarySource, reached: None, plane: ControlPlane, programs: Binaries, tmp_path: Path
) -> Iterator[GitLabRunner]:
    del reached
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    with (
        RealNodes(plane, programs=programs) as nodes,
        Connection(plane.kubeconfig, plane.context) as connection,
    ):
        api = Api.of(connection)
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ci"}}
        for manifest in (namespace, ACCOUNT, BINDING):
            api.apply(manifest)
        installed = Installed(
            namespace="ci", release="r", deployment="d", selector={}, service_account="runner",
            config=parse_config(CONFIG), runner_version=program.version,
        )  # fmt: skip
        place = ClusterPlace(api=api, server=plane.server, certificate=plane.certificate, address=nodes.address_of_host)
        scene = Scene(stack="local", admin=api, runner=api, installed=installed, groups=(), nodes={})
        yield GitLabRunner(program=program, scenes={TAG: scene}, place=place, sources=tmp_path)


def job(name: str, arch: Arch, version: str, *script: str, needs: tuple[str, ...] = ()) -> CiJob:
    """A job in the helper's own image, which has a shell: no other registry is needed."""
    pipeline = PipelineJob(
        name=name,
        file="a test",
        tags=(TAG,),
        image=f"{HELPER}:{OF_HELPER[arch]}-v{version}",
        script=script,
        artifacts=("said/",),
    )
    selector = {"KUBERNETES_NODE_SELECTOR_ARCH": f"kubernetes.io/arch={arch}"}
    return CiJob(pipeline=pipeline, variables=selector, before="test -f Dockerfile", needs=needs, timeout=600)


def test_a_pipeline_of_both_architectures_runs_by_the_real_runner(runner: GitLabRunner) -> None:
    version = runner.program.version
    first, second = runner.run(
        [
            job(
                "first", Arch.AMD64, version, "mkdir said", "uname -m | tee said/first", "grep CapEff /proc/self/status"
            ),
            job("second", Arch.ARM64, version, "cat said/first", "uname -m | tee said/second", needs=("first",)),
        ],
        lambda name, words: print(f"{name}: {words}"),  # noqa: T201 - pytest shows it where the test fails
    )
    for ended, arch in ((first, Arch.AMD64), (second, Arch.ARM64)):
        assert ended.succeeded, f"{ended.reason}\n{ended.log}"
        assert ended.pod is not None
        assert ended.pod["spec"]["nodeName"] == f"real-{arch}"
        assert f"\n{arch.machine}\n" in ended.log
    assert first.artifacts["said/first"] == f"{Arch.AMD64.machine}\n".encode()
    assert second.artifacts == {
        "said/first": f"{Arch.AMD64.machine}\n".encode(),
        "said/second": f"{Arch.ARM64.machine}\n".encode(),
    }
    assert runner.faults == []


def test_a_job_that_fails_says_its_exit_code_and_stops_the_next(runner: GitLabRunner) -> None:
    version = runner.program.version
    first, second = runner.run(
        [
            job("first", Arch.AMD64, version, "exit 3"),
            job("second", Arch.AMD64, version, "true", needs=("first",)),
        ],
        lambda *_: None,
    )
    assert (first.succeeded, first.reason) == (False, "exit code 3"), first.log
    assert (second.succeeded, second.reason) == (False, "not started: first failed")
