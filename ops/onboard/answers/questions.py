"""Every question: when it is asked, what is proposed and why, and which answers will do. Pure."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from components.cluster_spec import AksCluster, Cluster, EksCluster, GkeCluster, check_cluster
from components.platforms import Arch, machine_type
from ops.onboard.answers.model import Value
from ops.onboard.decide.machines import CLOUDS, MachineChoice, amd64_choice, arm64_choice
from ops.onboard.decide.pools import concurrent_jobs, usable
from ops.onboard.look.model import Answer, Look, Provider
from ops.project import STACK_NAME

Said = Mapping[str, Value]

_NAMESPACE: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_URL: Final = re.compile(r"https?://[^\s/]+(/\S*)?")
_MACHINE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MOST_NODES: Final = 1000
_MOST_JOBS: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A proposed answer, and why this one (empty: it is the usual one)."""

    value: Value
    because: str = ""


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


def _creating(look: Look, said: Said) -> bool:
    del look
    return said["pools"] == "create"


def _of(*types: str) -> Callable[[Look, Said], bool]:
    """Ask where pools are created in one of these clouds: nodes that are there are reached by their context alone."""
    return lambda _, said: said["clusterType"] in types and said["pools"] == "create"


def _told(key: str) -> Callable[[Look, Said], Proposal | None]:
    """Propose what nodes or kubeconfig told of the cluster's own place."""

    def propose(look: Look, said: Said) -> Proposal | None:
        del said
        value = look.identity.get(key, "")
        return Proposal(value=value, because="told by nodes and kubeconfig") if value else None

    return propose


def _stack_name(look: Look, said: Said) -> Proposal:
    del said
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", look.identity.get("name") or look.context).strip("-._")[:100]
    return Proposal(value=name or "ci", because="after the cluster")


def _check_stack(value: Value, look: Look, said: Said) -> str:
    del look, said
    if STACK_NAME.fullmatch(str(value)):
        return ""
    return "Pulumi takes up to 100 letters, digits, dots, dashes and underscores"


def _check_place(cluster: Callable[[str], Cluster], key: str) -> Callable[[Value, Look, Said], str]:
    """Check a part of the cluster's place by the rules of the stack file itself."""

    def check(value: Value, look: Look, said: Said) -> str:
        del look, said
        if not str(value).strip():
            return "it must not be empty"
        wrong = [problem for problem in check_cluster(cluster(str(value))) if problem.path == f"cluster.{key}"]
        return "; ".join(f"{problem.found}: {problem.consequence}. {problem.fix}" for problem in wrong)

    return check


def _check_location(value: Value, look: Look, said: Said) -> str:
    if said["clusterType"] == "aks":
        return _filled(value, look, said)
    place = _check_place(lambda text: GkeCluster(name="n", project="project-1", location=text), "location")
    return place(value, look, said)


def _filled(value: Value, look: Look, said: Said) -> str:
    del look, said
    return "" if str(value).strip() else "it must not be empty"


def _pools(look: Look, said: Said) -> Proposal:
    """Use what is there where both architectures are: a second arm64 pool would be paid for twice."""
    own = {pool.arch for pool in usable(look.pools)}
    if said["clusterType"] == "existing" or {"amd64", "arm64"} <= own:
        because = "" if said["clusterType"] == "existing" else "the cluster has nodes of both architectures"
        return Proposal(value="use", because=because)
    return Proposal(value="create", because="the cluster has no arm64 nodes" if "arm64" not in own else "")


def _check_pools(value: Value, look: Look, said: Said) -> str:
    if value == "create" and said["clusterType"] == "existing":
        return "a cluster of type existing has no pools that could be created; its nodes are used"
    if value == "use" and not usable(look.pools):
        return "there is no node that jobs could use"
    return ""


def _architectures(look: Look, said: Said) -> Proposal:
    if said["pools"] == "create":
        return Proposal(value="both")
    own = sorted({pool.arch for pool in usable(look.pools)})
    if own in (["amd64"], ["arm64"]):
        return Proposal(value=own[0], because=f"all nodes that jobs could use are {own[0]}")
    return Proposal(value="both")


def _check_architectures(value: Value, look: Look, said: Said) -> str:
    if said["pools"] == "create":
        return ""
    own = {pool.arch for pool in usable(look.pools)}
    wanted = set(Arch) if value == "both" else {Arch(str(value))}
    missing = sorted(arch.value for arch in wanted if arch.value not in own)
    return f"the cluster has no {' and no '.join(missing)} node: such jobs would wait for ever" if missing else ""


def _amd64(look: Look, said: Said) -> Proposal:
    choice = amd64_choice(CLOUDS[Provider(str(said["clusterType"]))], look.pools)
    return Proposal(value=choice.name, because=choice.because)


def arm64_machine(look: Look, said: Said) -> MachineChoice | str:
    """Return the arm64 machine that is proposed for these answers, or why none is."""
    cloud = CLOUDS[Provider(str(said["clusterType"]))]
    place = str(said.get("location") or said.get("region") or look.identity.get("location") or "")
    zones = sorted({zone for pool in look.pools if pool.arch == "amd64" for zone in pool.zones})
    amd64 = str(said.get("amd64Machine") or amd64_choice(cloud, look.pools).name)
    return arm64_choice(cloud, amd64, place, zones)


def _arm64(look: Look, said: Said) -> Proposal | None:
    choice = arm64_machine(look, said)
    return None if isinstance(choice, str) else Proposal(value=choice.name, because=choice.because)


def _check_machine(arch: Arch) -> Callable[[Value, Look, Said], str]:
    def check(value: Value, look: Look, said: Said) -> str:
        del look
        if not _MACHINE.fullmatch(str(value)):
            return "this is no name of a machine type"
        machine = machine_type(CLOUDS[Provider(str(said["clusterType"]))], str(value))
        if machine is not None and machine.arch is not arch:
            return f"{value} is {machine.arch}, not {arch}"
        return ""

    return check


def _wants(arch: Arch) -> Callable[[Look, Said], bool]:
    return lambda _, said: said["pools"] == "create" and said["architectures"] in ("both", arch.value)


def _number(least: int, most: int) -> Callable[[Value, Look, Said], str]:
    def check(value: Value, look: Look, said: Said) -> str:
        del look
        low = max(least, int(said.get("minNodes", 0)) if most == _MOST_NODES else least)
        return "" if low <= int(value) <= most else f"a number from {low} to {most} is wanted"

    return check


def _check_fewest(value: Value, look: Look, said: Said) -> str:
    if said["clusterType"] == "aks" and said["architectures"] != "amd64" and int(value) < 1:
        return "AKS can't be relied on to start an arm64 node from zero: 1 or more is wanted"
    return _number(0, 100)(value, look, said)


def _check_url(value: Value, look: Look, said: Said) -> str:
    del look, said
    return "" if _URL.fullmatch(str(value)) else "a URL is wanted, such as https://gitlab.com"


def _free(base: str) -> Callable[[Look, Said], Proposal | None]:
    """Propose a namespace that is not there yet: `up` would be refused one that is (docs/pitfalls.md)."""

    def propose(look: Look, said: Said) -> Proposal | None:
        del said
        there = {seen.name: seen.exists for seen in look.namespaces}
        for name in (base, base.replace("gitlab-runner", "multiarch-runner")):
            if there.get(name) is not Answer.YES:
                return Proposal(value=name, because="" if name == base else f"{base} is there already")
        return None

    return propose


def _check_namespace(value: Value, look: Look, said: Said) -> str:
    del look
    if not _NAMESPACE.fullmatch(str(value)):
        return "a namespace has at most 63 lower-case letters, digits and '-'"
    if value == said.get("namespace"):
        return "the jobs need a namespace of their own: in the manager's they could read its token"
    return ""


def _concurrent(look: Look, said: Said) -> Proposal:
    if said["pools"] == "create":
        return Proposal(value=20)
    jobs = concurrent_jobs(look.pools)
    return Proposal(value=jobs, because="what the nodes hold at 1.35 CPUs a job")


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
        propose=_stack_name,
        check=_check_stack,
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
        propose=_pools,
        check=_check_pools,
    ),
    Question(
        key="clusterName",
        text="The cluster's name",
        help="The cluster's name in its cloud; for messages only where the type is existing.",
        propose=_told("name"),
        check=_filled,
    ),
    Question(
        key="gcpProject",
        text="Google Cloud project (its id)",
        help="GKE: id of the project.",
        applies=_of("gke"),
        propose=_told("project"),
        check=_check_place(lambda text: GkeCluster(name="n", project=text, location="us-central1"), "project"),
    ),
    Question(
        key="location",
        text="The cluster's own location (region; of a zonal GKE cluster its zone)",
        help="GKE: the cluster's region, or zone of a zonal one. AKS: its region.",
        applies=_of("gke", "aks"),
        propose=_told("location"),
        check=_check_location,
    ),
    Question(
        key="region",
        text="AWS region",
        help="EKS: the cluster's region.",
        applies=_of("eks"),
        propose=_told("region"),
        check=_check_place(lambda text: EksCluster(name="n", region=text), "region"),
    ),
    Question(
        key="resourceGroup",
        text="Resource group of the cluster (not the MC_ one)",
        help="AKS: resource group of the cluster, not that of its nodes.",
        applies=_of("aks"),
        propose=_told("resourceGroup"),
        check=_filled,
    ),
    Question(
        key="subscription",
        text="Azure subscription (its id)",
        help="AKS: id of the subscription.",
        applies=_of("aks"),
        propose=_told("subscriptionId"),
        check=_check_place(
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
        applies=_creating,
        propose=lambda _look, _said: Proposal(value="cloud"),
    ),
    Question(
        key="architectures",
        text="Architectures that jobs may select",
        help="both, amd64 or arm64.",
        choices=(("both", "amd64 and arm64"), ("amd64", "amd64 only, for now"), ("arm64", "arm64 only, for now")),
        propose=_architectures,
        check=_check_architectures,
    ),
    Question(
        key="amd64Machine",
        text="amd64 machine type",
        help="Machine type of the amd64 pool. Proposed: that of the cluster's own.",
        applies=_wants(Arch.AMD64),
        propose=_amd64,
        check=_check_machine(Arch.AMD64),
    ),
    Question(
        key="arm64Machine",
        text="arm64 machine type",
        help="Machine type of the arm64 pool. Proposed: one that is like the amd64 pool's.",
        applies=_wants(Arch.ARM64),
        propose=_arm64,
        check=_check_machine(Arch.ARM64),
    ),
    Question(
        key="minNodes",
        text="Fewest nodes of each pool",
        help="Fewest nodes of each created pool. 1: the first build of the day does not wait for a machine.",
        kind=int,
        applies=_creating,
        propose=lambda _look, _said: Proposal(value=1),
        check=_check_fewest,
    ),
    Question(
        key="maxNodes",
        text="Most nodes of each pool",
        help="Most nodes of each created pool: it bounds the bill.",
        kind=int,
        applies=_creating,
        propose=lambda _look, _said: Proposal(value=20),
        check=_number(1, _MOST_NODES),
    ),
    Question(
        key="protect",
        text="Refuse to delete or replace the pools (protect)",
        help="Whether Pulumi refuses to delete or replace the pools; for production.",
        kind=bool,
        applies=_creating,
        propose=lambda _look, _said: Proposal(value=False),
    ),
    Question(
        key="gitlabUrl",
        text="URL of GitLab",
        help="URL of GitLab, for example https://gitlab.com. Never guessed: --yes leaves it open.",
        propose=lambda _look, _said: Proposal(value="https://gitlab.com"),
        check=_check_url,
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
        check=_filled,
    ),
    Question(
        key="namespace",
        text="Namespace of the runner manager",
        help="Namespace of the runner manager; the stack makes it, so it must not be there yet.",
        propose=_free("gitlab-runner"),
        check=_check_namespace,
    ),
    Question(
        key="jobNamespace",
        text="Namespace of the jobs",
        help="Namespace of the jobs; the stack makes it, so it must not be there yet.",
        propose=_free("gitlab-runner-jobs"),
        check=_check_namespace,
    ),
    Question(
        key="concurrent",
        text="Jobs at the same time",
        help="Jobs at the same time, of both architectures together.",
        kind=int,
        propose=_concurrent,
        check=_number(1, _MOST_JOBS),
    ),
)
KEYS: Final = tuple(question.key for question in QUESTIONS)
