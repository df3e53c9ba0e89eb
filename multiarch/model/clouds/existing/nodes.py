"""Nodes that the stack only states: whatever cluster they are in, these labels and taints must be true of them."""

from multiarch.model.nodes.machines import Machine
from multiarch.model.nodes.model import NodeGroup, Shape, manifest, short_hash, spread
from multiarch.model.plan.model import Plan, PlannedResource
from multiarch.model.pools import PlannedPool
from multiarch.model.providers.values import plain

_MACHINE_GIB = 32.0
_MACHINE_CPUS = 8


def node_group(resource: PlannedResource, plan: Plan) -> NodeGroup:
    """Return nodes as an `ExistingNodes` component states them; their size is not stated, 8 CPUs and 32 GiB serve."""
    del plan
    stated = plain({**resource.inputs, **resource.outputs})
    pool = next(iter(stated.get("names") or []), resource.name)
    arch = str(stated.get("arch") or "")
    high = int(stated.get("max_nodes") or 1)
    view = PlannedPool(
        name=pool,
        cloud="existing",
        arch=arch,
        machine_type="",
        spot=False,
        min_nodes=min(int(stated.get("min_nodes") or 1), high),
        max_nodes=high,
        labels=dict(stated.get("labels") or {}),
        taints=tuple(stated.get("taints") or ()),
        zones=(),
    )
    shape = Shape(pool=view, machine=Machine(arch, _MACHINE_CPUS, _MACHINE_GIB), labels=view.labels)
    nodes = []
    for index, zone in enumerate(spread(view)):
        name = f"{pool}-{index}-{short_hash(pool, 5)}"
        nodes.append(manifest(shape, name, zone, f"existing://{name}"))
    # What a pool of existing nodes does not state it does not promise.
    return NodeGroup(pool=view, nodes=tuple(nodes), guarded="kubernetes.io/arch=arm64:NoSchedule" in view.taints)
