"""What a plan puts into the cluster: objects to apply and the Helm release. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ops.rehearse.plan.model import Plan, PlannedResource
from ops.rehearse.providers.values import contains_unknown, plain

_RELEASE = "kubernetes:helm.sh/v3:Release"


class InstallFailed(Exception):  # noqa: N818 - what the claim will say
    """The cluster refused what the plan declares. The message says which object, and the server's own words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRelease:
    """The Helm release as the plan declares it."""

    name: str
    namespace: str
    chart: str
    """A chart's name, path or OCI reference."""
    version: str = ""
    repository: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    create_namespace: bool = False


@dataclass(frozen=True, slots=True)
class PlannedObject:
    """A Kubernetes object as the plan declares it."""

    name: str
    """The resource's logical name, for messages."""
    manifest: Mapping[str, Any]


def installables(plan: Plan) -> Iterator[PlannedObject | PlannedRelease]:
    """Yield the plan's Kubernetes objects and releases in dependency order.

    Raises InstallFailed for one that contains values which only a real deployment would know.
    """
    for resource in plan.resources:
        if not resource.custom or not resource.type.startswith("kubernetes:"):
            continue
        if contains_unknown(resource.inputs):
            raise InstallFailed(f"{resource.name}: some of its inputs are not known before a deployment")
        inputs = plain(resource.inputs)
        if resource.type == _RELEASE:
            yield _release(resource, inputs)
        elif "kind" in inputs and "apiVersion" in inputs:
            yield PlannedObject(resource.name, inputs)
        else:
            raise InstallFailed(f"{resource.name}: a {resource.type} can't be rehearsed: it is no single object")


def release_of(plan: Plan) -> PlannedRelease:
    """Return the plan's one release. Raises InstallFailed when there is none, or more than one."""
    releases = [item for item in installables(plan) if isinstance(item, PlannedRelease)]
    if len(releases) != 1:
        raise InstallFailed(f"the plan declares {len(releases)} Helm releases; one runner is one release")
    return releases[0]


def _release(resource: PlannedResource, inputs: Mapping[str, Any]) -> PlannedRelease:
    options = inputs.get("repositoryOpts") or {}
    return PlannedRelease(
        # Pulumi would name it by itself otherwise, with random letters.
        name=str(inputs.get("name") or resource.name),
        namespace=str(inputs.get("namespace") or "default"),
        chart=str(inputs.get("chart") or ""),
        version=str(inputs.get("version") or ""),
        repository=str(options.get("repo") or ""),
        values=inputs.get("values") or {},
        create_namespace=bool(inputs.get("createNamespace")),
    )
