"""EC2 launch templates, as EKS uses them, and tags of Auto Scaling groups."""

import base64
import binascii
import re
from collections.abc import Iterator

from multiarch.model.clouds.eks.iam import ACCOUNT, TAG_KEY_MAX, TAG_SOURCE, TAG_VALUE_MAX, bad_tags, digest
from multiarch.model.providers.base import Created, Refusal
from multiarch.model.providers.kinds import Inputs, Kind, get, items, number, refusal, text
from multiarch.model.providers.values import UNKNOWN

SOURCE = "docs.aws.amazon.com/AWSEC2 CreateLaunchTemplate"
EKS_SOURCE = "docs.aws.amazon.com/eks/latest/userguide/launch-templates.html"
NAME = (3, 128)
HOPS = (1, 64)
IMAGE_GB = 20
"""Size of the root snapshot of the EKS AL2023 images."""
MAX_GB = 65536
VOLUME_TYPES = ("standard", "io1", "io2", "gp2", "sc1", "st1", "gp3")
TAGGED = ("instance", "volume", "network-interface", "spot-instances-request", "elastic-gpu")
PREFERENCES = ("open", "none", "capacity-reservations-only")
TARGETS = ("capacityReservationId", "capacityReservationResourceGroupArn")
_NAME = re.compile(r"[a-zA-Z0-9().\-/_]+")


def names(inputs: Inputs) -> Iterator[Refusal]:
    """Name and tags."""
    if inputs.get("name") is not None and inputs.get("namePrefix") is not None:
        yield refusal("namePrefix", '"name": conflicts with name_prefix', "terraform-provider-aws launch_template")
    name = text(inputs.get("name"))
    if name is not None and (not NAME[0] <= len(name) <= NAME[1] or not _NAME.fullmatch(name)):
        allowed = f"{NAME[0]} to {NAME[1]} of letters, digits, ( ) . - / _"
        message = f"InvalidLaunchTemplateName.MalformedException: {name!r}: {allowed}"
        yield refusal("name", message, SOURCE)
    yield from bad_tags(inputs.get("tags"))
    for index, given in enumerate(items(inputs.get("tagSpecifications"))):
        path, kind = f"tagSpecifications[{index}]", get(given, "resourceType")
        if kind not in (*TAGGED, UNKNOWN):
            message = f"InvalidParameterValue: '{kind}' is not a valid taggable resource type: {', '.join(TAGGED)}"
            yield refusal(f"{path}.resourceType", message, SOURCE)
        yield from bad_tags(get(given, "tags"), f"{path}.tags")


def metadata(inputs: Inputs) -> Iterator[Refusal]:
    """Check the metadata service's options."""
    given = inputs.get("metadataOptions")
    for key, allowed in (("httpTokens", ("optional", "required")), ("httpEndpoint", ("enabled", "disabled"))):
        value = get(given, key)
        if value not in (None, *allowed, UNKNOWN):
            yield refusal(
                f"metadataOptions.{key}", f"expected {key} to be one of {', '.join(allowed)}, got {value}", SOURCE
            )
    hops = number(get(given, "httpPutResponseHopLimit"))
    if hops is not None and not HOPS[0] <= hops <= HOPS[1]:
        message = f"expected http_put_response_hop_limit to be in the range ({HOPS[0]} - {HOPS[1]}), got {hops}"
        yield refusal("metadataOptions.httpPutResponseHopLimit", message, SOURCE)


def volumes(inputs: Inputs) -> Iterator[Refusal]:
    """Device mappings: type, size, encryption."""
    for index, given in enumerate(items(inputs.get("blockDeviceMappings"))):
        path, ebs = f"blockDeviceMappings[{index}].ebs", get(given, "ebs")
        kind, size = get(ebs, "volumeType"), number(get(ebs, "volumeSize"))
        if kind not in (None, *VOLUME_TYPES, UNKNOWN):
            message = f"InvalidParameterValue: {kind} is not a valid volume type: {', '.join(VOLUME_TYPES)}"
            yield refusal(f"{path}.volumeType", message, SOURCE)
        root = get(given, "deviceName") == "/dev/xvda"
        if size is not None and (size > MAX_GB or size < (IMAGE_GB if root else 1)):
            message = (
                f"InvalidBlockDeviceMapping: Volume of size {size}GB: the image's snapshot wants {IMAGE_GB}GB or more"
            )
            yield refusal(f"{path}.volumeSize", message, SOURCE)
        if get(ebs, "encrypted") not in (None, "true", "false", UNKNOWN):
            message = f"expected encrypted to be 'true' or 'false', got {get(ebs, 'encrypted')}"
            yield refusal(f"{path}.encrypted", message, "terraform-provider-aws launch_template")
        if get(ebs, "kmsKeyId") and get(ebs, "encrypted") == "false":
            message = "InvalidParameterDependency: KmsKeyId requires the Encrypted flag"
            yield refusal(f"{path}.kmsKeyId", message, SOURCE)


def eks_exclusions(inputs: Inputs) -> Iterator[Refusal]:
    """Reject what a managed node group refuses in its template. Every template of this project is for one."""
    for key in (
        "iamInstanceProfile",
        "instanceInitiatedShutdownBehavior",
        "hibernationOptions",
        "instanceMarketOptions",
    ):
        if inputs.get(key) is not None:
            message = f"InvalidParameterException: Launch template should not specify {key} for a managed node group"
            yield refusal(key, message, EKS_SOURCE)
    for index, given in enumerate(items(inputs.get("networkInterfaces"))):
        if get(given, "subnetId") is not None:
            message = "InvalidParameterException: Launch template should not specify a subnet for a managed node group"
            yield refusal(f"networkInterfaces[{index}].subnetId", message, EKS_SOURCE)


def reservations(inputs: Inputs) -> Iterator[Refusal]:
    """Take a preference or a target, and of targets one."""
    given = inputs.get("capacityReservationSpecification")
    preference, target = get(given, "capacityReservationPreference"), get(given, "capacityReservationTarget")
    path = "capacityReservationSpecification"
    if preference not in (None, *PREFERENCES, UNKNOWN):
        message = f"InvalidParameterValue: {preference} is not one of {', '.join(PREFERENCES)}"
        yield refusal(f"{path}.capacityReservationPreference", message, SOURCE)
    targets = [key for key in TARGETS if get(target, key) is not None]
    if (preference is not None and targets) or len(targets) > 1:
        message = "InvalidParameterCombination: specify CapacityReservationPreference or one CapacityReservationTarget"
        yield refusal(path, message, SOURCE)


def user_data(inputs: Inputs) -> Iterator[Refusal]:
    """User data is base64."""
    given = text(inputs.get("userData"))
    if given is None:
        return
    try:
        base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        yield refusal("userData", "InvalidUserData.Malformed: Invalid BASE64 encoding of user data", SOURCE)


def _create(name: str, inputs: Inputs) -> Created:
    template = text(inputs.get("name")) or f"{text(inputs.get('namePrefix')) or name + '-'}1a2b3c4"
    identity = f"lt-0{digest(template, 16)}"
    outputs = {
        **inputs,
        "name": template,
        "arn": f"arn:aws:ec2:{text(inputs.get('region')) or 'us-east-1'}:{ACCOUNT}:launch-template/{identity}",
        "latestVersion": 1,
        "defaultVersion": 1,
        "tagsAll": inputs.get("tags") or {},
    }
    return Created(id=identity, outputs=outputs)


def scaling_tag(inputs: Inputs) -> Iterator[Refusal]:
    """One tag of one Auto Scaling group."""
    source = "docs.aws.amazon.com/autoscaling CreateOrUpdateTags"
    if not inputs.get("autoscalingGroupName"):
        yield refusal("autoscalingGroupName", 'Missing required argument: "autoscaling_group_name"', source)
    key, value = text(get(inputs, "tag", "key")), text(get(inputs, "tag", "value"))
    if key is not None and (not 0 < len(key) <= TAG_KEY_MAX or key.lower().startswith("aws:")):
        yield refusal("tag.key", f"Tag key {key!r}: 1 to {TAG_KEY_MAX} characters, and no prefix 'aws:'", TAG_SOURCE)
    if value is not None and len(value) > TAG_VALUE_MAX:
        yield refusal("tag.value", f"Tag value of {len(value)} characters, the limit is {TAG_VALUE_MAX}", TAG_SOURCE)


def _create_tag(name: str, inputs: Inputs) -> Created:
    del name
    return Created(id=f"{inputs.get('autoscalingGroupName')},{get(inputs, 'tag', 'key')}", outputs=dict(inputs))


LAUNCH_TEMPLATE = Kind(
    rules=(names, metadata, volumes, reservations, eks_exclusions, user_data),
    create=_create,
    counts="latestVersion",
    ignores=frozenset({"updateDefaultVersion"}),
)
SCALING_TAG = Kind(rules=(scaling_tag,), create=_create_tag)
