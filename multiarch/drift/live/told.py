"""Findings: how what was seen of a resource becomes the report's words."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from multiarch.cluster.api import ApiRefused
from multiarch.cluster.errors import ClusterError
from multiarch.core.verdict import Verdict
from multiarch.drift.live.compare import Comparison, compare
from multiarch.drift.live.difference import Delta
from multiarch.drift.live.paths import text
from multiarch.drift.live.program import unknown_paths
from multiarch.drift.live.scene import OutOfTimeError, Scene
from multiarch.drift.live.shown import differences, shortened
from multiarch.drift.live.stored import StoredUnreadableError
from multiarch.drift.model import Change, Check, Finding

_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 401, 403, 404
_REASON = 400

TROUBLE = (ApiRefused, ClusterError, OutOfTimeError, StoredUnreadableError)
"""What keeps an answer from being given; `why` words it."""


def why(error: Exception) -> str:
    """Say in one line why there was no answer."""
    if not isinstance(error, ApiRefused):
        return shortened(str(error), _REASON)
    said = shortened(error.message, _REASON)
    if error.status == _UNAUTHORIZED:
        return f"the API server does not know this login (401 {said}): it has expired, or is another cluster's"
    if error.status == _FORBIDDEN:
        return f"this login may not look (403): {said}"
    return f"the API server answered {error.status}: {said}"


def name_of(manifest: Mapping[str, Any]) -> tuple[str, str]:
    """Return an object's stable name and its title: `apps/v1 Deployment ns/name`, `Deployment ns/name`."""
    metadata = manifest.get("metadata") or {}
    place = f"{metadata['namespace']}/" if isinstance(metadata.get("namespace"), str) else ""
    title = f"{manifest.get('kind')} {place}{metadata.get('name')}"
    return f"{manifest.get('apiVersion')} {title}", title


def unknown(check: Check, resource: str, reason: str, *, title: str = "", urn: str = "") -> Finding:
    """Return that it could not be told."""
    return Finding(check=check, resource=resource, verdict=Verdict.UNKNOWN, title=title, urn=urn, reason=reason)


def gone(check: Check, resource: str, reason: str = "", *, title: str = "", urn: str = "") -> Finding:
    """Return that it is not there."""
    return Finding(
        check=check,
        resource=resource,
        verdict=Verdict.NO,
        title=title,
        urn=urn,
        change=Change.GONE,
        reason=reason,
    )


def of_object(
    scene: Scene,
    check: Check,
    manifest: Mapping[str, Any],
    urn: str,
    *,
    keep: Callable[[Delta], bool] = lambda _: True,
) -> Finding:
    """Look at one object and compare it; whatever goes wrong is a doubt about this object. `keep` chooses deltas."""
    resource, title = name_of(manifest)
    try:
        scene.in_time()
        found = _live_object(scene, manifest)
        if isinstance(found, str):
            return gone(check, resource, found, title=title, urn=urn)
        compared = compare(manifest, found, scene.api)
    except TROUBLE as error:
        return unknown(check, resource, why(error), title=title, urn=urn)
    compared.deltas = [delta for delta in compared.deltas if keep(delta)]
    compared.doubts = [doubt for doubt in compared.doubts if keep(doubt.delta)]
    if compared.unhelped:
        scene.note(
            "some objects were compared without the API server's help, by their fields only; it said: "
            f"{shortened(compared.unhelped, 200)}"
        )
    remarks = list(_remarks(manifest, found))
    return finding(check, resource, compared, remarks, title=title, urn=urn)


def finding(  # noqa: PLR0913 - as many as a finding has parts
    check: Check,
    resource: str,
    compared: Comparison,
    remarks: Sequence[str] = (),
    *,
    title: str = "",
    urn: str = "",
    root: str = "",
) -> Finding:
    """Return what came of a comparison: drift where something differs for certain, else doubt where something may."""
    shown, more = differences(compared.deltas, root)
    doubts = [f"could not tell of {doubt}" for doubt in compared.doubts]
    verdict = Verdict.NO if shown else Verdict.UNKNOWN if doubts else Verdict.YES
    return Finding(
        check=check,
        resource=resource,
        verdict=verdict,
        title=title,
        urn=urn,
        change=Change.CHANGED if shown else None,
        differences=shown,
        more=more,
        uncertain=bool(doubts),
        reason="; ".join((*doubts[:5], *remarks)),
        ignored=tuple(compared.ignored),
    )


def _live_object(scene: Scene, manifest: Mapping[str, Any]) -> Mapping[str, Any] | str:
    """Return the object that is there, or why there is none."""
    try:
        path = scene.api.path_of(manifest)
    except ApiRefused as refusal:
        if refusal.status != _NOT_FOUND:
            raise
        return f"the cluster has no such kind any more: {shortened(refusal.message)}"
    return scene.api.find(path) or "it does not exist"


def _remarks(manifest: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    since = found["metadata"].get("deletionTimestamp")
    if since:
        yield f"it is being deleted since {since}"
    yield from not_compared(unknown_paths(manifest))


def not_compared(paths: Iterable[str]) -> Iterator[str]:
    """Say what only a deployment knows, if there is such."""
    listed = list(paths)
    if listed:
        yield f"not compared, since only a deployment knows it: {', '.join(listed[:5])}"


def leave(paths: Sequence[str]) -> Callable[[Delta], bool]:
    """Return a choice of deltas that leaves out what is at or below the given property paths."""
    beginnings = tuple(path for path in paths if path)

    def keep(delta: Delta) -> bool:
        where = text(delta.path)
        return not any(where == one or where.startswith((f"{one}.", f"{one}[")) for one in beginnings)

    return keep
