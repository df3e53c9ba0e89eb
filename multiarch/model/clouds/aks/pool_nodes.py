"""AKS agent pools: names, modes, images, disks, labels and taints."""

import re
from collections.abc import Iterator

from multiarch.model.providers.base import Refusal
from multiarch.model.providers.kinds import Inputs, Rule, entries, get, items, number, refusal, text
from multiarch.model.providers.machines import ARM64, machine
from multiarch.model.providers.names import bad_labels, label_value_fault, qualified_name_fault
from multiarch.model.providers.values import UNKNOWN, join

API = "learn.microsoft.com/rest/api/aks/agent-pools/create-or-update"
ARM_PAGE = "learn.microsoft.com/azure/aks/use-arm64-vms"
SPOT_KEY = "kubernetes.azure.com/scalesetpriority"
SPOT_TAINT = f"{SPOT_KEY}=spot:NoSchedule"
RESERVED = ("kubernetes.azure.com", "kubernetes.io")
LINUX = ("Ubuntu", "Ubuntu2204", "Ubuntu2404", "AzureLinux", "AzureLinux3", "AzureContainerLinux", "Flatcar")
WINDOWS = ("Windows2019", "Windows2022", "Windows2025", "WindowsAnnual")
MIN_DISK_GB = 30
MAX_DISK_GB = 2048
MAX_TAGS = 50
MIN_LOG_FILES = 2
RESOURCE_GROUP = re.compile(r"[-\w._()]{1,89}[-\w_()]|[-\w_()]")
MANAGED_CLUSTER = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9])?")
_POOL = re.compile(r"[a-z][a-z0-9]{0,11}")
_TAINT = re.compile(r"(?P<key>[^=:]+)(=(?P<value>[^=:]*))?:(?P<effect>[A-Za-z]+)")
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


def identity(inputs: Inputs) -> Iterator[Refusal]:
    """Resource group, cluster and pool name; the pool's is never made up, since a suffix may not fit."""
    for key, pattern in (("resourceGroupName", RESOURCE_GROUP), ("resourceName", MANAGED_CLUSTER)):
        given = inputs.get(key)
        if given is None:
            yield refusal(key, f"Required parameter {key} is missing (null)", API)
        elif isinstance(given, str) and not pattern.fullmatch(given):
            yield refusal(key, f"'{key}' does not match expression '{pattern.pattern}': {given!r}", API)
    pool = inputs.get("agentPoolName")
    if pool is None:
        message = (
            "no agentPoolName: the provider would add a random suffix to the resource's name, and 12 characters are all"
        )
        yield refusal("agentPoolName", message, API)
    elif isinstance(pool, str) and not _POOL.fullmatch(pool):
        message = (
            f"InvalidParameter: The value of parameter agentPoolProfile.name is invalid: {pool!r} must start with a "
            "lowercase letter, hold only lowercase letters and digits, and have at most 12 characters"
        )
        yield refusal("agentPoolName", message, "learn.microsoft.com/azure/aks/create-node-pools limitations")


def mode(inputs: Inputs) -> Iterator[Refusal]:
    """Modes, and what a System pool can't have."""
    given = inputs.get("mode")
    if given not in (None, "System", "User", "Gateway", UNKNOWN):
        yield refusal("mode", f"InvalidParameter: agentPoolProfile.mode {given!r} is not System, User or Gateway", API)
    if given != "System":
        return
    for index, taint in enumerate(items(inputs.get("nodeTaints"))):
        hard = isinstance(taint, str) and not taint.endswith(":PreferNoSchedule")
        if hard and not taint.startswith("CriticalAddonsOnly="):
            message = (
                f"System pools only accept the taint CriticalAddonsOnly=true:NoSchedule, not {taint!r}: use mode User"
            )
            yield refusal(f"nodeTaints[{index}]", message, "Azure/AKS#2578")
    if inputs.get("scaleSetPriority") == "Spot":
        yield refusal(
            "scaleSetPriority", "A spot pool can't be a System pool", "learn.microsoft.com/azure/aks/spot-node-pool"
        )
    if inputs.get("osType") == "Windows":
        yield refusal("osType", "A System pool must be Linux", "learn.microsoft.com/azure/aks/use-system-pools")


def images(inputs: Inputs) -> Iterator[Refusal]:
    """Operating systems that exist, and those with arm64 images."""
    kind, sku = inputs.get("osType"), inputs.get("osSKU")
    if kind not in (None, "Linux", "Windows", UNKNOWN):
        yield refusal("osType", f"InvalidParameter: agentPoolProfile.osType {kind!r}", API)
    if sku == "CBLMariner":
        message = "InvalidOSSKU: Azure Linux 2 images were removed on 2026-03-31"
        yield refusal("osSKU", message, "learn.microsoft.com/azure/aks/use-azure-linux")
    elif sku not in (None, *LINUX, *WINDOWS, UNKNOWN):
        yield refusal("osSKU", f"InvalidParameter: agentPoolProfile.osSKU {sku!r}: {', '.join(LINUX + WINDOWS)}", API)
    known = machine("aks", inputs.get("vmSize"))
    if known is None or known.arch != ARM64:
        return
    if kind == "Windows" or sku in WINDOWS:
        yield refusal("osSKU", f"Windows node pools don't support the Arm64 size {known.name}", ARM_PAGE)
    if inputs.get("enableFIPS") is True and sku not in ("AzureLinux", "AzureLinux3", UNKNOWN):
        yield refusal("enableFIPS", f"FIPS on the Arm64 size {known.name} needs Azure Linux 3 or later", ARM_PAGE)
    if sku == "AzureContainerLinux":
        return
    for key in ("enableSecureBoot", "enableVTPM"):
        if get(inputs, "securityProfile", key) is True:
            message = f"Trusted Launch ({key}) is not supported with the Arm64 size {known.name}"
            yield refusal(
                f"securityProfile.{key}", message, "learn.microsoft.com/azure/aks/use-trusted-launch limitations"
            )


def disks(inputs: Inputs) -> Iterator[Refusal]:
    """Want a local disk for an ephemeral OS disk."""
    kind, size = inputs.get("osDiskType"), number(inputs.get("osDiskSizeGB"))
    if kind not in (None, "Managed", "Ephemeral", UNKNOWN):
        yield refusal("osDiskType", f"InvalidParameter: agentPoolProfile.osDiskType {kind!r}", API)
    known = machine("aks", inputs.get("vmSize"))
    if kind == "Ephemeral" and known is not None and not known.local_disk:
        message = (
            f"OS disk type Ephemeral: the virtual machine size {known.name} has no local disk to hold it: use Managed"
        )
        yield refusal("osDiskType", message, "learn.microsoft.com/azure/aks/concepts-storage ephemeral OS disk")
    if size is not None and size != 0 and not MIN_DISK_GB <= size <= MAX_DISK_GB:
        message = f"InvalidParameter: agentPoolProfile.osDiskSizeGB {size} is not in {MIN_DISK_GB} to {MAX_DISK_GB}"
        yield refusal("osDiskSizeGB", message, API)
    if inputs.get("vmSize") is None:
        yield refusal("vmSize", "Required parameter properties.vmSize is missing (null)", API)


def labels(inputs: Inputs) -> Iterator[Refusal]:
    """Label syntax and AKS's reserved prefixes. The spot label is the exception: left out, updates would remove it."""
    yield from bad_labels(inputs.get("nodeLabels"), "nodeLabels")
    spot = inputs.get("scaleSetPriority") == "Spot"
    for key, value in entries(inputs.get("nodeLabels")):
        if spot and key == SPOT_KEY and value == "spot":
            continue
        prefix = key.rpartition("/")[0]
        if any(prefix == one or prefix.endswith(f".{one}") for one in RESERVED):
            message = (
                f"InvalidParameter: Label {key!r}: the prefixes kubernetes.azure.com/ and kubernetes.io/ are reserved"
            )
            path = join("nodeLabels", key)
            yield refusal(path, message, "learn.microsoft.com/azure/aks/use-labels reserved prefixes")


def taints(inputs: Inputs) -> Iterator[Refusal]:
    """Taints as text, none under AKS's own prefix but the spot one, and that one present on spot pools."""
    given = inputs.get("nodeTaints")
    for index, taint in enumerate(items(given)):
        if isinstance(taint, str):
            yield from _check_taint(taint, f"nodeTaints[{index}]", spot=inputs.get("scaleSetPriority") == "Spot")
    if inputs.get("scaleSetPriority") == "Spot" and given is not UNKNOWN and SPOT_TAINT not in items(given):
        message = f"AKS adds {SPOT_TAINT} to spot pools: not declared, every later update tries to remove it"
        yield refusal("nodeTaints", message, "pulumi-azure-native#959; CAPZ#3976")


def _check_taint(taint: str, path: str, *, spot: bool) -> Iterator[Refusal]:
    source = "learn.microsoft.com/azure/aks/use-node-taints"
    match = _TAINT.fullmatch(taint)
    if not match:
        yield refusal(path, f"InvalidParameter: Taint {taint!r}: expected key=value:Effect", source)
        return
    if match["effect"] not in _EFFECTS:
        message = f"InvalidParameter: Taint effect {match['effect']!r} is not one of {', '.join(_EFFECTS)}"
        yield refusal(path, message, source)
    if fault := qualified_name_fault(match["key"]):
        yield refusal(path, f"InvalidParameter: Taint key {match['key']!r}: {fault}", source)
    if fault := label_value_fault(match["value"] or ""):
        yield refusal(path, f"InvalidParameter: Taint value {match['value']!r}: {fault}", source)
    if match["key"].startswith("kubernetes.azure.com/") and not (spot and taint == SPOT_TAINT):
        message = f"InvalidParameter: Taint key {match['key']!r}: the prefix kubernetes.azure.com/ is reserved"
        yield refusal(path, message, "karpenter-provider-azure#1830")


def tags(inputs: Inputs) -> Iterator[Refusal]:
    """Azure's tag limits."""
    given, source = (
        list(entries(inputs.get("tags"))),
        "learn.microsoft.com/azure/azure-resource-manager/management/tag-resources",
    )
    if len(given) > MAX_TAGS:
        yield refusal("tags", f"InvalidTags: {len(given)} tags, the limit is {MAX_TAGS}", source)
    for key, value in given:
        if not 0 < len(key) <= 512 or any(mark in key for mark in "<>%&\\?/"):  # noqa: PLR2004 - documented limit
            message = f"InvalidTagNameCharacters: {key!r}: 1 to 512 characters, none of < > % & \\ ? /"
            yield refusal(join("tags", key), message, source)
        if isinstance(value, str) and len(value) > 256:  # noqa: PLR2004 - documented limit
            yield refusal(join("tags", key), f"InvalidTagValue: {len(value)} characters, the limit is 256", source)


def system(inputs: Inputs) -> Iterator[Refusal]:
    """Kubelet and Linux settings that go together."""
    source = "learn.microsoft.com/azure/aks/custom-node-configuration"
    kubelet = inputs.get("kubeletConfig")
    low, high = (number(get(kubelet, f"imageGc{which}Threshold")) for which in ("Low", "High"))
    if low is not None and high is not None and low >= high:
        message = f"CustomKubeletConfig: imageGcLowThreshold {low} must be lower than imageGcHighThreshold {high}"
        yield refusal("kubeletConfig.imageGcLowThreshold", message, source)
    files = number(get(kubelet, "containerLogMaxFiles"))
    if files is not None and files < MIN_LOG_FILES:
        yield refusal("kubeletConfig.containerLogMaxFiles", f"CustomKubeletConfig: {files} is less than 2", source)
    if get(inputs, "linuxOSConfig", "swapFileSizeMB") is not None and get(kubelet, "failSwapOn") not in (
        False,
        UNKNOWN,
    ):
        message = "CustomLinuxOSConfig: swapFileSizeMB needs kubeletConfig.failSwapOn false"
        yield refusal("linuxOSConfig.swapFileSizeMB", message, source)


def reservations(inputs: Inputs) -> Iterator[Refusal]:
    """Want a capacity reservation group by its resource id, and not for spot machines."""
    given, source = (
        text(inputs.get("capacityReservationGroupID")),
        "learn.microsoft.com/azure/aks/use-capacity-reservation-groups",
    )
    if given is None:
        return
    if not re.fullmatch(r"/subscriptions/[^/]+/.+/capacityReservationGroups/[^/]+", given, re.IGNORECASE):
        message = f"LinkedInvalidPropertyId: {given!r} is not a valid resource ID"
        yield refusal("capacityReservationGroupID", message, source)
    if inputs.get("scaleSetPriority") == "Spot":
        yield refusal("capacityReservationGroupID", "Spot VMs can't use a capacity reservation", source)


def text_fields(inputs: Inputs) -> Iterator[Refusal]:
    """Subnets are resource ids."""
    for key in ("vnetSubnetID", "podSubnetID"):
        given = text(inputs.get(key))
        if given is not None and not re.fullmatch(r"/subscriptions/[^/]+/resourceGroups/[^/]+/.+/subnets/[^/]+", given):
            yield refusal(key, f"LinkedInvalidPropertyId: {given!r} is not a valid resource ID", API)


RULES: tuple[Rule, ...] = (
    identity,
    mode,
    images,
    disks,
    labels,
    taints,
    tags,
    system,
    reservations,
    text_fields,
)
