"""The way to a cluster is the one that was named, or the one that the cloud's CLI made for exactly this cluster."""

import json
from pathlib import Path
from typing import Any

import pytest

from components.clouds import Cluster
from components.clouds.aks.sections import AksCluster
from components.clouds.eks.sections import EksCluster
from components.clouds.existing.sections import ExistingCluster
from components.clouds.gke.sections import GkeCluster
from components.clouds.sections import Access
from multiarch.model.access import NoAccessError, find_access
from multiarch.model.clouds import KNOWN

GKE = GkeCluster(name="ci", project="acme-ci", location="us-central1")
EKS = EksCluster(name="ci", region="eu-central-1")
AKS = AksCluster(name="ci", resource_group="group", subscription_id="11111111-1111-1111-1111-111111111111")
OWN = ExistingCluster(name="lab", access=Access(context="lab", kubeconfig="own"))
CONTEXT_OF: dict[str, tuple[Cluster, str]] = {
    "gke": (GKE, "gke_acme-ci_us-central1_ci"),
    "eks": (EKS, "arn:aws:eks:eu-central-1:123456789012:cluster/ci"),
    "eks in China": (EksCluster(name="ci", region="cn-north-1"), "arn:aws-cn:eks:cn-north-1:123456789012:cluster/ci"),
    "aks": (AKS, "ci"),
}


def kubeconfig(path: Path, **servers: str) -> Path:
    """Write a kubeconfig with a context for each server; the first is the current one."""
    named: dict[str, Any] = {
        "clusters": [{"name": name, "cluster": {"server": server}} for name, server in servers.items()],
        "contexts": [{"name": name, "context": {"cluster": name, "user": "me"}} for name in servers],
        "users": [{"name": "me", "user": {}}],
        "current-context": next(iter(servers), ""),
    }
    path.write_text(json.dumps(named))
    return path


@pytest.mark.parametrize("kind", CONTEXT_OF)
def test_the_clouds_own_context_is_found_and_the_current_one_is_not_taken(kind: str, tmp_path: Path) -> None:
    cluster, context = CONTEXT_OF[kind]
    names = {f"{context}-2": "https://2", f"x{context}": "https://3", context: "https://right"}
    path = kubeconfig(tmp_path / "config", **{"current": "https://current", **names})
    found = find_access(cluster, tmp_path, environment={"KUBECONFIG": str(path)})
    assert (found.context, found.server, str(found)) == (context, "https://right", f"context {context}")


@pytest.mark.parametrize("kind", CONTEXT_OF)
def test_without_it_the_command_that_makes_it_is_named(kind: str, tmp_path: Path) -> None:
    cluster, _ = CONTEXT_OF[kind]
    path = kubeconfig(tmp_path / "config", current="https://current")
    with pytest.raises(NoAccessError) as told:
        find_access(cluster, tmp_path, environment={"KUBECONFIG": str(path)})
    assert KNOWN[cluster.type].login(cluster) in str(told.value)
    assert str(path) in str(told.value)


def test_two_clusters_of_that_name_are_both_named_and_none_is_taken(tmp_path: Path) -> None:
    arns = [f"arn:aws:eks:eu-central-1:{account}:cluster/ci" for account in ("111111111111", "222222222222")]
    path = kubeconfig(tmp_path / "config", **dict(zip(arns, ("https://a", "https://b"), strict=True)))
    with pytest.raises(NoAccessError, match="several contexts") as told:
        find_access(EKS, tmp_path, environment={"KUBECONFIG": str(path)})
    assert all(arn in str(told.value) for arn in arns)


def test_files_are_merged_in_kubectls_order_and_of_one_name_the_first_is_taken(tmp_path: Path) -> None:
    first = kubeconfig(tmp_path / "first", other="https://other")
    second = kubeconfig(tmp_path / "second", ci="https://aks")
    listed = f"{tmp_path / 'missing'}::{first}:{second}"
    assert find_access(AKS, tmp_path, environment={"KUBECONFIG": listed}).server == "https://aks"
    twin = kubeconfig(tmp_path / "twin", ci="https://another")
    assert find_access(AKS, tmp_path, environment={"KUBECONFIG": f"{twin}:{second}"}).server == "https://another"


def test_the_stacks_own_access_is_taken_and_the_command_line_is_before_it(tmp_path: Path) -> None:
    kubeconfig(tmp_path / "own", lab="https://own", other="https://other")
    asked = kubeconfig(tmp_path / "asked", lab="https://asked")
    environment = {"KUBECONFIG": str(asked)}
    assert find_access(OWN, tmp_path, environment=environment).server == "https://own"
    assert find_access(OWN, tmp_path, kubeconfig=asked, environment=environment).server == "https://asked"
    assert find_access(OWN, tmp_path, context="other", environment=environment).server == "https://other"
    assert find_access(GKE, tmp_path, context="lab", environment=environment).server == "https://asked"


@pytest.mark.parametrize("content", [None, "", "[]", "{", '{"contexts": 1}'])
def test_a_file_that_is_no_kubeconfig_is_no_access(content: str | None, tmp_path: Path) -> None:
    path = tmp_path / "config"
    if content is not None:
        path.write_text(content)
    for cluster in (GKE, AKS):
        with pytest.raises(NoAccessError):
            find_access(cluster, tmp_path, kubeconfig=path)
    with pytest.raises(NoAccessError, match="config"):
        find_access(OWN, tmp_path, kubeconfig=path)


def test_a_context_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "own", other="https://other")
    with pytest.raises(NoAccessError, match=r"'lab' is not in .*Contexts that it has: other"):
        find_access(OWN, tmp_path, kubeconfig=path)
