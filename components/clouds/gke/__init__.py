"""Google Kubernetes Engine: all but what needs Google's SDK, which is in component.py."""

from typing import Final

from components.clouds.contract import ARM64_TAINT, Cloud, ForRunner, IdentityServer, Nodes, Shell, created_labels
from components.clouds.gke.arguments import own
from components.clouds.gke.checks import check_pool
from components.clouds.gke.machines import MACHINES, machine_there
from components.clouds.gke.sections import ArchitectureTaint, GkeCluster, GkePool
from components.clouds.machines import Arch


def _nodes(pool: GkePool, arch: Arch) -> Nodes:
    """GKE taints arm64 nodes by itself, unless the pool opts out."""
    tainted = arch is Arch.ARM64 and pool.architecture_taint is not ArchitectureTaint.NONE
    return Nodes(labels=created_labels(pool, arch), taints=tuple(pool.taints), added=(ARM64_TAINT,) if tainted else ())


def _shell() -> Shell[GkeCluster]:
    from components.clouds.gke import component  # noqa: PLC0415 - only a stack of this cloud imports its SDK

    return component


GKE: Final = Cloud(
    name="gke",
    package="gcp",
    cluster=GkeCluster,
    pool=GkePool,
    settings=lambda _: (),
    location=lambda cluster: cluster.location,
    machines=MACHINES,
    domain="cloud.google.com",
    not_declared={
        ARM64_TAINT.key: (
            "GKE adds its own to arm64 nodes; twice, the pool is replaced on every update (provider-google#13308)",
            "Remove it. To go without it, set architectureTaint: NONE.",
        )
    },
    check_pool=check_pool,
    machine_there=machine_there,
    drain_key="drainGraceMinutes",
    own={"arguments": own},
    nodes=_nodes,
    shell=_shell,
    runner=ForRunner(
        metadata=("fd20:ce::254/128",),  # over IPv6
        # Cloud DNS answers at the metadata server's address, whose port 53 hands out no credentials.
        resolvers=("169.254.169.254/32",),
        # Workload Identity: which address it is depends on the dataplane.
        identities={
            "gkeCalico": IdentityServer(cidr="169.254.169.252/32", ports=[(987, 988)]),
            "gkeDataplaneV2": IdentityServer(cidr="169.254.169.254/32", ports=[(80, 80), (8080, 8080)]),
        },
        identity_annotation="iam.gke.io/gcp-service-account",
        storage="gcs",
        late_nodes=False,
    ),
)
