"""A pool as Nimbus' provider takes it, and the way to a cluster that was looked up. Pure."""

from typing import Any, Final

from components.clouds.contract import ResolvedPool
from components.clouds.kubeconfig import Endpoint, exec_kubeconfig
from tests.unit.clouds.nimbus.components.sections import NimbusCluster, NimbusPool

IGNORE_CHANGES: Final = ("count",)


def flock(pool: ResolvedPool[NimbusPool]) -> dict[str, Any]:
    """Return the inputs of a flock, but for its place."""
    return {
        "droplet": pool.machine_types[0],
        "fewest": pool.section.min_nodes,
        "most": pool.section.max_nodes,
        "count": pool.section.min_nodes,
        "altitude": pool.section.altitude,
        "fleeting": pool.spot,
        "labels": dict(pool.labels),
        "taints": [str(taint) for taint in pool.taints],
        "patienceMinutes": pool.drain_minutes,
    }


def kubeconfig(cluster: NimbusCluster, server: str, ca: str) -> str:
    """Return the kubeconfig of a cluster that was looked up."""
    return exec_kubeconfig(
        Endpoint(server=server, ca=ca), command="nimbusctl", args=["token", cluster.name], hint="Get nimbusctl."
    )
