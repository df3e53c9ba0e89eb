"""The order of a plan: parents and dependencies first, and the same on every run."""

import heapq
from collections.abc import Iterable

from multiarch.model.plan.model import PlannedResource


def _needs(resource: PlannedResource, known: set[str]) -> set[str]:
    wanted = {resource.parent, resource.provider, resource.deleted_with, *resource.dependencies}
    return {urn for urn in wanted if urn is not None and urn in known and urn != resource.urn}


def in_order(resources: Iterable[PlannedResource]) -> tuple[PlannedResource, ...]:
    """Sort by dependency, ties by URN: registration order varies, since the SDK registers from many threads.

    A cycle can't come from the SDK; if it did, its members would follow at the end by URN.
    """
    by_urn = {resource.urn: resource for resource in resources}
    needs = {urn: _needs(resource, set(by_urn)) for urn, resource in by_urn.items()}
    needed_by: dict[str, list[str]] = {urn: [] for urn in by_urn}
    for urn, wanted in needs.items():
        for other in wanted:
            needed_by[other].append(urn)
    ready = [urn for urn, wanted in needs.items() if not wanted]
    heapq.heapify(ready)
    ordered: list[PlannedResource] = []
    while ready:
        urn = heapq.heappop(ready)
        ordered.append(by_urn.pop(urn))
        for dependent in needed_by[urn]:
            needs[dependent].discard(urn)
            if not needs[dependent]:
                heapq.heappush(ready, dependent)
    return tuple(ordered) + tuple(by_urn[urn] for urn in sorted(by_urn))
