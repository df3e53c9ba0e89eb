"""Amazon Elastic Kubernetes Service: all but what needs AWS's SDK, which is in component.py."""

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
from components.clouds.eks.arguments import own_group, own_template
from components.clouds.eks.checks import check_pool
from components.clouds.eks.machines import MACHINES
from components.clouds.eks.sections import EksCluster, EksPool
from components.clouds.machines import Arch


def _settings(cluster: EksCluster) -> tuple[Setting, ...]:
    # Every AWS resource here states its region itself.
    return (Setting(key="aws:region", wanted=cluster.region, said_by="cluster.region", required=False),)


def _nodes(pool: EksPool, arch: Arch) -> Nodes:
    return Nodes(labels=created_labels(pool, arch), taints=with_arch_taint(pool.taints, arch))


def _shell() -> Shell[EksCluster]:
    from components.clouds.eks import component  # noqa: PLC0415 - only a stack of this cloud imports its SDK

    return component


EKS: Final = Cloud(
    name="eks",
    package="aws",
    cluster=EksCluster,
    pool=EksPool,
    settings=_settings,
    location=lambda cluster: cluster.region,
    machines=MACHINES,
    domain="eks.amazonaws.com",
    not_declared=ARM64_TAINT_IS_DECLARED,
    check_pool=check_pool,
    nodes=_nodes,
    own={"arguments": own_group, "launch_template_arguments": own_template},
    alternatives=lambda pool: pool.alternative_machine_types,
    shell=_shell,
    runner=ForRunner(
        metadata=("fd00:ec2::254/128",),  # over IPv6
        resolvers=(),
        identities={"eksPodIdentity": IdentityServer(cidr="169.254.170.23/32", ports=[(80, 80)])},
        identity_annotation="",
        storage="s3",
        late_nodes=True,  # the kubelet's certificate comes after Ready (gitlab-runner issue 37244)
    ),
)
