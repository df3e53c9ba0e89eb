"""Generate docs/config.md and docs/stack.schema.json from the configuration classes.

`python -m docs.config_page` writes them; with `--check` it only says whether they are stale (exit 1).
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final

from components.clouds import CLOUDS
from components.clouds.sections import CloudPool, PoolBase
from components.keys import Key, choices, classes, keys, limits, spoken, tag
from components.runner.settings import RunnerConfig
from docs.edits_section import edits_section
from docs.edits_table import recorded
from docs.stack_schema import stack_schema

DOCS: Final = Path(__file__).resolve().parent

_INTRODUCTION: Final = """\
<!-- Generated from the configuration classes: change a docstring there, then run `python -m docs.config_page`. -->
# Configuration

All keys of a stack file, `stacks/Pulumi.<stack>.yaml`. Below `config:` it has six keys of this program, each with the
namespace `multiarch-runner:`, and the settings of the cloud's Pulumi provider (`aws:region`, `gcp:project`,
`azure-native:subscriptionId` ...), which are passed on.

| key | content |
| --- | --- |
| `multiarch-runner:cluster` | the [cluster](#cluster) that the pools join: **required** |
| `multiarch-runner:pools` | a list of [pools](#pools), all of the cluster's own type: **required** |
| `multiarch-runner:runner` | the [runner](#runner): **required** |
| `multiarch-runner:runnerToken` | the runner's token (`glrt-...`), a secret: \
`pulumi config set --secret multiarch-runner:runnerToken`. Required unless `runner.token` names another source |
| `multiarch-runner:buildkitToken` | the token of the second runner, a secret of the same form, for `runner.buildkit` \
only. Required there unless `runner.buildkit.token` names another source |
| `multiarch-runner:mirrorPassword` | password for the registry of `runner.helperMirror`, a secret of the same form. \
Required with its `username` |

Values are not converted: a number needs `5`, a text needs `"5"`. An unknown key is an error, and so is a key of
another cloud's pools. All mistakes are reported before anything is created: first those in single keys; if there are
none, those between keys. Editors use [stack.schema.json](stack.schema.json) for completion and checks:

```yaml
# yaml-language-server: $schema=../docs/stack.schema.json
```
"""


def reference() -> str:
    """Return docs/config.md."""
    lines = [_INTRODUCTION, "## cluster", "", "`type` decides which other keys there are."]
    nested: dict[str, type] = {}
    for kind, cloud in CLOUDS.items():
        lines += _section(f"cluster of type {kind}", cloud.cluster, keys(cloud.cluster), nested)
    lines += ["", "## pools", "", "A pool's keys depend on the type of the cluster. Two groups are shared."]
    lines += _section("keys of every pool", PoolBase, keys(PoolBase), nested)
    created = _own(CloudPool, PoolBase)
    making = ", ".join(kind for kind, cloud in CLOUDS.items() if cloud.creates_pools)
    lines += _section(f"further keys of every created pool ({making})", CloudPool, created, nested)
    for kind, cloud in CLOUDS.items():
        pool = cloud.pool
        shared = CloudPool if issubclass(pool, CloudPool) else PoolBase
        lines += _section(f"further keys of {kind} pools", pool, _own(pool, shared), nested)
    lines += ["", "## runner", "", _summary(RunnerConfig), "", *_table(keys(RunnerConfig), nested)]
    done: set[str] = set()
    while waiting := [name for name in nested if name not in done]:
        for name in waiting:
            lines += _section(name, nested[name], keys(nested[name]), nested)
            done.add(name)
    lines += edits_section(recorded())
    return "\n".join(lines) + "\n"


def _own(cls: type, base: type) -> tuple[Key, ...]:
    inherited = {(key.name, key.description) for key in keys(base)}
    return tuple(key for key in keys(cls) if (key.name, key.description) not in inherited)


def _section(title: str, cls: type, rows: Sequence[Key], nested: dict[str, type]) -> Iterator[str]:
    yield from ("", f"### {title}", "", _summary(cls), "")
    yield from _table(rows, nested)


def _summary(cls: type) -> str:
    return " ".join((cls.__doc__ or "").split())


def _table(rows: Sequence[Key], nested: dict[str, type]) -> Iterator[str]:
    yield "| key | type | default | meaning |"
    yield "| --- | --- | --- | --- |"
    for key in rows:
        yield f"| `{key.name}` | {_type(key, nested)} | {_default(key)} | {_cell(key.description)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _type(key: Key, nested: dict[str, type]) -> str:
    """Say what a value is; a mapping with keys of its own links to its section, which is then written too."""
    found = classes(key.annotation)
    if not found:
        return _cell(": ".join((spoken(key.annotation), *filter(None, [", ".join(limits(key.annotation))]))))
    links = []
    for cls in found:
        title = _title(cls, key)
        nested.setdefault(title, cls)
        links.append(f"[{title}](#{title.replace(' ', '-').lower()})")
    before = re.match(r"(list of|mapping of text to) ", spoken(key.annotation))
    return (before[0] if before else "") + " or ".join(links)


def _title(cls: type, key: Key) -> str:
    return f"{key.name} of type {tag(cls)}" if tag(cls) else cls.__name__


def _default(key: Key) -> str:
    if key.required or (key.name == "type" and choices(key.annotation)):  # a default that the reader never applies
        return "**required**"
    match key.default:
        case None:
            return ""
        case Enum():
            return f"`{key.default.value}`"
        case value if is_dataclass(value):
            return "its keys' own"
        case str() as value:
            return f"`{_cell(value)}`" if value else "empty"
        case value:
            return f"`{_cell(json.dumps(value))}`"


def outputs() -> dict[Path, str]:
    """Return every generated file with its content."""
    schema: dict[str, Any] = stack_schema()
    return {
        DOCS / "config.md": reference(),
        DOCS / "stack.schema.json": json.dumps(schema, indent=2, ensure_ascii=False) + "\n",
    }


def stale() -> list[Path]:
    """Return the generated files that are not what they would be now."""
    return [path for path, text in outputs().items() if not path.is_file() or path.read_text(encoding="utf-8") != text]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files, or with `--check` compare them. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m docs.config_page", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file is stale")
    if parser.parse_args(arguments).check:
        found = stale()
        for path in found:
            sys.stderr.write(f"{path.relative_to(DOCS.parent)} is stale: run `python -m docs.config_page`\n")
        return 1 if found else 0
    for path, text in outputs().items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
