"""Rules about node pools and what their machines are made from."""

import re
from collections.abc import Iterable

from components.policy.subject import Answer, CouldNotTell, Finding, Resource, Settings

GKE = "gcp:container/nodePool:NodePool"
EKS = "aws:eks/nodeGroup:NodeGroup"
AKS = "azure-native:containerservice:AgentPool"
LAUNCH_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
POOLS = frozenset({GKE, EKS, AKS})

_LABELS = {GKE: ("nodeConfig", "labels"), EKS: ("labels",), AKS: ("nodeLabels",)}
_BOUNDS = {
    # Totals over all zones, or else limits for each zone.
    GKE: (
        (("autoscaling", "totalMinNodeCount"), ("autoscaling", "totalMaxNodeCount")),
        (("autoscaling", "minNodeCount"), ("autoscaling", "maxNodeCount")),
    ),
    EKS: ((("scalingConfig", "minSize"), ("scalingConfig", "maxSize")),),
    AKS: ((("minCount",), ("maxCount",)),),
}
"""Paths of lower and upper bound."""


def pool_bounds(resource: Resource) -> Iterable[Answer]:
    """Every pool scales by itself, and has an upper bound above zero.

    Without an upper bound one wrong pipeline can buy machines without limit; with a fixed size the pool costs the same
    at night, and `node_count` fights the autoscaler.
    Source: GKE, EKS and AKS cluster autoscaler limits (`totalMaxNodeCount`, `scalingConfig`, `maxCount`).
    """
    low, high = _bounds(resource)
    fix = "Set minNodes and maxNodes of the pool; maxNodes is at least 1."
    if resource.kind == AKS and resource.get("enableAutoScaling") is not True:
        yield Finding(message="autoscaling is off", fix="Set enableAutoScaling, minCount and maxCount.")
    elif high is None:
        yield Finding(message="the pool has no upper bound, or does not scale by itself", fix=fix)
    elif high < 1:
        yield Finding(message=f"the upper bound is {high:g}: no node could ever exist", fix=fix)
    elif low is not None and low > high:
        yield Finding(message=f"the lower bound {low:g} is above the upper bound {high:g}", fix=fix)


def pool_labels(resource: Resource, settings: Settings) -> Iterable[Answer]:
    """Nodes carry the labels that say who manages them.

    Someone who finds an unknown node must see which program created it, before they delete it by hand.
    Source: this package's own promise (`managed-by: pulumi`); which labels is a setting.
    """
    labels = resource.get(*_LABELS[resource.kind]) or {}
    missing = [key for key in settings.required_labels if not labels.get(key)]
    if missing:
        yield Finding(message=f"node label {', '.join(missing)} is missing", fix="Add it to the pool's labels.")


def pool_protected(resource: Resource, settings: Settings) -> Iterable[Answer]:
    """Pools of production stacks are protected from deletion.

    Many changes replace a node pool, and replacing drops every job on it; `protect` makes that a decision.
    Source: pulumi-gcp#255 (replacement bypasses PodDisruptionBudgets).
    """
    if not re.search(settings.production_stacks, resource.stack) or resource.protect is True:
        return
    if resource.protect is None:
        raise CouldNotTell("protect")
    yield Finding(
        message=f"stack {resource.stack} is production and the pool is not protected", fix="Set protect: true."
    )


def gke_legacy_endpoints(resource: Resource) -> Iterable[Answer]:
    """GKE nodes do not serve the legacy metadata endpoints.

    They answer without the `Metadata-Flavor` header, so any request that a job can be tricked into sending reads node
    credentials.
    Source: GKE, "Protecting cluster metadata" (`disable-legacy-endpoints`).
    """
    value = resource.get("nodeConfig", "metadata", "disable-legacy-endpoints")
    if str(value).lower() != "true":
        yield Finding(
            message="nodeConfig.metadata.disable-legacy-endpoints is not true",
            fix='Set it to the string "true" (changing it later replaces the pool).',
        )


def gke_metadata_server(resource: Resource) -> Iterable[Answer]:
    """GKE nodes hide their own identity from pods (`GKE_METADATA`).

    In any other mode every job can take the node's service account token.
    Source: GKE, "Workload Identity Federation for GKE" (`GKE_METADATA`).
    """
    mode = resource.get("nodeConfig", "workloadMetadataConfig", "mode")
    if mode != "GKE_METADATA":
        yield Finding(
            message=f"nodeConfig.workloadMetadataConfig.mode is {mode or 'not set'}", fix="Set it to GKE_METADATA."
        )


def gke_node_identity(resource: Resource) -> Iterable[Answer]:
    """GKE nodes run as a dedicated service account.

    The Compute Engine default account usually is an editor of the whole project.
    Source: GKE, "Harden your cluster's security" (least privilege node service accounts).
    """
    if not resource.get("nodeConfig", "serviceAccount"):
        yield Finding(
            message="nodes run as the Compute Engine default service account",
            fix="Set the pool's serviceAccount to one that may only pull images and write logs.",
        )


def eks_launch_template(resource: Resource) -> Iterable[Answer]:
    """EKS node groups use a launch template.

    Only there can IMDSv2, the hop limit and disk encryption be set; EKS's own template leaves them to the account.
    Source: EKS, "Customize managed nodes with launch templates".
    """
    if not (resource.get("launchTemplate", "id") or resource.get("launchTemplate", "name")):
        yield Finding(message="no launch template", fix="Give launchTemplate {id, version: <template>.latestVersion}.")


def eks_ami_type(resource: Resource) -> Iterable[Answer]:
    """EKS node groups set their AMI type.

    Left out, EKS assumes x86, and an arm64 instance type fails when the group is created; no static scanner sees it.
    Source: HHS/simpler-grants-gov#12404 (validate, Trivy and checkov all passed).
    """
    if not resource.get("amiType"):
        yield Finding(message="amiType is not set", fix="Set it, for example AL2023_ARM_64_STANDARD.")


def eks_disk_encrypted(resource: Resource) -> Iterable[Answer]:
    """Disks of EKS nodes are encrypted.

    They hold image layers and job checkouts; without `encrypted` the account's default decides.
    Source: EKS best practices, "Data encryption"; EC2, "Amazon EBS encryption".
    """
    fix = 'Set ebs.encrypted to "true" in every blockDeviceMapping.'
    mappings = resource.get("blockDeviceMappings") or []
    if not mappings:
        yield Finding(message="no blockDeviceMappings: the image's own, unencrypted disk is used", fix=fix)
    for index in range(len(mappings)):
        ebs = resource.get("blockDeviceMappings", index, "ebs")
        encrypted = resource.get("blockDeviceMappings", index, "ebs", "encrypted")
        if ebs is not None and str(encrypted).lower() != "true":
            yield Finding(message=f"blockDeviceMappings[{index}].ebs is not encrypted", fix=fix)


def eks_metadata_service(resource: Resource) -> Iterable[Answer]:
    """EKS nodes ask for IMDSv2 with hop limit 1.

    With version 1, or with hop limit 2, a job's container reaches the node role's credentials.
    Source: EKS best practices, "Restrict access to the instance profile"; terraform-aws-eks' default is 1.
    """
    if resource.get("metadataOptions", "httpEndpoint") == "disabled":
        return
    tokens = resource.get("metadataOptions", "httpTokens")
    if tokens != "required":
        yield Finding(
            message=f"metadataOptions.httpTokens is {tokens or 'not set'}", fix="Set it to required (IMDSv2)."
        )
    hops = resource.get("metadataOptions", "httpPutResponseHopLimit")
    if hops != 1:
        said = "not set" if hops is None else f"{hops:g}"
        yield Finding(message=f"metadataOptions.httpPutResponseHopLimit is {said}", fix="Set it to 1.")


def aks_host_encryption(resource: Resource) -> Iterable[Answer]:
    """AKS nodes encrypt at the host.

    Managed disks are always encrypted at rest, but temporary disks and caches only with `enableEncryptionAtHost`; the
    feature must be registered in the subscription first.
    Source: AKS, "Host-based encryption".
    """
    if resource.get("enableEncryptionAtHost") is not True:
        yield Finding(message="enableEncryptionAtHost is not set", fix="Set encryptionAtHost: true on the pool.")


def _bounds(resource: Resource) -> tuple[float | None, float | None]:
    for low, high in _BOUNDS[resource.kind]:
        if (upper := resource.get(*high)) is not None:
            return resource.get(*low), upper
    return None, None
