"""What the Pulumi CLI's answers say. Never more than they say.

The formats are those of recorded runs (CLI 3.260.0; tests/recorded/pulumi-cli) and of pulumi/pulumi
pkg/backend/display/json.go. What isn't understood is not guessed at: the reader gets None.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

NO_CHANGES_VIOLATED = 7
"""pulumi/pulumi pkg/cmd/pulumi/cmd/exit_codes.go: `--expect-no-changes` found changes, and nothing else."""
QUIET = frozenset({"same", "refresh", "read", "read-discard", "discard"})
"""Operations that change nothing."""
REPLACING = frozenset({"replace", "create-replacement", "delete-replaced"})
"""The operations of one replacement; an answer may list any of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CliResult:
    """What one command answered. `exit` is None when it had to be stopped, or could not be started."""

    command: tuple[str, ...]
    exit: int | None
    stdout: str
    stderr: str
    seconds: float = 0.0
    ended: str = ""
    """Why there is no exit code: `it was ended at its time limit`."""
    overflow: int = 0
    """Bytes of a stdout that was too large to keep; `stdout` is then empty."""

    @property
    def document(self) -> Mapping[str, Any] | None:
        """The JSON answer, if stdout is one whole document, and nothing else. Read anew at each call."""
        try:
            value = json.loads(self.stdout.removeprefix("\ufeff"))
        except (ValueError, RecursionError):
            return None
        return value if isinstance(value, dict) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One planned operation on one resource."""

    op: str
    urn: str
    paths: tuple[str, ...] = ()
    """Property paths that differ."""
    reasons: tuple[str, ...] = ()
    """Property paths that force a replacement."""
    old: Mapping[str, Any] | None = field(default=None, repr=False)
    """The resource before: `type`, `id`, `inputs`, `outputs`, ...; None where the answer has none."""
    new: Mapping[str, Any] | None = field(default=None, repr=False)
    """The resource after; a preview knows no outputs of what it would create or change."""

    @property
    def resource(self) -> str:
        """Type and name, as a reader says them."""
        return resource_name(self.urn)


def resource_name(urn: str) -> str:
    """Give type and name of a URN; the URN itself where it is none.

    >>> resource_name("urn:pulumi:gke::multiarch-runner::kubernetes:core/v1:ConfigMap::settings")
    'kubernetes:core/v1:ConfigMap settings'
    """
    parts = urn.split("::", 3)
    return f"{parts[-2].rsplit('$', 1)[-1]} {parts[-1]}" if len(parts) > 1 else urn


def errors(result: CliResult) -> tuple[str, ...]:
    """List the error messages: `diagnostics` of a JSON answer, otherwise the lines that begin with `error:`."""
    document = result.document
    diagnostics = document.get("diagnostics") if document else None
    entries = diagnostics if isinstance(diagnostics, list) else []
    found = [_about(entry) for entry in entries if isinstance(entry, dict) and entry.get("severity") == "error"]
    if document is None:
        lines = [*result.stdout.splitlines(), *result.stderr.splitlines()]
        found += [line.strip().removeprefix("error:").strip() for line in lines if line.strip().startswith("error:")]
    return tuple(dict.fromkeys(text for text in found if text))


def _about(entry: Mapping[str, Any]) -> str:
    message = str(entry.get("message", "")).strip().removeprefix("error:").strip()
    name = str(entry.get("urn") or "").rsplit("::", 1)[-1]
    return f"{name}: {message}" if name else message


def steps(document: Mapping[str, Any]) -> tuple[Step, ...] | None:
    """Read the steps of a preview or refresh; None when they are not where recorded answers have them."""
    raw = document.get("steps")
    if not isinstance(raw, list):
        return None
    found = []
    for entry in raw:
        if not isinstance(entry, dict) or not isinstance(entry.get("op"), str) or not isinstance(entry.get("urn"), str):
            return None
        found.append(
            Step(
                op=entry["op"],
                urn=entry["urn"],
                paths=_keys(entry, "detailedDiff"),
                reasons=_keys(entry, "replaceReasons"),
                old=_state(entry, "oldState"),
                new=_state(entry, "newState"),
            )
        )
    return tuple(found)


def _keys(entry: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = entry.get(key)
    return tuple(sorted(str(item) for item in value)) if isinstance(value, dict | list) else ()


def _state(entry: Mapping[str, Any], key: str) -> Mapping[str, Any] | None:
    value = entry.get(key)
    return value if isinstance(value, dict) else None
