"""The look on a real API server, with the nodes of other clusters."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from multiarch.cluster.api import Api
from multiarch.cluster.connection import Connection
from multiarch.cluster.look.look import look
from multiarch.cluster.look.model import Look
from multiarch.cluster.look.names import KubeconfigNames
from multiarch.core.verdict import Verdict
from multiarch.model.clouds import marks
from multiarch.model.readback import service_account_api
from multiarch.rehearse.control_plane.plane import ControlPlane
from tests.cluster.onboarding import Proxy, authority, environment, kubeconfig, nodes, objects, project
from tests.unit.onboard.lab import ARM_TAINT, aks_nodes, eks_nodes, gke_nodes, k3s_nodes, kind_nodes, node

NAMESPACES = ("onboard-runner", "onboard-jobs")


@pytest.fixture
def api(connection: Connection) -> Api:
    return Api.of(connection)


def seen(api: Api, context: str = "ci", namespaces: Sequence[str] = NAMESPACES) -> Look:
    return look(
        api,
        context=context,
        server="https://127.0.0.1",
        clouds=marks(),
        namespaces=namespaces,
        names=KubeconfigNames(context=context),
    )


MIXED = [*eks_nodes(), *eks_nodes("graviton", machine="m7g.xlarge", arch="arm64", zones="ab")]
SHAPES: dict[str, tuple[list[dict[str, Any]], str, str, str, dict[str, int]]] = {
    "gke": (gke_nodes(), "gke_acme-ci_us-central1_builds", "gke", "", {"default-pool": 3}),
    "eks": (eks_nodes(), "me@builds.eu-central-1.eksctl.io", "eks", "", {"workers": 3}),
    "aks": (aks_nodes(), "builds", "aks", "", {"system": 2}),
    "kind": (kind_nodes(), "kind-ci", "existing", "kind", {"amd64": 1, "amd64-control-plane": 1}),
    "pi": (k3s_nodes(), "pi", "existing", "", {"arm64-k3s": 2}),
    "mixed": (MIXED, "builds", "eks", "", {"workers": 3, "graviton": 2}),
    "empty": ([], "ci", "existing", "", {}),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_each_shape_of_cluster_is_told(api: Api, shape: str) -> None:
    made, context, provider, flavour, pools = SHAPES[shape]
    with nodes(api, made):
        found = seen(api, context)
    assert (found.provider, found.flavour) == (provider, flavour)
    assert {pool.name: pool.nodes for pool in found.pools} == pools
    assert found.nodes == len(made)
    assert found.unseen == ()


def test_the_cluster_s_place_comes_out_of_nodes_and_kubeconfig(api: Api) -> None:
    with nodes(api, gke_nodes()):
        found = seen(api, "gke_acme-ci_us-central1_builds").identity
    assert found == {"name": "builds", "project": "acme-ci", "location": "us-central1"}


def test_a_look_sends_reads_and_access_reviews_alone_and_changes_nothing(
    connection: Connection, tmp_path: Path
) -> None:
    with Proxy(connection) as proxy, nodes(Api.of(connection), MIXED):
        before = _everything(Api.of(connection))
        proxy.requests.clear()
        path = kubeconfig(tmp_path / "kubeconfig", proxy.url)
        with Connection(path, "ci") as through:
            found = seen(Api.of(through))
        sent = list(proxy.requests)
        after = _everything(Api.of(connection))
    assert found.nodes == len(MIXED)
    assert found.requests == len(sent)
    written = {request for request in sent if request[0] != "GET"}
    assert written == {("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews")}
    assert after == before


def _everything(api: Api) -> set[tuple[str, str]]:
    """Return path and UID of every object of the core and the named groups that a look could have made."""
    kinds = (
        "/api/v1/namespaces", "/api/v1/nodes", "/api/v1/secrets", "/api/v1/configmaps", "/api/v1/pods",
        "/api/v1/serviceaccounts", "/apis/apps/v1/deployments", "/apis/rbac.authorization.k8s.io/v1/roles",
        "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", "/apis/networking.k8s.io/v1/networkpolicies",
    )  # fmt: skip
    return {(kind, item["metadata"]["uid"]) for kind in kinds for item in api.items(kind)}


@pytest.fixture
def nobody(api: Api) -> Iterator[str]:
    """Return the token of a service account that may do nothing."""
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "onboard-nobody", "namespace": "default"},
    }
    with objects(api, account):
        theirs = service_account_api(api, "default", "onboard-nobody")
        yield str(theirs._client.configuration.api_key["BearerToken"])
        theirs.close()


def test_who_may_see_nothing_is_told_so_and_nothing_is_guessed(api: Api, nobody: str) -> None:
    theirs = api.with_token(nobody)
    with nodes(api, eks_nodes()):
        found = seen(theirs)
    theirs.close()
    assert found.pools == ()
    assert found.autoscaler.verdict is Verdict.UNKNOWN
    assert found.network_policies.verdict is Verdict.UNKNOWN
    assert found.runners_known.verdict is Verdict.UNKNOWN
    assert {right.allowed.verdict for right in found.rights} == {Verdict.NO}
    assert any("403 Forbidden on nodes" in line for line in found.unseen)


def test_the_command_can_t_tell_without_the_right_to_see_nodes(
    control_plane: ControlPlane, nobody: str, tmp_path: Path
) -> None:
    path = kubeconfig(
        tmp_path / "kubeconfig", control_plane.server, user={"token": nobody}, ca=authority(control_plane)
    )
    code, _, err, folder = command(tmp_path, path, "--yes", "--gitlab-url", "https://gitlab.example.com")
    assert code == 3, err
    assert not list((folder / "stacks").iterdir())


def test_credentials_that_nobody_accepts_are_no_empty_cluster(control_plane: ControlPlane, tmp_path: Path) -> None:
    user = {"token": "not-a-token"}
    path = kubeconfig(tmp_path / "kubeconfig", control_plane.server, user=user, ca=authority(control_plane))
    code, out, _, _ = command(tmp_path, path, "--look-only")
    assert code == 3
    assert "does not accept" in out


def test_a_very_old_cluster_is_refused_with_the_reason(connection: Connection, api: Api, tmp_path: Path) -> None:
    answers = {"/version": {"gitVersion": "v1.19.16-eks-a5565ad"}}
    with Proxy(connection, answers) as proxy, nodes(api, eks_nodes()):
        path = kubeconfig(tmp_path / "kubeconfig", proxy.url)
        code, out, _, folder = command(tmp_path, path, "--yes", "--gitlab-url", "https://gitlab.example.com")
    assert code == 4, out
    assert "1.19.16" in out
    assert "Upgrade" in out
    assert not list((folder / "stacks").iterdir())


def test_an_unreachable_server_is_told_and_is_code_3(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "kubeconfig", "https://127.0.0.1:1")
    code, out, _, _ = command(tmp_path, path, "--look-only")
    assert code == 3
    assert "refuses connections" in out


def test_a_thousand_nodes_are_counted_page_by_page(api: Api) -> None:
    made = [
        node(
            f"n{index:04d}",
            "arm64" if index % 4 == 0 else "amd64",
            taints=[ARM_TAINT] if index % 4 == 0 else [],
            labels={
                "eks.amazonaws.com/nodegroup": f"group-{index % 4}",
                "node.kubernetes.io/instance-type": "m7g.xlarge" if index % 4 == 0 else "m7i.xlarge",
                "topology.kubernetes.io/zone": f"eu-central-1{'abc'[index % 3]}",
                "topology.kubernetes.io/region": "eu-central-1",
            },
        )
        for index in range(1000)
    ]
    with nodes(api, made, fake=False):
        found = seen(api)
    assert found.nodes == 1000
    assert {pool.name: (pool.arch, pool.nodes) for pool in found.pools} == {
        "group-0": ("arm64", 250),
        **{f"group-{index}": ("amd64", 250) for index in (1, 2, 3)},
    }
    assert found.pools[0].zones == ("eu-central-1a", "eu-central-1b", "eu-central-1c")


def test_a_runner_and_a_quota_that_are_there_are_seen(api: Api) -> None:
    labels = {"app": "gitlab-runner", "chart": "gitlab-runner-0.71.0", "release": "old", "heritage": "Helm"}
    pod = {
        "metadata": {"labels": {"app": "gitlab-runner"}},
        "spec": {"containers": [{"name": "runner", "image": "gitlab/gitlab-runner:v17.6.0"}]},
    }
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "onboard-jobs"}}
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "team", "namespace": "onboard-jobs"},
        "spec": {"hard": {"pods": "3"}},
    }
    manager = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "old-gitlab-runner", "namespace": "onboard-jobs", "labels": labels},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "gitlab-runner"}}, "template": pod},
    }
    with objects(api, namespace, quota, manager):
        found = seen(api)
    (release,) = found.runners
    assert (release.namespace, release.name, release.chart, release.ours) == (
        "onboard-jobs", "old", "gitlab-runner-0.71.0", False,
    )  # fmt: skip
    jobs = found.namespaces[1]
    assert jobs.exists is Verdict.YES
    assert any("pods" in line and "of 3" in line for line in jobs.quotas)


def command(tmp_path: Path, config: Path, *arguments: str) -> tuple[int, str, str, Path]:
    folder = tmp_path / "project"
    folder.mkdir()
    project(folder)
    answer = subprocess.run(
        [sys.executable, "-m", "multiarch.cli", "onboard", "--project", str(folder), "--kubeconfig", str(config),
         "--context", "ci", *arguments],
        env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert "Traceback" not in answer.stderr
    return answer.returncode, answer.stdout, answer.stderr, folder


def test_json_of_a_look_is_whole_on_standard_output(connection: Connection, api: Api, tmp_path: Path) -> None:
    with Proxy(connection) as proxy, nodes(api, aks_nodes()):
        path = kubeconfig(tmp_path / "kubeconfig", proxy.url)
        code, out, err, _ = command(tmp_path, path, "--look-only", "--json", "-")
    assert code == 0, err
    document = json.loads(out)["sections"][0]["detail"]["look"]
    assert document["provider"] == "aks"
    assert document["identity"]["resourceGroup"] == "ci"
