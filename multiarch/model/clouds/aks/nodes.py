"""Nodes of an AKS agent pool: no automatic arch taint, but AKS sets a spot taint (facts: nodepools.md section 2)."""

from multiarch.model.clouds.aks.machines import machine_of
from multiarch.model.nodes.model import NodeGroup, Shape, manifest, short_hash, spread
from multiarch.model.plan.model import Plan, PlannedResource
from multiarch.model.pools import POOL_LABEL, PlannedPool
from multiarch.model.providers.values import plain

_SPOT_KEY = "kubernetes.azure.com/scalesetpriority"
_SPOT_TAINT = f"{_SPOT_KEY}=spot:NoSchedule"
DEFAULT_SIZE = "Standard_D2s_v3"


def node_group(resource: PlannedResource, plan: Plan) -> NodeGroup:
    """Return the nodes of one `azure-native.containerservice.AgentPool`."""
    inputs = plain(resource.inputs)
    size = inputs.get("vmSize") or DEFAULT_SIZE
    machine = machine_of(size)
    pool = inputs.get("agentPoolName") or resource.name
    spot = inputs.get("scaleSetPriority") == "Spot"
    location = _location(plan)
    labels = {
        **(inputs.get("nodeLabels") or {}),
        "agentpool": pool,
        "kubernetes.azure.com/agentpool": pool,
        "kubernetes.azure.com/mode": str(inputs.get("mode") or "User").lower(),
        "kubernetes.azure.com/os-sku": inputs.get("osSKU") or "Ubuntu",
        "node.kubernetes.io/instance-type": size,
        **({_SPOT_KEY: "spot"} if spot else {}),
        **({"topology.kubernetes.io/region": location} if location else {}),
    }
    declared = tuple(inputs.get("nodeTaints") or [])
    own = (_SPOT_TAINT,) if spot and _SPOT_TAINT not in declared else ()
    scaled = bool(inputs.get("enableAutoScaling"))
    count = int(inputs.get("count") or 1)
    view = PlannedPool(
        name=labels.get(POOL_LABEL, pool),
        cloud="aks",
        arch=machine.arch,
        machine_type=size,
        spot=spot,
        min_nodes=int(inputs.get("minCount") or 0) if scaled else count,
        max_nodes=int(inputs.get("maxCount") or 1) if scaled else count,
        labels=labels,
        taints=(*declared, *own),
        zones=tuple(f"{location}-{zone}" for zone in inputs.get("availabilityZones") or () if location),
    )
    shape = Shape(
        pool=view,
        machine=machine,
        disk_gib=int(inputs.get("osDiskSizeGB") or 128),
        pods=int(inputs.get("maxPods") or 110),
        labels=labels,
    )
    scale_set = f"aks-{pool}-{int(short_hash(pool), 16) % 10**8:08d}-vmss"
    group = f"/subscriptions/0/resourceGroups/{inputs.get('resourceGroupName') or 'group'}"
    nodes = []
    # Without zones Azure labels its nodes with the fault domain, `0`: a label, and no zone of the pool.
    for index, zone in enumerate(zone or "0" for zone in spread(view)):
        path = f"{group}/providers/Microsoft.Compute/virtualMachineScaleSets/{scale_set}/virtualMachines/{index}"
        nodes.append(manifest(shape, f"{scale_set}{index:06d}", zone, f"azure://{path}"))
    return NodeGroup(pool=view, nodes=tuple(nodes), guarded=machine.arch == "arm64")


def _location(plan: Plan) -> str:
    for invoke in plan.invokes:
        if "containerservice" in invoke.token and plain(invoke.result).get("location"):
            return str(plain(invoke.result)["location"])
    return ""
