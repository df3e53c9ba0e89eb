"""A made-up fourth cloud, as one module: what docs/clouds.md says that a cloud has to bring."""

import sys
from typing import Final, Literal, TypedDict, cast

import pulumi
from pydantic.dataclasses import dataclass

from components.clouds.component import NodePool, resolved_pool
from components.clouds.connection import Connection, provider_for
from components.clouds.contract import (
    ARM64_TAINT_IS_DECLARED,
    Cloud,
    Nodes,
    ResolvedPool,
    Setting,
    Shell,
    Subject,
    created_labels,
    with_arch_taint,
)
from components.clouds.machines import Arch, Machines, MachineType
from components.clouds.sections import Access, CloudPool
from components.keys import CONFIG
from components.problems import Problem


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class NimbusCluster:
    """A cluster of Nimbus."""

    type: Literal["nimbus"] = "nimbus"
    """Which kind of cluster this is."""

    name: str
    """The cluster's name in Nimbus."""

    sky: str
    """The part of the sky that it floats in. North is best."""

    access: Access
    """The kubeconfig context that reaches it."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class NimbusPool(CloudPool):
    """A flock of Nimbus droplets."""

    altitude: int = 3000
    """Height in metres."""


def _place(name: str) -> MachineType | None:
    arch = {"drop": Arch.AMD64, "flake": Arch.ARM64}.get(name.partition("-")[0])
    if arch is None:
        return None
    return MachineType(name=name, cloud="nimbus", family=name.partition("-")[0], arch=arch, local_disk=False)


def _check_place(cluster: NimbusCluster) -> list[Problem]:
    if cluster.sky in {"north", "south"}:
        return []
    return [Problem(path="cluster.sky", found=cluster.sky, consequence="no such sky", fix="Use north or south.")]


def _check_pool(subject: Subject[NimbusPool]) -> list[Problem]:
    if subject.pool.altitude > 0 and subject.location != "nowhere":
        return []
    return [subject.problem("altitude", "on the ground", "it would be fog", "Use 3000.")]


def _nodes(pool: NimbusPool, arch: Arch) -> Nodes:
    return Nodes(labels=created_labels(pool, arch), taints=with_arch_taint(pool.taints, arch))


class NimbusNodePoolArgs(TypedDict):
    """Arguments of a Nimbus pool."""

    pool: NimbusPool
    """The pool, as in a stack file's `pools`."""


class NimbusNodePool(NodePool):
    """A flock of droplets, which no SDK makes."""

    def __init__(self, name: str, args: NimbusNodePoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        pool = resolved_pool(NIMBUS, args, "", name)
        super().__init__("multiarch-runner:index:NimbusNodePool", name, None, opts)
        self.publish(pool, [f"{pool.name}-{pool.section.altitude}"])


def connect(cluster: NimbusCluster) -> Connection:
    def declare(pool: ResolvedPool[NimbusPool]) -> NodePool:
        return NimbusNodePool(pool.name, NimbusNodePoolArgs(pool=pool.section))

    return Connection(provider=provider_for(cluster.access, None, f"nimbus/{cluster.name}"), declare=declare)


def _shell() -> Shell[NimbusCluster]:
    return cast("Shell[NimbusCluster]", sys.modules[__name__])


NIMBUS: Final = Cloud(
    name="nimbus",
    cluster=NimbusCluster,
    pool=NimbusPool,
    check_place=_check_place,
    settings=lambda cluster: (Setting(key="nimbus:sky", wanted=cluster.sky, said_by="cluster.sky", required=True),),
    location=lambda cluster: cluster.sky,
    machines=Machines(
        defaults={Arch.ARM64: "flake-8", Arch.AMD64: "drop-8"},
        place=_place,
        like=lambda _: None,
        arm64_processor=lambda _: "Snow",
    ),
    domain="nimbus.example",
    not_declared=ARM64_TAINT_IS_DECLARED,
    check_pool=_check_pool,
    nodes=_nodes,
    shell=_shell,
)
