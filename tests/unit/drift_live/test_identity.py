"""A cluster that is seen to be another one is told, and the right one never is."""

import base64
import json
from typing import Any

import pytest

from components.clouds import Cluster
from components.clouds.aks.sections import AksCluster
from components.clouds.eks.sections import EksCluster
from components.clouds.existing.sections import ExistingCluster
from components.clouds.gke.sections import GkeCluster
from components.clouds.sections import Access
from multiarch.drift.live.identity import another_cluster
from multiarch.drift.live.request import StateResource

GKE = GkeCluster(name="ci", project="acme-ci", location="us-central1")
ZONAL = GkeCluster(name="ci", project="acme-ci", location="us-central1-a")
EKS = EksCluster(name="ci", region="us-east-1")
AKS = AksCluster(
    name="ci", resource_group="g", subscription_id="AAAAAAAA-1111-1111-1111-111111111111", location="westeurope"
)
OWN = ExistingCluster(name="lab", access=Access(context="lab"))
EKS_SERVER = "https://0123456789ABCDEF0123456789ABCDEF.gr7.{}.eks.amazonaws.com"


def node(provider_id: str, **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": "n", "labels": labels}, "spec": {"providerID": provider_id}}


@pytest.mark.parametrize(
    ("cluster", "server", "provider_id"),
    [
        (GKE, "https://34.1.2.3", "gce://acme-ci/us-central1-f/gke-ci-x"),
        (ZONAL, "https://gke-0123-abc.us-central1-a.gke.goog", "gce://acme-ci/us-central1-b/gke-ci-x"),
        (EKS, EKS_SERVER.format("us-east-1"), "aws:///us-east-1a/i-0123"),
        (EKS, "https://bastion:8443", "aws:///us-east-1-bos-1a/i-0123"),
        (
            AKS,
            "https://ci-dns-1234.hcp.westeurope.azmk8s.io:443",
            "azure:///subscriptions/aaaaaaaa-1111-1111-1111-111111111111/x",
        ),
        (AKS, "https://ci.privatelink.westeurope.azmk8s.io", "azure:///"),
        (OWN, "https://anything", "aws:///us-east-1a/i-0123"),
        (GKE, "https://34.1.2.3", ""),
        (GKE, "https://34.1.2.3", "kind://docker/x/y"),
    ],
)
def test_the_right_cluster_passes(cluster: Cluster, server: str, provider_id: str) -> None:
    assert another_cluster(cluster, server, [node(provider_id)]) == ""


@pytest.mark.parametrize(
    ("cluster", "server", "provider_id", "reason"),
    [
        (GKE, "https://1.2.3.4", "gce://other-ci/us-central1-f/x", "project other-ci"),
        (GKE, "https://1.2.3.4", "gce://acme-ci/us-central10-a/x", "us-central10-a"),
        (GKE, "https://1.2.3.4", "aws:///us-east-1a/i-0123", "another cloud"),
        (GKE, "https://gke-0123-abc.europe-west1.gke.goog", "", "europe-west1"),
        (EKS, "https://1.2.3.4", "aws:///us-east-2a/i-0123", "us-east-2a"),
        (EKS, EKS_SERVER.format("eu-west-1"), "", "eu-west-1"),
        (EKS, "https://1.2.3.4", "azure:///subscriptions/x", "another cloud"),
        (AKS, "https://1.2.3.4", "azure:///subscriptions/bbbbbbbb-1111-1111-1111-111111111111/x", "bbbbbbbb"),
        (AKS, "https://ci-dns-1234.hcp.northeurope.azmk8s.io:443", "", "northeurope"),
    ],
)
def test_another_cluster_is_told_with_what_gave_it_away(
    cluster: Cluster, server: str, provider_id: str, reason: str
) -> None:
    assert reason in another_cluster(cluster, server, [node(provider_id)])


def test_a_node_that_says_whose_it_is_is_believed() -> None:
    machine = node("aws:///us-east-1a/i-0123", **{"alpha.eksctl.io/cluster-name": "staging"})
    assert "staging" in another_cluster(EKS, "https://x", [machine])


def deployed(server: str, ca: str) -> StateResource:
    cluster = {"server": server, "certificate-authority-data": base64.b64encode(ca.encode()).decode()}
    kubeconfig = json.dumps({"clusters": [{"name": "x", "cluster": cluster}]})
    return StateResource(urn="urn", type="pulumi:providers:kubernetes", inputs={"kubeconfig": kubeconfig})


@pytest.mark.parametrize(
    ("server", "ca", "same"),
    [
        ("https://a", "A", True),
        ("https://a/", "B", True),
        ("https://b", "A\n", True),
        ("https://b", "B", False),
        ("https://b", "", True),
    ],
)
def test_the_address_or_the_ca_that_pulumi_deployed_to_is_enough(server: str, ca: str, *, same: bool) -> None:
    told = another_cluster(GKE, server, [], [deployed("https://a", "A")], ca)
    assert (told == "") is same


@pytest.mark.parametrize("kubeconfig", [None, "/home/me/.kube/config", "{", "{}", '{"clusters": []}', {"secret": 1}])
def test_a_state_that_tells_no_endpoint_tells_nothing(kubeconfig: Any) -> None:
    state = StateResource(urn="urn", type="pulumi:providers:kubernetes", inputs={"kubeconfig": kubeconfig})
    assert another_cluster(GKE, "https://b", [], [state], "B") == ""
