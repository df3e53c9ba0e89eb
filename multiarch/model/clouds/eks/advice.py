"""What onboarding has to say of some EKS clusters: Fargate, Auto Mode, and who scales managed node groups."""

from collections.abc import Iterator

from multiarch.cluster.look import autoscaler
from multiarch.cluster.look.model import Look
from multiarch.core.verdict import Answer, Verdict, no, unknown, yes
from multiarch.model.clouds.contract import Hindrance
from multiarch.model.clouds.eks.marks import FARGATE


def hindrances(look: Look) -> Iterator[Hindrance]:
    """Yield what stands in a stack's way."""
    if look.flavour == FARGATE:
        yield Hindrance(
            found="every node is EKS Fargate's",
            consequence="Fargate on EKS runs amd64 only and takes no DaemonSets, so nothing shows whether "
            "ordinary nodes could join",
            fix="Add a managed node group for the cluster's own pods first, and run this again.",
            of_pools=False,
        )
    if look.autoscaler_name == autoscaler.AUTO_MODE and look.cni != "aws vpc cni":
        yield Hindrance(
            found="EKS Auto Mode without the VPC CNI add-on",
            consequence="nodes of a managed node group would never be ready, since their network plugin is missing",
            fix="Make a NodePool with kubernetes.io/arch In [amd64, arm64] (the built-in general-purpose is amd64 "
            "only) and choose --pools use once it has nodes.",
            of_pools=True,
        )


def scaling(look: Look, fewest: int) -> Iterator[Answer]:
    """Yield what to mind about who scales managed node groups: nothing of EKS' own does."""
    if look.autoscaler_name == autoscaler.CLUSTER_AUTOSCALER:
        if fewest == 0:
            yield yes(
                "From zero nodes, Cluster Autoscaler knows a group's architecture, but not its labels and taints: "
                "the stack tags the Auto Scaling group with them; give its role eks:DescribeNodegroup too."
            )
    elif look.autoscaler_name == autoscaler.AUTO_MODE:
        yield no("EKS Auto Mode does not scale managed node groups: these pools stay at their fewest nodes.")
    elif look.autoscaler_name == autoscaler.KARPENTER:
        yield no(
            f"Karpenter does not scale managed node groups ({look.autoscaler.because}): without Cluster "
            "Autoscaler these pools stay at their fewest nodes. With a NodePool for both, choose --pools use."
        )
    elif look.autoscaler.verdict is Verdict.NO:
        yield no(
            f"Nothing scales this cluster's nodes ({look.autoscaler.because}): the pools stay at "
            f"{fewest} node{'' if fewest == 1 else 's'} each. Install Cluster Autoscaler."
        )
    elif look.autoscaler.verdict is Verdict.UNKNOWN:
        yield unknown(f"Could not tell whether anything scales the pools ({look.autoscaler.because}).")
