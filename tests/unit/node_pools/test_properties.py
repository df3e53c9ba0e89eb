"""What holds for any pool that the checks let through."""

import dataclasses
import re
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from components.clouds import Cluster, check_pools, cloud_of, machine_type, placed, resolve
from components.clouds.aks import SPOT_TAINT as AKS_SPOT_TAINT
from components.clouds.aks import arguments as aks_args
from components.clouds.aks.sections import AksCluster, AksPool
from components.clouds.checks import reserved_domain
from components.clouds.component import resolved_pool
from components.clouds.eks import arguments as eks_args
from components.clouds.eks import machines as aws
from components.clouds.eks.sections import EksCluster, EksPool
from components.clouds.existing.sections import ExistingCluster, ExistingPool
from components.clouds.gke import arguments as gke_args
from components.clouds.gke.sections import GkeCluster, GkePool
from components.clouds.machines import words
from components.clouds.sections import Access, Taint
from components.problems import ConfigError

CLUSTERS: dict[Any, Cluster] = {
    GkePool: GkeCluster(name="ci", project="acme-ci", location="us-central1"),
    EksPool: EksCluster(name="ci", region="eu-central-1"),
    AksPool: AksCluster(name="ci", resource_group="ci"),
    ExistingPool: ExistingCluster(name="ci", access=Access(context="ci")),
}
# Known ones of both architectures, and one that nobody knows.
GCP = sorted(words("t2a-standard-8 c4a-standard-4 n4a-highmem-8 e2-standard-8 n2-custom-4-8192 zz9-standard-8"))
AWS = sorted(words("m7g.xlarge m6g.large g5g.xlarge g4dn.xlarge m7i.large t3.large m12g.large"))
AZURE = sorted(
    words("Standard_D8ps_v6 Standard_D8pds_v5 Standard_D8s_v6 Standard_D8ds_v5 Standard_NP10s Standard_Q8ps_v9")
)
# Mostly free, so that most pools pass the checks and the properties have something to hold for.
PREFIXES = ("", "", "", "ci.example.org/", "ci.example.org/", "ci.example.org/", "kubernetes.io/", "x.k8s.io/")
keys = st.builds(
    str.__add__, st.sampled_from(PREFIXES), st.from_regex(r"[a-z]([-a-z0-9_.]{0,10}[a-z0-9])?", fullmatch=True)
)
values = st.from_regex(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,10}[A-Za-z0-9])?", fullmatch=True)
taints = st.builds(
    Taint, key=keys, value=values, effect=st.sampled_from(["NoSchedule", "PreferNoSchedule", "NoExecute"])
)
common = {
    "name": st.from_regex(r"[a-z][a-z0-9]{0,7}", fullmatch=True),
    "labels": st.dictionaries(keys, values, max_size=3),
    "taints": st.lists(taints, max_size=3),
    "min_nodes": st.integers(0, 6),
    "max_nodes": st.integers(4, 30),
}
cloud_keys: dict[str, Any] = common | {
    "arch": st.sampled_from([None, None, "amd64", "arm64"]),
    "spot": st.booleans(),
    "protect": st.booleans(),
}
pools: st.SearchStrategy[Any] = st.one_of(
    st.builds(
        GkePool,
        **cloud_keys,
        machine_type=st.none() | st.sampled_from(GCP),
        limits=st.sampled_from(["total", "perZone"]),
        architecture_taint=st.sampled_from([None, "ARM", "NONE"]),
        disk_type=st.sampled_from([None, "pd-balanced", "hyperdisk-balanced"]),
    ),
    st.builds(
        EksPool,
        **cloud_keys,
        machine_type=st.none() | st.sampled_from(AWS),
        alternative_machine_types=st.lists(st.sampled_from(AWS), max_size=1),
        ami_type=st.sampled_from([None, None, "AL2023_ARM_64_STANDARD", "BOTTLEROCKET_x86_64"]),
    ),
    st.builds(
        AksPool,
        **cloud_keys,
        machine_type=st.none() | st.sampled_from(AZURE),
        mode=st.sampled_from(["User", "User", "System"]),
        os_disk_type=st.sampled_from([None, None, "Managed", "Ephemeral"]),
        secure_boot=st.booleans(),
    ),
    st.builds(ExistingPool, **common, arch=st.sampled_from(["amd64", "arm64"]), architecture_taint=st.booleans()),
)

# Two of three drawn pools are refused: that is the point of the checks, and no fault of the strategy.
many = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow]
)


def _own_problems(pool: Any) -> list[str]:
    problems = check_pools(CLUSTERS[type(pool)], [pool])
    return [problem.path for problem in problems if problem.path != "pools"]


@many
@given(pools)
def test_a_resolved_pool_never_has_machines_of_another_architecture(pool: Any) -> None:
    assume(not _own_problems(pool))
    spec = resolve(pool)
    for name in spec.machine_types:
        placed = machine_type(cloud_of(pool).name, name)
        assert placed is None or placed.arch is spec.arch
    assert len(spec.machine_types) >= 1 or isinstance(pool, ExistingPool)


@many
@given(pools)
def test_a_pool_without_problems_resolves_and_renders(pool: Any) -> None:
    assume(not _own_problems(pool))
    spec = resolve(pool)
    match cloud_of(pool).name:
        case "gke":
            assert re.fullmatch(rf"{pool.name}-[a-z0-9]{{4}}", gke_args.node_pool(spec, "us-central1")["name"])
        case "eks":
            assert eks_args.node_group(spec)["amiType"] in (
                "BOTTLEROCKET_x86_64",
                *aws.DEFAULT_AMI_TYPES.values(),
            )
        case "aks":
            assert re.fullmatch(rf"{pool.name}[a-z0-9]{{4}}", aks_args.agent_pool(spec)["agentPoolName"])


@many
@given(pools)
def test_no_declared_label_is_under_a_domain_that_the_cloud_reserves(pool: Any) -> None:
    assume(not isinstance(pool, ExistingPool))
    assume(not _own_problems(pool))
    spec = resolve(pool)
    # AKS sets this one on spot nodes itself, and wants it declared.
    assert [key for key in spec.labels if reserved_domain(cloud_of(pool), key)] in ([], [AKS_SPOT_TAINT.key])


@many
@given(pools)
def test_arm64_nodes_carry_the_architecture_taint_once_or_opted_out(pool: Any) -> None:
    assume(not _own_problems(pool))
    spec = resolve(pool)
    opted_out = getattr(pool, "architecture_taint", None) in (False, "NONE")
    carried = [str(taint) for taint in spec.node_taints if taint.key == "kubernetes.io/arch"]
    assert carried == (["kubernetes.io/arch=arm64:NoSchedule"] if spec.arch == "arm64" and not opted_out else [])


@many
@given(pools)
def test_all_problems_are_told_and_none_is_an_exception(pool: Any) -> None:
    for problem in check_pools(CLUSTERS[type(pool)], [pool, pool]):
        assert problem.path.startswith("pools")
        assert problem.found
        assert problem.consequence
        assert problem.fix


@many
@given(taints)
def test_a_taint_survives_the_way_to_every_cloud_and_back(taint: Taint) -> None:
    def spoken(rendered: dict[str, str]) -> str:
        words = [word.capitalize() for word in rendered["effect"].split("_")]
        return f"{rendered['key']}={rendered['value']}:{''.join(words)}"

    assert spoken(gke_args.gke_taint(taint)) == str(taint)
    assert spoken(eks_args.eks_taint(taint)) == str(taint)
    key, _, rest = str(taint).partition("=")
    value, _, effect = rest.rpartition(":")
    assert (key, value, effect) == (taint.key, taint.value, taint.effect.value)


@many
@given(pools)
def test_a_component_makes_of_its_arguments_what_the_stack_file_makes_of_a_pool(pool: Any) -> None:
    cluster = CLUSTERS[type(pool)]
    cloud = cloud_of(pool)
    arguments = {key: value for key, value in dataclasses.asdict(pool).items() if value not in (None, {}, [])}
    try:
        resolved = resolved_pool(cloud, {"pool": arguments}, cloud.location(cluster), pool.name)
    except ConfigError:
        assert _own_problems(pool)
        return
    assert resolved == resolve(placed(cluster, pool))
