"""What autoscalers and auto-upgrade change in this program's own node pools: each cloud says it of its own."""

from dataclasses import asdict
from typing import Final

from multiarch.drift.ignore.rule import Rule
from multiarch.model.clouds import KNOWN

BUILT_IN: Final = tuple(Rule(**asdict(one), built_in=True) for known in KNOWN.values() for one in known.own_changes)
"""docs/drift.md lists them all."""
