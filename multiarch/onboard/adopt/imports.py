"""`pulumi import` commands for what is there, in each provider's own spelling of ids. Pure.

Sources of the id formats: the docstrings ("Import") of pulumi_gcp.container.NodePool 10.2.0 and of
pulumi_aws.eks.NodeGroup 7.51.1; pulumi_azure_native 3.29.0 imports every resource by its full Azure id;
pulumi-kubernetes imports a Helm release by `namespace/name` (documentation of Release, "Import an existing Release").
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from multiarch.cluster.look.model import Look, Pool, Provider, RunnerRelease
from multiarch.onboard.answers.model import Answers

_POOL_TYPES: Final[Mapping[Provider, str]] = {
    Provider.GKE: "gcp:container/nodePool:NodePool",
    Provider.EKS: "aws:eks/nodeGroup:NodeGroup",
    Provider.AKS: "azure-native:containerservice:AgentPool",
}
_IGNORED: Final[Mapping[Provider, tuple[str, ...]]] = {
    Provider.GKE: ("initialNodeCount", "nodeCount", "version", "nodeConfig"),
    Provider.EKS: (
        "nodeGroupName", "nodeGroupNamePrefix", "launchTemplate", "nodeRoleArn", "subnetIds", "instanceTypes",
        "diskSize", "scalingConfig.desiredSize",
    ),
    Provider.AKS: ("count", "orchestratorVersion", "osDiskSizeGB", "osDiskType", "upgradeSettings"),
}  # fmt: skip
"""What an adopted pool must not be asked to change: the autoscaler's own, and what would replace it."""
_NOTES: Final[Mapping[Provider, str]] = {
    Provider.GKE: "Import records no taints, so that the first preview shows them as a difference (magic-modules "
    "d577844); machine type, disks and service account must be stated as they are, or the pool is replaced.",
    Provider.EKS: "The component names its groups by prefix and gives them a launch template; an imported group has "
    "neither, and would be replaced without ignore_changes.",
    Provider.AKS: "vmSize, priority and zones can't be changed: state them as they are. A pool that the cluster's own "
    "resource lists among agentPoolProfiles must not be imported beside it (pulumi-azure-native#2719).",
}
_UNKNOWN: Final = "<{}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """One resource that could be taken over."""

    what: str
    """`arm64 pool ng-arm`."""
    command: str
    """Imports it into the stack."""
    options: str
    """`pulumi.ResourceOptions(…)` for a program of one's own, or the stack file's keys."""
    note: str
    """What else there is to know before the first `up`."""


def adoptions(look: Look, answers: Answers) -> tuple[Adoption, ...]:
    """Return what could be imported: arm64 pools of the cloud's own, and runners that others made.

    Parts of an id that nobody told stand as `<resource-group>` and the like.
    """
    pools = (_pool(look, answers, pool) for pool in look.pools if _importable(look, pool))
    releases = (_release(answers, release) for release in look.runners if not release.ours)
    return (*pools, *releases)


def _importable(look: Look, pool: Pool) -> bool:
    made = pool.named and not pool.maker and not pool.ours
    return made and pool.arch == "arm64" and look.provider in _POOL_TYPES


def _pool(look: Look, answers: Answers, pool: Pool) -> Adoption:
    identity, ignored = _pool_id(look, answers, pool), _IGNORED[look.provider]
    quoted = ", ".join(f'"{name}"' for name in ignored)
    return Adoption(
        what=f"{pool.arch} pool {pool.name}",
        command=f"pulumi import {_POOL_TYPES[look.provider]} {pool.name} {_shell(identity)} --stack {answers.stack}",
        options=f"pulumi.ResourceOptions(protect=True, ignore_changes=[{quoted}])",
        note=_NOTES[look.provider],
    )


def _pool_id(look: Look, answers: Answers, pool: Pool) -> str:
    told = {**look.identity, **{key: value for key, value in _stated_place(answers).items() if value}}

    def part(key: str, shown: str) -> str:
        return told.get(key) or _UNKNOWN.format(shown)

    match look.provider:
        case Provider.GKE:
            return "/".join(
                [part("project", "project"), part("location", "location"), part("name", "cluster"), pool.name]
            )
        case Provider.EKS:
            return f"{part('name', 'cluster')}:{pool.name}"
        case _:
            return (
                f"/subscriptions/{part('subscriptionId', 'subscription')}/resourceGroups/"
                f"{part('resourceGroup', 'resource-group')}/providers/Microsoft.ContainerService/managedClusters/"
                f"{part('name', 'cluster')}/agentPools/{pool.name}"
            )


def _stated_place(answers: Answers) -> dict[str, str]:
    """Return the cluster's place as it was answered. Without a cloud's answers the name is one for messages only."""
    if answers.pools != "create":
        return {}
    return {
        "name": answers.cluster_name,
        "project": answers.gcp_project,
        "location": answers.location,
        "resourceGroup": answers.resource_group,
        "subscriptionId": answers.subscription,
    }


def _release(answers: Answers, release: RunnerRelease) -> Adoption:
    identity = f"{release.namespace}/{release.name}"
    return Adoption(
        what=f"runner {identity}",
        command=f"pulumi import kubernetes:helm.sh/v3:Release {release.name} {identity} --stack {answers.stack}",
        options='pulumi.ResourceOptions(protect=True, ignore_changes=["values", "checksum"])',
        note=f"In the stack file: runner.releaseName: {release.name} and runner.namespace: {release.namespace}. Its "
        "Pod Security labels, policies and rights are not this package's: the next `up` would bring them, once its "
        "namespace is imported too (kubernetes:core/v1:Namespace). To keep it as it is, leave it out: two runners "
        "with different tags live side by side.",
    )


def _shell(text: str) -> str:
    """Quote an id with a gap in it, which a shell would take for redirections."""
    return f"'{text}'" if "<" in text else text


def lines(found: Sequence[Adoption]) -> Iterator[str]:
    """Yield the adoptions as lines for a terminal or a log."""
    for one in found:
        yield f"{one.what}:"
        yield f"  {one.command}"
        yield f"  {one.options}"
        yield f"  {one.note}"
