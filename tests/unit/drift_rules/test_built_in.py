"""Built-in rules ignore what this program's own pools leave to the cloud, and nothing else."""

import datetime as dt

import pytest

from components.clouds.aks import arguments as aks_args
from components.clouds.eks import arguments as eks_args
from components.clouds.gke import arguments as gke_args
from multiarch.core.verdict import Verdict
from multiarch.drift.ignore import BUILT_IN, apply_rules
from multiarch.drift.model import Change, Check, CheckResult, ComparedStack, Difference, Finding

POOLS = {
    "gke": "multiarch-runner:index:GkeNodePool$gcp:container/nodePool:NodePool",
    "eks": "multiarch-runner:index:EksNodePool$aws:eks/nodeGroup:NodeGroup",
    "aks": "multiarch-runner:index:AksNodePool$azure-native:containerservice:AgentPool",
}
LEFT_TO_THE_CLOUD = {
    "gke": gke_args.IGNORE_CHANGES,
    "eks": eks_args.IGNORE_CHANGES,
    "aks": aks_args.IGNORE_CHANGES,
}


def verdict(kind: str, path: str, change: Change = Change.CHANGED) -> Verdict:
    urn = f"urn:pulumi:prod::multiarch-runner::{kind}::arm64-pool"
    finding = Finding(
        check=Check.STATE,
        resource=urn,
        urn=urn,
        verdict=Verdict.NO,
        change=change,
        differences=(Difference(path=path, change=Change.CHANGED, wanted="1", found="7"),),
    )
    report = ComparedStack(stack="prod", checks=(CheckResult(check=Check.STATE, findings=(finding,)),))
    return apply_rules(report, BUILT_IN, dt.date(2026, 11, 25)).verdict


@pytest.mark.parametrize("cloud", POOLS)
def test_what_a_pool_leaves_to_the_cloud_is_no_drift(cloud: str) -> None:
    for path in LEFT_TO_THE_CLOUD[cloud]:
        assert verdict(POOLS[cloud], path) is Verdict.YES, path


@pytest.mark.parametrize("cloud", POOLS)
def test_what_a_pool_promises_is_drift(cloud: str) -> None:
    for path in (
        "nodeTaints[0]",
        "nodeLabels.team",
        "scalingConfig.maxSize",
        "autoscaling.totalMaxNodeCount",
        "vmSize",
    ):
        assert verdict(POOLS[cloud], path) is Verdict.NO, path


@pytest.mark.parametrize("cloud", POOLS)
def test_a_pool_that_is_gone_is_drift(cloud: str) -> None:
    assert verdict(POOLS[cloud], LEFT_TO_THE_CLOUD[cloud][0], Change.GONE) is Verdict.NO


@pytest.mark.parametrize("cloud", POOLS)
def test_pools_of_others_are_not_ours_to_ignore(cloud: str) -> None:
    kind = POOLS[cloud].split("$")[1]
    for path in LEFT_TO_THE_CLOUD[cloud]:
        assert verdict(kind, path) is Verdict.NO
        assert verdict(f"acme:index:Pool${kind}", path) is Verdict.NO


def test_a_pinned_api_version_of_azure_is_the_same_pool() -> None:
    kind = "multiarch-runner:index:AksNodePool$azure-native:containerservice/v20250101:AgentPool"
    assert verdict(kind, "count") is Verdict.YES


def test_a_pool_within_another_component_is_the_same_pool() -> None:
    assert verdict(f"acme:index:Platform${POOLS['gke']}", "nodeCount") is Verdict.YES


def test_every_built_in_rule_has_its_own_name_a_reason_and_a_source() -> None:
    assert len({rule.id for rule in BUILT_IN}) == len(BUILT_IN)
    assert all(rule.reason and rule.source.startswith("https://") and rule.built_in for rule in BUILT_IN)
    assert all(rule.expires is None for rule in BUILT_IN)
