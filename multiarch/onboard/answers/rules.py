"""When a question is asked, what is proposed and why, and which answers will do. Pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from components.clouds import CLOUDS, machine_type
from components.clouds.machines import Arch
from components.problems import ConfigError
from multiarch.cluster.look.model import Look
from multiarch.core.verdict import Verdict
from multiarch.model.clouds import KNOWN
from multiarch.model.project import STACK_NAME
from multiarch.onboard.answers.model import Value
from multiarch.onboard.answers.place import location_of, place_said, section_of
from multiarch.onboard.decide.machines import MachineChoice, amd64_choice, arm64_choice
from multiarch.onboard.decide.pools import concurrent_jobs, usable

Said = Mapping[str, Value]

_NAMESPACE: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_URL: Final = re.compile(r"https?://[^\s/]+(/\S*)?")
_MACHINE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
MOST_NODES: Final = 1000
MOST_JOBS: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A proposed answer, and why this one (empty: it is the usual one)."""

    value: Value
    because: str = ""


def creating(look: Look, said: Said) -> bool:
    """Ask where pools are created."""
    del look
    return said["pools"] == "create"


def creating_in(cloud: str) -> Callable[[Look, Said], bool]:
    """Ask where pools are created in this cloud: nodes that are there are reached by their context alone."""
    return lambda _, said: said["clusterType"] == cloud and said["pools"] == "create"


def place_from_cluster(key: str) -> Callable[[Look, Said], Proposal | None]:
    """Propose what nodes or kubeconfig told of the cluster's own place."""

    def propose(look: Look, said: Said) -> Proposal | None:
        del said
        value = look.identity.get(key, "")
        return Proposal(value=value, because="from nodes and kubeconfig") if value else None

    return propose


def stack_name(look: Look, said: Said) -> Proposal:
    """Propose the cluster's own name, as far as it is one for a stack."""
    del said
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", look.identity.get("name") or look.context).strip("-._")[:100]
    return Proposal(value=name or "ci", because="after the cluster")


def check_stack(value: Value, look: Look, said: Said) -> str:
    """Check a stack's name."""
    del look, said
    if STACK_NAME.fullmatch(str(value)):
        return ""
    return "Pulumi takes up to 100 letters, digits, dots, dashes and underscores"


def check_place(cloud: str, key: str) -> Callable[[Value, Look, Said], str]:
    """Check a part of the cluster's place by the rules of the stack file itself."""

    def check(value: Value, look: Look, said: Said) -> str:
        del look, said
        if not str(value).strip():
            return "it must not be empty"
        try:
            section_of(cloud, {key: str(value)})
        except ConfigError as error:  # of the keys that are not there, too
            wrong = [problem for problem in error.problems if problem.path == f"cluster.{key}"]
            return "; ".join(problem.text for problem in wrong)
        return ""

    return check


def filled(value: Value, look: Look, said: Said) -> str:
    """Check that something was said."""
    del look, said
    return "" if str(value).strip() else "it must not be empty"


def pools(look: Look, said: Said) -> Proposal:
    """Use what is there where both architectures are: a second arm64 pool would be paid for twice."""
    own = {pool.arch for pool in usable(look.pools)}
    creates = CLOUDS[str(said["clusterType"])].creates_pools
    if not creates or {"amd64", "arm64"} <= own:
        because = "the cluster has nodes of both architectures" if creates else ""
        return Proposal(value="use", because=because)
    return Proposal(value="create", because="the cluster has no arm64 nodes" if "arm64" not in own else "")


def check_pools(value: Value, look: Look, said: Said) -> str:
    """Check that there are nodes to use, or a cloud to create them in."""
    if value == "create" and not CLOUDS[str(said["clusterType"])].creates_pools:
        return f"a cluster of type {said['clusterType']} has no pools that could be created; its nodes are used"
    if value == "use" and not usable(look.pools):
        return "there is no node that jobs could use"
    return ""


def architectures(look: Look, said: Said) -> Proposal:
    """Propose both, or the one that all usable nodes have."""
    if said["pools"] == "create":
        return Proposal(value="both")
    own = sorted({pool.arch for pool in usable(look.pools)})
    if own in (["amd64"], ["arm64"]):
        return Proposal(value=own[0], because=f"all nodes that jobs could use are {own[0]}")
    return Proposal(value="both")


def check_architectures(value: Value, look: Look, said: Said) -> str:
    """Check that there are nodes of each architecture, where none are created."""
    if said["pools"] == "create":
        return ""
    own = {pool.arch for pool in usable(look.pools)}
    wanted = set(Arch) if value == "both" else {Arch(str(value))}
    missing = sorted(arch.value for arch in wanted if arch.value not in own)
    return f"the cluster has no {' and no '.join(missing)} node: such jobs would wait forever" if missing else ""


def amd64(look: Look, said: Said) -> Proposal:
    """Propose an amd64 machine type."""
    choice = amd64_choice(str(said["clusterType"]), look.pools)
    return Proposal(value=choice.name, because=choice.because)


def arm64_machine(look: Look, said: Said) -> MachineChoice | str:
    """Return the arm64 machine that is proposed for these answers, or why none is."""
    cloud = str(said["clusterType"])
    place = location_of(cloud, place_said(cloud, said), look)
    zones = sorted({zone for pool in look.pools if pool.arch == "amd64" for zone in pool.zones})
    amd64 = str(said.get("amd64Machine") or amd64_choice(cloud, look.pools).name)
    return arm64_choice(cloud, amd64, place, zones)


def arm64(look: Look, said: Said) -> Proposal | None:
    """Propose an arm64 machine type; None where none is known to be there."""
    choice = arm64_machine(look, said)
    return None if isinstance(choice, str) else Proposal(value=choice.name, because=choice.because)


def check_machine(arch: Arch) -> Callable[[Value, Look, Said], str]:
    """Return the check of a machine type's name and architecture; one that no table knows will do."""

    def check(value: Value, look: Look, said: Said) -> str:
        del look
        if not _MACHINE.fullmatch(str(value)):
            return "this is not a machine type"
        machine = machine_type(str(said["clusterType"]), str(value))
        if machine is not None and machine.arch is not arch:
            return f"{value} is {machine.arch}, not {arch}"
        return ""

    return check


def wants(arch: Arch) -> Callable[[Look, Said], bool]:
    """Ask where a pool of this architecture is created."""
    return lambda _, said: said["pools"] == "create" and said["architectures"] in ("both", arch.value)


def number(least: int, most: int) -> Callable[[Value, Look, Said], str]:
    """Return the check of a whole number."""

    def check(value: Value, look: Look, said: Said) -> str:
        del look
        low = max(least, int(said.get("minNodes", 0)) if most == MOST_NODES else least)
        return "" if low <= int(value) <= most else f"expected a number from {low} to {most}"

    return check


def check_fewest(value: Value, look: Look, said: Said) -> str:
    """Check the fewest nodes of a pool."""
    cloud = str(said["clusterType"])
    if KNOWN[cloud].from_zero and said["architectures"] != "amd64" and int(value) < 1:
        return f"{KNOWN[cloud].from_zero}: expected 1 or more"
    return number(0, 100)(value, look, said)


def check_url(value: Value, look: Look, said: Said) -> str:
    """Check that this is a URL."""
    del look, said
    return "" if _URL.fullmatch(str(value)) else "expected a URL, such as https://gitlab.com"


def free(base: str) -> Callable[[Look, Said], Proposal | None]:
    """Propose a namespace that is not there yet: `up` would be refused one that is (docs/pitfalls.md)."""

    def propose(look: Look, said: Said) -> Proposal | None:
        del said
        there = {seen.name: seen.exists for seen in look.namespaces}
        for name in (base, base.replace("gitlab-runner", "multiarch-runner")):
            if there.get(name) is not Verdict.YES:
                return Proposal(value=name, because="" if name == base else f"{base} already exists")
        return None

    return propose


def check_namespace(value: Value, look: Look, said: Said) -> str:
    """Check a namespace's name, and that the jobs' is their own."""
    del look
    if not _NAMESPACE.fullmatch(str(value)):
        return "a namespace has at most 63 lower-case letters, digits and '-'"
    if value == said.get("namespace"):
        return "the jobs need a namespace of their own: in the manager's they could read its token"
    return ""


def concurrent(look: Look, said: Said) -> Proposal:
    """Propose as many jobs as the nodes hold, where none are created."""
    if said["pools"] == "create":
        return Proposal(value=20)
    jobs = concurrent_jobs(look.pools)
    return Proposal(value=jobs, because="what the nodes hold at 1.35 CPUs a job")
