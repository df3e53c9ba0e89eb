"""What providers replace, and what their clouds refuse to change: facts from the providers' own sources.

A `replaced.json` lies beside its stand-in. It is written by `python -m tests.providers_truth.extract`, or by a person
who read the source that an entry names. The stand-ins know nothing else of it.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

RECORD: Final = Path(__file__).with_name("replaced.json")
"""That of the stand-ins in this folder; each cloud's has its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What becomes of a changed input of one kind. Property paths without indices; what is below one goes with it."""

    replaces: frozenset[str] = frozenset()
    """The provider makes a new resource."""
    replaces_when_added_or_removed: frozenset[str] = frozenset()
    """Blocks whose coming or going does; what is in them stands for itself."""
    refused: frozenset[str] = frozenset()
    """The provider would change them in place, and the cloud refuses."""
    in_place: frozenset[str] = frozenset()
    """The others that the source knows; empty where it does not list them."""
    renews: frozenset[str] = frozenset()
    """Of those changed in place: a node pool makes its nodes anew for them. `renews_source` says whence."""
    source: str = ""


@cache
def _read(record: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(record.read_text(encoding="utf-8"))
    return read


@cache
def changes(record: Path, token: str) -> Changes:
    """Return what a record knows of a kind. Raises KeyError for one that nobody looked up."""
    entry = _read(record)[token]
    return Changes(
        replaces=frozenset(entry.get("replaces", ())),
        replaces_when_added_or_removed=frozenset(entry.get("replaces_when_added_or_removed", ())),
        refused=frozenset(entry.get("refused", {})),
        in_place=frozenset(entry.get("in_place", ())),
        renews=frozenset(entry.get("renews", ())),
        source=entry["source"],
    )
