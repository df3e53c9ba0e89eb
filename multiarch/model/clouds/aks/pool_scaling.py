"""AKS agent pools: counts, zones, spot, upgrades."""

import re
from collections.abc import Iterator

from multiarch.model.providers.base import Refusal
from multiarch.model.providers.kinds import Inputs, Rule, get, items, number, refusal, text
from multiarch.model.providers.values import UNKNOWN

API = "learn.microsoft.com/rest/api/aks/agent-pools/create-or-update"
LIMITS = "learn.microsoft.com/azure/aks/quotas-skus-regions"
MAX_NODES = 1000
PODS = (10, 250)
DRAIN = (1, 1440)
SOAK = (0, 30)
ZONES = ("1", "2", "3")
_SURGE = re.compile(r"(?:[1-9]\d?|100)%|\d+")


def count(inputs: Inputs) -> Iterator[Refusal]:
    """`count` is required even with autoscaling, and lies between the limits."""
    given, low, high = (inputs.get(key) for key in ("count", "minCount", "maxCount"))
    if given is None:
        yield refusal("count", "Required parameter properties.count is missing (null)", "pulumi-azure-native#2943")
    if inputs.get("enableAutoScaling") is not True:
        for key, value in (("minCount", low), ("maxCount", high)):
            if value is not None:
                message = f"InvalidParameter: {key} is only allowed when autoscaling is enabled"
                yield refusal(key, message, API)
        return
    for key, value in (("minCount", low), ("maxCount", high)):
        if value is None:
            yield refusal(key, f"InvalidParameter: {key} is required when autoscaling is enabled", API)
    yield from _limits(number(given), number(low), number(high))


def _limits(given: int | None, low: int | None, high: int | None) -> Iterator[Refusal]:
    if low is not None and low < 0:
        yield refusal("minCount", f"InvalidParameter: minCount {low} must not be negative", API)
    if high is not None and high < 1:
        yield refusal("maxCount", f"InvalidParameter: maxCount {high} must be at least 1", API)
    if low is not None and high is not None and low > high:
        message = f"InvalidParameter: minCount {low} must be less than or equal to maxCount {high}"
        yield refusal("minCount", message, API)
    outside = given is not None and low is not None and high is not None and low <= high and not low <= given <= high
    if outside:
        message = f"InvalidParameter: count {given} must be between minCount {low} and maxCount {high}"
        yield refusal("count", message, API)


def quota(inputs: Inputs) -> Iterator[Refusal]:
    """Allow 1000 nodes at most, and no empty System pool."""
    for key in ("count", "maxCount"):
        value = number(inputs.get(key))
        if value is not None and value > MAX_NODES:
            yield refusal(key, f"{key} {value} exceeds the limit of {MAX_NODES} nodes per node pool", LIMITS)
    for key in ("count", "minCount"):
        if inputs.get("mode") == "System" and number(inputs.get(key)) == 0:
            yield refusal(
                key,
                f"A System pool needs at least one node, {key} is 0",
                "learn.microsoft.com/azure/aks/use-system-pools",
            )


def shape(inputs: Inputs) -> Iterator[Refusal]:
    """Zones, scale set, pods per node."""
    kind = inputs.get("type")
    if kind not in (None, "VirtualMachineScaleSets", "AvailabilitySet", "VirtualMachines", UNKNOWN):
        yield refusal("type", f"InvalidParameter: agentPoolProfile.type {kind!r}", API)
    if kind == "AvailabilitySet" and (items(inputs.get("availabilityZones")) or inputs.get("enableAutoScaling")):
        message = "Zones and autoscaling need type VirtualMachineScaleSets"
        yield refusal("type", message, "learn.microsoft.com/azure/aks/availability-zones-overview")
    for index, zone in enumerate(items(inputs.get("availabilityZones"))):
        if zone not in (*ZONES, UNKNOWN):
            message = f"InvalidParameter: availability zone {zone!r} is not one of {', '.join(ZONES)}"
            yield refusal(f"availabilityZones[{index}]", message, API)
    pods = number(inputs.get("maxPods"))
    if pods is not None and not PODS[0] <= pods <= PODS[1]:
        message = f"InvalidParameter: maxPods {pods} is not in {PODS[0]} to {PODS[1]}"
        yield refusal("maxPods", message, LIMITS)


def spot(inputs: Inputs) -> Iterator[Refusal]:
    """Spot settings belong to spot pools only, and surge upgrades don't."""
    priority, source = inputs.get("scaleSetPriority"), "learn.microsoft.com/azure/aks/spot-node-pool"
    if priority not in (None, "Regular", "Spot", UNKNOWN):
        yield refusal("scaleSetPriority", f"InvalidParameter: scaleSetPriority {priority!r}: Regular or Spot", API)
    if priority in (None, "Regular"):
        for key in ("scaleSetEvictionPolicy", "spotMaxPrice"):
            if inputs.get(key) is not None:
                yield refusal(key, f"InvalidParameter: {key} is only allowed for scaleSetPriority Spot", source)
    if priority != "Spot":
        return
    policy, price = inputs.get("scaleSetEvictionPolicy"), inputs.get("spotMaxPrice")
    if policy not in (None, "Delete", "Deallocate", UNKNOWN):
        yield refusal("scaleSetEvictionPolicy", f"InvalidParameter: {policy!r}: Delete or Deallocate", API)
    if isinstance(price, int | float) and price <= 0 and price != -1:
        message = f"InvalidParameter: spotMaxPrice {price} must be above 0, or -1 for the on-demand price"
        yield refusal("spotMaxPrice", message, source)
    if get(inputs, "upgradeSettings", "maxSurge") is not None:
        message = "Spot pools can't set max surge"
        yield refusal(
            "upgradeSettings.maxSurge", message, "learn.microsoft.com/azure/aks/upgrade-aks-node-pools-rolling"
        )


def upgrades(inputs: Inputs) -> Iterator[Refusal]:
    """Surge, drain and soak times."""
    given = inputs.get("upgradeSettings")
    surge = text(get(given, "maxSurge"))
    if surge is not None and not _SURGE.fullmatch(surge):
        message = f"InvalidParameter: maxSurge {surge!r}: a number, or a percentage from 1% to 100%"
        yield refusal("upgradeSettings.maxSurge", message, API)
    for key, (low, high) in (("drainTimeoutInMinutes", DRAIN), ("nodeSoakDurationInMinutes", SOAK)):
        value = number(get(given, key))
        if value is not None and not low <= value <= high:
            message = f"InvalidParameter: {key} {value} is not in {low} to {high}"
            yield refusal(f"upgradeSettings.{key}", message, API)


RULES: tuple[Rule, ...] = (count, quota, shape, spot, upgrades)
