"""GKE node pools: names, places, machines, disks, labels and taints."""

import re
from collections.abc import Iterator

from multiarch.model.providers.base import Refusal
from multiarch.model.providers.kinds import Inputs, Rule, entries, get, items, number, refusal, text
from multiarch.model.providers.machines import ARM64, machine
from multiarch.model.providers.names import bad_labels, label_value_fault, qualified_name_fault
from multiarch.model.providers.values import UNKNOWN, join

API = "container.googleapis.com NodePool"
NAME_MAX = 40
EFFECTS = ("NO_SCHEDULE", "PREFER_NO_SCHEDULE", "NO_EXECUTE")
IMAGES = ("COS_CONTAINERD", "UBUNTU_CONTAINERD", "WINDOWS_LTSC_CONTAINERD", "WINDOWS_SAC_CONTAINERD")
REGION = re.compile(r"[a-z]+-[a-z]+[0-9]+")
MIN_DISK_GB = 10
MAX_RESOURCE_LABELS = 64
MAX_TAGS = 64
_ZONE = re.compile(rf"({REGION.pattern})-[a-z]")
_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_LABEL_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}")
_SCOPE = re.compile(r"https://www\.googleapis\.com/auth/[a-z0-9._-]+|[a-z-]+")
_EMAIL = re.compile(r"default|[a-z0-9-]+@[a-z0-9.-]+\.[a-z]+")

KUBELET_LABELS = frozenset(
    {
        "kubernetes.io/hostname",
        "kubernetes.io/arch",
        "kubernetes.io/os",
        "node.kubernetes.io/instance-type",
        "topology.kubernetes.io/region",
        "topology.kubernetes.io/zone",
    }
)
"""Set by the kubelet itself; kubernetes/kubernetes staging/src/k8s.io/kubelet/pkg/apis/well_known_labels.go."""
KUBELET_PREFIXES = ("kubelet.kubernetes.io", "node.kubernetes.io")

PERSISTENT = ("pd-standard", "pd-balanced", "pd-ssd")
BOOT_DISKS: dict[str, tuple[str, ...]] = {
    "t2a": PERSISTENT,
    "t2d": PERSISTENT,
    "e2": PERSISTENT,
    "n1": PERSISTENT,
    "c4a": ("hyperdisk-balanced",),
    "n4a": ("hyperdisk-balanced",),
    "c4": ("hyperdisk-balanced",),
    "n4": ("hyperdisk-balanced",),
}
"""Boot disk types by machine series: cloud.google.com/compute/docs/disks/hyperdisks and the series' own pages."""
T2A_ZONES = {
    "us-central1": ("us-central1-a", "us-central1-b", "us-central1-f"),
    "europe-west4": ("europe-west4-a", "europe-west4-b", "europe-west4-c"),
    "asia-southeast1": ("asia-southeast1-b", "asia-southeast1-c"),
}
N4A_REGIONS = frozenset(
    "us-central1 us-east1 us-east4 us-west1 europe-west1 europe-west2 europe-west3 europe-west4 asia-southeast1".split()  # noqa: SIM905 - one line reads better than nine
)
NEEDS_GVNIC = ("c4a", "n4a")
RESERVATIONS = ("UNSPECIFIED", "NO_RESERVATION", "ANY_RESERVATION", "SPECIFIC_RESERVATION")
KUBELET = {
    "containerLogMaxFiles": (2, 10),
    "imageGcHighThresholdPercent": (10, 85),
    "imageGcLowThresholdPercent": (10, 85),
    "maxParallelImagePulls": (2, 5),
    "podPidsLimit": (1024, 4194304),
}
"""Bounds that GKE documents for kubelet settings."""


def region_of(location: str) -> str:
    """Give the region of a zone, or a region itself."""
    zone = _ZONE.fullmatch(location)
    return zone[1] if zone else location


def zones_of(location: str) -> list[str]:
    """Give the zones of a cluster at `location`: its zone, or the three that a regional cluster gets by default."""
    return [location] if _ZONE.fullmatch(location) else [f"{location}-{letter}" for letter in "abc"]


def series(inputs: Inputs) -> str:
    """Give the machine series: `t2a` of `t2a-standard-8`; empty when unknown. GKE's own default is e2-medium."""
    given = get(inputs, "nodeConfig", "machineType")
    return "e2" if given is None else str(text(given) or "").split("-", 1)[0]


def identity(inputs: Inputs) -> Iterator[Refusal]:
    """Cluster, location and name."""
    if not inputs.get("cluster"):
        yield refusal(
            "cluster", 'Missing required argument: "cluster"', "terraform-provider-google container_node_pool"
        )
    if not inputs.get("location"):
        message = "Cannot determine location: set location in this resource, or set provider-level zone or region"
        yield refusal("location", message, "terraform-provider-google container_node_pool")
    if inputs.get("name") is not None and inputs.get("namePrefix") is not None:
        yield refusal(
            "namePrefix", '"name": conflicts with name_prefix', "terraform-provider-google container_node_pool"
        )
    name = text(inputs.get("name"))
    if name is not None and (len(name) > NAME_MAX or not _NAME.fullmatch(name)):
        message = (
            f"Invalid value for field 'node_pool.name': {name!r}: must start with a letter, hold lowercase letters, "
            f"digits and '-', end with no '-', and have at most {NAME_MAX} characters"
        )
        yield refusal("name", message, f"{API}.name")


def places(inputs: Inputs) -> Iterator[Refusal]:
    """Every zone exists in the cluster's region."""
    location = text(inputs.get("location"))
    if location is None:
        return
    region = region_of(location)
    if not REGION.fullmatch(region):
        yield refusal("location", f"Location {location!r} does not exist", API)
        return
    for index, zone in enumerate(items(inputs.get("nodeLocations"))):
        path = f"nodeLocations[{index}]"
        if not isinstance(zone, str) or not _ZONE.fullmatch(zone):
            if zone is not UNKNOWN:
                yield refusal(path, f"Invalid zone {zone!r}", f"{API}.locations")
        elif region_of(zone) != region:
            yield refusal(path, f"Zone {zone!r} is not in the cluster's region {region!r}", f"{API}.locations")


def machine_in_place(inputs: Inputs) -> Iterator[Refusal]:
    """Know the series that exist in few places. Without nodeLocations the pool goes to all of the cluster's zones."""
    location, kind = text(inputs.get("location")), series(inputs)
    if location is None:
        return
    region, name = region_of(location), get(inputs, "nodeConfig", "machineType")
    if kind == "n4a" and region not in N4A_REGIONS:
        message = f"Machine type with name '{name}' does not exist in region '{region}'"
        yield refusal("nodeConfig.machineType", message, "cloud.google.com/compute/docs/regions-zones, N4A")
    if kind != "t2a":
        return
    source = "cloud.google.com/compute/docs/regions-zones, T2A; terraform-google-kubernetes-engine#1437"
    if region not in T2A_ZONES:
        message = f"Machine type with name '{name}' does not exist in region '{region}'"
        yield refusal("nodeConfig.machineType", message, source)
        return
    given = inputs.get("nodeLocations")
    for index, zone in enumerate(items(given) if given is not None else zones_of(location)):
        if isinstance(zone, str) and zone not in T2A_ZONES[region]:
            path = f"nodeLocations[{index}]" if given is not None else "nodeLocations"
            yield refusal(path, f"Machine type with name '{name}' does not exist in zone '{zone}'", source)


def image(inputs: Inputs) -> Iterator[Refusal]:
    """Only containerd images are left; Windows has no arm64 machines."""
    given = text(get(inputs, "nodeConfig", "imageType"))
    if given is None:
        return
    if given.upper() not in IMAGES:
        message = f"Invalid image type {given!r}: supported are {', '.join(IMAGES)}"
        yield refusal("nodeConfig.imageType", message, "cloud.google.com/kubernetes-engine/docs/concepts/node-images")
    known = machine("gke", get(inputs, "nodeConfig", "machineType"))
    if known and known.arch == ARM64 and given.upper().startswith("WINDOWS"):
        message = f"Windows image {given!r} is not offered for the Arm machine type {known.name!r}"
        yield refusal("nodeConfig.imageType", message, "cloud.google.com/kubernetes-engine/docs/concepts/arm-on-gke")


def disks(inputs: Inputs) -> Iterator[Refusal]:
    """Match the boot disk's type with the machine series."""
    allowed = BOOT_DISKS.get(series(inputs))
    for path, type_path, size_path in (
        ("nodeConfig", ("nodeConfig", "diskType"), ("nodeConfig", "diskSizeGb")),
        ("nodeConfig.bootDisk", ("nodeConfig", "bootDisk", "diskType"), ("nodeConfig", "bootDisk", "sizeGb")),
    ):
        kind, size = text(get(inputs, *type_path)), number(get(inputs, *size_path))
        if kind is not None and allowed is not None and kind not in allowed:
            message = (
                f"{kind} disk type cannot be used by {get(inputs, 'nodeConfig', 'machineType')} machine type: "
                f"supported boot disks are {', '.join(allowed)}"
            )
            yield refusal(f"{path}.diskType", message, "terraform-provider-google#20247; compute/docs/disks/hyperdisks")
        if size is not None and size < MIN_DISK_GB:
            message = f"Invalid value {size}: disk size must be at least {MIN_DISK_GB} GB"
            yield refusal(join(path, size_path[-1]), message, f"{API}.config.diskSizeGb")
    old, new = get(inputs, "nodeConfig", "diskType"), get(inputs, "nodeConfig", "bootDisk", "diskType")
    if old is not None and new is not None and old != new:
        message = "disk_type and boot_disk.disk_type say different things"
        yield refusal("nodeConfig.bootDisk.diskType", message, "terraform-provider-google node_config boot_disk")


def arm_limits(inputs: Inputs) -> Iterator[Refusal]:
    """Refuse what Arm series don't have."""
    kind = series(inputs)
    source = "cloud.google.com/kubernetes-engine/docs/concepts/arm-on-gke"
    if kind == "t2a":
        for key in ("localSsdCount", "guestAccelerators", "confidentialNodes"):
            if get(inputs, "nodeConfig", key):
                yield refusal(f"nodeConfig.{key}", f"{key} is not supported on T2A machines", source)
    if kind in NEEDS_GVNIC and get(inputs, "nodeConfig", "gvnic", "enabled") is False:
        message = f"{kind.upper()} machines need gVNIC: it cannot be disabled"
        yield refusal("nodeConfig.gvnic.enabled", message, "cloud.google.com/compute/docs/networking/using-gvnic")


def labels(inputs: Inputs) -> Iterator[Refusal]:
    """Kubernetes labels of the nodes: syntax, and no reserved prefix."""
    given = get(inputs, "nodeConfig", "labels")
    yield from bad_labels(given, "nodeConfig.labels")
    for key, _ in entries(given):
        prefix = key.rpartition("/")[0]
        reserved = prefix in {"kubernetes.io", "k8s.io"} or prefix.endswith((".kubernetes.io", ".k8s.io"))
        allowed = key in KUBELET_LABELS - {"kubernetes.io/arch"} or prefix.endswith(KUBELET_PREFIXES)
        if reserved and not allowed:
            message = f"Label key {key!r}: labels under kubernetes.io and k8s.io are reserved for the kubelet"
            yield refusal(join("nodeConfig.labels", key), message, "kubernetes NodeRestriction admission plugin")


def taints(inputs: Inputs) -> Iterator[Refusal]:
    """Key, value and effect, in the API's spelling; the architecture taint is GKE's own."""
    for index, taint in enumerate(items(get(inputs, "nodeConfig", "taints"))):
        path = f"nodeConfig.taints[{index}]"
        key, value, effect = (get(taint, part) for part in ("key", "value", "effect"))
        if not key:
            yield refusal(f"{path}.key", "Taint key must be non-empty", f"{API}.config.taints")
        elif isinstance(key, str) and (fault := qualified_name_fault(key)):
            yield refusal(f"{path}.key", f"Invalid taint key {key!r}: {fault}", f"{API}.config.taints")
        if value is None or value == "":
            yield refusal(f"{path}.value", "Taint value is required", "terraform-provider-google node_config taint")
        elif isinstance(value, str) and (fault := label_value_fault(value)):
            yield refusal(f"{path}.value", f"Invalid taint value {value!r}: {fault}", f"{API}.config.taints")
        if effect not in (*EFFECTS, UNKNOWN):
            message = f"expected effect to be one of {', '.join(EFFECTS)}, got {effect}"
            yield refusal(f"{path}.effect", message, "terraform-provider-google node_config taint")
        if key == "kubernetes.io/arch":
            message = "GKE taints Arm nodes itself: declared again, the pool is replaced on every apply"
            yield refusal(f"{path}.key", message, "terraform-provider-google#13308")
    behaviour = get(inputs, "nodeConfig", "taintConfig", "architectureTaintBehavior")
    if behaviour not in (None, "ARM", "NONE", "ARCHITECTURE_TAINT_BEHAVIOR_UNSPECIFIED", UNKNOWN):
        message = f"expected architecture_taint_behavior to be one of ARM, NONE, got {behaviour}"
        yield refusal("nodeConfig.taintConfig.architectureTaintBehavior", message, "terraform-provider-google#28418")


def node_settings(inputs: Inputs) -> Iterator[Refusal]:
    """Capacity type, identity, metadata server."""
    if get(inputs, "nodeConfig", "spot") is True and get(inputs, "nodeConfig", "preemptible") is True:
        yield refusal("nodeConfig.spot", "Cannot set both preemptible and spot", f"{API}.config.spot")
    account = text(get(inputs, "nodeConfig", "serviceAccount"))
    if account is not None and not _EMAIL.fullmatch(account):
        message = f"The service account {account!r} is invalid: expected an e-mail address"
        yield refusal("nodeConfig.serviceAccount", message, f"{API}.config.serviceAccount")
    for index, scope in enumerate(items(get(inputs, "nodeConfig", "oauthScopes"))):
        if isinstance(scope, str) and not _SCOPE.fullmatch(scope):
            yield refusal(f"nodeConfig.oauthScopes[{index}]", f"Invalid scope {scope!r}", f"{API}.config.oauthScopes")
    mode = get(inputs, "nodeConfig", "workloadMetadataConfig", "mode")
    if mode not in (None, "GKE_METADATA", "GCE_METADATA", "MODE_UNSPECIFIED", UNKNOWN):
        message = f"expected mode to be one of GCE_METADATA, GKE_METADATA, got {mode}"
        yield refusal("nodeConfig.workloadMetadataConfig.mode", message, "terraform-provider-google node_config")


def reservations(inputs: Inputs) -> Iterator[Refusal]:
    """Want a specific reservation named, and no other; none is of spot machines."""
    affinity = get(inputs, "nodeConfig", "reservationAffinity")
    kind = get(affinity, "consumeReservationType")
    if kind in (None, UNKNOWN):
        return
    path, source = "nodeConfig.reservationAffinity", f"{API}.config.reservationAffinity"
    if kind not in RESERVATIONS:
        message = f"expected consume_reservation_type to be one of {', '.join(RESERVATIONS)}, got {kind}"
        yield refusal(f"{path}.consumeReservationType", message, "terraform-provider-google node_config")
    named = get(affinity, "key") is not None and get(affinity, "values") not in (None, [])
    if (kind == "SPECIFIC_RESERVATION") != named:
        message = f"{kind} with key {get(affinity, 'key')!r} and values {get(affinity, 'values')!r}"
        yield refusal(path, message, source)
    if get(inputs, "nodeConfig", "spot") is True and kind in ("ANY_RESERVATION", "SPECIFIC_RESERVATION"):
        yield refusal(path, "Spot VMs don't consume reservations", "cloud.google.com/compute/docs/instances/spot")


def system(inputs: Inputs) -> Iterator[Refusal]:
    """Kubelet and Linux settings, and the key of the boot disks, as the API documents them."""
    kubelet = get(inputs, "nodeConfig", "kubeletConfig")
    source = "cloud.google.com/kubernetes-engine/docs/how-to/node-system-config"
    for name, (least, most) in KUBELET.items():
        value = number(get(kubelet, name))
        if value is not None and not least <= value <= most:
            yield refusal(f"nodeConfig.kubeletConfig.{name}", f"{name} {value} is not in {least} to {most}", source)
    low, high = (number(get(kubelet, f"imageGc{which}ThresholdPercent")) for which in ("Low", "High"))
    if low is not None and high is not None and low >= high:
        message = f"imageGcLowThresholdPercent {low} must be lower than imageGcHighThresholdPercent {high}"
        yield refusal("nodeConfig.kubeletConfig.imageGcLowThresholdPercent", message, source)
    key = text(get(inputs, "nodeConfig", "bootDiskKmsKey"))
    if key is not None and not re.fullmatch(r"projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+", key):
        yield refusal("nodeConfig.bootDiskKmsKey", f"Invalid key {key!r}", f"{API}.config.bootDiskKmsKey")


def tags_and_labels(inputs: Inputs) -> Iterator[Refusal]:
    """Network tags and billing labels follow Compute Engine's rules, not Kubernetes'."""
    tags = items(get(inputs, "nodeConfig", "tags"))
    if len(tags) > MAX_TAGS:
        message = f"Too many network tags: {len(tags)}, the limit is {MAX_TAGS}"
        yield refusal("nodeConfig.tags", message, "cloud.google.com/vpc/docs/add-remove-network-tags")
    for index, tag in enumerate(tags):
        if isinstance(tag, str) and (len(tag) > NAME_MAX + 23 or not _NAME.fullmatch(tag)):
            yield refusal(f"nodeConfig.tags[{index}]", f"Invalid network tag {tag!r}", f"{API}.config.tags")
    given = list(entries(get(inputs, "nodeConfig", "resourceLabels")))
    if len(given) > MAX_RESOURCE_LABELS:
        message = f"Too many labels: {len(given)}, the limit is {MAX_RESOURCE_LABELS}"
        yield refusal("nodeConfig.resourceLabels", message, "cloud.google.com/compute/docs/labeling-resources")
    for key, value in given:
        if not _LABEL_KEY.fullmatch(key) or (isinstance(value, str) and not _LABEL_VALUE.fullmatch(value)):
            message = f"Label {key!r}: {value!r}: only lowercase letters, digits, '_' and '-', at most 63 characters"
            path = join("nodeConfig.resourceLabels", key)
            yield refusal(path, message, "cloud.google.com/compute/docs/labeling-resources")


RULES: tuple[Rule, ...] = (
    identity,
    places,
    machine_in_place,
    image,
    disks,
    arm_limits,
    labels,
    taints,
    node_settings,
    reservations,
    system,
    tags_and_labels,
)
