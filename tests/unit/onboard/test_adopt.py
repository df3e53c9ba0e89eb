import pytest

from multiarch.onboard.adopt.imports import adoptions
from multiarch.onboard.answers.interview import interview
from multiarch.onboard.answers.model import Value
from tests.unit.onboard.lab import SUBSCRIPTION, Server, aks_nodes, eks_nodes, gke_nodes, node, runner, seen

SAID: dict[str, Value] = {"gitlabUrl": "https://gitlab.example.com", "clusterName": "builds", "stack": "ci"}


def test_a_gke_pool_is_imported_by_project_location_cluster_and_pool() -> None:
    nodes = [*gke_nodes(), *gke_nodes("arm", machine="t2a-standard-8", arch="arm64", zones="a")]
    look = seen(Server(nodes=nodes, version="1.34.2-gke.1"), context="gke_acme-ci_us-central1_builds")
    (found,) = adoptions(look, interview(look, SAID, proposals=True))
    assert found.command == (
        "pulumi import gcp:container/nodePool:NodePool arm acme-ci/us-central1/builds/arm --stack ci"
    )
    assert "protect=True" in found.options
    assert "initialNodeCount" in found.options
    assert "no taints" in found.note


def test_an_eks_group_is_imported_by_cluster_and_group() -> None:
    nodes = [*eks_nodes(), *eks_nodes("graviton", machine="m7g.xlarge", arch="arm64")]
    look = seen(Server(nodes=nodes, version="1.34.1-eks-1"), context="me@builds.eu-central-1.eksctl.io")
    (found,) = adoptions(look, interview(look, SAID, proposals=True))
    assert "aws:eks/nodeGroup:NodeGroup graviton builds:graviton --stack ci" in found.command
    assert "launchTemplate" in found.options


def test_an_aks_pool_is_imported_by_its_whole_id() -> None:
    nodes = [*aks_nodes(), *aks_nodes("arm", machine="Standard_D8ps_v6", arch="arm64")]
    look = seen(Server(nodes=nodes))
    (found,) = adoptions(look, interview(look, SAID, proposals=True))
    assert (
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/ci/providers/Microsoft.ContainerService/managedClusters/builds/"
        "agentPools/arm"
    ) in found.command


def test_a_part_that_nobody_told_is_a_gap_and_not_a_guess() -> None:
    nodes = [*gke_nodes(), *gke_nodes("arm", machine="t2a-standard-8", arch="arm64", zones="a")]
    look = seen(Server(nodes=nodes, version="1.34.2-gke.1"))
    (found,) = adoptions(look, interview(look, SAID, proposals=True))
    assert "'acme-ci/<location>/<cluster>/arm'" in found.command


@pytest.mark.parametrize(
    "nodes",
    [
        [node("a"), node("b", "arm64")],
        eks_nodes(),
        [*eks_nodes(), *eks_nodes("ours", arch="arm64", labels={"multiarch-runner.io/pool": "arm64"})],
        [*eks_nodes(), node("k", "arm64", labels={"karpenter.sh/nodepool": "arm"})],
    ],
)
def test_nothing_is_imported_that_no_provider_has_or_that_is_ours(nodes: list[dict[str, object]]) -> None:
    look = seen(Server(nodes=nodes), context="builds")
    assert adoptions(look, interview(look, {**SAID, "pools": "use", "architectures": "amd64"}, proposals=True)) == ()


def test_a_runner_of_others_is_imported_by_namespace_and_name() -> None:
    look = seen(Server(nodes=[node("a"), node("b", "arm64")], deployments=[runner()]))
    (found,) = adoptions(look, interview(look, SAID, proposals=True))
    assert "kubernetes:helm.sh/v3:Release gitlab-runner ci/gitlab-runner --stack ci" in found.command
    assert "runner.releaseName: gitlab-runner" in found.note
