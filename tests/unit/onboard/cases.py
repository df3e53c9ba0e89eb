"""Clusters and answers whose stack files are kept as golden files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from multiarch.cluster.look.model import Look
from multiarch.onboard.answers.interview import interview
from multiarch.onboard.answers.model import Answers, Value
from multiarch.onboard.decide.decision import decide
from multiarch.onboard.write.render import render
from tests.unit.onboard.lab import ARM_TAINT, Server, aks_nodes, eks_nodes, gke_nodes, k3s_nodes, node, seen

GOLDEN = Path(__file__).parent / "golden"
URL = "https://gitlab.example.com"


@dataclass(frozen=True)
class Case:
    """A cluster, how it is reached, and what was said."""

    server: Server
    context: str = "ci"
    said: Mapping[str, Value] = field(default_factory=dict)
    user: str = ""

    def look(self) -> Look:
        return seen(self.server, context=self.context, user=self.user)

    def answers(self, look: Look) -> Answers:
        return interview(look, {"gitlabUrl": URL, **self.said}, proposals=True)

    def text(self) -> str:
        look = self.look()
        answers = self.answers(look)
        return render(look, answers, decide(look, answers))


_GKE = "1.34.2-gke.1200"
_EKS = "1.34.1-eks-113cf36"
_MIXED_EKS = [*eks_nodes(), *eks_nodes("graviton", machine="m7g.2xlarge", arch="arm64", zones="ab")]
_ON_PREMISES = [
    node("rack-1", labels={"disk": "nvme", "rack": "a"}),
    node("rack-2", labels={"disk": "nvme", "rack": "b"}),
    node("altra-1", "arm64", taints=[ARM_TAINT, {"key": "ci", "value": "true", "effect": "NoSchedule"}]),
]

CASES: Mapping[str, Case] = {
    "gke": Case(Server(nodes=gke_nodes(), version=_GKE), "gke_acme-ci_us-central1_builds"),
    "gke-zonal-n4a": Case(
        Server(nodes=gke_nodes("amd64", machine="n2-standard-16", zones="b", region="us-east1"), version=_GKE),
        "gke_acme-ci_us-east1-b_builds",
        {"minNodes": 0, "maxNodes": 6, "protect": True},
    ),
    "eks": Case(Server(nodes=eks_nodes(), version=_EKS), "me@builds.eu-central-1.eksctl.io"),
    "eks-unknown-machine": Case(
        Server(nodes=eks_nodes(), version=_EKS),
        "me@builds.eu-central-1.eksctl.io",
        {"stack": "next", "arm64Machine": "m99g.2xlarge", "access": "kubeconfig", "kubeconfig": "~/.kube/ci: prod"},
    ),
    "eks-mixed": Case(Server(nodes=_MIXED_EKS, version=_EKS), "me@builds.eu-central-1.eksctl.io"),
    "aks": Case(Server(nodes=aks_nodes()), "builds", user="clusterUser_ci_builds"),
    "k3s-pi": Case(
        Server(nodes=k3s_nodes(), version="1.33.5+k3s1"),
        "pi",
        {"tokenSource": "secret", "tokenSecret": "runner-token", "namespace": "ci", "jobNamespace": "ci-jobs"},
    ),
    "on-premises": Case(Server(nodes=_ON_PREMISES), "on-premises"),
}
