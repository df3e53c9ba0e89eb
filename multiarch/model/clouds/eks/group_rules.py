"""EKS managed node groups as CreateNodegroup takes them."""

import re
from collections.abc import Iterator

from multiarch.model.clouds.eks.iam import ROLE_ARN, bad_tags
from multiarch.model.providers.base import Refusal
from multiarch.model.providers.kinds import Inputs, Rule, entries, get, items, number, refusal, text
from multiarch.model.providers.machines import ARM64, machine
from multiarch.model.providers.names import bad_labels, label_value_fault, qualified_name_fault
from multiarch.model.providers.values import UNKNOWN, join

API = "docs.aws.amazon.com/eks CreateNodegroup"
AMI_TYPES = frozenset(
    {
        "CUSTOM",
        "AL2_x86_64",
        "AL2_x86_64_GPU",
        "AL2_ARM_64",
        "AL2023_x86_64_STANDARD",
        "AL2023_ARM_64_STANDARD",
        "AL2023_x86_64_NEURON",
        "AL2023_x86_64_NVIDIA",
        "AL2023_ARM_64_NVIDIA",
        "BOTTLEROCKET_ARM_64",
        "BOTTLEROCKET_x86_64",
        "BOTTLEROCKET_ARM_64_FIPS",
        "BOTTLEROCKET_x86_64_FIPS",
        "BOTTLEROCKET_ARM_64_NVIDIA",
        "BOTTLEROCKET_x86_64_NVIDIA",
        "BOTTLEROCKET_ARM_64_NVIDIA_FIPS",
        "BOTTLEROCKET_x86_64_NVIDIA_FIPS",
        *(f"WINDOWS_{flavour}_{year}_x86_64" for flavour in ("CORE", "FULL") for year in (2019, 2022, 2025)),
    }
)
"""boto/botocore eks/2017-11-01/service-2.json AMITypes."""
DEFAULT_AMI = "AL2023_x86_64_STANDARD"
CAPACITY = ("ON_DEMAND", "SPOT", "CAPACITY_BLOCK")
EFFECTS = ("NO_SCHEDULE", "NO_EXECUTE", "PREFER_NO_SCHEDULE")
RESERVED = ("kubernetes.io", "k8s.io", "eks.amazonaws.com")
MAX_TAINTS = 50
MAX_NODES = 450
NAME_MAX = 63
_NAME = re.compile(r"[0-9A-Za-z][A-Za-z0-9_-]*")
_SUBNET = re.compile(r"subnet-([0-9a-f]{8}|[0-9a-f]{17})")


def identity(inputs: Inputs) -> Iterator[Refusal]:
    """Cluster, role, subnets, name."""
    if not inputs.get("clusterName"):
        yield refusal("clusterName", 'Missing required argument: "cluster_name"', API)
    role = inputs.get("nodeRoleArn")
    if role is not UNKNOWN and not (isinstance(role, str) and ROLE_ARN.fullmatch(role)):
        yield refusal("nodeRoleArn", f"InvalidParameterException: ({role}) is an invalid role ARN", API)
    subnets = inputs.get("subnetIds")
    if subnets is not UNKNOWN and not items(subnets):
        yield refusal("subnetIds", "InvalidParameterException: Subnets cannot be empty", API)
    for index, subnet in enumerate(items(subnets)):
        if isinstance(subnet, str) and not _SUBNET.fullmatch(subnet):
            message = f"InvalidParameterException: The subnet ID '{subnet}' does not exist"
            yield refusal(f"subnetIds[{index}]", message, API)
    if inputs.get("nodeGroupName") is not None and inputs.get("nodeGroupNamePrefix") is not None:
        message = '"node_group_name": conflicts with node_group_name_prefix'
        yield refusal("nodeGroupNamePrefix", message, "terraform-provider-aws eks_node_group")
    for key, limit in (("nodeGroupName", NAME_MAX), ("nodeGroupNamePrefix", NAME_MAX - 26)):
        name = text(inputs.get(key))
        if name is not None and (len(name) > limit or not _NAME.fullmatch(name)):
            allowed = f"1 to {limit} of letters, digits, '-' and '_', first a letter or digit"
            message = f"InvalidParameterException: {name!r}: {allowed}"
            yield refusal(key, message, API)


def scaling(inputs: Inputs) -> Iterator[Refusal]:
    """0 <= min <= desired <= max, max at least 1, and the quota."""
    config = inputs.get("scalingConfig")
    low, high, want = (number(get(config, key)) for key in ("minSize", "maxSize", "desiredSize"))
    if low is not None and low < 0:
        yield refusal("scalingConfig.minSize", f"expected min_size to be at least (0), got {low}", API)
    if high is not None and high < 1:
        yield refusal("scalingConfig.maxSize", f"expected max_size to be at least (1), got {high}", API)
    if high is not None and high > MAX_NODES:
        message = (
            f"ResourceLimitExceededException: maxSize {high}: the quota is {MAX_NODES} nodes per managed node group"
        )
        yield refusal(
            "scalingConfig.maxSize", message, "docs.aws.amazon.com/eks service-quotas, nodes per managed node group"
        )
    if low is not None and high is not None and low > high:
        message = f"InvalidParameterException: Minimum capacity {low} can't be greater than maximum size {high}"
        yield refusal("scalingConfig.minSize", message, API)
    if low is not None and want is not None and low > want:
        message = f"InvalidParameterException: Minimum capacity {low} can't be greater than desired size {want}"
        yield refusal("scalingConfig.desiredSize", message, API)
    if high is not None and want is not None and want > high:
        message = f"InvalidParameterException: Desired capacity {want} can't be greater than max size {high}"
        yield refusal("scalingConfig.desiredSize", message, API)


def _ami_arch(ami: str) -> str:
    return ARM64 if "ARM_64" in ami else "amd64"


def images(inputs: Inputs) -> Iterator[Refusal]:
    """Match the AMI type's architecture with every instance type's; without one, EKS assumes x86."""
    given = inputs.get("amiType")
    if given not in (None, *AMI_TYPES, UNKNOWN):
        yield refusal("amiType", f"expected ami_type to be a known AMI type, got {given}", "boto/botocore eks AMITypes")
        return
    if given is UNKNOWN or given == "CUSTOM":
        return
    ami = str(given or DEFAULT_AMI)
    source = "HHS/simpler-grants-gov#12404; terraform-aws-eks#1494"
    for index, name in enumerate(items(inputs.get("instanceTypes"))):
        known = machine("eks", name)
        if known is None:
            continue
        if known.arch != _ami_arch(ami):
            message = f"InvalidParameterException: [{name}] is not a valid instance type for requested amiType {ami}"
            yield refusal(f"instanceTypes[{index}]", message, source)
        elif name.startswith("a1.") and ami.startswith("AL2023"):
            message = f"InvalidParameterException: [{name}] is not a valid instance type for requested amiType {ami}"
            yield refusal(f"instanceTypes[{index}]", message, "docs.aws.amazon.com/linux/al2023 system requirements")


def capacity(inputs: Inputs) -> Iterator[Refusal]:
    """Capacity type, and one way to say how fast an update may go."""
    kind = inputs.get("capacityType")
    if kind not in (None, *CAPACITY, UNKNOWN):
        yield refusal("capacityType", f"expected capacity_type to be one of {', '.join(CAPACITY)}, got {kind}", API)
    config = inputs.get("updateConfig")
    if config is None or config is UNKNOWN:
        return
    count, share = get(config, "maxUnavailable"), get(config, "maxUnavailablePercentage")
    if (count is None) == (share is None):
        message = "exactly one of max_unavailable and max_unavailable_percentage must be set"
        yield refusal("updateConfig", message, "terraform-provider-aws eks_node_group")
    for key, value in (("maxUnavailable", number(count)), ("maxUnavailablePercentage", number(share))):
        if value is not None and not 1 <= value <= 100:  # noqa: PLR2004 - both of the API's ranges are 1 to 100
            yield refusal(f"updateConfig.{key}", f"expected {key} to be in the range (1 - 100), got {value}", API)


def labels(inputs: Inputs) -> Iterator[Refusal]:
    """Label syntax, and the prefixes that the API or the kubelet refuses."""
    yield from bad_labels(inputs.get("labels"), "labels")
    for key, _ in entries(inputs.get("labels")):
        prefix = key.rpartition("/")[0]
        if any(prefix == one or prefix.endswith(f".{one}") for one in RESERVED):
            message = f"InvalidParameterException: Label cannot contain reserved prefixes {list(RESERVED)}: {key}"
            yield refusal(join("labels", key), message, "eksctl#4007; terraform-aws-eks#3346")


def taints(inputs: Inputs) -> Iterator[Refusal]:
    """Taints in the API's spelling."""
    given = items(inputs.get("taints"))
    if len(given) > MAX_TAINTS:
        message = f"InvalidParameterException: {len(given)} taints, the limit is {MAX_TAINTS}"
        yield refusal("taints", message, "docs.aws.amazon.com/eks node-taints-managed-node-groups")
    for index, taint in enumerate(given):
        path = f"taints[{index}]"
        key, value, effect = (get(taint, part) for part in ("key", "value", "effect"))
        if effect not in (*EFFECTS, UNKNOWN):
            yield refusal(f"{path}.effect", f"expected effect to be one of {', '.join(EFFECTS)}, got {effect}", API)
        if not key:
            yield refusal(f"{path}.key", "InvalidParameterException: Taint key cannot be empty", API)
        elif isinstance(key, str) and (fault := qualified_name_fault(key)):
            yield refusal(f"{path}.key", f"InvalidParameterException: Taint key {key!r}: {fault}", API)
        if isinstance(value, str) and (fault := label_value_fault(value)):
            yield refusal(f"{path}.value", f"InvalidParameterException: Taint value {value!r}: {fault}", API)


def launch_template(inputs: Inputs) -> Iterator[Refusal]:
    """One reference, a fixed version, and nothing said twice."""
    given = inputs.get("launchTemplate")
    if given is None or given is UNKNOWN:
        return
    if (get(given, "id") is None) == (get(given, "name") is None):
        message = "exactly one of launch_template.id and launch_template.name must be set"
        yield refusal("launchTemplate", message, "terraform-provider-aws eks_node_group")
    version = get(given, "version")
    if version in (None, ""):
        yield refusal(
            "launchTemplate.version", 'Missing required argument: "version"', "terraform-provider-aws eks_node_group"
        )
    elif version in ("$Latest", "$Default"):
        message = (
            f"{version}: EKS answers with a number, so every later plan differs: use the template's latest_version"
        )
        yield refusal("launchTemplate.version", message, "pulumi-aws eks.NodeGroup docs, launchTemplate.version")
    for key in ("diskSize", "remoteAccess"):
        if inputs.get(key) is not None:
            message = f"InvalidParameterException: {key} cannot be specified with a launch template"
            yield refusal(key, message, "docs.aws.amazon.com/eks/latest/userguide/launch-templates.html")


def against_template(inputs: Inputs, template: Inputs) -> Iterator[Refusal]:
    """Refuse what a node group and its launch template must not both say."""
    source = "docs.aws.amazon.com/eks/latest/userguide/launch-templates.html"
    if template.get("instanceType") is not None and items(inputs.get("instanceTypes")):
        message = "InvalidParameterException: instance types both in the launch template and in the request"
        yield refusal("instanceTypes", message, source)
    if template.get("imageId") is not None and inputs.get("amiType") not in (None, "CUSTOM", UNKNOWN):
        message = "InvalidParameterException: an image id in the launch template allows no AMI type but CUSTOM"
        yield refusal("amiType", message, source)


def tags(inputs: Inputs) -> Iterator[Refusal]:
    """AWS's tag limits."""
    yield from bad_tags(inputs.get("tags"))


RULES: tuple[Rule, ...] = (identity, scaling, images, capacity, labels, taints, launch_template, tags)
