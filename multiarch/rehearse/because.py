"""Which keys of a changed stack file do what: each is edited alone, planned, and compared.

What a key does together with others that it needs (a machine type and its architecture) is told of all of them.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.problems import ConfigError
from components.reading import joined
from components.stack_keys import NAMESPACE
from multiarch.core.plain_yaml import parse_yaml
from multiarch.model.edits import Action, Edit, edits
from multiarch.model.plan.launch import plan_stack
from multiarch.model.plan.model import Plan, PlanError

MOST = 12
"""Keys that are tried alone. A file that changes more is another stack, and is told as a whole."""
AT_A_TIME = 2
_POOLS = f"{NAMESPACE}:pools"
_GONE: Any = object()
Document = Mapping[str, Any]
Step = str | int
Because = Mapping[str, tuple[str, ...]]
"""The keys that do something to a resource, by its URN."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyEdit:
    """One key that differs: how a reader finds it, and how it is edited."""

    path: str
    """As the changed file has it: `pools[1].diskType`."""
    steps: tuple[Step, ...]
    """Where it is in the file as it was, whose pools are known by their names."""
    value: Any


def because(project: Path, stack: str, against: Path, before: Plan, found: Sequence[Edit]) -> Because:
    """Tell which keys each edit comes from. A file that is read no other way than whole gives no answer."""
    old, new = _document(_stack_file(before, project, stack)), _document(against)
    keys = tuple(edited_keys(old, new))
    if len(keys) == 1 or not found:
        return {edit.urn: tuple(key.path for key in keys) for edit in found}
    if len(keys) > MOST:
        return {}
    with tempfile.TemporaryDirectory(prefix="multiarch-edit-") as folder, ThreadPoolExecutor(AT_A_TIME) as pool:
        files = [_written(Path(folder, f"{index}.yaml"), with_edit(old, key)) for index, key in enumerate(keys)]
        plans = list(pool.map(lambda file: _planned(project, stack, file), files))
    return attributed(found, {key.path: plan for key, plan in zip(keys, plans, strict=True)}, before)


def attributed(found: Sequence[Edit], alone: Mapping[str, Plan | None], before: Plan) -> Because:
    """Give each edit the keys that make it alone; else those that do nothing alone, or all."""
    each = {key: {edit.urn: edit for edit in edits(before, plan)} for key, plan in alone.items() if plan is not None}
    rest = tuple(key for key, plan in alone.items() if plan is None) or tuple(alone)
    answer: dict[str, tuple[str, ...]] = {}
    for edit in found:
        touching = {key: made[edit.urn] for key, made in each.items() if edit.urn in made}
        same = tuple(key for key, made in touching.items() if made.action is edit.action)
        answer[edit.urn] = same or (tuple(touching) if edit.action is not Action.REPLACE else ()) or rest
    return answer


def edited_keys(old: Document, new: Document) -> Iterator[KeyEdit]:
    """Yield the keys that differ between two files, as deep as both have mappings; pools are matched by name."""
    for key in dict.fromkeys((*old, *new)):
        name = key.removeprefix(f"{NAMESPACE}:")
        if key == _POOLS and isinstance(old.get(key), list) and isinstance(new.get(key), list):
            yield from _pools(old[key], new[key])
        else:
            yield from _values(old.get(key, _GONE), new.get(key, _GONE), name, (key,))


def _pools(old: list[Any], new: list[Any]) -> Iterator[KeyEdit]:
    were = {_name(pool): pool for pool in old}
    are = {_name(pool): (index, pool) for index, pool in enumerate(new)}
    for name, (index, pool) in are.items():
        yield from _values(were.get(name, _GONE), pool, f"pools[{index}]", (_POOLS, name))
    for index, pool in enumerate(old):
        if _name(pool) not in are:
            yield KeyEdit(path=f"pools[{index}] ({_name(pool)}, gone)", steps=(_POOLS, _name(pool)), value=_GONE)


def _values(old: Any, new: Any, path: str, steps: tuple[Step, ...]) -> Iterator[KeyEdit]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys((*old, *new)):
            yield from _values(old.get(key, _GONE), new.get(key, _GONE), joined(path, str(key)), (*steps, key))
    elif old != new:
        yield KeyEdit(path=path, steps=steps, value=new)


def _name(pool: Any) -> str:
    return str(pool.get("name")) if isinstance(pool, Mapping) else ""


def with_edit(old: Document, edit: KeyEdit) -> Document:
    """Return the file as it was with this one edit."""
    if edit.steps[0] != _POOLS or len(edit.steps) == 1:
        return _set(old, edit.steps, edit.value)
    pools = {_name(pool): pool for pool in old[_POOLS]}
    return {**old, _POOLS: list(_set(pools, edit.steps[1:], edit.value).values())}


def _set(owner: Mapping[Any, Any], steps: Sequence[Step], value: Any) -> dict[Any, Any]:
    first, *further = steps
    inner = owner.get(first)
    if further:
        value = _set(inner if isinstance(inner, Mapping) else {}, further, value)
    return {key: item for key, item in {**owner, first: value}.items() if item is not _GONE}


def _stack_file(before: Plan, project: Path, stack: str) -> Path:
    from multiarch.model.plan.inputs import read_project  # noqa: PLC0415 - imports the whole configuration

    return read_project(project).stack_dir / f"Pulumi.{(before.stack or stack).rpartition('/')[2]}.yaml"


def _document(path: Path) -> Document:
    """Read a file that was planned already, and so can be read: the whole name of each key to its value."""
    top: Any = parse_yaml(path.read_bytes())
    config = top.get("config") or {}
    named = {key if ":" in key else f"{NAMESPACE}:{key}": value for key, value in config.items()}
    return {**named, **({"environment": top["environment"]} if "environment" in top else {})}


def _written(path: Path, document: Document) -> Path:
    config = {key: value for key, value in document.items() if key != "environment"}
    top = {"config": config, **{key: document[key] for key in ("environment",) if key in document}}
    path.write_text(json.dumps(top), encoding="utf-8")
    return path


def _planned(project: Path, stack: str, file: Path) -> Plan | None:
    try:
        plan = plan_stack(project, stack, stack_file=file)
    except (ConfigError, PlanError):
        return None  # alone it is no stack
    return plan if plan.complete and not plan.refusals else None
