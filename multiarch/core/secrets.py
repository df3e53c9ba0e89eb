"""The one redaction: takes secrets out of text that leaves the process.

Three nets, each for what the one before lets through. Values that are secret by where they come from (environment,
kubeconfig, stack file, login program) are remembered, and hidden wherever they stand. What has a secret's own shape is
hidden. And so is what stands behind a secret's name.

Reports are redacted as data (`hide_in`), before a renderer wraps, cuts or escapes their words; whatever is written to
a terminal, a pipe or a file is redacted once more as text (`hide_written`), see `multiarch.core.streams` and `output`.
"""

import base64
import binascii
import dataclasses
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar
from urllib.parse import quote

from components.secret_text import ANY_SHAPE, HINTS, NAME, NAME_HINTS, PRIVATE_KEY, SECRET_NAME

T = TypeVar("T")

HIDDEN: Final = "[secret]"
SHORTEST: Final = 6
"""Characters; shorter values would be found in words that have nothing to do with them."""
_LINE: Final = 16
"""Characters of one line of a secret that has several: `-----` and its like are no secret."""
_HEADER: Final = re.compile(
    r"""(?i)(authorization\\?["']?[ \t]*[:=][ \t]*(?:\\?["'])?(?:bearer|basic|token)\s+)[^\s"',;<>\\]+"""
)
_ASSIGNED: Final = re.compile(
    rf"""(?i)((?:{NAME})\\?["']?)([ \t]*=[ \t]*|[ \t]*:[ \t]+|[ \t]*:(?=\\?["']))"""
    r"""(\\"(?:[^"\\\n]|\\[^"\n])*(?:\\")?|"(?:[^"\\\n]|\\.)*"?|'[^'\n]*'?|[^\s,;"'}]+)"""
)
_OPTION: Final = re.compile(rf"""(?i)(--[a-z-]*(?:{NAME})[ \t]+)(?=[^\s,;"']*[0-9])[^\s,;"']{{8,}}""")
_PLACEHOLDER: Final = re.compile(r"[$<{(\[].*|[A-Z_]+|\.\.\.|…")
"""What stands for a value: `$TOKEN`, `<token>`, `TOKEN`."""
_OPAQUE: Final = re.compile(
    rf"""(?i:((?:{NAME})\\?["']?[ \t]*[:=][ \t]*(?:\\?["'])?))"""
    r"(?:[0-9a-fA-F]{20,}|(?=[\w+/-]*[a-z])(?=[\w+/-]*[A-Z])(?=[\w+/-]*[0-9])[A-Za-z0-9+/_-]{20,})=*",
    re.ASCII,
)
"""Behind a secret's name: long hex, and long base64 with letters of both cases and digits. No name is like that."""
_NO_SECRET: Final = frozenset({"GOOGLE_APPLICATION_CREDENTIALS", "client-key", "existingSecret", "secret"})
"""Variables and keys (of kubeconfigs, of charts) that are called like a secret, and hold the path or name of one."""
_NAMING: Final = frozenset({"cluster", "id", "path", "resource", "stack", "title", "urn"})
"""Fields of reports that name things: `token=...` may be part of a name."""

_known: tuple[str, ...] = ()
"""Of this process: the values to hide, the longest first, in each spelling that a text may have them in."""


def remember(values: Iterable[str]) -> None:
    """Hide these values from now on, wherever they stand. Those of fewer than `SHORTEST` characters are left out."""
    global _known  # noqa: PLW0603 - what is secret is so for the whole process, whichever thread writes
    spelled = {one for value in values for one in _spellings(value)}
    if not spelled <= set(_known):
        _known = tuple(sorted(spelled.union(_known), key=lambda value: (-len(value), value)))


def forget() -> None:
    """Forget all remembered values: between tests."""
    global _known  # noqa: PLW0603 - as above
    _known = ()


def remember_environment(environment: Mapping[str, str]) -> None:
    """Remember the values of variables that are called like secrets."""
    remember(secret_values(environment))


def remember_document(document: Any) -> None:
    """Remember every text below a key that is called like a secret, and each `secure:`: a kubeconfig, a stack file."""
    remember(_named_secrets(document))


def hide(text: str) -> str:
    """Replace by `[secret]` what is known to be one, what has the shape of one, and what a name gives away: in prose.

    >>> hide('login failed: password="hunter2", token=abc')
    'login failed: password=[secret], token=[secret]'
    >>> hide("secret: forbidden")
    'secret: forbidden'
    """
    return _in_lines(hide_written(text), NAME_HINTS, _hide_named)


def hide_written(text: str) -> str:
    """Like `hide`, but for what a renderer wrote: JSON stays JSON, and behind a name only what is no word goes."""
    return _in_lines(hide_tokens(text), ("authorization", *NAME_HINTS), _hide_opaque)


def hide_tokens(text: str) -> str:
    """Like `hide`, but for names: only what is known or has a secret's own shape."""
    for value in _known:
        if value in text:
            text = text.replace(value, HIDDEN)
    return _in_lines(PRIVATE_KEY.sub(HIDDEN, text), HINTS, _hide_shapes, fold=False)


def hide_in(value: T) -> T:
    """Return a report, or any other data, with every text in it redacted. What has no secret in it stays as it is.

    Fields that name things lose only what is known or has a secret's own shape.
    """
    hidden: T = _hidden(value, "")
    return hidden


def secret_values(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the values of the variables that are called like secrets, the longest first."""
    values = {
        value
        for name, value in environment.items()
        if SECRET_NAME.search(name) and name not in _NO_SECRET and len(value) >= SHORTEST
    }
    return tuple(sorted(values, key=lambda value: (-len(value), value)))


def _hidden(value: Any, name: str) -> Any:
    if type(value) is str:  # an Enum that is a text is a word of ours
        return hide_tokens(value) if name in _NAMING else hide(value)
    if isinstance(value, Mapping):
        return {key: _hidden(item, str(key)) for key, item in value.items()}
    if isinstance(value, tuple | list | frozenset) and not hasattr(value, "_fields"):
        return type(value)(_hidden(item, name) for item in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {one.name: getattr(value, one.name) for one in dataclasses.fields(value) if one.init}
        changed = {key: new for key, old in fields.items() if (new := _hidden(old, key)) != old}
        return dataclasses.replace(value, **changed) if changed else value
    return value


def _in_lines(text: str, hints: tuple[str, ...], hide_one: Callable[[str], str], *, fold: bool = True) -> str:
    """Let `hide_one` look at the lines that have a hint; with `fold` in any case of letters."""
    folded = text.lower() if fold else text
    present = [hint for hint in hints if hint in folded]
    if not present:
        return text
    lines = text.split("\n")
    for number, line in enumerate(lines):
        one = line.lower() if fold else line
        if any(hint in one for hint in present):
            lines[number] = hide_one(line)
    return "\n".join(lines)


def _hide_shapes(line: str) -> str:
    return ANY_SHAPE.sub(HIDDEN, line)


def _hide_opaque(line: str) -> str:
    return _OPAQUE.sub(rf"\1{HIDDEN}", _HEADER.sub(rf"\1{HIDDEN}", line))


def _hide_named(line: str) -> str:
    return _OPTION.sub(rf"\1{HIDDEN}", _ASSIGNED.sub(_assigned, line))


def _assigned(found: re.Match[str]) -> str:
    name, separator, value = found.groups()
    quoted = value[0] in "\"'\\"
    if not quoted and (_PLACEHOLDER.fullmatch(value) or ("=" not in separator and not _telling(value))):
        return found.group()
    return f"{name}{separator}{HIDDEN}"


def _telling(value: str) -> bool:
    """Tell a value from prose (`secret: forbidden`): long, and with a digit."""
    return len(value) >= 8 and any(letter.isdigit() for letter in value)  # noqa: PLR2004 - as passwords must be


def _spellings(value: str) -> Iterator[str]:
    """Give a secret as text has it: as it is, line by line, and as JSON, a URL and base64 write it."""
    for one in (value.strip(), *(line.strip() for line in value.splitlines() if len(line.strip()) >= _LINE)):
        if len(one) >= SHORTEST:
            raw = one.encode(errors="surrogatepass")
            yield from (one, json.dumps(one)[1:-1], json.dumps(one, ensure_ascii=False)[1:-1])
            yield from (quote(raw, safe=""), base64.b64encode(raw).decode())


def _named_secrets(tree: Any, name: str = "") -> Iterator[str]:
    if isinstance(tree, str):
        if name == "secure" or (SECRET_NAME.search(name) and name not in _NO_SECRET):
            yield from (tree, *_decoded(tree, name))
    elif isinstance(tree, Mapping):
        for key, item in tree.items():
            yield from _named_secrets(item, str(key))
        if isinstance(tree.get("name"), str):  # a variable: its name is beside its value
            yield from _named_secrets(tree.get("value"), tree["name"])
    elif isinstance(tree, list | tuple):
        for item in tree:
            yield from _named_secrets(item, name)


def _decoded(text: str, name: str) -> Iterator[str]:
    """Read what a kubeconfig has in base64: `client-key-data`."""
    if name.endswith("data"):
        try:
            yield base64.b64decode(text, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return
