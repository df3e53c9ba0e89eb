"""YAML read strictly: as Go's library reads it, each key once, and a mistake told with its line and column."""

import re
from collections.abc import Hashable
from typing import Any

import yaml


class YamlMistakeError(Exception):
    """A text that is no YAML: `where` (line and column, as far as known) and `reason`."""

    def __init__(self, where: str, reason: str) -> None:
        self.where = where
        self.reason = reason
        super().__init__(f"{where}: {reason}")


def parse_yaml(data: bytes) -> object:
    """Return what a UTF-8 YAML document says, as plain values; dates stay text. Raises YamlMistakeError."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise YamlMistakeError(f"byte {error.start}", "the file is not UTF-8 text") from None
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "the file"
        reason = error.problem or "not YAML"
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        where, reason = _place_of(error, text), str(error).splitlines()[0]
    except RecursionError:
        where, reason = "the file", "it is nested too deeply"
    raise YamlMistakeError(where, reason)


def _place_of(error: Exception, text: str) -> str:
    """Find line and column of a character that YAML forbids (the one error that PyYAML gives as an offset only)."""
    if not isinstance(error, yaml.reader.ReaderError) or not isinstance(error.position, int):
        return "the file"
    before = text[: error.position]
    return f"line {before.count(chr(10)) + 1}, column {error.position - before.rfind(chr(10))}"


class _Loader(yaml.SafeLoader):
    """YAML as Go's library reads it for Pulumi: `yes` and `2026-01-01` are text, keys are text and unique."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own interface

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: ARG002, FBT001, FBT002 - PyYAML's signature
        self.flatten_mapping(node)
        seen: dict[Hashable, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key is a list or a mapping", key.start_mark)
            seen[key.value] = self.construct_object(value, deep=True)
        return seen

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Refuse a key that is written twice, before `<<` brings in keys that may be overridden."""
        written: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if key.value in written:
                    raise _TwiceError(key.value, key.start_mark)
                written.add(key.value)
        super().flatten_mapping(node)


class _TwiceError(yaml.MarkedYAMLError):
    def __init__(self, key: str, mark: yaml.Mark) -> None:
        super().__init__(problem=f"the key '{key}' is written twice", problem_mark=mark)


_Loader.add_constructor("tag:yaml.org,2002:map", _Loader.construct_mapping)
for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+", "-+.0123456789"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("merge", r"<<", "<"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_pattern})\Z"), list(_first))
