"""The components as the engine sees them: options, dependencies, parents, and what they publish."""

import ast
import json
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws
import pulumi_gcp
import pytest
from pulumi_azure_native import containerservice

from components.clouds import CLOUDS, Cluster, resolve
from components.clouds.aks.component import AksNodePool
from components.clouds.aks.sections import AksCluster, AksPool
from components.clouds.component import NodePool
from components.clouds.connection import connect
from components.clouds.eks.component import EksNodePool
from components.clouds.eks.sections import EksCluster, EksPool
from components.clouds.existing.component import ExistingNodes
from components.clouds.existing.sections import ExistingCluster, ExistingPool
from components.clouds.gke.component import GkeNodePool
from components.clouds.gke.sections import GkeCluster, GkePool, Limits
from components.clouds.machines import Arch
from components.clouds.sections import Access, PoolBase, Taint
from components.problems import ConfigError

Record = Callable[[Callable[[], object]], Any]
ROOT = Path(__file__).resolve().parents[3]
GKE = "gcp:container/nodePool:NodePool"
EKS = "aws:eks/nodeGroup:NodeGroup"
AKS = "azure-native:containerservice:AgentPool"


def _with(keys: dict[str, Any], **place: Any) -> dict[str, Any]:
    """A component's arguments: keys of its place where they are some, and the pool's for the rest."""
    pool = {key: value for key, value in keys.items() if key not in (*place, "cluster")}
    own = {key: value for key, value in keys.items() if key not in pool}
    return {"pool": {"name": "arm64", "arch": Arch.ARM64, **pool}, **place, **own}


def _gke(**keys: Any) -> Any:
    return _with(keys, location="us-central1", cluster_name="ci")


def _eks(**keys: Any) -> Any:
    subnets = ["subnet-1", "subnet-2"]
    return _with(keys, region="eu-central-1", cluster_name="ci", cluster_subnet_ids=subnets)


def _aks(**keys: Any) -> Any:
    return _with(keys, resource_group_name="rg", cluster_name="ci")


def _existing(**keys: Any) -> Any:
    return _with(keys)


ALL: list[tuple[type[NodePool], Any]] = [
    (GkeNodePool, _gke),
    (EksNodePool, _eks),
    (AksNodePool, _aks),
    (ExistingNodes, _existing),
]


def test_what_the_autoscaler_and_auto_upgrade_change_on_gke_is_ignored(record: Record) -> None:
    pool = record(lambda: GkeNodePool("p", _gke())).one(GKE)
    assert pool.ignore_changes == ("initialNodeCount", "nodeCount", "version")
    assert "nodeCount" not in pool.inputs
    assert "version" not in pool.inputs


def test_what_the_autoscaler_changes_on_eks_is_ignored(record: Record) -> None:
    group = record(lambda: EksNodePool("p", _eks())).one(EKS)
    assert "scalingConfig.desiredSize" in group.ignore_changes


def _groups(monkeypatch: pytest.MonkeyPatch, **groups: tuple[int, list[str]]) -> None:
    """Let EKS tell of groups of these pools, of 1 to 20 nodes: how many they are to have, and where they are."""

    def group(pool: str) -> Any:
        size, subnets = groups[pool]
        scaling = [types.SimpleNamespace(desired_size=size, min_size=1, max_size=20)]
        return types.SimpleNamespace(
            tags={"multiarch-runner.io/pool": pool}, scaling_configs=scaling, subnet_ids=subnets
        )

    monkeypatch.setattr(pulumi_aws.eks, "get_node_groups", lambda **_: types.SimpleNamespace(names=list(groups)))
    monkeypatch.setattr(pulumi_aws.eks, "get_node_group", lambda **given: group(given["node_group_name"]))


@pytest.mark.parametrize(
    ("keys", "where"),
    [
        ({}, ["subnet-7"]),  # where it is, whatever subnets the cluster has got since
        ({"spot": True}, ["subnet-7"]),  # its successor too
        ({"subnet_ids": ["subnet-8"]}, ["subnet-8"]),
        ({"name": "new"}, ["subnet-1", "subnet-2"]),
    ],
)
def test_an_eks_group_stays_in_its_subnets_unless_others_are_stated(
    record: Record, monkeypatch: pytest.MonkeyPatch, keys: dict[str, Any], where: list[str]
) -> None:
    _groups(monkeypatch, arm64=(1, ["subnet-7"]))
    assert record(lambda: EksNodePool("p", _eks(**keys))).one(EKS).inputs["subnetIds"] == where


def test_subnets_of_a_cluster_that_nobody_could_ask_are_kept_by_the_engine(record: Record) -> None:
    def program() -> None:
        EksNodePool("p", _eks(cluster_name=pulumi.Output.from_input("ci")))
        EksNodePool("q", _eks(cluster_name=pulumi.Output.from_input("ci"), subnet_ids=["subnet-8"]))

    looked_up, stated = sorted(record(program).all(EKS), key=lambda group: str(group.name))
    assert "subnetIds" in looked_up.ignore_changes
    assert "subnetIds" not in stated.ignore_changes


def test_what_the_autoscaler_and_auto_upgrade_change_on_aks_is_ignored(record: Record) -> None:
    pool = record(lambda: AksNodePool("p", _aks())).one(AKS)
    assert pool.ignore_changes == ("count", "orchestratorVersion")
    assert pool.inputs["count"] == 1


@pytest.mark.parametrize(
    ("component", "arguments", "kind"), [(GkeNodePool, _gke, GKE), (EksNodePool, _eks, EKS), (AksNodePool, _aks, AKS)]
)
def test_a_successor_comes_before_its_pool_goes_unless_the_pool_says_otherwise(
    record: Record, component: Any, arguments: Any, kind: str
) -> None:
    # Said either way: left to themselves, the providers of Google and Azure delete a pool of a stated name first.
    assert record(lambda: component("p", arguments())).one(kind).delete_before_replace is False
    told = arguments(replacement="deleteFirst")
    assert record(lambda: component("p", told)).one(kind).delete_before_replace is True


@pytest.mark.parametrize(
    ("bounds", "now", "told"),
    [
        ((2, 10), 1, 2),  # a raised minimum: AWS refuses it while fewer are desired
        ((0, 3), 7, 3),  # a lowered maximum
        ((1, 10), 7, 7),  # within: sent as it is now, or the provider would send the state's, and end nodes with jobs
        ((5, 20), 7, 7),
        ((1, 20), 7, None),  # the bounds are as they were: it is no difference, wherever the autoscaler moved it
        ((1, 10), None, None),  # no group yet
    ],
)
def test_new_bounds_of_an_eks_group_take_its_present_number_along(
    record: Record, monkeypatch: pytest.MonkeyPatch, bounds: tuple[int, int], now: int | None, told: int | None
) -> None:
    there = {"arm64": (now, ["subnet-1"])} if now is not None else {}
    _groups(monkeypatch, **{"arm64-big": (50, ["subnet-1"]), **there})
    made = record(lambda: EksNodePool("p", _eks(min_nodes=bounds[0], max_nodes=bounds[1]))).one(EKS)
    assert made.inputs["scalingConfig"]["desiredSize"] == (bounds[0] if told is None else told)
    assert ("scalingConfig.desiredSize" in made.ignore_changes) == (told is None)


def test_an_eks_group_has_a_name_of_its_own_so_that_its_successor_can_come_first(record: Record) -> None:
    group = record(lambda: EksNodePool("p", _eks())).one(EKS)
    assert group.inputs["nodeGroupNamePrefix"] == "arm64-"


@pytest.mark.parametrize(("component", "arguments"), ALL)
def test_children_have_the_component_as_parent_and_its_name_as_prefix(
    record: Record, component: Any, arguments: Any
) -> None:
    recording = record(lambda: component("p", arguments()))
    (own,) = [resource for resource in recording.resources if resource.name == "p"]
    children = [resource for resource in recording.resources if resource is not own and resource.parent]
    assert all(child.parent == own.urn and child.name.startswith("p-") for child in children)
    assert bool(children) == (component is not ExistingNodes)


@pytest.mark.parametrize(("component", "arguments"), ALL)
def test_every_component_publishes_the_outputs_that_it_declares(record: Record, component: Any, arguments: Any) -> None:
    recording = record(lambda: component("p", arguments()))
    (outputs,) = [found for urn, found in recording.outputs.items() if urn.endswith("::p")]
    assert set(outputs) == set(NodePool.__annotations__)
    assert outputs["arch"] == "arm64"
    assert outputs["taints"] == ["kubernetes.io/arch=arm64:NoSchedule"]
    assert (outputs["min_nodes"], outputs["max_nodes"]) == (1, 20)
    # In the cloud, the name has a suffix by which a pool is told from its successor.
    (name,) = outputs["names"]
    assert (name == "arm64") == (component is ExistingNodes)
    assert name.startswith("arm64")


def test_a_pool_waits_for_a_gke_cluster_that_the_caller_passes(record: Record) -> None:
    def program() -> None:
        cluster = pulumi_gcp.container.Cluster("made-here", name="made-here")
        # By another name, so that nothing but the cluster itself makes it wait.
        GkeNodePool("p", _gke(cluster=cluster, cluster_name="ci"))
        GkeNodePool("q", _gke(cluster=cluster, cluster_name=None))

    first, second = sorted(record(program).all(GKE), key=lambda pool: str(pool.name))
    assert [urn for urn in first.dependencies if urn.endswith("::made-here")]
    assert (first.inputs["cluster"], second.inputs["cluster"]) == ("ci", "made-here")


def test_a_pool_waits_for_an_eks_cluster_that_the_caller_passes_and_takes_its_subnets(record: Record) -> None:
    def program() -> None:
        cluster = pulumi_aws.eks.Cluster(
            "made-here",
            name="made-here",
            role_arn="arn:aws:iam::123456789012:role/cluster",
            vpc_config={"subnet_ids": ["subnet-7"]},
        )
        EksNodePool("p", _eks(cluster=cluster))
        EksNodePool("q", _eks(cluster=cluster, cluster_name=None, cluster_subnet_ids=None))

    first, second = sorted(record(program).all(EKS), key=lambda group: str(group.name))
    assert [urn for urn in first.dependencies if urn.endswith("::made-here")]
    assert (first.inputs["clusterName"], second.inputs["clusterName"]) == ("ci", "made-here")
    assert (first.inputs["subnetIds"], second.inputs["subnetIds"]) == (["subnet-1", "subnet-2"], ["subnet-7"])


def test_a_pool_waits_for_an_aks_cluster_that_the_caller_passes(record: Record) -> None:
    def program() -> None:
        cluster = containerservice.ManagedCluster("made-here", resource_group_name="rg")
        AksNodePool("p", _aks(cluster=cluster, cluster_name="ci"))

    assert [urn for urn in record(program).one(AKS).dependencies if urn.endswith("::made-here")]


@pytest.mark.parametrize(("component", "arguments"), ALL[:-1])
def test_a_pool_of_no_cluster_is_refused(record: Record, component: Any, arguments: Any) -> None:
    with pytest.raises(ConfigError, match="belong to no cluster"):
        record(lambda: component("p", arguments(cluster_name=None)))


def test_aks_gets_the_cluster_name_and_not_pulumis_own_keyword(record: Record) -> None:
    pool = record(lambda: AksNodePool("p", _aks())).one(AKS)
    assert (pool.name, pool.inputs["resourceName"]) == ("p-pool", "ci")


def test_nodes_of_eks_start_only_when_their_role_may_do_its_work(record: Record) -> None:
    recording = record(lambda: EksNodePool("p", _eks()))
    attachments = recording.all("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
    assert {attachment.inputs["policyArn"].rpartition("/")[2] for attachment in attachments} == {
        "AmazonEKSWorkerNodePolicy",
        "AmazonEC2ContainerRegistryPullOnly",
        "AmazonEKS_CNI_Policy",
    }
    group = recording.one(EKS)
    assert {attachment.urn for attachment in attachments} <= set(group.dependencies)


def test_no_role_is_made_where_one_is_given(record: Record) -> None:
    arn = "arn:aws:iam::123456789012:role/nodes"
    recording = record(lambda: EksNodePool("p", _eks(node_role_arn=arn)))
    assert recording.all("aws:iam/role:Role") == []
    assert recording.one(EKS).inputs["nodeRoleArn"] == arn


def test_the_launch_template_version_is_a_number_and_never_latest(record: Record) -> None:
    group = record(lambda: EksNodePool("p", _eks())).one(EKS)
    assert group.inputs["launchTemplate"] == {"id": "p-template-id", "version": "7"}


def test_the_autoscalers_hints_are_on_the_group_that_eks_made(record: Record) -> None:
    recording = record(lambda: EksNodePool("p", _eks(labels={"team": "builds"})))
    found = {tag.inputs["tag"]["key"]: tag.inputs["tag"]["value"] for tag in recording.all("aws:autoscaling/tag:Tag")}
    assert found["k8s.io/cluster-autoscaler/node-template/label/team"] == "builds"
    assert found["k8s.io/cluster-autoscaler/node-template/taint/kubernetes.io/arch"] == "arm64:NoSchedule"
    names = {tag.inputs["autoscalingGroupName"] for tag in recording.all("aws:autoscaling/tag:Tag")}
    assert names == {"asg-p-group"}


@pytest.mark.parametrize(
    ("component", "arguments", "kind"), [(GkeNodePool, _gke, GKE), (EksNodePool, _eks, EKS), (AksNodePool, _aks, AKS)]
)
def test_protect_reaches_the_pool_itself(record: Record, component: Any, arguments: Any, kind: str) -> None:
    assert record(lambda: component("p", arguments(protect=True))).one(kind).protect
    assert not record(lambda: component("p", arguments())).one(kind).protect


def test_limits_per_zone_are_published_as_totals(record: Record) -> None:
    recording = record(lambda: GkeNodePool("p", _gke(limits=Limits.PER_ZONE, max_nodes=5)))
    (outputs,) = [found for urn, found in recording.outputs.items() if urn.endswith("::p")]
    assert (outputs["min_nodes"], outputs["max_nodes"]) == (3, 15)


@pytest.mark.parametrize(("component", "arguments"), ALL)
def test_a_pool_that_cannot_work_registers_nothing(record: Record, component: Any, arguments: Any) -> None:
    errors: list[ConfigError] = []

    def program() -> None:
        try:
            component("p", arguments(min_nodes=9, max_nodes=3))
        except ConfigError as error:
            errors.append(error)

    recording = record(program)
    assert [problem.path for problem in errors[0].problems] == ["p.pool.minNodes"]
    assert [resource.type for resource in recording.resources] == ["pulumi:pulumi:Stack"]


@pytest.mark.parametrize(
    ("component", "arguments", "key"), [(GkeNodePool, _gke, "location"), (EksNodePool, _eks, "region")]
)
@pytest.mark.parametrize("given", [5, "", None])
def test_a_place_that_is_no_text_is_told_by_its_key(
    record: Record, component: Any, arguments: Any, key: str, given: object
) -> None:
    with pytest.raises(ConfigError, match=rf"p\.{key}: .*Write text\."):
        record(lambda: component("p", {**arguments(), key: given}))


def test_a_value_that_is_known_only_later_is_told_by_its_key(record: Record) -> None:
    later: Any = pulumi.Output.from_input("x")
    gke: Any = {**_gke(), "pool": {"labels": {"team": later}}}
    eks: Any = {**_eks(), "region": later}
    with pytest.raises(ConfigError, match=r"p\.pool\.labels\.team: .*known before a deployment"):
        record(lambda: GkeNodePool("p", gke))
    with pytest.raises(ConfigError, match=r"p\.region: .*known before a deployment"):
        record(lambda: EksNodePool("p", eks))


def test_whole_numbers_may_come_as_floats_as_they_do_over_the_wire(record: Record) -> None:
    recording = record(lambda: GkeNodePool("p", _gke(max_nodes=7.0)))
    assert recording.one(GKE).inputs["autoscaling"]["totalMaxNodeCount"] == 7


def test_an_eks_pool_without_any_subnets_is_refused(record: Record) -> None:
    with pytest.raises(ConfigError, match="subnet"):
        record(lambda: EksNodePool("p", _eks(cluster_subnet_ids=None)))


KUBECONFIG = {
    "clusters": [{"name": "ci", "cluster": {"server": "https://ci:443"}}],
    "contexts": [{"name": "ci", "context": {"cluster": "ci", "user": ""}}],
}
# The cluster, the pool, the resource that is made, and some of its inputs.
Declared = tuple[Cluster, PoolBase, str | None, dict[str, Any]]
DECLARED: list[Declared] = [
    (
        GkeCluster(name="ci", project="acme-ci", location="us-central1"),
        GkePool(name="arm64", arch=Arch.ARM64, taints=[Taint(key="x", value="y")], limits=Limits.PER_ZONE),
        GKE,
        {"cluster": "ci", "project": "acme-ci", "location": "us-central1"},
    ),
    (
        EksCluster(name="ci", region="eu-central-1"),
        EksPool(name="arm64", machine_type="m7g.large", spot=True),
        EKS,
        {"clusterName": "ci", "region": "eu-central-1", "subnetIds": ["subnet-1"], "capacityType": "SPOT"},
    ),
    (
        AksCluster(name="ci", resource_group="rg"),
        AksPool(name="arm64", arch=Arch.ARM64, spot=True),
        AKS,
        {"resourceName": "ci", "resourceGroupName": "rg", "scaleSetPriority": "Spot"},
    ),
    (
        ExistingCluster(name="ci", access=Access(context="ci")),
        ExistingPool(name="arm64", arch=Arch.ARM64, labels={"team": "builds"}),
        None,
        {},
    ),
]


@pytest.mark.parametrize("case", DECLARED, ids=[case[0].type for case in DECLARED])
def test_a_connection_declares_the_clusters_own_kind_of_pool_in_its_place(
    record: Record, case: Declared, tmp_path: Path
) -> None:
    cluster, pool, kind, expected = case
    if cluster.access is not None:
        path = tmp_path / "kubeconfig"
        path.write_text(json.dumps(KUBECONFIG), encoding="utf-8")
        cluster = ExistingCluster(name="ci", access=Access(context="ci", kubeconfig=str(path)))

    recording = record(lambda: connect(cluster).declare(resolve(pool)))
    (outputs,) = [found for urn, found in recording.outputs.items() if urn.endswith("::arm64")]
    assert outputs["taints"] == [str(taint) for taint in resolve(pool).node_taints]
    assert outputs["labels"] == dict(resolve(pool).labels)
    if kind is not None:
        inputs = recording.one(kind).inputs
        assert {key: inputs[key] for key in expected} == expected


@pytest.mark.parametrize("spelling", ["max_nodes", "maxNodes"])
def test_a_pool_may_be_itself_or_a_mapping_in_either_spelling(record: Record, spelling: str) -> None:
    mapping = {"name": "arm64", "arch": "arm64", spelling: 7, "labels": {"max_nodes": "kept"}}
    section = GkePool(name="arm64", arch=Arch.ARM64, max_nodes=7, labels={"max_nodes": "kept"})

    def made(pool: Any) -> Any:
        args = _gke() | {"pool": pool}
        return record(lambda: GkeNodePool("p", args)).one(GKE).inputs

    first = made(mapping)
    assert first == made(section)
    assert first["nodeConfig"]["labels"]["max_nodes"] == "kept"


@pytest.mark.parametrize(("component", "arguments"), ALL)
def test_a_key_that_no_pool_has_is_refused_with_its_path(record: Record, component: Any, arguments: Any) -> None:
    with pytest.raises(ConfigError, match=r"p\.pool\.maxNods: .* Did you mean maxNodes\?"):
        record(lambda: component("p", arguments(maxNods=3)))


@pytest.mark.parametrize("name", ["component", *(f"{cloud}/component" for cloud in CLOUDS)])
def test_component_modules_keep_their_annotations_readable(name: str) -> None:
    source = (ROOT / "components" / "clouds" / f"{name}.py").read_text(encoding="utf-8")
    assert "from __future__ import annotations" not in source


@pytest.mark.parametrize(
    ("kind", "own"),
    [("gke", "pulumi_gcp"), ("eks", "pulumi_aws"), ("aks", "pulumi_azure_native"), ("existing", None)],
)
def test_a_kind_of_pool_imports_no_other_clouds_sdk(kind: str, own: str | None) -> None:
    script = (
        f"import sys\nfrom components.clouds import CLOUDS\nCLOUDS[{kind!r}].shell()\n"
        "print([name for name in ('pulumi_gcp', 'pulumi_aws', 'pulumi_azure_native') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ast.literal_eval(done.stdout) == ([own] if own else [])


def test_the_pure_part_imports_no_pulumi() -> None:
    script = (
        "import sys, components.config, components.clouds\n"
        "for cloud in components.clouds.CLOUDS: __import__(f'components.clouds.{cloud}')\n"
        "print([name for name in sys.modules if name.partition('.')[0].startswith('pulumi')])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ast.literal_eval(done.stdout) == []
