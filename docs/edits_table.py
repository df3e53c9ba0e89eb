"""What an edit of each key of a stack file does to what exists: computed, by planning a stack before and after it.

`python -m docs.edits_table` writes it to docs/edits.json, from which docs/config.md shows it.
"""

import atexit
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, TypeVar, get_args, get_origin

from components.clouds import CLOUDS
from components.keys import Key, choices, classes, has_keys, keys, limits, parts, tag
from components.problems import ConfigError
from components.runner.settings import RunnerConfig
from components.stack_keys import NAMESPACE, SECRET_KEYS
from docs.edit_values import (
    CLUSTERS,
    GIVEN,
    NOT_READ,
    PASSED,
    POOLS,
    REFUSED,
    RUNNER,
    SECRETS,
    SECTIONS,
    TEXTS,
    VALUES,
    Change,
    Values,
)
from multiarch.model.edits import Action, Edit, edits, not_looked_up
from multiarch.model.placeholders import with_placeholder_token, with_stub_access
from multiarch.model.plan.inputs import StackInputs, read_project
from multiarch.model.plan.model import Plan
from multiarch.model.plan.program import ProgramCrashError, ProgramRun, run_program

PROJECT: Final = Path(__file__).resolve().parents[1]
RECORD: Final = Path(__file__).with_name("edits.json")
T = TypeVar("T")
_NO_KEY: Final = Key(name="", field="", annotation=None, required=False, default=None, description="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What an edit of one key does."""

    section: str
    """`gke`, `eks`, `aks` or `existing` for a pool's keys, `runner`, or `secrets`."""
    key: str
    """As the stack file spells it, below its section: `cache.bucket`; of one kind of several, `cache (s3).region`."""
    effects: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What becomes of which kinds of resource: `in place`, `replaced, new one first` ... to `NodePool`, `Release`."""
    reason: str = ""
    """Why no resource changes, where none does."""
    problem: str = ""
    """Why nothing could be told: that is a fault of this table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A key in the tree of configuration classes, with how to reach it in a stack."""

    section: str
    label: str
    path: tuple[str | int, ...]
    """Where it is in the stack's configuration, such as `runner`, `cache`, `bucket`."""
    key: Key = _NO_KEY
    given: Mapping[tuple[str | int, ...], Any] = field(default_factory=dict)
    """The sections around it, which the stack must state."""


def places() -> Iterator[Place]:
    """Yield every key of every pool and of the runner, and of what is in them."""
    for name, cloud in CLOUDS.items():
        yield from _within(cloud.pool, Place(section=name, label="", path=("pools", 0)))
    yield from _within(RunnerConfig, Place(section="runner", label="", path=("runner",)))


def _within(cls: type, owner: Place) -> Iterator[Place]:
    for key in keys(cls):
        place = replace(
            owner, label=f"{owner.label}.{key.name}".removeprefix("."), path=(*owner.path, key.name), key=key
        )
        found = classes(key.annotation)
        # A section that is always there is nothing but its keys.
        if not (key.name == "type" and tag(cls)) and not (found and key.default is not None and not _is_list(key)):
            yield place
        # What is within one of the chart's own values is passed on with it, as it is.
        for inner in found if owner.label != "values" else ():
            yield from _within(inner, _inside(place, inner))


def _inside(place: Place, cls: type) -> Place:
    """Return the place of a section's keys: it must be in the stack, where it is optional."""
    kind = f"{place.label} ({tag(cls)})" if tag(cls) else place.label
    value = section_of(cls, f"{place.section}.{place.label}")
    if _is_list(place.key):
        return replace(place, label=f"{kind}[]", path=(*place.path, 0), given={**place.given, place.path: [value]})
    given = place.given if place.key.default is not None else {**place.given, place.path: value}
    return replace(place, label=kind, given=given)


def section_of(cls: type, name: str) -> dict[str, Any]:
    """Return the least that a section must say."""
    stated = _matching(SECTIONS, name)
    if stated:
        return dict(stated[-1])
    tagged = {"type": tag(cls)} if tag(cls) else {}
    wanted = (key for key in keys(cls) if key.required and key.name not in tagged)
    return {**tagged, **{key.name: _made_up(key, f"{name}.{key.name}", 0) for key in wanted}}


def change_of(place: Place) -> Change:
    """Return the key's value before and after the edit: stated, or made up from its name, type and default."""
    name = f"{place.section}.{place.label}"
    return next(iter(_matching(VALUES, name)), None) or Change(after=_made_up(place.key, name, 1))


def _matching(table: Mapping[str, T], name: str) -> list[T]:
    return [value for glob, value in table.items() if fnmatchcase(name, glob.replace("[", "[[]"))]


def _made_up(key: Key, name: str, which: int) -> Any:
    """Make up a value that is not the default; the other one for `which` 1."""
    plain = getattr(key.default, "value", key.default)
    if options := [value for value in choices(key.annotation) if value != plain]:
        value: Any = options[which % len(options)]
        return [value] if _is_list(key) else value
    return _of_type(key.annotation, name, which, plain)


def _of_type(annotation: Any, name: str, which: int, default: Any = None) -> Any:
    word = next(iter(_matching(TEXTS, name)), ("first", "edited"))[which]
    for part in parts(annotation):
        inner = get_args(part)
        match get_origin(part) or part:
            case section if has_keys(section):
                return section_of(section, name)
            case kind if kind is bool:
                return not default
            case kind if kind is int:
                return (default or _least(annotation)) + 1 + which
            case kind if kind is list:
                return [_of_type(inner[0], name, which)]
            case kind if kind is dict:
                return {word: _of_type(inner[1], name, which)}
    return word


def _least(annotation: Any) -> int:
    """Return the smallest whole number that a key takes, 0 where it does not say."""
    found = (re.fullmatch(r"at least (\d+)", one) for one in limits(annotation))
    return next((int(one[1]) for one in found if one), 0)


def _is_list(key: Key) -> bool:
    return any(get_origin(part) is list for part in parts(key.annotation))


class Planner:
    """Plans stacks in this process, each of them once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._project = read_project(PROJECT)
        self._known: dict[str, Plan] = {}

    def plan(self, stack: Mapping[str, Any]) -> Plan:
        """Plan a stack's configuration. Raises ConfigError or ProgramCrashError."""
        text = json.dumps(stack, sort_keys=True)
        if text not in self._known:
            self._known[text] = run_program(self._run(stack))
        return self._known[text]

    def _run(self, stack: Mapping[str, Any]) -> ProgramRun:
        values = {key if ":" in key else f"{NAMESPACE}:{key}": _text(value) for key, value in stack.items()}
        secret = frozenset(key for key in values if key.rpartition(":")[2] in SECRET_KEYS)
        values, secret, _ = with_placeholder_token(values, secret)
        stub = self._folder / "kubeconfig"
        values, content = with_stub_access(values, stub)
        if content is not None:
            stub.write_text(content, encoding="utf-8")
        inputs = StackInputs(config=values, secret_keys=tuple(sorted(secret)))
        return ProgramRun(
            project_dir=PROJECT, project=self._project.name, main=self._project.main, stack="edits", inputs=inputs
        )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def base(section: str) -> dict[str, Any]:
    """Return a whole stack to edit; of the runner's keys, one whose nodes are there already."""
    cloud = section if section in CLOUDS else "existing"
    return deepcopy({**CLUSTERS[cloud], "pools": POOLS[cloud], "runner": RUNNER})


def edited(stack: dict[str, Any], values: Mapping[tuple[str | int, ...], Any]) -> dict[str, Any]:
    """Return a copy with other values; `...` takes a key away."""
    found = deepcopy(stack)
    for path, value in values.items():
        owner: Any = found
        for step in path[:-1]:
            owner = owner[step] if isinstance(step, int) else owner.setdefault(step, {})
        if value is ...:
            owner.pop(path[-1], None)
        else:
            owner[path[-1]] = deepcopy(value)
    return found


def row(place: Place, planner: Planner) -> Row:
    """Plan the stack before and after the edit, and tell what becomes of it."""
    name = f"{place.section}.{place.label}"
    change, told = change_of(place), Row(section=place.section, key=place.label)
    if name in PASSED:
        return replace(told, effects={"what the provider does with what is passed": ()})
    before = edited(base(place.section), place.given)
    for values in _matching(GIVEN, name):
        before = edited(before, _by_path(values))
    if change.before is not None:
        before = edited(before, {place.path: change.before})
    after = edited(before, {place.path: change.after, **_by_path(change.along)})
    if before == after:
        return replace(told, problem="it has no second value")
    try:
        old, new = planner.plan(before), planner.plan(after)
    except (ConfigError, ProgramCrashError) as error:
        if isinstance(error, ConfigError) and name in REFUSED:
            return replace(told, effects={"refused before anything is declared": ()})
        return replace(told, problem=str(error))
    if refused := [str(refusal) for plan in (old, new) for refusal in plan.refusals]:
        return replace(told, problem=refused[0])
    return _judged(told, old, new)


def _by_path(values: Values) -> dict[tuple[str | int, ...], Any]:
    return {
        tuple(int(step) if step.isdecimal() else step for step in name.split(".")): value
        for name, value in values.items()
    }


def _judged(told: Row, old: Plan, new: Plan) -> Row:
    changed = edits(old, new)
    if unknown := [f"{edit.type} {path}" for edit in changed for path in not_looked_up(edit)]:
        return replace(told, problem=f"nobody looked up what a change of {', '.join(unknown)} does: replaced.json")
    found = effects(changed)
    for option in ("protect", "delete_before_replace"):
        kinds = _option_changes(old, new, option)
        if kinds:
            found[f"`{option}` of"] = kinds
    reason = NOT_READ.get(f"{told.section}.{told.key}", "")
    if not found and not reason:
        return replace(told, problem="nothing reads it: no resource changes, and docs/edit_values.py does not say why")
    if found and reason:
        return replace(told, problem="resources change, and docs/edit_values.py says that none does")
    return replace(told, effects=found, reason=reason)


def _option_changes(old: Plan, new: Plan, option: str) -> tuple[str, ...]:
    was = {resource.urn: getattr(resource, option) for resource in old.resources}
    found = (one for one in new.resources if one.urn in was and was[one.urn] != getattr(one, option))
    return tuple(sorted({_kind(one.type) for one in found}))


def effects(found: Sequence[Edit]) -> dict[str, tuple[str, ...]]:
    """Sort the kinds of resource by what becomes of them, worst first."""
    made, gone = (
        {_kind(edit.type) for edit in found if edit.action is action} for action in (Action.CREATE, Action.DELETE)
    )
    words = {
        "refused by the cloud": {_kind(edit.type) for edit in found if edit.action is Action.REFUSE},
        "replaced, deleted first": {_kind(edit.type) for edit in found if edit.deleted_first},
        "replaced, new one first": {
            _kind(edit.type) for edit in found if edit.action is Action.REPLACE and not edit.deleted_first
        }
        | (made & gone),  # under another name: Pulumi deletes what is gone last
        "in place, nodes replaced": {_kind(edit.type) for edit in found if edit.renews},
        "in place": {_kind(edit.type) for edit in found if edit.action is Action.UPDATE and not edit.renews},
        "made": made - gone,
        "deleted": gone - made,
    }
    return {word: tuple(sorted(kinds)) for word, kinds in words.items() if kinds}


def _kind(token: str) -> str:
    return token.rpartition(":")[2]


def table() -> tuple[Row, ...]:
    """Compute the table, in processes of their own: a plan takes Pulumi's global runtime."""
    # Each finds the work again by its number: a key's type may hold what cannot be sent. Not forked: gRPC's threads
    # do not survive that.
    with get_context("spawn").Pool(min(len(os.sched_getaffinity(0)), 4), _start) as pool:
        return tuple(pool.map(_row, range(len(_work())), chunksize=8))


_planners: list["Planner"] = []


def _start() -> None:
    folder = tempfile.TemporaryDirectory(prefix="multiarch-edits-")
    atexit.register(folder.cleanup)
    _planners.append(Planner(Path(folder.name)))


@cache
def _work() -> tuple[Place | str, ...]:
    return (*places(), *SECRETS)


def _row(number: int) -> Row:
    work = _work()[number]
    return _secret_row(work, _planners[0]) if isinstance(work, str) else row(work, _planners[0])


def _secret_row(name: str, planner: "Planner") -> Row:
    given, values = SECRETS[name]
    stacks = [edited(base("runner"), {**_by_path(given), (name,): value}) for value in values]
    return _judged(Row(section="secrets", key=name), planner.plan(stacks[0]), planner.plan(stacks[1]))


def recorded() -> tuple[Row, ...]:
    """Return the table as it was last written."""
    read = json.loads(RECORD.read_text(encoding="utf-8"))
    return tuple(
        Row(section=section, key=key, effects=_lists(told.get("effects", {})), reason=told.get("reason", ""))
        for section, found in read.items()
        for key, told in found.items()
    )


def _lists(effects: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    return {word: tuple(kinds) for word, kinds in effects.items()}


def as_text(found: Sequence[Row]) -> str:
    """Return the table as it is written: what is empty is left out."""
    sections: dict[str, dict[str, Any]] = {}
    for one in found:
        told = {key: value for key, value in asdict(one).items() if value and key not in ("section", "key")}
        sections.setdefault(one.section, {})[one.key] = told
    return json.dumps(sections, indent=1) + "\n"


def main() -> int:
    """Write the table; say what could not be told, which is a fault."""
    found = table()
    RECORD.write_text(as_text(found), encoding="utf-8")
    wrong = [one for one in found if one.problem]
    for one in wrong:
        sys.stderr.write(f"{one.section}.{one.key}: {one.problem}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
