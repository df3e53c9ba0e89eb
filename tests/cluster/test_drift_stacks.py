"""The example stacks as they are installed, each on nodes as its cloud makes them."""

from collections.abc import Iterator
from typing import Any

import pytest

from multiarch.cluster.api import Api
from multiarch.cluster.connection import Connection
from multiarch.core.verdict import Verdict
from multiarch.drift.model import Check
from multiarch.rehearse.control_plane.plane import ControlPlane
from multiarch.rehearse.install import Helm
from tests.cluster.drift_lab.changes import SECRET
from tests.cluster.drift_lab.lab import MERGE, ROOT, ask, check_all, install, not_clean, uninstall

IN_CLUSTER = [Check.OBJECTS, Check.RELEASE, Check.NODES, Check.RUNNER_CONFIG, Check.WIDENED]


@pytest.fixture(scope="module")
def helm(control_plane: ControlPlane) -> Iterator[Helm]:
    with Helm(control_plane.binary("helm"), control_plane.kubeconfig, control_plane.context) as made:
        yield made


@pytest.mark.parametrize("stack", ["gke", "eks", "aks", "local", "mirror"])
def test_an_installed_example_stack_is_clean_until_its_arm64_nodes_lose_their_taint(
    stack: str, control_plane: ControlPlane, connection: Connection, helm: Helm
) -> None:
    api = Api.of(connection)
    program = install(api, helm, ROOT, stack)
    try:
        _somebodys_secret(api)
        results = check_all(program, api, IN_CLUSTER)
        assert [result.verdict for result in results] == [Verdict.YES] * len(IN_CLUSTER), not_clean(results)
        if stack == "gke":  # once from the plan to the answer; it takes the plan's time again
            answer = ask(ROOT, stack, control_plane.kubeconfig, control_plane.context, IN_CLUSTER)
            assert {result.verdict for result in answer.results} == {Verdict.YES}
            assert answer.cluster == f"context {control_plane.context}"
        arm = next(node["metadata"]["name"] for node in api.items("/api/v1/nodes") if _arch(node) == "arm64")
        api.call("PATCH", f"/api/v1/nodes/{arm}", {"spec": {"taints": None}}, None, MERGE)
        (finding,) = not_clean(check_all(program, api, [Check.NODES]))
        paths = [one.path for one in finding.differences]
        assert paths == [f"nodes[{arm}].spec.taints[kubernetes.io/arch:NoSchedule]"]
        assert finding.urn
    finally:
        uninstall(api, helm, program)


def test_the_labels_of_namespaces_that_were_there_are_held_and_nothing_else_of_them(
    connection: Connection, helm: Helm
) -> None:
    api = Api.of(connection)
    names = ("gitlab-runner", "gitlab-runner-jobs")
    for name in names:
        theirs = {"name": name, "labels": {"team": "builds"}, "annotations": {"example.org/owner": "platform"}}
        api.create("/api/v1/namespaces", {"metadata": theirs})
    _somebodys_secret(api)
    program = install(api, helm, ROOT, "local")
    try:
        (result,) = check_all(program, api, [Check.OBJECTS])
        assert result.verdict is Verdict.YES, not_clean([result])
        for name in names:
            lower = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "privileged"}}}
            api.call("PATCH", f"/api/v1/namespaces/{name}", lower, None, MERGE)
        found = not_clean(check_all(program, api, [Check.OBJECTS]))
        assert sorted(finding.title for finding in found) == [f"Namespace {name}" for name in names]
    finally:
        uninstall(api, helm, program)


def test_a_twin_in_another_cloud_is_not_compared(control_plane: ControlPlane, connection: Connection) -> None:
    api = Api.of(connection)
    node = {"metadata": {"name": "twin"}, "spec": {"providerID": "gce://someone-elses/us-central1-a/twin"}}
    api.create("/api/v1/nodes", {"apiVersion": "v1", "kind": "Node", **node})
    try:
        answer = ask(ROOT, "gke", control_plane.kubeconfig, control_plane.context)
    finally:
        api.delete("/api/v1/nodes/twin")
    results = {result.check: result for result in answer.results}
    for check in IN_CLUSTER:
        assert results[check].verdict is Verdict.UNKNOWN
        assert "is of project someone-elses, and the stack's cluster of example-ci" in results[check].failure
    assert results[Check.IMAGES].skipped


def _arch(node: dict[str, Any]) -> str:
    return str(node["metadata"]["labels"].get("kubernetes.io/arch"))


def _somebodys_secret(api: Api) -> None:
    """Make the token's Secret where the stack leaves that to somebody else."""
    if api.find(SECRET) is None:
        body = {
            "metadata": {"name": "gitlab-runner-token"},
            "stringData": {"runner-token": "x", "runner-registration-token": ""},
        }
        api.create(SECRET.rpartition("/")[0], body)
