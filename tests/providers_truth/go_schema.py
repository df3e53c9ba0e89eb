"""Read which attributes of a Terraform resource force a new one, out of the Go source that declares its schema.

Not a Go parser: it follows braces, strings and comments, and knows the four forms in which these schemas are written.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"""
    (?P<skip>//[^\n]*|/\*.*?\*/|`[^`]*`|\s+)
    |(?P<text>"(?:\\.|[^"\\])*")
    |(?P<word>[A-Za-z_][\w.]*)
    |(?P<mark>[{}()\[\],:&*]|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_MAP = ["map", "[", "string", "]", "*", "schema.Schema"]
_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


@dataclass(slots=True)
class Attribute:
    """One attribute of a schema; with `children` it is a block."""

    forces_new: bool = False
    children: dict[str, "Attribute"] = field(default_factory=dict)

    def paths(self, name: str) -> Iterator[tuple[str, "Attribute"]]:
        """Yield this attribute and all further in, each with its path."""
        yield name, self
        for key, child in self.children.items():
            yield from child.paths(f"{name}.{key}")


def attributes(sources: Mapping[str, str], start: str) -> dict[str, Attribute]:
    """Read the schema that the function or variable `start` declares; what it calls is found in the same sources."""
    declared = {name: tokens for text in sources.values() for name, tokens in _declarations(text)}
    return _Reader(declared).attributes(declared[start])


def _tokens(text: str) -> list[str]:
    return [found[0] for found in _TOKEN.finditer(text) if not found["skip"]]


def _declarations(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield every top-level function and variable with the tokens of its body."""
    tokens = _tokens(text)
    starts = [index for index, token in enumerate(tokens) if token in ("func", "var") and _depth_is_zero(tokens, index)]
    for start, end in zip(starts, [*starts[1:], len(tokens)], strict=True):
        yield tokens[start + 1], tokens[start + 2 : end]


def _depth_is_zero(tokens: list[str], index: int) -> bool:
    # gofmt puts a declaration after a closing brace, or after one of a single line.
    return index == 0 or tokens[index - 1] in ("}", ")") or tokens[index - 1].startswith('"')


class _Reader:
    def __init__(self, declared: Mapping[str, list[str]]) -> None:
        self._declared = declared

    def attributes(self, tokens: list[str]) -> dict[str, Attribute]:
        """Read the first `map[string]*schema.Schema{…}` and every other one at its level."""
        found: dict[str, Attribute] = {}
        index = 0
        while index < len(tokens):
            if _is_schema_map(tokens, index):
                end = _closing(tokens, index)
                found |= self._entries(tokens[index + 1 : end])
                index = end
            elif tokens[index] in self._declared and tokens[index].startswith("schema"):
                found |= self.attributes(self._declared[tokens[index]])
            index += 1
        return found

    def _entries(self, tokens: list[str]) -> dict[str, Attribute]:
        found, index = {}, 0
        while index < len(tokens):
            name = _attribute_name(tokens[index])
            if name is None or tokens[index + 1] != ":":
                index += 1
                continue
            value = tokens[index + 2 :]
            if value[0] == "{":
                end = _closing(value, 0)
                found[name] = self._attribute(value[1:end])
            else:
                end = _end_of_call(value)
                found[name] = self._attribute(self._declared.get(value[0], []))
            index += 2 + end
        return found

    def _attribute(self, tokens: list[str]) -> Attribute:
        joined = _own_level(tokens)
        return Attribute(forces_new="ForceNew : true" in joined, children=self.attributes(tokens))


def _attribute_name(token: str) -> str | None:
    """Return an attribute's name: a string, or the constant that stands for one (`names.AttrClusterName`)."""
    if token.startswith('"'):
        return token[1:-1]
    if token.startswith("names.Attr"):
        return _CAPITAL.sub("_", token.removeprefix("names.Attr").replace("IDs", "Ids").replace("ID", "Id")).lower()
    return None


def _is_schema_map(tokens: list[str], index: int) -> bool:
    before = tokens[max(0, index - len(_MAP)) : index]
    return tokens[index] == "{" and before == _MAP


def _closing(tokens: list[str], start: int) -> int:
    depth = 0
    for index in range(start, len(tokens)):
        depth += {"{": 1, "}": -1}.get(tokens[index], 0)
        if depth == 0:
            return index
    raise ValueError("a brace is never closed")


def _end_of_call(tokens: list[str]) -> int:
    depth = 0
    for index, token in enumerate(tokens):
        depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(token, 0)
        if depth == 0 and token == ",":
            return index
    return len(tokens)


def _own_level(tokens: list[str]) -> str:
    """Return the tokens that lie in no inner map of attributes."""
    kept: list[str] = []
    index = 0
    while index < len(tokens):
        if _is_schema_map(tokens, index):
            index = _closing(tokens, index)
        else:
            kept.append(tokens[index])
        index += 1
    return " ".join(kept)
