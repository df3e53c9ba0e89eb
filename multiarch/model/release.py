"""What a plan puts into the cluster: objects to apply and the Helm release. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from multiarch.model.plan.model import Plan, PlannedResource
from multiarch.model.providers.values import contains_unknown, plain

_RELEASE = "kubernetes:helm.sh/v3:Release"
_USER_RUNNER = "gitlab:index/userRunner:UserRunner"
BUILDKIT_RUNNER = "multiarch-runner:index:BuildKitRunner"
"""The component that the second runner's resources belong to."""
_TYPE_PART = 2


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


_NAMED_SECRETS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "the runner's token": (("secret",), ("runner-registration-token", "runner-token")),
    "the cache server's keys": (("cache", "secretName"), ("accesskey", "secretkey")),
}
"""Where in `runners` the chart reads the name of a Secret, and the keys that it needs of it.

It projects both of the token's: a Secret without the first keeps the manager's pod from starting (runner.md section 1).
"""


def named_secrets(values: Mapping[str, Any]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield what each Secret is that a release's values name, its name, and the keys that the manager needs of it."""
    for what, (path, keys) in _NAMED_SECRETS.items():
        found: Any = values.get("runners")
        for step in path:
            found = found.get(step) if isinstance(found, Mapping) else None
        if isinstance(found, str) and found:
            yield what, found, keys


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
            raise _not_known(resource)
        inputs = plain(resource.inputs)
        if resource.type == _RELEASE:
            yield _release(resource, inputs)
        elif "kind" in inputs and "apiVersion" in inputs:
            yield PlannedObject(resource.name, inputs)
        else:
            raise InstallFailed(f"{resource.name}: a {resource.type} can't be rehearsed: it is not a single object")


def release_of(plan: Plan) -> PlannedRelease:
    """Return the release of the first runner. Raises InstallFailed when there is none, or more than one."""
    releases = [release for resource, release in _releases(plan) if not _of_buildkit(resource)]
    if len(releases) != 1:
        raise InstallFailed(f"the plan declares {len(releases)} Helm releases; one runner is one release")
    return releases[0]


def buildkit_release_of(plan: Plan) -> PlannedRelease | None:
    """Return the release of the runner for rootless BuildKit, None where there is none."""
    return next((release for resource, release in _releases(plan) if _of_buildkit(resource)), None)


def created_tags(plan: Plan, *, buildkit: bool = False) -> tuple[str, ...] | None:
    """Return the tags of a runner that the stack itself creates in GitLab; None for one that GitLab has already."""
    for resource in plan.resources:
        if resource.type == _USER_RUNNER and _of_buildkit(resource) == buildkit:
            return tuple(str(tag) for tag in plain(resource.inputs).get("tagLists") or ())
    return None


def _releases(plan: Plan) -> Iterator[tuple[PlannedResource, PlannedRelease]]:
    for resource in plan.resources:
        if resource.type == _RELEASE and resource.custom:
            if contains_unknown(resource.inputs):
                raise _not_known(resource)
            yield resource, _release(resource, plain(resource.inputs))


def _of_buildkit(resource: PlannedResource) -> bool:
    """Tell whether a resource belongs to the second runner: its parent's URN says of which type that is."""
    # `urn:pulumi:<stack>::<project>::<grandparent's type>$<parent's type>::<name>`
    parts = (resource.parent or "").split("::")
    return len(parts) > _TYPE_PART and parts[_TYPE_PART].rpartition("$")[2] == BUILDKIT_RUNNER


def _not_known(resource: PlannedResource) -> InstallFailed:
    return InstallFailed(f"{resource.name}: some of its inputs are not known before a deployment")


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
