"""The way out: what a pool passes through is checked by the SDK's own classes, overrides nothing, and is told of."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from components.clouds import CLOUDS, check_pools
from components.clouds.aks.sections import AksCluster, AksPool
from components.clouds.eks.sections import EksCluster, EksPool
from components.clouds.gke.component import GkeNodePool
from components.clouds.gke.sections import GkeCluster, GkePool
from components.clouds.sections import Passed
from components.keys import keys
from components.reading import parse

if TYPE_CHECKING:
    from components.clouds.contract import Cloud

CLUSTERS: dict[str, Any] = {
    "gke": (GkeCluster(name="ci", project="acme-ci", location="us-central1"), GkePool),
    "eks": (EksCluster(name="ci", region="eu-central-1"), EksPool),
    "aks": (AksCluster(name="ci", resource_group="ci"), AksPool),
}


def told(cloud: str, **passed: Any) -> list[tuple[str, str]]:
    """Return what is said of a pool that passes this through: where, and the whole text."""
    cluster, cls = CLUSTERS[cloud]
    pool = parse(cls, {"name": "arm64", "arch": "arm64", **passed}, "pools[0]")
    return [(problem.path.removeprefix("pools[0]."), problem.text) for problem in check_pools(cluster, [pool])]


@pytest.mark.parametrize(
    ("cloud", "passed"),
    [
        ("gke", {"arguments": {"placementPolicy": {"type": "COMPACT"}, "nodeConfig": {"localSsdCount": 1}}}),
        ("gke", {"arguments": {"nodeConfig": {"metadata": {"serial-port-logging-enable": "true"}}}}),
        ("eks", {"arguments": {"version": "1.33"}, "launchTemplateArguments": {"monitoring": {"enabled": True}}}),
        ("aks", {"arguments": {"gpuProfile": {"driver": "None"}, "messageOfTheDay": "aGVsbG8="}}),
    ],
)
def test_whatever_the_sdk_takes_may_be_passed_through(cloud: str, passed: dict[str, Any]) -> None:
    assert told(cloud, **passed) == []


@pytest.mark.parametrize(
    ("cloud", "passed", "path", "says"),
    [
        ("gke", {"nodeConfg": {}}, "nodeConfg", "Did you mean nodeConfig?"),
        ("gke", {"nodeConfig": {"localSsdCounts": 1}}, "nodeConfig.localSsdCounts", "Did you mean localSsdCount?"),
        ("gke", {"nodeConfig": {"localSsdCount": "1"}}, "nodeConfig.localSsdCount", "takes a whole number"),
        ("gke", {"nodeConfig": {"guestAccelerators": {"type": "t4"}}}, "nodeConfig.guestAccelerators", "takes a list"),
        (
            "gke",
            {"nodeConfig": {"guestAccelerators": [{"type": "nvidia-tesla-t4"}]}},
            "nodeConfig.guestAccelerators[0].count",
            "the SDK requires it",
        ),
        ("gke", {"placementPolicy": "COMPACT"}, "placementPolicy", "takes a mapping"),
        ("eks", {"warmPoolConfig": {"minsize": 1}}, "warmPoolConfig.minsize", "Did you mean minSize?"),
        ("aks", {"enableUltraSsd": True}, "enableUltraSsd", "Did you mean enableUltraSSD?"),
    ],
)
def test_a_name_or_a_nesting_that_the_sdk_has_not_is_refused(
    cloud: str, passed: dict[str, Any], path: str, says: str
) -> None:
    ((where, text),) = told(cloud, arguments=passed)
    assert where == f"arguments.{path}"
    assert says in text


@pytest.mark.parametrize(
    ("cloud", "field", "passed", "path"),
    [
        ("gke", "arguments", {"nodeConfig": {"machineType": "e2-small"}}, "nodeConfig.machineType"),
        ("gke", "arguments", {"nodeConfig": {"spot": True}}, "nodeConfig.spot"),
        ("gke", "arguments", {"nodeConfig": {"labels": {"team": "builds"}}}, "nodeConfig.labels"),
        ("gke", "arguments", {"nodeConfig": "none"}, "nodeConfig"),
        ("gke", "arguments", {"autoscaling": {"maxNodeCount": 3}}, "autoscaling.maxNodeCount"),
        ("gke", "arguments", {"version": "1.33"}, "version"),  # changes of it would be ignored
        ("gke", "arguments", {"cluster": "other"}, "cluster"),
        ("eks", "arguments", {"subnetIds": ["subnet-1"]}, "subnetIds"),
        (
            "eks",
            "launchTemplateArguments",
            {"metadataOptions": {"httpTokens": "optional"}},
            "metadataOptions.httpTokens",
        ),
        # What EKS refuses beside the group's own.
        ("eks", "launchTemplateArguments", {"imageId": "ami-1"}, "imageId"),
        ("eks", "launchTemplateArguments", {"instanceType": "m7i.large"}, "instanceType"),
        ("eks", "launchTemplateArguments", {"instanceMarketOptions": {"marketType": "spot"}}, "instanceMarketOptions"),
        ("eks", "launchTemplateArguments", {"iamInstanceProfile": {"name": "x"}}, "iamInstanceProfile"),
        ("aks", "arguments", {"kubeletConfig": {"podMaxPids": 1}}, "kubeletConfig.podMaxPids"),
        ("aks", "arguments", {"orchestratorVersion": "1.33"}, "orchestratorVersion"),
    ],
)
def test_what_the_pool_or_the_program_sets_is_not_overridden(
    cloud: str, field: str, passed: dict[str, Any], path: str
) -> None:
    assert told(cloud, **{field: passed}) == [
        (
            f"{field}.{path}",
            "already set by the program or by a key of the pool. Remove it; docs/config.md lists the pool's keys.",
        )
    ]


def test_user_data_may_be_passed_through_unless_the_program_writes_some() -> None:
    passed = {"launchTemplateArguments": {"userData": "eA=="}}
    assert told("eks", **passed) == []
    ((path, _),) = told("eks", kubeletConfig={"podPidsLimit": 4096}, **passed)
    assert path == "launchTemplateArguments.userData"


def test_a_secret_is_refused_and_not_shown() -> None:
    token = "glpat-" + "x" * 20
    for passed in (
        {"nodeConfig": {"metadata": {"startup": f"curl -H {token}"}}},
        {"tags": {"apiToken": "hunter2"}},
        {"tags": {token: "x"}},
    ):
        ((path, text),) = told("gke", arguments=passed)
        assert path.startswith("arguments.")
        assert token not in path + text
        assert "hunter2" not in text


def test_what_is_passed_through_is_told_beside_the_pools_other_problems() -> None:
    paths = [path for path, _ in told("gke", minNodes=9, maxNodes=1, arguments={"nodeConfg": {}})]
    assert paths == ["minNodes", "arguments.nodeConfg"]


def test_the_keys_that_pass_through_are_those_that_the_cloud_and_its_sdk_know() -> None:
    cloud: Cloud[Any, Any]
    for cloud in CLOUDS.values():
        passing = {key.field for key in keys(cloud.pool) if key.annotation == Passed}
        assert passing == set(cloud.own) == set(cloud.shell().ARGUMENTS)


def test_reports_tell_of_what_is_passed_through(
    record: Callable[[Callable[[], object]], Any], caplog: pytest.LogCaptureFixture
) -> None:
    passed: Any = {"nodeConfig": {"localSsdCount": 1}}
    pool = GkePool(name="arm64", machine_type="t2a-standard-8", arguments=passed)
    record(lambda: GkeNodePool("arm64", {"pool": pool, "location": "us-central1", "cluster_name": "ci"}))
    assert "arm64: passed through, checked by the SDK's types only: arguments.nodeConfig.localSsdCount" in caplog.text
