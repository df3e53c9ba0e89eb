"""Plain data from a stack file to configuration dataclasses, with every mistake told as a Problem.

Strict: nothing is converted ("5" is no number, true is no number), and a key that nobody reads is an error.
"""

import difflib
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar, get_args, get_origin

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from components import forms
from components.forms import LONGEST_SHOWN, brief, quoted
from components.keys import Key, choices, classes, has_keys, key_of, keys, parts, spoken, tag
from components.problems import ConfigError, Problem
from components.secret_text import NOT_SHOWN, SECRET_NAME, blotted

T = TypeVar("T")

_QUOTE_AS_WRITTEN: Final = "Put it in quotes, exactly as it is written there."
_UNKNOWN: Final = ("unexpected_keyword_argument", "extra_forbidden")  # pydantic's words for a key that nobody reads
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][\w-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kin:
    """The classes that could have been meant.

    `own` names what is read (`gke pools`), `because` says why (`the cluster is gke`). `others` maps names such as
    `eks pools` to their classes. `refused` names keys that are left out on purpose, with what to do instead. `inside`
    says the same of classes further in.
    """

    own: str
    because: str
    others: Mapping[str, type] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    inside: Mapping[type, "Kin"] = field(default_factory=dict)


def parse(cls: type[T], value: object, path: str, *, kin: Kin | None = None) -> T:
    """Read `value` (what YAML or JSON gives) as the pydantic dataclass `cls`.

    Raises ConfigError with every problem found, each with its path below `path` as the stack file spells it.
    """
    try:
        text = json.dumps(value, allow_nan=False)
        return TypeAdapter(cls).validate_json(text, strict=True, by_alias=True, by_name=False)
    except ValidationError as error:
        if error.errors()[0]["type"] == "json_invalid":  # only lone surrogates get here: json.dumps wrote the text
            raise ConfigError([_not_plain(path, ValueError(error.errors()[0]["msg"]))]) from None
        reader = _Reader(cls=cls, value=value, path=path, kin=kin)
        raise ConfigError(tuple(dict.fromkeys(reader.problem(details) for details in error.errors()))) from None
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError([*_odd(value, path)] or [_not_plain(path, error)]) from None


def section_of(cls: type[T], value: object, path: str, *, kin: Kin | None = None) -> T:
    """Return what a component was given for a section: itself, or what a mapping says, read as `parse` reads it.

    A mapping may have the fields' names as keys, and a whole number as a float: other languages' arrive so.
    """
    return value if isinstance(value, cls) else parse(cls, _spelled(cls, value), path, kin=kin)


def _spelled(annotation: Any, value: object) -> object:
    """Return a value as a stack file spells it. The keys of a mapping that is no section are its writer's own."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    sections = [part for part in parts(annotation) if has_keys(part)]
    inner = next((get_args(part)[-1] for part in parts(annotation) if get_origin(part) in {list, dict}), Any)
    if isinstance(value, list | tuple):
        return [_spelled(inner, item) for item in value]
    if not isinstance(value, Mapping):
        return value
    known = {spelling: key for cls in sections for key in keys(cls) for spelling in (key.field, key.name)}
    return {
        known[key].name if key in known else key: _spelled(known[key].annotation if key in known else inner, item)
        for key, item in value.items()
    }


def _not_plain(path: str, error: Exception) -> Problem:
    found = f"not plain data ({type(error).__name__}: {str(error)[:LONGEST_SHOWN]})"
    return Problem(path=path, found=found, fix="Write text, finite numbers, true, false, lists and mappings.")


def _odd(value: object, path: str, holders: tuple[int, ...] = ()) -> Iterator[Problem]:
    """Yield each value that JSON has no words for. What holds itself is walked once."""
    if isinstance(value, Mapping | list | tuple):
        if id(value) in holders:
            return
        for step, item in value.items() if isinstance(value, Mapping) else enumerate(value):
            yield from _odd(item, joined(path, step if isinstance(step, int) else str(step)), (*holders, id(value)))
    elif isinstance(value, float) and not math.isfinite(value):
        yield Problem(path=path, found=f"{value} is not a finite number", fix="Write a finite number.")
    elif value is not None and not isinstance(value, str | int | float):
        yield _must_be_plain(path, value)


def _must_be_plain(path: str, value: object) -> Problem:
    found = f"of type {type(value).__name__}, but its value must be known before a deployment"
    return Problem(path=path, found=found, fix="Write text, a number, true, false, a list or a mapping.")


def text_of(args: Mapping[str, Any], key: str, path: str) -> str:
    """Return an argument of a component that must be text, and known before a deployment. Raises ConfigError."""
    value = args.get(key)
    if isinstance(value, str) and value.strip():
        return value
    where, fix = joined(path, key), "Write text."
    if value is None or value == "":
        raise ConfigError([Problem(path=where, found="required, but not set", fix=fix)])
    plain = isinstance(value, str | int | float | Mapping | list | tuple)
    told = Problem(path=where, found=f"{shown(value)} is {kind(value)}", fix=fix)
    raise ConfigError([told if plain else _must_be_plain(where, value)])


def joined(path: str, *names: str | int) -> str:
    """Append keys and indexes to a path: `pools`, 1, `labels`, `a/b` give `pools[1].labels[a/b]`."""
    for name in names:
        if isinstance(name, int):
            path += f"[{name}]"
        elif _IDENTIFIER.fullmatch(name):
            path += f".{name}" if path else name
        else:
            plain = name if name.isprintable() else name.encode("unicode_escape").decode()
            path += f"[{plain}]"
    return path


def shown(value: object) -> str:
    """Render a value for a message: short, on one line, secrets blotted out; not what a list or mapping holds."""
    return quoted(value) if isinstance(value, str) else brief(_as_json(value))


def _as_json(value: object) -> str:
    if isinstance(value, Mapping | list | tuple):
        # Whatever stands in it, a password without a shape of its own too.
        empty, full = ("{}", "{...}") if isinstance(value, Mapping) else ("[]", "[...]")
        return full if value else empty
    try:
        return json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return type(value).__name__


def kind(value: object) -> str:
    """Name the kind of a plain value, as a reader of YAML would."""
    names = {
        bool: "true or false",
        int: "a whole number",
        float: "a number",
        str: "text",
        list: "a list",
        tuple: "a list",
        type(None): "empty",
    }
    return names.get(type(value), "a mapping")


_LAST_PART: Final = re.compile(r".*(?:_|(?<=[a-z0-9])(?=[A-Z]))")
"""What comes before the last part of a name."""
_SLIP: Final = 0.85
_NEAR: Final = 0.65
"""How alike two words are, as difflib counts it."""


def did_you_mean(word: str, known: Sequence[str]) -> str | None:
    """Return the known word that was probably meant.

    That is the same but for case and underscores, a slip of the keys, its last part (`patchType` is a `type` more than
    a `patch`), or else a near miss.
    """
    folded = {_folded(name): name for name in known}
    plain, last = _folded(word), _folded(_LAST_PART.sub("", word))
    if exact := folded.get(plain):
        return exact
    slip = difflib.get_close_matches(plain, list(folded), n=1, cutoff=_SLIP)
    near = slip or [last] * (last in folded) or difflib.get_close_matches(plain, list(folded), n=1, cutoff=_NEAR)
    return folded[near[0]] if near else None


def _folded(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def unknown(path: str, key: str, known: Sequence[str], what: str) -> Problem:
    """Tell of a key that nobody reads. `what` names its owner, for example `gke pools`."""
    meant = did_you_mean(key, known)
    fix = f"Did you mean {meant}?" if meant else f"Remove it. Known keys: {', '.join(known)}."
    return Problem(path=joined(path, key), found=f"unknown key {key!r} for {what}", fix=fix)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where in a value an error is: its path, the last key on the way, and the class that reads the value there."""

    path: str
    key: Key | None
    owner: type
    value: object
    siblings: tuple[type, ...] = ()

    def step(self, step: int | str) -> "_Place":
        """Go one step along pydantic's location, or stay if the step is no part of the value.

        Such a step can be the tag that picks one class of a union.
        """
        if isinstance(self.value, Mapping) and step in self.value:
            key = key_of(self.owner, str(step)) or self.key
            found = classes(key.annotation) if key else ()
            owner = found[0] if found else self.owner
            return _Place(path=joined(self.path, step), key=key, owner=owner, value=self.value[step], siblings=found)
        if isinstance(self.value, list) and isinstance(step, int) and step < len(self.value):
            return replace(self, path=joined(self.path, step), value=self.value[step])
        for cls in self.siblings:
            if step in {tag(cls), cls.__name__}:
                return replace(self, owner=cls)
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    """Turns pydantic's errors about one value into Problems."""

    cls: type
    value: object
    path: str
    kin: Kin | None

    def problem(self, error: ErrorDetails) -> Problem:
        """Render one error of pydantic's, without the value where its key is called like a secret."""
        problem, value = self._rendered(error), error["input"]
        name = next((step for step in reversed(error["loc"]) if isinstance(step, str)), "")
        shows = error["type"] not in _UNKNOWN and isinstance(value, str | int | float)
        if shows and SECRET_NAME.search(name):
            fix = "See docs/config.md for what it takes." if value != "" and str(value) in problem.fix else problem.fix
            return replace(problem, found=problem.found.replace(shown(value), NOT_SHOWN), fix=fix)
        return problem

    def _rendered(self, error: ErrorDetails) -> Problem:
        place, parent = self._locate(error["loc"])
        name = str(error["loc"][-1]) if error["loc"] else ""
        match error["type"]:
            case "missing" | "missing_keyword_only_argument":
                return _missing(joined(place.path, name), place.owner, name)
            case unread if unread in _UNKNOWN:
                return self._unknown(parent, name)
            case "enum" | "literal_error":
                return _no_choice(place.path, choices(place.key.annotation) if place.key else (), error["input"])
            case "union_tag_invalid" | "union_tag_not_found":
                return _no_type(place)
            case _ if error["type"].endswith(("_type", "_parsing", "_from_float")):
                return _wrong_type(place.path, place.key, error["input"], element=bool(error["loc"]))
            case _:
                return _refused(place.path, error)

    def _locate(self, loc: tuple[int | str, ...]) -> tuple[_Place, _Place]:
        """Walk the value along pydantic's location: the place of the error, and the one that its last step left."""
        parent = place = _Place(path=self.path, key=None, owner=self.cls, value=self.value)
        for step in loc:
            parent, place = place, place.step(step)
        return place, parent

    def _unknown(self, parent: _Place, name: str) -> Problem:
        known = [key.name for key in keys(parent.owner)]
        kin = self._kin_of(parent)
        if kin is None:
            return unknown(parent.path, name, known, f"`{parent.path}`")
        path = joined(parent.path, name)
        if name in kin.refused:
            return Problem(path=path, found="not offered", fix=kin.refused[name])
        if homes := [home for home, cls in kin.others.items() if key_of(cls, name)]:
            return _foreign(path, name, homes, kin)
        return unknown(parent.path, name, known, kin.own)

    def _kin_of(self, place: _Place) -> Kin | None:
        if place.owner is self.cls:
            return self.kin
        inside = self.kin.inside if self.kin else {}
        return inside.get(place.owner) or _siblings(place)


def _siblings(place: _Place) -> Kin | None:
    """Say which classes else could have been meant where `type` picks one of several."""
    own = tag(place.owner)
    if own is None:
        return None
    others = {f"type {tag(cls)}": cls for cls in place.siblings if cls is not place.owner}
    return Kin(own=f"`{place.path}` of type {own}", because=f"its type is {own}", others=others)


def _foreign(path: str, name: str, homes: Sequence[str], kin: Kin) -> Problem:
    found = f"'{name}' is a key of {' and '.join(homes)}, but {kin.because}"
    return Problem(path=path, found=found, fix="Remove it: it has no effect here.")


def _no_type(place: _Place) -> Problem:
    value = place.value.get("type") if isinstance(place.value, Mapping) else None
    options = [found for cls in place.siblings if (found := tag(cls))]
    if value is not None:
        return _no_choice(joined(place.path, "type"), options, value)
    return Problem(
        path=joined(place.path, "type"), found="required, but not set", fix=f"Add `type:`, one of {', '.join(options)}."
    )


def _missing(path: str, owner: type, name: str) -> Problem:
    key = key_of(owner, name)
    meaning = key.description.split(". ")[0].rstrip(".") if key else ""
    said = f": {meaning[:1].lower()}{meaning[1:]}" if meaning else ""
    fix = f"Add `{name}: ...` ({spoken(key.annotation) if key else 'a value'}){said}."
    return Problem(path=path, found="required, but not set", fix=fix)


def _no_choice(path: str, options: Sequence[str], value: object) -> Problem:
    meant = did_you_mean(value, options) if isinstance(value, str) else None
    listed = ", ".join(options)
    fix = f"Did you mean {meant}? It takes one of {listed}." if meant else f"Use one of {listed}."
    return Problem(path=path, found=f"unknown value {shown(value)}", fix=fix)


def _wrong_type(path: str, key: Key | None, value: object, *, element: bool) -> Problem:
    wanted = spoken(key.annotation) if key else "mapping"
    inside = key is not None and not path.endswith(joined("", key.name))
    if inside and key and (inner := re.fullmatch(r"(?:list of|mapping of text to) (.+)", wanted)):
        wanted = inner[1]
    name = key.name if key and element else path
    found = f"{shown(value)} is {kind(value)}" if value is not None else "empty"
    return Problem(
        path=path,
        found=f"{found}, but {name} takes {_article(wanted)}",
        fix=_remedy(name, wanted, value, inside=inside, optional=key is not None and not key.required),
    )


def _article(wanted: str) -> str:
    return wanted if wanted.startswith(("text", "true", "any", "one of")) else f"a {wanted}"


def _remedy(name: str, wanted: str, value: object, *, inside: bool, optional: bool) -> str:
    before = "" if inside else f"{name}: "
    match value:
        case None if optional and not inside:
            return "Give it a value, or remove the key to get its default."
        case str() if "number" in wanted and re.fullmatch(r"-?[0-9]{1,18}", value):
            return f"Write {before}{value}, without quotes."
        case str() if wanted == "true or false" and value.lower() in {"true", "false", "yes", "no", "on", "off"}:
            return f"Write {before}{'true' if value.lower() in {'true', 'yes', 'on'} else 'false'}, without quotes."
        case bool() | int() | float() if wanted == "text":
            # By now, 0.90 has become 0.9.
            exact = not isinstance(value, float)
            return f"Put it in quotes: {before}'{json.dumps(value)}'." if exact else _QUOTE_AS_WRITTEN
        case str() if wanted == "list of text":
            return f"Make it a list: {before}[{blotted(value)[:LONGEST_SHOWN]}]."
        case _:
            return f"Write {_article(wanted)}."


_BOUNDS: Final[Mapping[str, tuple[str, str]]] = {
    "greater_than_equal": ("is too small", "Use {ge} or more."),
    "greater_than": ("is too small", "Use more than {gt}."),
    "less_than_equal": ("is too large", "Use {le} or less."),
    "less_than": ("is too large", "Use less than {lt}."),
    "string_too_short": ("is too short", "Use at least {min_length} characters."),
    "string_too_long": ("is too long", "Use at most {max_length} characters."),
    "too_short": ("has too few entries", "List at least {min_length}."),
    "too_long": ("has too many entries", "List at most {max_length}."),
}
"""What is said of a value outside a bound: pydantic's type of error to what is found and the fix."""


def _refused(path: str, error: ErrorDetails) -> Problem:
    """Render what is wrong with a value of the right type: a bound, a validator of ours, one of pydantic's own."""
    value = error["input"]
    if error["type"] == forms.WRONG:
        return Problem(path=path, **error["ctx"])
    if error["type"] in _BOUNDS and value in ("", [], {}):
        return Problem(path=path, found="empty", fix="Give it a value, or remove the key if it has a default.")
    if error["type"] in _BOUNDS:
        found, fix = (text.format(**error["ctx"]) for text in _BOUNDS[error["type"]])
    else:
        found, fix = f"is not valid: {error['msg'].rstrip('.')}", "See docs/config.md for what it takes."
    return Problem(path=path, found=f"{shown(value)} {found}", fix=fix)
