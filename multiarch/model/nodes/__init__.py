"""The nodes that each planned pool would bring into the cluster, as its cloud would make them.

Built from what the plan sends to the cloud's API and from nothing of the program's own code, so that a wrong label or
a forgotten taint of the program shows up as a pod on the wrong node.
"""

from multiarch.model.nodes.marks import OWNER_LABEL, owner
from multiarch.model.nodes.model import FAKE, NodeGroup, manifest, node_view, taint_text
from multiarch.model.plan.model import Plan, PlannedResource

__all__ = ["FAKE", "OWNER_LABEL", "NodeGroup", "manifest", "node_view", "nodes_for", "owner", "taint_text"]


def nodes_for(plan: Plan) -> list[NodeGroup]:
    """Return one group per planned node pool, in the plan's order. An empty list means that the plan has no pool."""
    from multiarch.model.clouds import KNOWN  # noqa: PLC0415 - the clouds are made of the parts in this package

    makers = {kind: make for known in KNOWN.values() for kind, make in known.node_groups.items()}
    groups = []
    for resource in plan.resources:
        maker = makers.get(_kind(resource))
        if maker is not None:
            groups.append(maker(resource, plan))
    return groups


def _kind(resource: PlannedResource) -> str:
    """Return the resource's type without an API version; a component goes by its class."""
    module, _, name = resource.type.rpartition(":")
    if not resource.custom:
        return name
    return f"{module.partition('/')[0]}:{name}" if module.startswith("azure-native:") else resource.type
