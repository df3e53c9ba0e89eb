"""Nimbus, a made-up cloud: all but what would need its SDK."""

from typing import Final

from components.clouds.contract import (
    ARM64_TAINT_IS_DECLARED,
    Cloud,
    ForRunner,
    IdentityServer,
    Nodes,
    Setting,
    Shell,
    created_labels,
    with_arch_taint,
)
from components.clouds.machines import Arch
from tests.unit.clouds.nimbus.components.checks import check_pool
from tests.unit.clouds.nimbus.components.machines import MACHINES
from tests.unit.clouds.nimbus.components.sections import NimbusCluster, NimbusPool


def _settings(cluster: NimbusCluster) -> tuple[Setting, ...]:
    return (Setting(key="nimbus:sky", wanted=cluster.sky, said_by="cluster.sky", required=True),)


def _nodes(pool: NimbusPool, arch: Arch) -> Nodes:
    return Nodes(labels=created_labels(pool, arch), taints=with_arch_taint(pool.taints, arch))


def _shell() -> Shell[NimbusCluster]:
    from tests.unit.clouds.nimbus.components import component  # noqa: PLC0415 - only a stack of this cloud needs it

    return component


NIMBUS: Final = Cloud(
    name="nimbus",
    package="nimbus",
    cluster=NimbusCluster,
    pool=NimbusPool,
    settings=_settings,
    location=lambda cluster: cluster.sky,
    machines=MACHINES,
    domain="nimbus.example",
    not_declared=ARM64_TAINT_IS_DECLARED,
    check_pool=check_pool,
    nodes=_nodes,
    shell=_shell,
    runner=ForRunner(
        metadata=("203.0.113.254/32",),
        resolvers=("169.254.77.7/32",),
        identities={"nimbusRain": IdentityServer(cidr="169.254.88.8/32", ports=[(80, 80)])},
        identity_annotation="nimbus.example/identity",
        storage="s3",
        late_nodes=False,
    ),
)
