"""Every question, in the order in which they are asked. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from components.clouds.aks.sections import AksCluster
from components.clouds.eks.sections import EksCluster
from components.clouds.gke.sections import GkeCluster
from components.clouds.machines import Arch
from multiarch.cluster.look.model import Look
from multiarch.onboard.answers import rules
from multiarch.onboard.answers.model import Value
from multiarch.onboard.answers.rules import Proposal, Said


def _always(look: Look, said: Said) -> bool:
    del look, said
    return True


def _nothing(look: Look, said: Said) -> Proposal | None:
    del look, said
    return None


def _fine(value: Value, look: Look, said: Said) -> str:
    del value, look, said
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question. `check` returns what is wrong with an answer, and an empty text for a good one."""

    key: str
    """In the answers file; its flag follows from it."""
    text: str
    """As a prompt asks it."""
    help: str
    """As --help explains the flag."""
    kind: type[str] | type[int] | type[bool] = str
    choices: tuple[tuple[str, str], ...] = ()
    """Values and what they mean; empty for free text."""
    applies: Callable[[Look, Said], bool] = _always
    propose: Callable[[Look, Said], Proposal | None] = _nothing
    check: Callable[[Value, Look, Said], str] = _fine
    must_be_said: bool = False
    """Whether --yes leaves it open: the proposal is a prompt's convenience and no knowledge."""


_CLUSTER_TYPES: Final = (
    ("gke", "Google Kubernetes Engine"),
    ("eks", "Amazon EKS"),
    ("aks", "Azure Kubernetes Service"),
    ("existing", "any cluster: its nodes are used, none is created"),
)

QUESTIONS: Final[Sequence[Question]] = (
    Question(
        key="stack",
        text="Name of the stack",
        help="Name of the stack: its file is stacks/Pulumi.<name>.yaml.",
        propose=rules.stack_name,
        check=rules.check_stack,
    ),
    Question(
        key="clusterType",
        text="Kind of cluster",
        help="Whose node pools: gke, eks, aks; or existing, which creates none.",
        choices=_CLUSTER_TYPES,
        propose=lambda look, _: Proposal(value=look.provider.value, because=look.provider_because),
    ),
    Question(
        key="pools",
        text="Node pools",
        help="create: a pool of each architecture. use: the nodes that are there; nothing is created in the cloud.",
        choices=(("create", "create a pool of each architecture"), ("use", "use the nodes that are there")),
        propose=rules.pools,
        check=rules.check_pools,
    ),
    Question(
        key="clusterName",
        text="The cluster's name",
        help="The cluster's name in its cloud; for messages only where the type is existing.",
        propose=rules.told("name"),
        check=rules.filled,
    ),
    Question(
        key="gcpProject",
        text="Google Cloud project (its id)",
        help="GKE: id of the project.",
        applies=rules.of("gke"),
        propose=rules.told("project"),
        check=rules.check_place(lambda text: GkeCluster(name="n", project=text, location="us-central1"), "project"),
    ),
    Question(
        key="location",
        text="The cluster's own location (region; of a zonal GKE cluster its zone)",
        help="GKE: the cluster's region, or zone of a zonal one. AKS: its region.",
        applies=rules.of("gke", "aks"),
        propose=rules.told("location"),
        check=rules.check_location,
    ),
    Question(
        key="region",
        text="AWS region",
        help="EKS: the cluster's region.",
        applies=rules.of("eks"),
        propose=rules.told("region"),
        check=rules.check_place(lambda text: EksCluster(name="n", region=text), "region"),
    ),
    Question(
        key="resourceGroup",
        text="Resource group of the cluster (not the MC_ one)",
        help="AKS: resource group of the cluster, not that of its nodes.",
        applies=rules.of("aks"),
        propose=rules.told("resourceGroup"),
        check=rules.filled,
    ),
    Question(
        key="subscription",
        text="Azure subscription (its id)",
        help="AKS: id of the subscription.",
        applies=rules.of("aks"),
        propose=rules.told("subscriptionId"),
        check=rules.check_place(
            lambda text: AksCluster(name="n", resource_group="g", subscription_id=text), "subscriptionId"
        ),
    ),
    Question(
        key="access",
        text="How Pulumi reaches the cluster",
        help="cloud: looked up there, with the cloud's own login plugin. kubeconfig: by the context that was seen.",
        choices=(
            ("cloud", "looked up in the cloud, with its login plugin"),
            ("kubeconfig", "by the kubeconfig context that was looked at"),
        ),
        applies=rules.creating,
        propose=lambda _look, _said: Proposal(value="cloud"),
    ),
    Question(
        key="architectures",
        text="Architectures that jobs may select",
        help="both, amd64 or arm64.",
        choices=(("both", "amd64 and arm64"), ("amd64", "amd64 only, for now"), ("arm64", "arm64 only, for now")),
        propose=rules.architectures,
        check=rules.check_architectures,
    ),
    Question(
        key="amd64Machine",
        text="amd64 machine type",
        help="Machine type of the amd64 pool. Proposed: that of the cluster's own.",
        applies=rules.wants(Arch.AMD64),
        propose=rules.amd64,
        check=rules.check_machine(Arch.AMD64),
    ),
    Question(
        key="arm64Machine",
        text="arm64 machine type",
        help="Machine type of the arm64 pool. Proposed: one that is like the amd64 pool's.",
        applies=rules.wants(Arch.ARM64),
        propose=rules.arm64,
        check=rules.check_machine(Arch.ARM64),
    ),
    Question(
        key="minNodes",
        text="Fewest nodes of each pool",
        help="Fewest nodes of each created pool. 1: the first build of the day does not wait for a machine.",
        kind=int,
        applies=rules.creating,
        propose=lambda _look, _said: Proposal(value=1),
        check=rules.check_fewest,
    ),
    Question(
        key="maxNodes",
        text="Most nodes of each pool",
        help="Most nodes of each created pool: it bounds the bill.",
        kind=int,
        applies=rules.creating,
        propose=lambda _look, _said: Proposal(value=20),
        check=rules.number(1, rules.MOST_NODES),
    ),
    Question(
        key="protect",
        text="Refuse to delete or replace the pools (protect)",
        help="Whether Pulumi refuses to delete or replace the pools; for production.",
        kind=bool,
        applies=rules.creating,
        propose=lambda _look, _said: Proposal(value=False),
    ),
    Question(
        key="gitlabUrl",
        text="URL of GitLab",
        help="URL of GitLab, for example https://gitlab.com. Never guessed: --yes leaves it open.",
        propose=lambda _look, _said: Proposal(value="https://gitlab.com"),
        check=rules.check_url,
        must_be_said=True,
    ),
    Question(
        key="tokenSource",
        text="Where the runner's token comes from",
        help="stack: a secret of the stack, set by `pulumi config set --secret`. secret: a Secret someone else makes.",
        choices=(
            ("stack", "a secret of the stack (pulumi config set --secret)"),
            ("secret", "a Kubernetes Secret that somebody else makes (External Secrets, Vault)"),
        ),
        propose=lambda _look, _said: Proposal(value="stack"),
    ),
    Question(
        key="tokenSecret",
        text="Name of that Secret",
        help="Name of the Secret that holds the token, with --token-source secret.",
        applies=lambda _, said: said["tokenSource"] == "secret",
        propose=lambda _look, _said: Proposal(value="gitlab-runner-token"),
        check=rules.filled,
    ),
    Question(
        key="namespace",
        text="Namespace of the runner manager",
        help="Namespace of the runner manager; the stack makes it, so it must not be there yet.",
        propose=rules.free("gitlab-runner"),
        check=rules.check_namespace,
    ),
    Question(
        key="jobNamespace",
        text="Namespace of the jobs",
        help="Namespace of the jobs; the stack makes it, so it must not be there yet.",
        propose=rules.free("gitlab-runner-jobs"),
        check=rules.check_namespace,
    ),
    Question(
        key="concurrent",
        text="Jobs at the same time",
        help="Jobs at the same time, of both architectures together.",
        kind=int,
        propose=rules.concurrent,
        check=rules.number(1, rules.MOST_JOBS),
    ),
)
KEYS: Final = tuple(question.key for question in QUESTIONS)
