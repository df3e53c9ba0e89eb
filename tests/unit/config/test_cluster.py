"""Reaching a cluster: what is looked up, what the provider is given, and what never is."""

import asyncio
import base64
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pulumi
import pulumi.runtime
import pytest
from pulumi.runtime.settings import set_root_resource
from pulumi.runtime.stack import run_in_stack

from components.clouds import Cluster, cloud_of
from components.clouds.aks.sections import AksCluster
from components.clouds.connection import connect
from components.clouds.eks.sections import EksCluster
from components.clouds.existing.sections import ExistingCluster
from components.clouds.gke.sections import GkeCluster
from components.clouds.machines import Arch
from components.clouds.sections import Access

NO_ROOT: Any = None
CA = base64.b64encode(b"-----BEGIN CERTIFICATE-----").decode()
KUBECONFIG = {
    "clusters": [{"name": "ci", "cluster": {"server": "https://ci:443", "certificate-authority-data": CA}}],
    "contexts": [{"name": "here", "context": {"cluster": "ci", "user": "u"}}],
    "users": [{"name": "u", "user": {"token": "private"}}],
}


# What each cloud makes, and adds to what it was sent.
POOLS: dict[str, dict[str, Any]] = {
    "gcp:container/nodePool:NodePool": {},
    "aws:eks/nodeGroup:NodeGroup": {"resources": [{"autoscalingGroups": [{"name": "asg"}]}], "nodeGroupName": "x"},
    "azure-native:containerservice:AgentPool": {},
}


class Clouds(pulumi.runtime.Mocks):
    """Answers the lookups as the clouds would, and keeps what the provider was given."""

    def __init__(self) -> None:
        self.looked_up: dict[str, Any] = {}
        self.provider: dict[str, Any] = {}
        self.pool: dict[str, Any] = {}

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        if args.typ == "pulumi:providers:kubernetes":
            self.provider = dict(args.inputs)
        if args.typ in POOLS:
            self.pool = dict(args.inputs)
        return f"{args.name}-id", {**args.inputs, **POOLS.get(args.typ, {})}

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]]]:
        self.looked_up[args.token] = dict(args.args)
        value = base64.b64encode(json.dumps(KUBECONFIG).encode()).decode()
        return {
            "endpoint": "https://eks" if args.token.startswith("aws") else "203.0.113.7",
            "masterAuths": [{"clusterCaCertificate": "R0tF"}],
            "certificateAuthorities": [{"data": "RUtT"}],
            "vpcConfig": {"subnetIds": ["subnet-a", "subnet-b"]},
            "kubeconfigs": [{"name": "clusterUser", "value": value}],
        }, []


def reach(cluster: Cluster) -> Clouds:
    """Connect to a cluster and declare a pool in it."""
    clouds = Clouds()

    async def program() -> None:
        pulumi.runtime.set_mocks(clouds, project="multiarch-runner", stack="test")
        set_root_resource(NO_ROOT)

        def main() -> None:
            cloud = cloud_of(cluster)
            connect(cluster).declare(cloud.resolve(cloud.pool(name="arm64", arch=Arch.ARM64)))

        await run_in_stack(main)

    # Pulumi's runtime and the event loop are per thread: the other tests' own stay as they are.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, program()).result()
    return clouds


def gke(access: Access | None = None) -> GkeCluster:
    return GkeCluster(name="ci", project="example-ci", location="us-central1", access=access)


def test_gke_access_is_derived_from_the_cluster() -> None:
    clouds = reach(gke())
    assert clouds.looked_up == {
        "gcp:container/getCluster:getCluster": {"name": "ci", "project": "example-ci", "location": "us-central1"}
    }
    made = json.loads(clouds.provider["kubeconfig"])
    assert made["clusters"][0]["cluster"] == {"server": "https://203.0.113.7", "certificate-authority-data": "R0tF"}
    assert [clouds.pool[key] for key in ("cluster", "project", "location")] == ["ci", "example-ci", "us-central1"]


def test_eks_access_and_subnets_come_from_the_clusters_region() -> None:
    clouds = reach(EksCluster(name="ci", region="eu-central-1"))
    assert clouds.looked_up == {
        "aws:eks/getCluster:getCluster": {"name": "ci", "region": "eu-central-1"},
        "aws:eks/getNodeGroups:getNodeGroups": {"clusterName": "ci", "region": "eu-central-1"},
    }
    made = json.loads(clouds.provider["kubeconfig"])
    assert made["clusters"][0]["cluster"] == {"server": "https://eks", "certificate-authority-data": "RUtT"}
    assert [clouds.pool[key] for key in ("clusterName", "region")] == ["ci", "eu-central-1"]
    assert clouds.pool["subnetIds"] == ["subnet-a", "subnet-b"]


def test_nothing_of_azures_users_reaches_the_provider() -> None:
    clouds = reach(AksCluster(name="ci", resource_group="group"))
    [(token, asked)] = clouds.looked_up.items()
    assert token == "azure-native:containerservice:listManagedClusterUserCredentials"
    assert (asked["resourceGroupName"], asked["resourceName"]) == ("group", "ci")
    assert "private" not in clouds.provider["kubeconfig"]
    assert json.loads(clouds.provider["kubeconfig"])["clusters"][0]["cluster"]["server"] == "https://ci:443"
    assert [clouds.pool[key] for key in ("resourceName", "resourceGroupName")] == ["ci", "group"]


@pytest.mark.parametrize(
    "make",
    [
        gke,
        lambda access: AksCluster(name="ci", resource_group="group", access=access),
        lambda access: ExistingCluster(name="ci", access=access),
    ],
    ids=["gke", "aks", "existing"],
)
def test_a_stated_kubeconfig_is_passed_by_path_and_nothing_is_looked_up(make: Any, tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(KUBECONFIG))
    clouds = reach(make(Access(context="here", kubeconfig=str(path))))
    assert clouds.looked_up == {}
    assert (clouds.provider["kubeconfig"], clouds.provider["context"]) == (str(path), "here")


def test_two_clusters_are_never_taken_for_one() -> None:
    """Another cluster replaces everything in it; another endpoint of the same cluster must not."""
    first = reach(EksCluster(name="ci", region="eu-central-1"))
    second = reach(EksCluster(name="ci", region="eu-west-1"))
    assert first.provider["clusterIdentifier"] == "eks/eu-central-1/ci"
    assert second.provider["clusterIdentifier"] == "eks/eu-west-1/ci"
