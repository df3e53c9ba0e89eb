"""Variable expansion as Go's `os.Expand` does it, with the runner's special names (common/spec/variables.go)."""

from collections.abc import Iterable, Sequence

Variables = Sequence[tuple[str, str]]
"""In order; of two with the same key the later one counts, and both are there for overwrites by prefix."""

_SPECIAL = frozenset("*#$@!?-0123456789")
_EMPTY_NAMES = frozenset("*#@!?0123456789")


def lookup(variables: Variables, key: str) -> str:
    """Return the last value of `key`, or `""`. `$` is itself; the shell's other special names are empty."""
    if key == "$":
        return key
    if key in _EMPTY_NAMES:
        return ""
    return next((value for name, value in reversed(variables) if name == key), "")


def expand(text: str, variables: Variables) -> str:
    """Replace `$name` and `${name}`; a malformed `${` is eaten, as Go does."""
    out: list[str] = []
    position = 0
    while position < len(text):
        dollar = text.find("$", position)
        if dollar < 0 or dollar + 1 >= len(text):
            break
        out.append(text[position:dollar])
        name, width = _shell_name(text[dollar + 1 :])
        if name:
            out.append(lookup(variables, name))
        elif width == 0:
            out.append("$")
        position = dollar + 1 + width
    return "".join(out) + text[position:]


def expand_all(variables: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Expand each value once against all of them."""
    source = list(variables)
    return [(key, expand(value, source)) for key, value in source]


def _shell_name(text: str) -> tuple[str, int]:
    """Return the name that starts `text` and how many characters to skip; `("", n)` is bad syntax to be eaten."""
    if text[0] == "{":
        end = text.find("}", 1)
        if end < 0:
            return "", 1
        return ("", 2) if end == 1 else (text[1:end], end + 1)
    if text[0] in _SPECIAL:
        return text[0], 1
    length = 0
    while length < len(text) and (text[length] == "_" or (text[length].isascii() and text[length].isalnum())):
        length += 1
    return text[:length], length
