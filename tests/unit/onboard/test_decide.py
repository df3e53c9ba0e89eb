import pytest

from components.clouds import machine_type
from components.clouds.machines import Arch
from multiarch.cluster.look.model import Look
from multiarch.core.verdict import Verdict
from multiarch.onboard.answers.interview import interview
from multiarch.onboard.answers.model import Answers, Value
from multiarch.onboard.decide.decision import decide
from multiarch.onboard.decide.machines import MachineChoice, amd64_choice, arm64_choice
from multiarch.onboard.decide.model import Decision
from multiarch.onboard.decide.obstacles import obstacles
from multiarch.onboard.decide.prices import compare, price, tables
from tests.unit.onboard.lab import (
    ARM_TAINT,
    Server,
    aks_nodes,
    daemon_set,
    deployment,
    eks_nodes,
    gke_nodes,
    k3s_nodes,
    kind_nodes,
    node,
    runner,
    seen,
)

EKS = "1.34.1-eks-113cf36"
GKE = "1.34.2-gke.1200"


def decided(look: Look, **given: Value) -> tuple[Answers, Decision]:
    said: dict[str, Value] = {"gitlabUrl": "https://gitlab.example.com", "clusterName": "builds", **given}
    answers = interview(look, said, proposals=True)
    return answers, decide(look, answers)


def remarks(decision: Decision) -> str:
    return "\n".join(remark.text for remark in decision.remarks)


@pytest.mark.parametrize(
    ("cloud", "amd64", "place", "zones", "arm64"),
    [
        ("gke", "e2-standard-8", "us-central1", (), "t2a-standard-8"),
        ("gke", "e2-standard-8", "us-central1-c", (), "n4a-standard-8"),
        ("gke", "n2-standard-16", "us-east1", (), "n4a-standard-16"),
        ("gke", "e2-standard-4", "europe-north1", (), "c4a-standard-4"),
        ("gke", "n2-highmem-8", "us-central1", (), "n4a-highmem-8"),
        ("gke", "c4-standard-8", "us-central1", (), "c4a-standard-8"),
        ("gke", "n4-standard-8", "us-central1", (), "n4a-standard-8"),
        ("eks", "m7i.2xlarge", "eu-central-1", (), "m7g.2xlarge"),
        ("eks", "m6a.xlarge", "eu-central-1", (), "m6g.xlarge"),
        ("eks", "c7i.2xlarge", "eu-central-1", (), "c7g.2xlarge"),
        ("eks", "x1.16xlarge", "eu-central-1", (), "m7g.2xlarge"),
        ("aks", "Standard_D8s_v5", "westeurope", (), "Standard_D8ps_v5"),
        ("aks", "Standard_D8s_v6", "westeurope", (), "Standard_D8ps_v6"),
        ("aks", "Standard_D8s_v6", "jioindiawest", (), "Standard_D8ps_v5"),
        ("aks", "Standard_F8s_v2", "westeurope", (), "Standard_D8ps_v6"),
    ],
)
def test_the_arm64_machine_is_like_the_amd64_one_and_is_there(
    cloud: str, amd64: str, place: str, zones: tuple[str, ...], arm64: str
) -> None:
    choice = arm64_choice(cloud, amd64, place, zones)
    assert isinstance(choice, MachineChoice)
    assert choice.name == arm64
    placed = machine_type(cloud, choice.name)
    assert placed is not None
    assert placed.arch is Arch.ARM64
    assert choice.because


def test_t2a_is_kept_to_its_zones_and_to_those_of_the_cluster_s_nodes() -> None:
    both = arm64_choice("gke", "e2-standard-8", "us-central1", ("us-central1-a", "us-central1-c"))
    assert isinstance(both, MachineChoice)
    assert both.zones == ("us-central1-a",)
    zonal = arm64_choice("gke", "e2-standard-8", "us-central1-b", ("us-central1-b",))
    assert isinstance(zonal, MachineChoice)
    assert (zonal.name, zonal.zones) == ("t2a-standard-8", ())


def test_a_region_without_a_known_arm64_family_gets_no_machine_and_a_reason() -> None:
    assert "me-west1" in str(arm64_choice("gke", "e2-standard-8", "me-west1"))
    look = seen(Server(nodes=gke_nodes(region="me-west1"), version=GKE))
    with pytest.raises(Exception, match="--arm64-machine"):
        decided(look, location="me-west1")
    answers, decision = decided(look, location="me-west1", arm64Machine="c4a-standard-8")
    assert answers.arm64_machine == "c4a-standard-8"
    assert decision.obstacles == ()


def test_the_amd64_machine_is_the_cluster_s_own_within_the_sizes_that_builds_want() -> None:
    def choice(*machines: str) -> str:
        nodes = [one for machine in machines for one in eks_nodes(machine, machine=machine)]
        return amd64_choice("eks", seen(Server(nodes=nodes, version=EKS)).pools).name

    assert choice("m6i.2xlarge") == "m6i.2xlarge"
    assert choice("t3.medium") == "m7i.2xlarge"
    assert choice("m7i.24xlarge") == "m7i.2xlarge"
    assert choice() == "m7i.2xlarge"


def test_the_model_is_the_largest_pool_that_runs_ordinary_work() -> None:
    big_spot = eks_nodes(
        "spot", machine="c7i.2xlarge", zones="abcabc", labels={"eks.amazonaws.com/capacityType": "SPOT"}
    )
    nodes = [*eks_nodes("a", machine="m6i.xlarge", zones="a"), *big_spot, *eks_nodes("b", machine="m7i.xlarge")]
    for index, one in enumerate(nodes):
        one["metadata"]["name"] = f"n{index}"
    assert amd64_choice("eks", seen(Server(nodes=nodes, version=EKS)).pools).name == "m7i.xlarge"


@pytest.mark.parametrize(
    ("cloud", "arm64", "amd64", "saves"),
    [
        ("gke", "t2a-standard-4", "t2d-standard-4", 9),
        ("gke", "n4a-standard-8", "n4-standard-8", 15),
        ("gke", "t2a-standard-8", "e2-standard-8", -15),
        ("eks", "m7g.xlarge", "m7i.xlarge", 19),
        ("eks", "m6g.2xlarge", "m6a.2xlarge", 11),
        ("aks", "Standard_D4ps_v6", "Standard_D4s_v6", 31),
        ("aks", "Standard_D8ps_v5", "Standard_D8as_v5", 10),
    ],
)
def test_prices_agree_with_the_researched_table_and_say_of_when_they_are(
    cloud: str, arm64: str, amd64: str, saves: int
) -> None:
    found = compare(cloud, arm64, amd64)
    assert found is not None
    assert found.saves_percent == saves
    assert found.date.year == 2026
    assert found.source


@pytest.mark.parametrize(
    ("cloud", "name"),
    [
        ("eks", "m5.xlarge"),
        ("gke", "c4a-highmem-8"),
        ("aks", "Standard_E8ps_v6"),
        ("eks", "nonsense"),
    ],
)
def test_an_unknown_price_is_no_price(cloud: str, name: str) -> None:
    assert price(cloud, name) is None


def test_every_priced_family_is_one_that_the_tables_know() -> None:
    shapes = {"gke": "{}-standard-4", "eks": "{}.xlarge"}
    for cloud, table in tables().items():
        for family in table.per_vcpu_hour:
            if cloud == "aks":
                letters, _, version = family.partition("_")
                name = f"Standard_{letters[0]}4{letters[1:]}_{version}"
            else:
                name = shapes[cloud].format(family)
            assert price(cloud, name) is not None, name


@pytest.mark.parametrize(
    ("server", "told"),
    [
        (Server(nodes=gke_nodes(), version="1.24.9-gke.100"), "1.24.9"),
        (Server(nodes=gke_nodes(prefix="gk3"), version=GKE), "Autopilot"),
        (Server(nodes=[node("f", labels={"eks.amazonaws.com/compute-type": "fargate"})], version=EKS), "Fargate"),
        (Server(nodes=[node("w", os="windows")]), "Windows"),
        (Server(), "no node"),
        (Server(nodes=[node("arm32", "arm")]), "linux/arm"),
        (Server(nodes=kind_nodes()[:1]), "no node that jobs could use"),
    ],
)
def test_what_can_t_work_is_refused_with_its_reason(server: Server, told: str) -> None:
    found = obstacles(seen(server))
    assert found
    assert any(told in str(one) for one in found)
    assert not all(one.doubtful for one in found)


@pytest.mark.parametrize("server", [Server(forbidden=["/nodes"]), Server(version="nonsense", nodes=[node("a")])])
def test_what_could_not_be_told_is_a_doubt_and_no_refusal(server: Server) -> None:
    found = obstacles(seen(server))
    assert found
    assert all(one.doubtful for one in found)


def test_an_empty_cluster_of_a_cloud_is_no_obstacle() -> None:
    look = seen(Server(version=EKS))
    assert obstacles(look) == ()
    _, decision = decided(look, region="eu-central-1")
    assert [pool.machine_type for pool in decision.pools] == ["m7i.2xlarge", "m7g.2xlarge"]


def test_arm64_nodes_that_are_there_are_used_instead_of_a_second_pool() -> None:
    nodes = [*eks_nodes(), *eks_nodes("graviton", machine="m7g.xlarge", arch="arm64", zones="ab")]
    answers, decision = decided(seen(Server(nodes=nodes, version=EKS)))
    assert answers.pools == "use"
    arm = decision.pools[1]
    assert (arm.name, dict(arm.labels)) == ("graviton", {"eks.amazonaws.com/nodegroup": "graviton"})
    assert not arm.architecture_taint
    assert "no architecture taint" in remarks(decision)


def test_a_cluster_of_one_architecture_is_said_to_be_one() -> None:
    answers, decision = decided(seen(Server(nodes=k3s_nodes(), version="1.33.5+k3s1")))
    assert (answers.pools, answers.architectures) == ("use", "arm64")
    assert "arm64 only" in remarks(decision)
    with pytest.raises(Exception, match="no amd64 node"):
        decided(seen(Server(nodes=k3s_nodes(), version="1.33.5+k3s1")), architectures="both")


def test_pools_that_are_kept_for_others_are_passed_over_where_there_are_open_ones() -> None:
    dedicated = {"key": "team", "value": "ml", "effect": "NoSchedule"}
    closed = [node(f"ml-{index}", taints=[dedicated], labels={"pool": "ml"}) for index in range(5)]
    open_ones = [node("a", labels={"pool": "shared"}), node("arm", "arm64", taints=[ARM_TAINT])]
    _, decision = decided(seen(Server(nodes=[*closed, *open_ones])))
    assert dict(decision.pools[0].labels) == {"pool": "shared"}
    _, forced = decided(seen(Server(nodes=[*closed, node("arm", "arm64", taints=[ARM_TAINT])])))
    assert forced.pools[0].taints == ("team=ml:NoSchedule",)


def test_one_pool_of_both_architectures_becomes_two_of_different_names() -> None:
    label = {"karpenter.sh/nodepool": "default"}
    nodes = [node("a", labels=label), node("b", "arm64", labels=label)]
    _, decision = decided(seen(Server(nodes=nodes)))
    assert [pool.name for pool in decision.pools] == ["default-amd64", "default-arm64"]


def test_a_new_pool_never_has_the_name_of_one_that_is_there() -> None:
    _, gke = decided(seen(Server(nodes=gke_nodes("amd64"), version=GKE)), location="us-central1", gcpProject="acme-ci")
    assert [pool.name for pool in gke.pools] == ["ci-amd64", "arm64"]
    _, aks = decided(seen(Server(nodes=aks_nodes("amd64"))))
    assert [pool.name for pool in aks.pools] == ["ciamd64", "arm64"]


@pytest.mark.parametrize(
    ("server", "told"),
    [
        (Server(nodes=aks_nodes()), "from zero"),
        (Server(nodes=eks_nodes(), version=EKS), "Nothing scales"),
        (
            Server(nodes=eks_nodes(), version=EKS, groups=["karpenter.sh"]),
            "Karpenter does not scale managed node groups",
        ),
        (Server(nodes=eks_nodes(), version=EKS, forbidden=["/deployments"]), "Could not tell whether"),
        (Server(nodes=eks_nodes(), version=EKS, daemon_sets=[daemon_set("aws-node")]), "Nothing enforces network"),
        (Server(nodes=eks_nodes(), version=EKS, denied=["create namespaces"]), "You may not create namespaces"),
        (Server(nodes=eks_nodes(), version=EKS, deployments=[runner()]), "gitlab-runner already exists: ci/"),
        (Server(nodes=eks_nodes(), version=EKS), "no taint closes (workers)"),
    ],
)
def test_what_works_otherwise_than_one_might_think_is_remarked(server: Server, told: str) -> None:
    _, decision = decided(seen(server))
    assert decision.obstacles == ()
    assert told in remarks(decision)


def test_from_zero_on_eks_names_the_permission_that_the_autoscaler_needs() -> None:
    scaler = deployment("cluster-autoscaler", "kube-system", "x/cluster-autoscaler:v1.34.4")
    look = seen(Server(nodes=eks_nodes(), version=EKS, deployments=[scaler]))
    assert "eks:DescribeNodegroup" in remarks(decided(look, minNodes=0)[1])
    assert "eks:DescribeNodegroup" not in remarks(decided(look)[1])


@pytest.mark.parametrize(
    ("server", "told"),
    [
        (Server(nodes=aks_nodes(), groups=["karpenter.azure.com"]), "Node Auto-Provisioning"),
        (Server(nodes=eks_nodes(), version=EKS, groups=["karpenter.sh", "eks.amazonaws.com"]), "EKS Auto Mode"),
        (
            Server(nodes=eks_nodes(), version=EKS, objects={"/api/v1/namespaces/gitlab-runner": {"metadata": {}}}),
            "already exists",
        ),
    ],
)
def test_answers_that_can_t_work_on_this_cluster_are_refused(server: Server, told: str) -> None:
    _, decision = decided(seen(server), namespace="gitlab-runner", pools="create")
    assert any(told in str(one) for one in decision.obstacles)


def test_a_namespace_that_is_there_is_not_proposed() -> None:
    look = seen(Server(nodes=eks_nodes(), version=EKS, objects={"/api/v1/namespaces/gitlab-runner": {"metadata": {}}}))
    assert decided(look)[0].namespace == "multiarch-runner"


def test_pools_of_another_cloud_are_refused() -> None:
    _, decision = decided(
        seen(Server(nodes=eks_nodes(), version=EKS)), clusterType="gke", gcpProject="acme-ci", location="us-central1"
    )
    assert "the cluster is eks" in str(decision.obstacles[0])


def test_jobs_at_the_same_time_follow_from_what_the_nodes_hold() -> None:
    answers, _ = decided(seen(Server(nodes=k3s_nodes(), version="1.33.5+k3s1")))
    assert answers.concurrent == 4


def test_a_doubt_about_the_network_is_a_doubt() -> None:
    _, decision = decided(seen(Server(nodes=eks_nodes(), version=EKS)))
    told = next(remark for remark in decision.remarks if "network policies" in remark.text)
    assert told.verdict is Verdict.UNKNOWN
