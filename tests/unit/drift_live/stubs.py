"""A cluster in dictionaries, seen through the read-only API, and scenes in front of it."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from multiarch.cluster.api import ApiRefused
from multiarch.cluster.readonly import ReadOnlyApi
from multiarch.drift.live.check import CHECKS
from multiarch.drift.live.program import program_of
from multiarch.drift.live.request import StateResource
from multiarch.drift.live.scene import Scene
from multiarch.drift.model import Check
from multiarch.model.plan.model import Plan, PlannedResource

FORBIDDEN = ApiRefused(403, "Forbidden", 'configmaps is forbidden: User "ci" cannot create resource')
Dry = Callable[[Mapping[str, Any]], dict[str, Any]]


def refuse(_: Mapping[str, Any]) -> dict[str, Any]:
    raise FORBIDDEN


@dataclass
class Cluster:
    """Objects by their paths. `create` and `apply` are the answers to dry runs; `broken` is raised by every read."""

    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    create: Dry = refuse
    apply: Dry = refuse
    broken: Exception | None = None

    def get(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        del query
        found = self.find(path)
        if found is None:
            raise ApiRefused(404, "NotFound", f"{path} not found")
        return found

    def find(self, path: str) -> dict[str, Any] | None:
        if self.broken is not None:
            raise self.broken
        return self.objects.get(path)

    def items(self, path: str, query: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        del query
        if self.broken is not None:
            raise self.broken
        return [item for place, item in self.objects.items() if place.rpartition("/")[0] == path]

    def metadata(self, path: str, query: Mapping[str, str] | None = None) -> Iterator[dict[str, Any]]:
        del query
        return (item["metadata"] for item in self.items(path))

    def path_of(self, manifest: Mapping[str, Any]) -> str:
        version, metadata = manifest["apiVersion"], manifest["metadata"]
        root = f"/api/{version}" if "/" not in version else f"/apis/{version}"
        return f"{root}/namespaces/{metadata['namespace']}/{manifest['kind'].lower()}s/{metadata['name']}"

    def would_create(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        return self.create(manifest)

    def would_apply(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        return self.apply(manifest)

    @property
    def api(self) -> ReadOnlyApi:
        return cast("ReadOnlyApi", self)


def scene(  # noqa: PLR0913 - a scene has as many parts
    cluster: Cluster | None = None,
    resources: Sequence[PlannedResource] = (),
    state: tuple[StateResource, ...] | None = None,
    *,
    seconds: float = 60,
    checks: frozenset[Check] = frozenset(CHECKS),
    state_failure: str = "",
) -> Scene:
    """A scene of a plan with these resources."""
    made = Scene(
        program=program_of(Plan(stack="s", resources=tuple(resources)), state),
        checks=checks,
        deadline=time.monotonic() + seconds,
        progress=lambda _: None,
        state=state,
        state_failure=state_failure,
    )
    made.connect((cluster or Cluster()).api)
    return made


def planned(type_: str, inputs: Mapping[str, Any], name: str = "it", **more: Any) -> PlannedResource:
    return PlannedResource(urn=f"urn:pulumi:s::p::{type_}::{name}", type=type_, name=name, inputs=inputs, **more)


def managed(manager: str, fields: Mapping[str, Any], operation: str = "Update", **more: Any) -> dict[str, Any]:
    return {
        "manager": manager,
        "operation": operation,
        "fieldsV1": dict(fields),
        "time": "2026-11-25T12:00:00Z",
        **more,
    }
