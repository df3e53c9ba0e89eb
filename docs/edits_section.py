"""The part of docs/config.md that says what an edit of each key does: docs/edits.json as tables."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from components.clouds import CLOUDS
from docs.edits_table import Row

_INTRODUCTION: Final = """\

## What an edit does

Made by planning each edit (`python -m docs.edits_table`). Which input replaces a resource is what the providers' own
sources say (`replaced.json` beside each stand-in). `multiarch rehearse --stack NAME --against FILE` tells it of an
edit of yours.

- *In place*: the same resource. A runner's new settings start a new manager; the old one first finishes its jobs.
- *In place, nodes made anew*: the same node pool, whose nodes the cloud drains and replaces one by one. Jobs that run
  there are evicted, since no disruption budget holds them: one that does not end within the drain is lost.
- **Replaced, new one first**: jobs that run on the old one are lost; there are nodes all the while.
- **Replaced, deleted first**: jobs that run on the old one are lost, and there is none meanwhile.
- `protect` is Pulumi's own and changes nothing in the cloud. What is protected is not replaced: `up` refuses.

### Pools

Where nothing else is named, it is the node pool itself that changes. What follows of it in the release is left out.
"""
_RUNNER: Final = """\

### The runner and the secrets

All other keys of the runner, nested ones too, change the release in place, and nothing else.
"""
_POOLS: Final = ("NodePool", "NodeGroup", "AgentPool")
_RELEASE: Final = {"in place": ("Release",)}


def edits_section(rows: Sequence[Row]) -> Iterator[str]:
    """Yield the section's lines."""
    yield from _INTRODUCTION.splitlines()
    yield ""
    yield from _pools(rows)
    yield from _RUNNER.splitlines()
    yield ""
    yield "| key | an edit of it |"
    yield "| --- | --- |"
    for row in rows:
        if row.section not in CLOUDS and dict(row.effects) != _RELEASE:
            name = row.key if row.section == "secrets" else f"{row.section}.{row.key}"
            yield f"| `{name}` | {_effects(row)} |"


def _pools(rows: Sequence[Row]) -> Iterator[str]:
    cells = {(row.section, row.key): _effects(row) for row in rows}
    keys = dict.fromkeys(row.key for row in rows if row.section in CLOUDS)
    yield f"| key | {' | '.join(CLOUDS)} |"
    yield f"| --- |{' --- |' * len(CLOUDS)}"
    for key in keys:
        yield f"| `{key}` | {' | '.join(cells.get((cloud, key), '') for cloud in CLOUDS)} |"


def _effects(row: Row) -> str:
    if row.reason:
        return f"nothing: {row.reason}"
    return "; ".join(_effect(word, kinds) for word, kinds in _shown(row.effects).items())


def _shown(effects: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[str]]:
    """Leave out the release's own update where a pool changes: it follows from that."""
    pool = any(kind in _POOLS for kinds in effects.values() for kind in kinds)
    kept = {word: [kind for kind in kinds if not (pool and kind == "Release")] for word, kinds in effects.items()}
    return {word: kinds for word, kinds in kept.items() if kinds or not effects[word]}


def _effect(word: str, kinds: Sequence[str]) -> str:
    text = f"**{word.partition(',')[0]}**,{word.partition(',')[2]}" if word.startswith("replaced") else word
    text = f"**{word}**" if word.startswith("refused") else text
    if word.startswith("`"):
        return text.removesuffix(" of")
    others = [kind for kind in kinds if kind not in _POOLS]
    if len(others) == len(kinds):
        return f"{text}: {', '.join(kinds)}" if kinds else text
    return f"{text} (and {', '.join(others)})" if others else text
