"""What can't work, told before anybody is asked anything: each with its reason and what would have to change."""

from collections.abc import Iterator
from typing import Final

from components.clouds import CLOUDS
from components.clouds.existing import EXISTING
from components.clouds.machines import Arch
from multiarch.cluster.look.model import Look
from multiarch.cluster.look.version import parsed
from multiarch.core.verdict import Verdict
from multiarch.model.clouds import KNOWN
from multiarch.onboard.answers.model import Answers
from multiarch.onboard.decide.model import Obstacle
from multiarch.onboard.decide.pools import usable

OLDEST: Final = (1, 25)
"""Pod Security and `endPort` of network policies are stable since 1.25; the stack needs both."""
_NODES_UNSEEN: Final = "nodes:"
_MAKING: Final = tuple(name for name, cloud in CLOUDS.items() if cloud.creates_pools)


def obstacles(look: Look) -> tuple[Obstacle, ...]:
    """Return what stands in the way whatever the answers are. An empty tuple: nothing that was seen."""
    return (*_version(look), *_unseen(look), *_nodes(look))


def _version(look: Look) -> Iterator[Obstacle]:
    found = parsed(look.version)
    if found is None:
        yield Obstacle(
            found=f"Kubernetes says that its version is '{look.version}'",
            consequence="could not tell whether it has what the stack needs",
            fix="Ask whoever runs the cluster; 1.25 or later is needed.",
            doubtful=True,
        )
    elif found < OLDEST:
        yield Obstacle(
            found=f"Kubernetes {look.version}",
            consequence="Pod Security and port ranges in network policies are stable since 1.25 only: jobs would run "
            "without the isolation that this package promises, and `up` would fail",
            fix="Upgrade the cluster first.",
        )


def _unseen(look: Look) -> Iterator[Obstacle]:
    hidden = [line for line in look.unseen if f" {_NODES_UNSEEN}" in line]
    if hidden:
        yield Obstacle(
            found=hidden[0].rstrip("."),
            consequence="architectures, pools and provider would be guesses",
            fix="Run this as a user who may get and list nodes; the ClusterRole `view` does not allow that.",
            doubtful=True,
        )


def _nodes(look: Look) -> Iterator[Obstacle]:
    yield from _hindered(look, look.provider, of_pools=False)
    if look.nodes and all(pool.os == "windows" for pool in look.pools):
        yield Obstacle(
            found="all nodes run Windows",
            consequence="the runner manager and its jobs are Linux containers",
            fix="Add a Linux node pool first.",
        )
    if look.provider == EXISTING.name:
        yield from _own_nodes(look)


def _hindered(look: Look, cloud: str, *, of_pools: bool) -> Iterator[Obstacle]:
    """Yield what the cloud itself knows of: what hinders its pools alone, or any stack."""
    for one in KNOWN[cloud].hindrances(look):
        if one.of_pools == of_pools:
            yield Obstacle(found=one.found, consequence=one.consequence, fix=one.fix)


def _own_nodes(look: Look) -> Iterator[Obstacle]:
    """Judge a cluster whose nodes nobody here can make."""
    if any(_NODES_UNSEEN in line for line in look.unseen) or (look.nodes and usable(look.pools)):
        return
    if not look.nodes:
        yield Obstacle(
            found="the cluster has no node, and its provider is not known",
            consequence="jobs would have no node to run on, and there is no cloud to create one in",
            fix=f"Join nodes first; or name the cloud: --cluster-type {' or '.join(_MAKING)}.",
        )
        return
    kinds = sorted({f"{pool.os}/{pool.arch}" for pool in look.pools})
    yield Obstacle(
        found=f"no node that jobs could use (there are: {', '.join(kinds)})",
        consequence="the runner serves amd64 and arm64 on Linux; control-plane nodes with their taint take no jobs",
        fix="Join a node of amd64 or arm64.",
    )


def obstacles_of(look: Look, answers: Answers) -> tuple[Obstacle, ...]:
    """Return what stands in the way of these answers."""
    return (*_pools(look, answers), *_namespaces(look, answers), *_pod_security(look))


def _pools(look: Look, answers: Answers) -> Iterator[Obstacle]:
    if answers.pools != "create":
        return
    seen, said = look.provider, answers.cluster_type
    if seen not in (EXISTING.name, said):
        yield Obstacle(
            found=f"the cluster is {seen} ({look.provider_because}), the answer says {said}",
            consequence=f"pools of {said} can't join it",
            fix=f"Say {seen}, or {EXISTING.name}.",
        )
    yield from _hindered(look, said, of_pools=True)
    if Arch.ARM64 in answers.archs and not answers.arm64_machine:
        yield Obstacle(
            found="no arm64 machine type",
            consequence="the pool could not be created",
            fix="Name one: --arm64-machine.",
        )


def _namespaces(look: Look, answers: Answers) -> Iterator[Obstacle]:
    for seen in look.namespaces:
        if seen.name in (answers.namespace, answers.job_namespace) and seen.exists is Verdict.YES:
            yield Obstacle(
                found=f"the namespace {seen.name} already exists",
                consequence="the stack creates its namespaces itself, and `up` fails on one that exists "
                "(AlreadyExists, pulumi-kubernetes 4.29)",
                fix="Choose another by --namespace and --job-namespace, or delete it if nobody uses it.",
            )


def _pod_security(look: Look) -> Iterator[Obstacle]:
    if look.pod_security.verdict is Verdict.NO and (parsed(look.version) or OLDEST) >= OLDEST:
        yield Obstacle(
            found="Pod Security admission is off",
            consequence="nothing would refuse a privileged pod",
            fix=f"Turn it on ({look.pod_security.because}).",
        )
