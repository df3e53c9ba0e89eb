"""What the report shows of a run: its jobs, its images, its nodes."""

from multiarch.model.nodes import node_view
from multiarch.model.pools import PlannedNode
from multiarch.rehearse.live import confined
from multiarch.rehearse.live.claims import image_name
from multiarch.rehearse.live.image import Asked
from multiarch.rehearse.live.job import Ended
from multiarch.rehearse.live.stage import Stack
from multiarch.rehearse.nodes.real import RealNodes
from multiarch.rehearse.report.logs import kept_log
from multiarch.rehearse.report.model import RunView

IMAGE_STAGE = "run on each node"


def node_of(ended: Ended) -> str:
    """Return the node on which a job ran; empty where it came to none."""
    return str(((ended.pod or {}).get("spec") or {}).get("nodeName") or "")


def job_view(ended: Ended, stage: str, nodes: RealNodes) -> RunView:
    """Return a job as the report shows it."""
    node = node_of(ended)
    arch = next((str(arch) for arch, name in nodes.names.items() if name == node), "")
    return RunView(
        name=ended.job.name,
        stage=stage,
        node=node,
        arch=arch,
        emulated=bool(arch) and arch != str(nodes.native),
        pod=str((ended.pod or {}).get("metadata", {}).get("name", "")),
        image=ended.job.pipeline.image,
        succeeded=ended.succeeded,
        reason=ended.reason,
        seconds=ended.seconds,
        confinement=confined.read(ended.log),
        log=kept_log(confined.without(ended.log)),
    )


def image_view(arch: str, asked: Asked, nodes: RealNodes) -> RunView:
    """Return an image that ran as the report shows it."""
    return RunView(
        name=image_name(arch),
        stage=IMAGE_STAGE,
        node=str((asked.pod.get("spec") or {}).get("nodeName") or ""),
        arch=arch,
        emulated=arch != str(nodes.native),
        pod=str(asked.pod["metadata"]["name"]),
        image=str(asked.pod["spec"]["containers"][0]["image"]),
        succeeded=not asked.reason,
        reason=asked.reason,
        seconds=asked.seconds,
        confinement=confined.read(asked.log),
        log=kept_log(confined.without(asked.log)),
    )


def real_nodes(stack: Stack) -> list[PlannedNode]:
    """Return the real nodes, each with the pool in whose place it is."""
    live = stack.scene.nodes
    return [
        node_view(live[node["metadata"]["name"]], group.pool.name)
        for group in stack.scene.groups
        for node in group.nodes
        if node["metadata"]["name"] in live
    ]
