"""How a look tells a cloud's clusters and nodes, as one record a cloud: a field that is forgotten is an error.

The records themselves are the clouds' (multiarch/model/clouds); whoever looks passes those that it knows.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from multiarch.cluster.look.marks import NodeMarks
from multiarch.cluster.look.names import KubeconfigNames
from multiarch.cluster.look.network import NetworkEvidence, NetworkLook
from multiarch.cluster.look.nodes import NodeCount


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudMarks:
    """What tells that a cluster is a cloud's, and what follows from that."""

    told_by: Callable[[str, NodeCount], str]
    """Say what tells, by the API server's version and the nodes; empty where nothing does. A provider ID alone says
    whose machines they are, not whose cluster: kubeadm and k3s run on them too."""
    domain: str
    """The domain of its API servers, for a cluster without a node; empty where these have no name of their own."""
    flavour: Callable[[NodeCount], str]
    """Which kind of cluster more exactly; empty for an ordinary one."""
    identity: Callable[[NodeCount, KubeconfigNames], Mapping[str, str]]
    """The cluster's own place: the stack file's keys that nodes or kubeconfig tell. What nobody tells is missing."""
    network: Callable[[NetworkEvidence], NetworkLook | None]
    """Judge its network plugin where no DaemonSet that is known everywhere tells."""
    scales_by_itself: bool
    """Whether its own autoscaler, outside of the cluster, scales every pool that asks for it."""
    nodes: NodeMarks
    """What it writes on its nodes."""
