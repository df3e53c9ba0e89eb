"""Nodes of a Nimbus flock."""

from multiarch.model.nodes.model import NodeGroup, Shape, manifest, short_hash, spread
from multiarch.model.plan.model import Plan, PlannedResource
from multiarch.model.pools import PlannedPool
from multiarch.model.providers.values import plain
from tests.unit.clouds.nimbus.tools.machines import machine_of


def node_group(resource: PlannedResource, plan: Plan) -> NodeGroup:
    """Return the nodes of one flock."""
    del plan
    inputs = plain(resource.inputs)
    machine, name = machine_of(inputs["droplet"]), inputs["name"]
    labels = {
        **inputs["labels"],
        "nimbus.example/flock": name,
        "node.kubernetes.io/instance-type": inputs["droplet"],
        "topology.kubernetes.io/region": inputs["sky"],
    }
    view = PlannedPool(
        name=name,
        cloud="nimbus",
        arch=machine.arch,
        machine_type=inputs["droplet"],
        spot=bool(inputs["fleeting"]),
        min_nodes=inputs["fewest"],
        max_nodes=inputs["most"],
        labels=labels,
        taints=tuple(inputs["taints"]),
        zones=(f"{inputs['sky']}-a", f"{inputs['sky']}-b"),
    )
    shape = Shape(pool=view, machine=machine, labels=labels)
    nodes = [
        manifest(shape, f"nimbus-{name}-{index}", zone, f"nimbus:///{zone}/d-{short_hash(f'{name} {index}', 8)}")
        for index, zone in enumerate(spread(view))
    ]
    return NodeGroup(pool=view, nodes=tuple(nodes), guarded=machine.arch == "arm64")
