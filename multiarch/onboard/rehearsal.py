"""The whole rehearsal of a stack file that is not there yet, on a cluster with nodes like those that were seen."""

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from components.clouds.existing import EXISTING
from multiarch.cluster.look import marks
from multiarch.cluster.look.model import Look, Pool
from multiarch.core.progress import ProgressDisplay
from multiarch.core.report import Check
from multiarch.core.verdict import Verdict
from multiarch.model.nodes import NodeGroup, nodes_for
from multiarch.model.nodes.machines import Machine
from multiarch.model.nodes.model import MOST_NODES, Shape, manifest, short_hash
from multiarch.model.plan.model import Plan
from multiarch.model.pools import PlannedPool
from multiarch.onboard.answers.model import Answers
from multiarch.onboard.decide.pools import chosen
from multiarch.onboard.request import Request, ToRehearse

_PROJECT_FILES = ("Pulumi.yaml", "__main__.py", "components")
"""What a plan reads of a project, beside its stack file."""
_PODS = "110"


def rehearse_text(
    request: Request, answers: Answers, text: str, look: Look, display: ProgressDisplay
) -> tuple[Check, ...]:
    """Rehearse a stack file's text on an embedded control plane. Raises ConfigError as a rehearsal does.

    The project's own folder is not touched: the program is copied into a temporary one.
    """
    with tempfile.TemporaryDirectory(prefix="multiarch-onboard-") as folder:
        project = _copy(request.project, Path(folder))
        stacks = project / "stacks"
        stacks.mkdir()
        (stacks / f"Pulumi.{answers.stack}.yaml").write_text(text, encoding="utf-8")
        wanted = ToRehearse(
            project=project,
            stack=answers.stack,
            binaries=request.binaries,
            nodes=planned_nodes(look, answers),
            bystanders=tuple(bystanders(look, answers)),
        )
        return request.rehearse_with(wanted, display)


def _copy(project: Path, folder: Path) -> Path:
    for name in _PROJECT_FILES:
        source = project / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.is_file():
            shutil.copy2(source, folder / name)
    return folder


def planned_nodes(look: Look, answers: Answers) -> Callable[[Plan], Sequence[NodeGroup]]:
    """Return what makes the nodes of the planned pools.

    Pools that are to be created get the nodes that their cloud would make. Pools that are there get nodes with the
    labels, taints and sizes that were seen, whatever the stack file says of them: so a wrong statement shows.
    """
    if answers.pools == "create":
        return nodes_for
    seen = {arch.value: chosen(look.pools, arch) for arch in answers.archs}

    def make(plan: Plan) -> Sequence[NodeGroup]:
        return [_as_seen(group, seen.get(group.pool.arch)) for group in nodes_for(plan)]

    return make


def _as_seen(group: NodeGroup, pool: Pool | None) -> NodeGroup:
    if pool is None:
        return group
    return replace(group, nodes=nodes_like(pool))


def bystanders(look: Look, answers: Answers) -> Sequence[NodeGroup]:
    """Return nodes like those that were seen and that no pool of the stack has: jobs may land there all the same."""
    taken = [chosen(look.pools, arch) for arch in answers.archs] if answers.pools == "use" else []
    return [
        NodeGroup(pool=_view(pool), nodes=nodes_like(pool))
        for pool in look.pools
        if pool not in taken and pool.maker not in ("fargate", "virtual kubelet")
    ]


def nodes_like(pool: Pool) -> tuple[Mapping[str, Any], ...]:
    """Return a few nodes with the labels, taints and sizes of a pool that was seen."""
    view = _view(pool)
    shape = Shape(
        pool=view,
        machine=Machine(pool.arch, max(1, pool.cpu_millis // 1000), pool.memory_mib / 1024),
        labels={**view.labels, "kubernetes.io/os": pool.os},
    )
    zones = pool.zones or ("",)
    nodes = []
    for index in range(max(1, min(MOST_NODES, pool.nodes))):
        name = f"seen-{short_hash(f'{pool.name} {pool.arch} {index}', 10)}-{index}"
        node = manifest(shape, name, zones[index % len(zones)], f"seen://{name}")
        if pool.cpu_millis and pool.memory_mib:
            # What was seen is what is left for pods, and better than what a name tells.
            exact = {"cpu": f"{pool.cpu_millis}m", "memory": f"{pool.memory_mib}Mi", "pods": _PODS}
            node["status"]["allocatable"] = {**node["status"]["allocatable"], **exact}
        nodes.append(node)
    return tuple(nodes)


def _view(pool: Pool) -> PlannedPool:
    spot = {"eks.amazonaws.com/capacityType": "SPOT"} if pool.spot is Verdict.YES else {}
    machine = {marks.INSTANCE_TYPE: pool.machine_type} if pool.machine_type else {}
    return PlannedPool(
        name=pool.name,
        cloud=EXISTING.name,
        arch=pool.arch,
        machine_type=pool.machine_type,
        spot=pool.spot is Verdict.YES,
        min_nodes=pool.nodes,
        max_nodes=max(1, pool.nodes),
        labels={**pool.labels, **pool.selector, **machine, **spot},
        taints=pool.taints,
        zones=pool.zones,
    )
