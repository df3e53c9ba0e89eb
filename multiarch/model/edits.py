"""What an edit of a stack file does to what exists: kept, updated in place, replaced (and because of what), deleted.

Two plans of one stack are compared by the stand-ins' own knowledge of each provider (`RehearsalProvider.diff`) and by
the options that the program gives Pulumi (`ignoreChanges`, `replaceOnChanges`, `deleteBeforeReplace`). No engine runs.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from multiarch.model.plan.model import Plan, PlannedResource
from multiarch.model.providers.base import Diff
from multiarch.model.providers.kinds import covers
from multiarch.model.providers.registry import provider_for, record_of
from multiarch.model.providers.replaced import Changes, changes
from multiarch.model.providers.values import UNKNOWN, SecretValue


class Action(StrEnum):
    """What becomes of a resource, in Pulumi's words but for the first; worst first."""

    REFUSE = "refused"
    """The cloud refuses it in the middle of the `up`. No word of Pulumi's: it would call it an update."""
    REPLACE = "replace"
    DELETE = "delete"
    UPDATE = "update"
    CREATE = "create"


Moved: TypeAlias = frozenset[str] | None
"""Values that outputs of a resource had and will not have; None: nobody can tell any of them before it is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What the edit does to one resource."""

    action: Action
    urn: str
    type: str
    name: str
    paths: tuple[str, ...] = ()
    """Inputs that differ."""
    reasons: tuple[str, ...] = ()
    """Of a replacement: the inputs that force it. Of a refusal: those that the cloud does not change."""
    deleted_first: bool = False
    """Of a replacement: whether the old one goes before the new one is there, so that there is none meanwhile."""
    renews: tuple[str, ...] = ()
    """Of an update: the inputs for which a node pool makes its nodes anew, so that they are drained."""
    protected: bool = False
    """Whether Pulumi refuses to delete it, and so to replace it: not where the edit itself takes that away."""


def edits(before: Plan, after: Plan) -> tuple[Edit, ...]:
    """Return what is not kept as it is: replacements first, then what is deleted, updated, created.

    Only plans that are `complete` can be compared: what a stopped program did not declare would seem deleted.
    """
    old = {resource.urn: resource for resource in before.resources if resource.custom}
    new = {resource.urn: resource for resource in after.resources if resource.custom}
    found = [*_changed(old, new), *_gone(old, new), *_added(old, new)]
    order = list(Action)
    return tuple(sorted(found, key=lambda edit: order.index(edit.action)))


def _changed(old: Mapping[str, PlannedResource], new: Mapping[str, PlannedResource]) -> Iterator[Edit]:
    """Compare what is in both. What gives other outputs changes those that take them, which come after it."""
    moved: dict[str, Moved] = {}
    for urn in (urn for urn in new if urn in old):
        was, will = old[urn], new[urn]
        edit = _edit(was, will, _diff(was, will, _following(was, will, moved)))
        if edit is not None:
            yield edit
            moved[urn] = _moved(edit, was, will)


def _following(was: PlannedResource, will: PlannedResource, moved: Mapping[str, Moved]) -> Iterator[str]:
    """Yield the inputs whose value comes from an output that will be another one."""
    for key, urns in will.property_dependencies.items():
        found = [moved[urn] for urn in urns if urn in moved]
        if None in found or any(values & set(_leaves(_plain(was.inputs.get(key)))) for values in found if values):
            yield key


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping | list):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _leaves(item)
    else:
        yield str(value)


def _edit(was: PlannedResource, will: PlannedResource, diff: Diff) -> Edit | None:
    paths = tuple(sorted({*diff.updates, *diff.replaces, *diff.refused}))
    if not paths:
        return None
    forced = (path for path in (*diff.updates, *diff.refused) if _covered(path, will.replace_on_changes))
    replaced = tuple(sorted((*diff.replaces, *forced)))
    action = Action.REPLACE if replaced else Action.REFUSE if diff.refused else Action.UPDATE
    return Edit(
        action=action,
        urn=will.urn,
        type=will.type,
        name=will.name,
        paths=paths,
        reasons=replaced or tuple(sorted(diff.refused)),
        deleted_first=bool(replaced) and _deleted_first(will, diff),
        renews=tuple(_renewing(will.type, paths)) if action is Action.UPDATE else (),
        protected=was.protect and will.protect,
    )


def _renewing(token: str, paths: Iterable[str]) -> Iterator[str]:
    """Return the inputs that renew nodes; of a block whose new value nobody knows, any part may be another one."""
    known = _known(token)
    renews = frozenset() if known is None else known.renews
    return (path for path in paths if covers(renews, path) or any(one.startswith(f"{path}.") for one in renews))


def _moved(edit: Edit, was: PlannedResource, will: PlannedResource) -> Moved:
    """Return the outputs that are not what they were: a new resource's, or a template's version after an update."""
    provider = provider_for(will.type.partition(":")[0])
    if provider is None or edit.action is Action.REFUSE:
        return frozenset()
    state, inputs = _plain(was.outputs), _plain(will.inputs)
    outputs = _plain(provider.update(will.type, will.name, state, inputs))
    computed = outputs.keys() - inputs.keys()
    if edit.action is Action.REPLACE:
        return None if computed else frozenset()
    return frozenset(str(state[key]) for key in computed & state.keys() if outputs[key] != state[key])


def _deleted_first(will: PlannedResource, diff: Diff) -> bool:
    """Follow Pulumi's engine: what the program says goes before what the provider would do."""
    return diff.delete_before_replace if will.delete_before_replace is None else will.delete_before_replace


def _gone(old: Mapping[str, PlannedResource], new: Mapping[str, PlannedResource]) -> Iterator[Edit]:
    for urn in old.keys() - new.keys():
        was = old[urn]
        yield Edit(action=Action.DELETE, urn=urn, type=was.type, name=was.name, protected=was.protect)


def _added(old: Mapping[str, PlannedResource], new: Mapping[str, PlannedResource]) -> Iterator[Edit]:
    for urn in new.keys() - old.keys():
        yield Edit(action=Action.CREATE, urn=urn, type=new[urn].type, name=new[urn].name)


def _diff(was: PlannedResource, will: PlannedResource, following: Iterable[str]) -> Diff:
    """Ask the stand-in. A kind without one changes in place: that is what `plan-accepted` then doubts.

    `following` are inputs that come from something which will be another one: nobody knows their value yet.
    """
    package = will.type.removeprefix("pulumi:providers:").partition(":")[0]
    provider = provider_for(package)
    olds, news = _plain(was.inputs), {**_plain(will.inputs), **dict.fromkeys(following, UNKNOWN)}
    if provider is None or will.type.startswith("pulumi:"):
        return Diff(updates=() if olds == news else tuple(sorted(_keys(olds, news))))
    found = provider.diff(will.type, olds, news)
    return Diff(
        updates=_without(found.updates, will.ignore_changes),
        replaces=_without(found.replaces, will.ignore_changes),
        refused=_without(found.refused, will.ignore_changes),
        delete_before_replace=found.delete_before_replace,
    )


def _keys(olds: Mapping[str, Any], news: Mapping[str, Any]) -> Iterator[str]:
    return (key for key in olds.keys() | news.keys() if olds.get(key) != news.get(key))


def _without(paths: Iterable[str], ignored: Iterable[str]) -> tuple[str, ...]:
    kept = tuple(ignored)
    return tuple(path for path in paths if not _covered(path, kept))


def not_looked_up(edit: Edit) -> tuple[str, ...]:
    """Return the inputs of which nobody looked up what their change does, of kinds whose inputs the record lists.

    The stand-in takes them for changed in place.
    """
    known = _known(edit.type)
    if known is None:
        return ()
    listed = known.in_place | known.replaces | known.replaces_when_added_or_removed | known.refused
    whole = {path.partition(".")[0] for path in listed}  # where an input as a whole is not known yet
    return tuple(path for path in edit.paths if known.in_place and path not in whole and not covers(listed, path))


def _known(token: str) -> Changes | None:
    """Return what the record has of a kind; None for the program's own, and for a provider without a stand-in."""
    if token.startswith(("pulumi:", "multiarch:")) or provider_for(token.partition(":")[0]) is None:
        return None
    return changes(record_of(token), token)


def _covered(path: str, globs: Iterable[str]) -> bool:
    return any(glob in ("*", path) or path.startswith((f"{glob}.", f"{glob}[")) for glob in globs)


def _plain(value: Any) -> Any:
    """Open secrets, and make what nobody knows in either plan equal: it comes from the same place in both."""
    if isinstance(value, SecretValue):
        return _plain(value.value)
    if value is UNKNOWN:
        return "(not known before a deployment)"
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
