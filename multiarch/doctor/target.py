"""What is to be examined: a stack's cluster and what its plan says, or a cluster by its context alone."""

from dataclasses import dataclass
from pathlib import Path

from components.kubeconfig_files import Files, default_files
from components.problems import ConfigError, Problem
from multiarch.cluster.kubeconfig import Purpose, find_context
from multiarch.model.access import NoAccessError, find_access
from multiarch.model.nodes import nodes_for
from multiarch.model.plan.inputs import cluster_of
from multiarch.model.plan.model import Plan
from multiarch.model.pools import PlannedPool
from multiarch.model.release import InstallFailed, PlannedRelease, buildkit_release_of, release_of

PURPOSE = Purpose(
    unnamed="the doctor would use the current context",
    consequence="there is no cluster to look at",
    instead="name a stack whose cluster.access says where its cluster is (--stack)",
)
_NAMESPACE_KINDS = ("kubernetes:core/v1:Namespace", "kubernetes:core/v1:NamespacePatch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A cluster, and how it is reached."""

    kubeconfig: Files
    context: str


def target_of(project: Path, stack: str, kubeconfig: Path | None, context: str | None) -> Target:
    """Find the cluster: by the flags, else by the stack's own access or the context that its cloud's CLI would name.

    Raises ConfigError when there is no way to it; nothing is asked of any cluster.
    """
    if not stack:
        files = kubeconfig.expanduser() if kubeconfig else default_files()
        return Target(kubeconfig=files, context=find_context(files, context or "", PURPOSE).context)
    try:
        access = find_access(cluster_of(project, stack), project, kubeconfig=kubeconfig, context=context)
    except NoAccessError as error:
        consequence, fix = (
            "there is no cluster to look at",
            "Name a context with --context, and its file with --kubeconfig.",
        )
        raise ConfigError([Problem(path=stack, found=str(error), consequence=consequence, fix=fix)]) from error
    return Target(kubeconfig=access.kubeconfig, context=access.context)


@dataclass(frozen=True, slots=True, kw_only=True)
class Promised:
    """What a stack's plan says of runners, namespaces and pools."""

    releases: tuple[PlannedRelease, ...] = ()
    job_namespaces: tuple[str, ...] = ()
    pools: tuple[PlannedPool, ...] = ()


def promised(plan: Plan) -> Promised:
    """Read a plan. Raises ConfigError when it does not say which releases there are."""
    try:
        releases = [release_of(plan), *filter(None, [buildkit_release_of(plan)])]
    except InstallFailed as error:
        consequence, fix = "its runner can't be looked for", "Look without --stack."
        raise ConfigError([Problem(path=plan.stack, found=str(error), consequence=consequence, fix=fix)]) from error
    managers = {release.namespace for release in releases}
    namespaces = [
        str(resource.inputs["metadata"]["name"])
        for resource in plan.resources
        if resource.type in _NAMESPACE_KINDS and "name" in (resource.inputs.get("metadata") or {})
    ]
    return Promised(
        releases=tuple(releases),
        job_namespaces=tuple(name for name in namespaces if name not in managers),
        pools=tuple(group.pool for group in nodes_for(plan)),
    )
