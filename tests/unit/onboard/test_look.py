import pytest

from multiarch.cluster.errors import UnreachableError
from multiarch.cluster.look.model import Look
from multiarch.core.verdict import Verdict
from tests.unit.onboard.lab import (
    Server,
    aks_nodes,
    daemon_set,
    deployment,
    eks_nodes,
    gke_nodes,
    helm_record,
    k3s_nodes,
    kind_nodes,
    node,
    runner,
    seen,
)

GKE = Server(nodes=gke_nodes(), version="1.34.2-gke.1200")
EKS = Server(nodes=eks_nodes(), version="1.34.1-eks-113cf36")
AKS = Server(nodes=aks_nodes(), version="1.34.1")


@pytest.mark.parametrize(
    ("server", "provider", "flavour"),
    [
        (GKE, "gke", ""),
        (EKS, "eks", ""),
        (AKS, "aks", ""),
        (Server(nodes=kind_nodes()), "existing", "kind"),
        (Server(nodes=k3s_nodes(), version="1.33.5+k3s1"), "existing", "k3s"),
        (Server(nodes=k3s_nodes(names=["k3d-ci-server-0"]), version="1.33.5+k3s1"), "existing", "k3d"),
        (Server(nodes=[node("m", labels={"minikube.k8s.io/name": "minikube"})]), "existing", "minikube"),
        (Server(nodes=[node("a", provider_id="aws:///eu-west-1a/i-1")]), "existing", "self-managed on aws"),
        (
            Server(nodes=k3s_nodes(), version="1.33.5+k3s1", groups=["config.openshift.io"]),
            "existing",
            "k3s",
        ),
        (Server(nodes=[node("x")], groups=["config.openshift.io"]), "existing", "openshift"),
        (
            Server(nodes=[node("c", provider_id="kind://docker/c/c", labels={"eks.amazonaws.com/nodegroup": "x"})]),
            "existing",
            "kind",
        ),
        (Server(nodes=gke_nodes(prefix="gk3"), version="1.34.2-gke.1200"), "gke", "gke autopilot"),
        (
            Server(
                nodes=[node("f", labels={"eks.amazonaws.com/compute-type": "fargate"})], version="1.34.1-eks-113cf36"
            ),
            "eks",
            "eks fargate",
        ),
    ],
)
def test_provider_and_flavour_are_told_by_marks_and_a_machine_alone_is_no_managed_cluster(
    server: Server, provider: str, flavour: str
) -> None:
    found = seen(server)
    assert (found.provider, found.flavour) == (provider, flavour)


@pytest.mark.parametrize(
    ("version", "url", "provider"),
    [
        ("1.34.2-gke.1200", "https://34.1.2.3", "gke"),
        ("1.34.1-eks-113cf36", "https://x", "eks"),
        ("1.34.1", "https://abc.gr7.eu-central-1.eks.amazonaws.com", "eks"),
        ("1.34.1", "https://ci-dns.hcp.westeurope.azmk8s.io:443", "aks"),
        ("1.34.1", "https://192.0.2.1", "existing"),
    ],
)
def test_an_empty_cluster_is_told_by_version_or_server_name(version: str, url: str, provider: str) -> None:
    assert seen(Server(version=version), url=url).provider is provider


@pytest.mark.parametrize(
    ("look", "identity"),
    [
        (
            seen(GKE, context="gke_acme-ci_us-central1_builds"),
            {"name": "builds", "project": "acme-ci", "location": "us-central1"},
        ),
        (
            seen(GKE, context="ours", cluster="gke_acme-ci_us-central1-a_builds"),
            {"name": "builds", "project": "acme-ci", "location": "us-central1-a"},
        ),
        (seen(GKE, context="gke_other-project_us-central1_builds"), {"project": "acme-ci"}),
        (seen(GKE, context="gke_acme-ci_europe-west4_builds"), {"project": "acme-ci"}),
        (seen(EKS), {"region": "eu-central-1"}),
        (
            seen(EKS, cluster="arn:aws:eks:eu-central-1:123456789012:cluster/builds"),
            {"name": "builds", "region": "eu-central-1"},
        ),
        (seen(EKS, cluster="arn:aws:eks:us-east-1:123456789012:cluster/builds"), {"region": "eu-central-1"}),
        (seen(EKS, context="me@builds.eu-central-1.eksctl.io"), {"name": "builds", "region": "eu-central-1"}),
        (
            seen(EKS, arguments=["eks", "get-token", "--cluster-name", "builds", "--region", "eu-central-1"]),
            {"name": "builds", "region": "eu-central-1"},
        ),
        (
            seen(Server(nodes=eks_nodes(labels={"alpha.eksctl.io/cluster-name": "builds"}), version="1.34.1-eks-1")),
            {"name": "builds", "region": "eu-central-1"},
        ),
    ],
)
def test_the_cluster_s_place_is_what_is_told_and_nodes_win_over_a_kubeconfig(
    look: Look, identity: dict[str, str]
) -> None:
    assert dict(look.identity) == identity


def test_the_parts_of_an_aks_node_group_s_name_are_told_apart_or_left_out() -> None:
    sure = seen(AKS).identity
    assert sure["name"] == "builds"
    assert sure["resourceGroup"] == "ci"
    assert sure["location"] == "westeurope"
    assert sure["subscriptionId"].startswith("11111111")
    two_ways = Server(nodes=aks_nodes(group="MC_team_a_builds_westeurope"))
    assert "name" not in seen(two_ways).identity
    by_context = seen(two_ways, context="builds").identity
    assert (by_context["resourceGroup"], by_context["name"]) == ("team_a", "builds")
    own_name = Server(nodes=aks_nodes(group="builds-nodes"))
    assert "resourceGroup" not in seen(own_name).identity
    assert seen(own_name, user="clusterUser_Team_A_builds").identity["resourceGroup"] == "Team_A"


def test_pools_are_the_cloud_s_own_with_what_all_of_their_nodes_share() -> None:
    trouble = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}
    own = {"key": "team", "value": "ci", "effect": "NoSchedule"}
    nodes = eks_nodes(labels={"team": "ci", "cost": "a"})
    for one in nodes:
        one["spec"]["taints"] = [own]
    nodes[1]["spec"]["taints"] = [own, trouble]
    nodes[2]["spec"]["taints"] = [{"key": "only", "value": "here", "effect": "NoSchedule"}, own]
    nodes[1]["status"]["conditions"][0]["status"] = "False"
    nodes[2]["metadata"]["labels"]["cost"] = "b"
    nodes[2]["status"]["allocatable"]["cpu"] = "3920m"
    (pool,) = seen(Server(nodes=nodes)).pools
    assert (pool.name, pool.arch, pool.machine_type, pool.named) == ("workers", "amd64", "m7i.2xlarge", True)
    assert (pool.nodes, pool.ready) == (3, 2)
    assert pool.taints == ("team=ci:NoSchedule",)
    assert dict(pool.labels) == {"team": "ci"}
    assert dict(pool.selector) == {"eks.amazonaws.com/nodegroup": "workers"}
    assert pool.cpu_millis == 3920
    assert pool.spot is Verdict.NO


def test_nodes_without_a_pool_label_are_grouped_by_what_they_are() -> None:
    found = seen(Server(nodes=[*kind_nodes(), node("arm", "arm64", memory="2Gi")])).pools
    assert [(pool.name, pool.named, pool.control_plane) for pool in found] == [
        ("amd64", False, False),
        ("amd64-control-plane", False, True),
        ("arm64", False, False),
    ]
    assert found[2].memory_mib == 2048


def test_spot_is_three_valued() -> None:
    spots = {
        Verdict.YES: gke_nodes(labels={"cloud.google.com/gke-spot": "true"}),
        Verdict.NO: gke_nodes(),
        Verdict.UNKNOWN: [node("x")],
    }
    for answer, nodes in spots.items():
        assert seen(Server(nodes=nodes)).pools[0].spot is answer
    mixed = [*eks_nodes(zones="a"), *eks_nodes(zones="b", labels={"eks.amazonaws.com/capacityType": "SPOT"})]
    assert seen(Server(nodes=mixed)).pools[0].spot is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("server", "answer", "name", "version"),
    [
        (Server(groups=["karpenter.azure.com", "karpenter.sh"]), Verdict.YES, "aks node auto-provisioning", ""),
        (
            Server(nodes=eks_nodes(), version="1.34.1-eks-1", groups=["karpenter.sh", "eks.amazonaws.com"]),
            Verdict.YES,
            "eks auto mode",
            "",
        ),
        (
            Server(
                groups=["karpenter.sh"],
                deployments=[deployment("karpenter", "kube-system", "public.ecr.aws/karpenter/controller:1.8.1")],
            ),
            Verdict.YES,
            "karpenter",
            "1.8.1",
        ),
        (
            Server(
                deployments=[
                    deployment(
                        "aws-ca", "kube-system", "registry.k8s.io/autoscaling/cluster-autoscaler:v1.34.4",
                        **{"app.kubernetes.io/name": "aws-cluster-autoscaler"},
                    )
                ]
            ),
            Verdict.YES,
            "cluster-autoscaler",
            "1.34.4",
        ),
        (
            Server(
                nodes=gke_nodes(),
                version="1.34.2-gke.1",
                objects={"/api/v1/namespaces/kube-system/configmaps/cluster-autoscaler-status": {"data": {}}},
            ),
            Verdict.YES,
            "gke",
            "",
        ),
        (Server(), Verdict.NO, "", ""),
        (Server(forbidden=["/apis/apps/v1/deployments"]), Verdict.UNKNOWN, "", ""),
        (Server(forbidden=["cluster-autoscaler-status"]), Verdict.UNKNOWN, "", ""),
    ],
)  # fmt: skip
def test_the_autoscaler_is_named_or_said_to_be_unknown(
    server: Server, answer: Verdict, name: str, version: str
) -> None:
    found = seen(server)
    assert (found.autoscaler.verdict, found.autoscaler_name, found.autoscaler_version) == (answer, name, version)


_CONFIG = "/api/v1/namespaces/kube-system/configmaps"


@pytest.mark.parametrize(
    ("server", "answer", "cni"),
    [
        (Server(daemon_sets=[daemon_set("anetd")]), Verdict.YES, "gke dataplane v2 (cilium)"),
        (Server(daemon_sets=[daemon_set("calico-node", "calico-system")]), Verdict.YES, "calico"),
        (
            Server(daemon_sets=[daemon_set("azure-npm"), daemon_set("azure-cns")]),
            Verdict.YES,
            "azure cni with azure npm",
        ),
        (Server(daemon_sets=[daemon_set("cilium")]), Verdict.YES, "cilium"),
        (
            Server(
                daemon_sets=[daemon_set("cilium")],
                objects={f"{_CONFIG}/cilium-config": {"data": {"enable-policy": "never"}}},
            ),
            Verdict.NO,
            "cilium",
        ),
        (
            Server(daemon_sets=[daemon_set("aws-node", args=["--enable-network-policy=true"])]),
            Verdict.YES,
            "aws vpc cni",
        ),
        (
            Server(daemon_sets=[daemon_set("aws-node", args=["--enable-network-policy=false"])]),
            Verdict.NO,
            "aws vpc cni",
        ),
        (
            Server(
                daemon_sets=[daemon_set("aws-node")],
                objects={f"{_CONFIG}/amazon-vpc-cni": {"data": {"enable-network-policy-controller": "true"}}},
            ),
            Verdict.YES,
            "aws vpc cni",
        ),
        (Server(daemon_sets=[daemon_set("aws-node")]), Verdict.NO, "aws vpc cni"),
        (
            Server(daemon_sets=[daemon_set("kindnet", image="docker.io/kindest/kindnetd:v20250512-df8de77b")]),
            Verdict.YES,
            "kindnet",
        ),
        (
            Server(daemon_sets=[daemon_set("kindnet", image="docker.io/kindest/kindnetd:v20240202-8f1494ea")]),
            Verdict.NO,
            "kindnet",
        ),
        (Server(daemon_sets=[daemon_set("kindnet", image="mine/kindnetd:latest")]), Verdict.UNKNOWN, "kindnet"),
        (Server(daemon_sets=[daemon_set("kube-flannel-ds", "kube-flannel")]), Verdict.NO, "flannel"),
        (
            Server(daemon_sets=[daemon_set("kube-flannel-ds"), daemon_set("calico-node")]),
            Verdict.YES,
            "calico",
        ),
        (Server(nodes=k3s_nodes(), version="1.33.5+k3s1"), Verdict.YES, "flannel (k3s)"),
        (
            Server(nodes=k3s_nodes("--disable-network-policy"), version="1.33.5+k3s1"),
            Verdict.NO,
            "flannel (k3s)",
        ),
        (Server(nodes=[node("a")], version="1.33.5+k3s1"), Verdict.UNKNOWN, "flannel (k3s)"),
        (
            Server(nodes=gke_nodes(), version="1.34.2-gke.1", daemon_sets=[daemon_set("kube-proxy")]),
            Verdict.NO,
            "gke",
        ),
        (Server(nodes=aks_nodes(), daemon_sets=[daemon_set("azure-cns")]), Verdict.NO, "azure cni"),
        (Server(daemon_sets=[daemon_set("something")]), Verdict.UNKNOWN, ""),
        (Server(forbidden=["/daemonsets"]), Verdict.UNKNOWN, ""),
    ],
)
def test_whether_network_policies_are_enforced_is_three_valued(server: Server, answer: Verdict, cni: str) -> None:
    found = seen(server)
    assert (found.network_policies.verdict, found.cni) == (answer, cni)
    assert found.network_policies.because


@pytest.mark.parametrize(
    ("server", "answer"),
    [
        (Server(version="1.22.17"), Verdict.NO),
        (Server(version="1.24.3"), Verdict.UNKNOWN),
        (GKE, Verdict.YES),
        (Server(version="1.34.0"), Verdict.UNKNOWN),
        (Server(version="nonsense"), Verdict.UNKNOWN),
    ],
)
def test_pod_security_is_a_yes_only_where_nobody_can_turn_it_off(server: Server, answer: Verdict) -> None:
    assert seen(server).pod_security.verdict is answer


def test_runners_are_found_in_every_namespace_by_chart_by_name_and_by_a_failed_install() -> None:
    server = Server(
        deployments=[
            runner(),
            deployment("gitlab-runner", "old"),
            deployment("web", "prod", app="web"),
            runner("gitlab-gitlab-runner", "gitlab", "gitlab-runner-0.80.0"),
        ],
        secrets=[helm_record("gitlab-runner-arm", "ci"), helm_record("nginx", "web")],
    )
    found = seen(server)
    assert [(one.namespace, one.name, one.chart) for one in found.runners] == [
        ("ci", "gitlab-runner", "gitlab-runner-0.71.0"),
        ("ci", "gitlab-runner-arm", ""),
        ("gitlab", "gitlab-gitlab-runner", "gitlab-runner-0.80.0"),
        ("old", "gitlab-runner", ""),
    ]
    assert found.runners_known.verdict is Verdict.YES


def test_a_runner_is_ours_where_the_namespace_is() -> None:
    labels = {"managed-by": "pulumi", "pod-security.kubernetes.io/enforce": "restricted"}
    server = Server(
        deployments=[runner("gitlab-runner", "gitlab-runner")],
        objects={"/api/v1/namespaces/gitlab-runner": {"metadata": {"name": "gitlab-runner", "labels": labels}}},
    )
    found = seen(server)
    assert found.runners[0].ours
    assert found.namespaces[0].pod_security == "restricted"
    assert found.namespaces[0].exists is Verdict.YES
    assert found.namespaces[1].exists is Verdict.NO


def test_quotas_and_limit_ranges_of_the_namespaces_are_told_line_by_line() -> None:
    quota = {
        "metadata": {"name": "team"},
        "spec": {"hard": {"pods": "10"}},
        "status": {"hard": {"pods": "10"}, "used": {"pods": "3"}},
    }
    limit = {"metadata": {"name": "defaults"}, "spec": {"limits": [{"type": "Container", "max": {"cpu": "2"}}]}}
    base = "/api/v1/namespaces/gitlab-runner-jobs"
    server = Server(objects={f"{base}/resourcequotas": {"items": [quota]}, f"{base}/limitranges": {"items": [limit]}})
    found = seen(server).namespaces[1]
    assert found.quotas == ("ResourceQuota team: pods 3 of 10",)
    assert found.limits == ("LimitRange defaults: Container cpu max 2",)


def test_what_may_not_be_seen_is_said_and_is_no_error() -> None:
    server = Server(
        nodes=gke_nodes(),
        version="1.34.2-gke.1",
        forbidden=["/nodes", "/daemonsets", "/deployments", "/secrets", "/configmaps/cluster-autoscaler-status"],
        denied=["*"],
    )
    found = seen(server)
    assert found.provider == "gke"
    assert found.pools == ()
    assert found.runners_known.verdict is Verdict.UNKNOWN
    assert any("403 Forbidden on nodes" in line for line in found.unseen)
    assert {right.allowed.verdict for right in found.rights} == {Verdict.NO}


def test_deployments_that_may_be_seen_in_some_namespaces_only_are_seen_there() -> None:
    server = Server(deployments=[runner("gitlab-runner", "gitlab-runner")], forbidden=["apps/v1/deployments"])
    found = seen(server)
    assert [one.namespace for one in found.runners] == ["gitlab-runner"]
    assert found.runners_known.verdict is Verdict.UNKNOWN


def test_rejected_credentials_are_no_empty_cluster() -> None:
    with pytest.raises(UnreachableError, match="401"):
        seen(Server(status=401))
    # Most API servers tell their version to anybody.
    with pytest.raises(UnreachableError, match="does not accept"):
        seen(Server(status=401, open_version=True))


def test_a_look_sends_nothing_but_reads_and_access_reviews() -> None:
    server = Server(nodes=gke_nodes())
    found = seen(server)
    assert {method for method, path in server.requests if not path.endswith("selfsubjectaccessreviews")} == {"GET"}
    assert found.requests == len(server.requests)


def test_denied_rights_are_told_one_by_one_and_a_role_may_not_be_granted_beyond_one_s_own() -> None:
    found = seen(Server(denied=["create namespaces", "escalate roles", "create pods"]))
    denied = {(right.verb, right.resource) for right in found.rights if right.allowed.verdict is Verdict.NO}
    assert denied == {("create", "namespaces"), ("grant", "roles.rbac.authorization.k8s.io")}
    escalating = seen(Server(denied=["create pods"]))
    assert all(right.allowed.verdict is Verdict.YES for right in escalating.rights)
