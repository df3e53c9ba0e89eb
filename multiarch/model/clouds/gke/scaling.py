"""GKE node pools: sizes, limits, upgrades, draining."""

import re
from collections.abc import Iterator

from multiarch.model.clouds.gke.node_pool import zones_of
from multiarch.model.providers.base import Refusal
from multiarch.model.providers.kinds import Inputs, Rule, get, items, number, refusal, text
from multiarch.model.providers.values import UNKNOWN

TERRAFORM = "terraform-provider-google container_node_pool"
QUOTAS = "cloud.google.com/kubernetes-engine/quotas"
MAX_NODES_PER_ZONE = 1000
MAX_SURGE = 20
PODS = (8, 256)
TOTALS = ("totalMinNodeCount", "totalMaxNodeCount")
PER_ZONE = ("minNodeCount", "maxNodeCount")
_DURATION = re.compile(r"\d+(\.\d+)?s")


def autoscaling(inputs: Inputs) -> Iterator[Refusal]:
    """Limits are totals or per zone, never both; the lower one is not above the upper one."""
    given = inputs.get("autoscaling")
    if given is None or given is UNKNOWN:
        return
    set_totals = [key for key in TOTALS if get(given, key) is not None]
    set_zones = [key for key in PER_ZONE if get(given, key) is not None]
    if set_totals and set_zones:
        message = f"Cannot set both total limits ({', '.join(set_totals)}) and per-zone limits ({', '.join(set_zones)})"
        yield refusal(f"autoscaling.{set_zones[0]}", message, f"{TERRAFORM} autoscaling")
    if not set_totals and not set_zones:
        yield refusal("autoscaling", "either total or per zone limits are required", f"{TERRAFORM} autoscaling")
    for low_key, high_key in (TOTALS, PER_ZONE):
        yield from _range(given, low_key, high_key)
    policy = get(given, "locationPolicy")
    if policy not in (None, "BALANCED", "ANY", UNKNOWN):
        message = f"expected location_policy to be one of BALANCED, ANY, got {policy}"
        yield refusal("autoscaling.locationPolicy", message, f"{TERRAFORM} autoscaling")


def _range(given: object, low_key: str, high_key: str) -> Iterator[Refusal]:
    low, high = number(get(given, low_key)), number(get(given, high_key))
    source = "container.googleapis.com NodePoolAutoscaling"
    if low is not None and low < 0:
        yield refusal(f"autoscaling.{low_key}", f"{low_key} must be at least 0, got {low}", source)
    if high is not None and high < 1:
        yield refusal(f"autoscaling.{high_key}", f"{high_key} must be at least 1, got {high}", source)
    if low is not None and high is not None and low > high:
        message = f"{low_key} ({low}) must be less than or equal to {high_key} ({high})"
        yield refusal(f"autoscaling.{low_key}", message, source)


def quota(inputs: Inputs) -> Iterator[Refusal]:
    """Allow 1000 nodes per zone at most."""
    zones = items(inputs.get("nodeLocations")) or zones_of(text(inputs.get("location")) or "")
    total, zonal = (number(get(inputs, "autoscaling", key)) for key in ("totalMaxNodeCount", "maxNodeCount"))
    if zonal is not None and zonal > MAX_NODES_PER_ZONE:
        message = f"maxNodeCount {zonal} exceeds the limit of {MAX_NODES_PER_ZONE} nodes per node pool and zone"
        yield refusal("autoscaling.maxNodeCount", message, QUOTAS)
    if total is not None and total > MAX_NODES_PER_ZONE * len(zones):
        message = (
            f"totalMaxNodeCount {total} exceeds the limit of {MAX_NODES_PER_ZONE} nodes in each of {len(zones)} zones"
        )
        yield refusal("autoscaling.totalMaxNodeCount", message, QUOTAS)


def counts(inputs: Inputs) -> Iterator[Refusal]:
    """Check initial size and pods per node."""
    initial = number(inputs.get("initialNodeCount"))
    if initial is not None and initial < 0:
        message = f"expected initial_node_count to be at least (0), got {initial}"
        yield refusal("initialNodeCount", message, TERRAFORM)
    pods = number(inputs.get("maxPodsPerNode"))
    if pods is not None and not PODS[0] <= pods <= PODS[1]:
        message = f"max_pods_per_node must be between {PODS[0]} and {PODS[1]}, got {pods}"
        yield refusal("maxPodsPerNode", message, "cloud.google.com/kubernetes-engine/docs/how-to/flexible-pod-cidr")


def upgrades(inputs: Inputs) -> Iterator[Refusal]:
    """Surge settings that let an upgrade make progress."""
    given = inputs.get("upgradeSettings")
    if given is None or given is UNKNOWN:
        return
    strategy = get(given, "strategy")
    if strategy not in (None, "SURGE", "BLUE_GREEN", "SHORT_LIVED", UNKNOWN):
        message = f"expected strategy to be one of SURGE, BLUE_GREEN, SHORT_LIVED, got {strategy}"
        yield refusal("upgradeSettings.strategy", message, f"{TERRAFORM} upgrade_settings")
    surge, missing = number(get(given, "maxSurge")), number(get(given, "maxUnavailable"))
    source = "cloud.google.com/kubernetes-engine/docs/concepts/node-pool-upgrade-strategies"
    if surge == 0 and missing == 0:
        message = "max_surge and max_unavailable are both 0: an upgrade could not start"
        yield refusal("upgradeSettings.maxSurge", message, source)
    if surge is not None and missing is not None and surge + missing > MAX_SURGE:
        message = f"max_surge + max_unavailable is {surge + missing}, the limit is {MAX_SURGE}"
        yield refusal("upgradeSettings.maxSurge", message, source)


def draining(inputs: Inputs) -> Iterator[Refusal]:
    """Want drain configurations that say something, in seconds."""
    for index, given in enumerate(items(inputs.get("nodeDrainConfigs"))):
        path = f"nodeDrainConfigs[{index}]"
        if given == {}:
            message = "an empty node_drain_config is never equal to what the API reports, so it is updated forever"
            yield refusal(path, message, "provider-upjet-gcp#1022")
        for key in ("graceTerminationDuration", "pdbTimeoutDuration"):
            value = text(get(given, key))
            if value is not None and not _DURATION.fullmatch(value):
                message = f"Invalid duration {value!r}: expected seconds with the suffix 's', such as 3600s"
                yield refusal(f"{path}.{key}", message, "protobuf.dev google.protobuf.Duration JSON")


RULES: tuple[Rule, ...] = (autoscaling, quota, counts, upgrades, draining)
