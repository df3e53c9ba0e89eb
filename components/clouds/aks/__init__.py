"""Azure Kubernetes Service: all but what needs Azure's SDK, which is in component.py."""

from typing import Final

from components.clouds.aks.arguments import own
from components.clouds.aks.checks import check_pool
from components.clouds.aks.machines import MACHINES
from components.clouds.aks.sections import AksCluster, AksPool
from components.clouds.contract import (
    ARM64_TAINT_IS_DECLARED,
    Cloud,
    ForRunner,
    Nodes,
    Setting,
    Shell,
    created_labels,
    with_arch_taint,
)
from components.clouds.machines import Arch
from components.clouds.sections import Taint

SPOT_TAINT: Final = Taint(key="kubernetes.azure.com/scalesetpriority", value="spot")


def _settings(cluster: AksCluster) -> tuple[Setting, ...]:
    if cluster.subscription_id is None:
        return ()
    key, said_by = "azure-native:subscriptionId", "cluster.subscriptionId"
    return (Setting(key=key, wanted=cluster.subscription_id, said_by=said_by, required=True),)


def _nodes(pool: AksPool, arch: Arch) -> Nodes:
    labels, taints = created_labels(pool, arch), with_arch_taint(pool.taints, arch)
    if pool.spot:
        # AKS sets both by itself; left undeclared, the next update tries to remove them (pulumi-azure-native#959).
        labels[SPOT_TAINT.key] = SPOT_TAINT.value
        taints = (*taints, SPOT_TAINT)
    return Nodes(labels=labels, taints=taints)


def _shell() -> Shell[AksCluster]:
    from components.clouds.aks import component  # noqa: PLC0415 - only a stack of this cloud imports its SDK

    return component


AKS: Final = Cloud(
    name="aks",
    package="azure-native",
    cluster=AksCluster,
    pool=AksPool,
    settings=_settings,
    location=lambda cluster: cluster.location or "",
    machines=MACHINES,
    domain="kubernetes.azure.com",
    not_declared={
        **ARM64_TAINT_IS_DECLARED,
        SPOT_TAINT.key: (
            "it is the taint of AKS's spot nodes, which AKS sets itself and refuses on other nodes",
            "Remove it. For a spot pool, set spot: true.",
        ),
    },
    check_pool=check_pool,
    drain_key="drainTimeoutMinutes",
    own={"arguments": own},
    nodes=_nodes,
    shell=_shell,
    runner=ForRunner(
        metadata=("168.63.129.16/32",),  # the wire server
        resolvers=("169.254.10.10/32", "169.254.10.11/32"),  # LocalDNS (Azure/AKS, "Configure LocalDNS")
        identities={},  # its tokens are mounted
        identity_annotation="",
        storage="azure",
        late_nodes=False,
    ),
)
