"""One object as it is wanted against the one that is there.

Three ways, the strongest that the credential allows. (a) A dry-run create under another name tells what a new object
would be, defaults and admission included: compared both ways with what is there, nothing is left to guess, and
additions show too. (b) Where that is refused, the manifest itself is compared, field by field. What may be only another
spelling is put to a dry-run apply, (c) and where that is refused too, could not be told.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from multiarch.cluster.api import ApiRefused
from multiarch.cluster.readonly import ReadOnlyApi
from multiarch.drift.live import certainty, lists
from multiarch.drift.live.difference import SECRET, Delta, deltas, same_meaning
from multiarch.drift.live.exempt import exemption, is_unguarded
from multiarch.drift.live.lists import ABSENT
from multiarch.drift.live.ownership import Ownership
from multiarch.drift.live.paths import Item, Path, text
from multiarch.drift.model import Change
from multiarch.model.providers.values import UNKNOWN

STAND_IN_NAME: Final = "multiarch-drift-dry-run"
"""Name of the objects that are never made."""
_METADATA: Final = ("labels", "annotations", "finalizers", "ownerReferences")
_MAPPINGS: Final = frozenset({
    "annotations", "binaryData", "data", "labels", "limits", "matchLabels", "nodeSelector", "requests", "stringData",
})  # fmt: skip
"""Mappings of the API's that are dropped when empty; an empty structure says something."""
_NAMELESS: Final = frozenset({"apiVersion", "kind", "status"})


@dataclass(frozen=True, slots=True)
class Doubt:
    """A difference that may be none."""

    delta: Delta
    why: str = ""

    def __str__(self) -> str:
        """Where, and why it could not be told."""
        return f"{text(self.delta.path)} ({self.why})" if self.why else text(self.delta.path)


@dataclass(slots=True, kw_only=True)
class Comparison:
    """What is told of one object that is there."""

    deltas: list[Delta] = field(default_factory=list)
    """Differences for certain."""
    doubts: list[Doubt] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    """Why differences are no drift."""
    unhelped: str = ""
    """Why the server did not help; empty where it did, or was not needed."""


def compare(wanted: Mapping[str, Any], found: Mapping[str, Any], api: ReadOnlyApi) -> Comparison:
    """Compare a manifest with the object that is there.

    `SECRET` and `UNKNOWN` in the manifest stand for what is not compared. Of a Secret, keys are compared and values are
    not, nor are they sent anywhere. Raises UnreachableError.
    """
    if wanted.get("kind") == "Secret":
        return _by_manifest(_keys_only(wanted), _keys_only(found))
    try:
        fresh = api.would_create(_stand_in(wanted, found))
    except ApiRefused as refusal:
        # Forbidden, or a webhook that does not answer: what is there was read, and can be compared all the same.
        result = _by_manifest(wanted, found)
        result.unhelped = refusal.message
        return _with_apply(result, wanted, found, api) if result.doubts else result
    return _by_fresh(wanted, fresh, found)


def substance(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return what makes an object what it is: no status, and of its metadata what somebody may state."""
    metadata = manifest.get("metadata") or {}
    kept = {key: metadata[key] for key in _METADATA if metadata.get(key)}
    return {**{key: value for key, value in manifest.items() if key not in _NAMELESS}, "metadata": kept}


def _by_fresh(wanted: Mapping[str, Any], fresh: Mapping[str, Any], found: Mapping[str, Any]) -> Comparison:
    kind, ownership, result = str(wanted["kind"]), Ownership.of(found), Comparison()
    pairs = deltas(substance(fresh), substance(found), matcher=lists.of_kubernetes, equal=same_meaning)
    for delta in pairs:
        stated = _states(wanted, delta.path)
        if _passed_over(kind, delta, ownership, result, stated=stated):
            continue
        owners = ownership.owners(delta.path)
        if stated or certainty.is_nobodys_default(kind, delta.path) or any(not owner.deploys for owner in owners):
            result.deltas.append(delta)
        else:
            # Not stated, and nobody but the deployment set it: admission was another when the object was made.
            result.doubts.append(Doubt(delta, "not set in the manifest, and a new object would have another value"))
    return result


def _by_manifest(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> Comparison:
    kind, ownership, result = str(wanted["kind"]), Ownership.of(found), Comparison()
    stated = substance(_without_nothing(wanted))
    for delta in deltas(stated, substance(found), matcher=lists.of_kubernetes, equal=same_meaning):
        added = delta.wanted is ABSENT
        if _says_nothing(delta) or _passed_over(kind, delta, ownership, result, stated=not added):
            continue
        if added:
            _judge_addition(kind, delta, ownership, result)
        elif certainty.is_stored_as_written(kind, delta.path):
            result.deltas.append(delta)
        else:
            result.doubts.append(Doubt(delta, "it may be the same value in another spelling"))
    return result


def _judge_addition(kind: str, delta: Delta, ownership: Ownership, result: Comparison) -> None:
    """Tell an addition from a default: nobody owns a default, or the one who made the object does."""
    owners = ownership.owners(delta.path)
    if certainty.is_nobodys_default(kind, delta.path) or any(not owner.deploys for owner in owners):
        result.deltas.append(delta)
    elif not ownership.known:
        result.doubts.append(Doubt(delta, "who set it is not known: managedFields were removed"))


def _passed_over(kind: str, delta: Delta, ownership: Ownership, result: Comparison, *, stated: bool) -> bool:
    """Tell whether a difference is no drift, and note why."""
    if not stated and is_unguarded(kind, delta.path):
        return True
    why = exemption(kind, delta.path, ownership, stated=stated)
    if why and why not in result.ignored:
        result.ignored.append(why)
    return bool(why)


def _with_apply(
    result: Comparison, wanted: Mapping[str, Any], found: Mapping[str, Any], api: ReadOnlyApi
) -> Comparison:
    """Settle doubts by a dry-run apply: whatever it would change is no other spelling."""
    try:
        applied = api.would_apply(_filled(wanted, found))
    except ApiRefused:
        return result
    kind, ownership = str(wanted["kind"]), Ownership.of(found)
    known = {text(delta.path) for delta in result.deltas}
    for delta in deltas(substance(applied), substance(found), matcher=lists.of_kubernetes, equal=same_meaning):
        if text(delta.path) not in known and not _passed_over(kind, delta, ownership, result, stated=True):
            result.deltas.append(delta)
    # An apply says nothing about additions.
    result.doubts = [doubt for doubt in result.doubts if doubt.delta.change is Change.ADDED]
    return result


def _stand_in(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    filled = _filled(wanted, found)
    return {**filled, "metadata": {**filled["metadata"], "name": STAND_IN_NAME}}


def _filled(wanted: Any, found: Any) -> Any:
    """Return the manifest with what is there in the place of what is not compared."""
    if isinstance(wanted, Mapping):
        other = found if isinstance(found, Mapping) else {}
        inner = {key: _filled(value, other.get(key, ABSENT)) for key, value in wanted.items()}
        return {key: value for key, value in inner.items() if value is not ABSENT}
    if isinstance(wanted, list):
        known = found if isinstance(found, list) and len(found) == len(wanted) else [ABSENT] * len(wanted)
        inner_list = [_filled(value, other) for value, other in zip(wanted, known, strict=True)]
        return [value for value in inner_list if value is not ABSENT]
    if wanted is SECRET:
        return repr(SECRET) if found is ABSENT else found
    return found if wanted is UNKNOWN else wanted


def _keys_only(secret: Mapping[str, Any]) -> dict[str, Any]:
    """Return a Secret whose values are marks: no value of a Secret goes any further than this."""
    names = [*(secret.get("data") or {}), *(secret.get("stringData") or {})]
    rest = {key: value for key, value in secret.items() if key not in ("data", "stringData")}
    return {**rest, "data": dict.fromkeys(names, SECRET), "type": secret.get("type") or "Opaque"}


def _states(wanted: Any, path: Path) -> bool:
    """Tell whether the manifest itself says something at `path`."""
    here = wanted
    for step in path:
        here = _step(here, step)
        if here is ABSENT or here is None:
            return False
    return True


def _step(here: Any, step: str | Item) -> Any:
    if isinstance(step, str):
        return here.get(step, ABSENT) if isinstance(here, Mapping) else ABSENT
    return next(_matching(here if isinstance(here, list) else [], step), ABSENT)


def _matching(items: Sequence[Any], step: Item) -> Iterator[Any]:
    for index, item in enumerate(items):
        if step.keys and isinstance(item, Mapping):
            if all(item.get(key, value) == value for key, value in step.keys):
                yield item
        elif (step.value is not None and item == step.value) or step.label == str(index):
            yield item


def _without_nothing(wanted: Any) -> Any:
    """Return a manifest without the empty lists and mappings that the server does not keep; `emptyDir: {}` stays."""
    if isinstance(wanted, Mapping):
        inner = {key: _without_nothing(value) for key, value in wanted.items()}
        return {key: value for key, value in inner.items() if value != [] and not (value == {} and key in _MAPPINGS)}
    return [_without_nothing(value) for value in wanted] if isinstance(wanted, list) else wanted


def _says_nothing(delta: Delta) -> bool:
    """Tell whether an empty value is stated, which the server does not keep."""
    return delta.found is ABSENT and (delta.wanted in ("", False, 0) or delta.wanted in ({}, []))
