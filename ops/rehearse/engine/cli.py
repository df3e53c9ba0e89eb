"""The Pulumi CLI: its command lines, and what its answers say. Never more than they say.

The formats are those of recorded runs (CLI 3.260.0). What isn't understood is `could not tell`.
"""

import json
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.rehearse.report.model import Verdict

TIME_LIMIT = 600.0
NO_CHANGES_VIOLATED = 7
"""pulumi/pulumi pkg/cmd/pulumi/cmd/exit_codes.go: `--expect-no-changes` found changes, and nothing else."""
QUIET = frozenset({"same", "refresh", "read", "read-discard", "discard"})
"""Operations that change nothing."""
ELSEWHERE = (
    "unreachable",
    "connection refused",
    "no such host",
    "i/o timeout",
    "unauthorized",
    "passphrase",
    "deadline",
)
"""Words of failures that lie outside of the stack: then nothing was learned about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CliResult:
    """What one command answered. `exit` is None when it had to be stopped."""

    command: tuple[str, ...]
    exit: int | None
    stdout: str
    stderr: str
    seconds: float = 0.0

    @property
    def document(self) -> Mapping[str, Any] | None:
        """The JSON answer, if stdout is one."""
        try:
            value = json.loads(self.stdout)
        except ValueError:
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

    @property
    def resource(self) -> str:
        """Type and name, as a reader says them."""
        parts = self.urn.split("::")
        return f"{parts[-2].rsplit('$', 1)[-1]} {parts[-1]}" if len(parts) > 1 else self.urn


def stack_init(stack: str) -> tuple[str, ...]:
    """Make the stack in the file backend."""
    return ("stack", "init", stack, "--non-interactive")


def set_secret(stack: str, key: str) -> tuple[str, ...]:
    """Encrypt a value, read from stdin and never from argv."""
    return ("config", "set", "--secret", key, "--stack", stack, "--non-interactive")


def preview(stack: str, *, expect_no_changes: bool = False) -> tuple[str, ...]:
    """Plan, with JSON."""
    extra = ("--expect-no-changes",) if expect_no_changes else ()
    return ("preview", "--json", *extra, "--stack", stack, "--non-interactive")


def up(stack: str) -> tuple[str, ...]:
    """Create and update."""
    return ("up", "--yes", "--skip-preview", "--stack", stack, "--non-interactive", "--color", "never")


def refresh(stack: str) -> tuple[str, ...]:
    """Compare the state with the providers' view, and change nothing."""
    return ("refresh", "--preview-only", "--expect-no-changes", "--json", "--stack", stack, "--non-interactive")


def unprotect(stack: str) -> tuple[str, ...]:
    """Lift `protect`, in the temporary state only."""
    return ("state", "unprotect", "--all", "--yes", "--stack", stack, "--non-interactive")


def destroy(stack: str) -> tuple[str, ...]:
    """Delete everything."""
    return ("destroy", "--yes", "--skip-preview", "--stack", stack, "--non-interactive", "--color", "never")


def run(
    pulumi: Path, arguments: Sequence[str], *, cwd: Path, environment: Mapping[str, str], stdin: str = ""
) -> CliResult:
    """Run one command. A command that does not end in time is stopped, and has no exit code."""
    command, started = [str(pulumi), *arguments], time.monotonic()
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=dict(environment),
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIME_LIMIT,
            check=False,
        )
    except (subprocess.TimeoutExpired, OSError) as error:
        return CliResult(
            command=tuple(command), exit=None, stdout="", stderr=str(error), seconds=time.monotonic() - started
        )
    seconds = time.monotonic() - started
    return CliResult(
        command=tuple(command), exit=done.returncode, stdout=done.stdout, stderr=done.stderr, seconds=seconds
    )


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
            )
        )
    return tuple(found)


def _keys(entry: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = entry.get(key)
    return tuple(sorted(str(item) for item in value)) if isinstance(value, dict | list) else ()


def _failed(result: CliResult) -> tuple[Verdict, str]:
    """Judge a failure: the stack's own fault, or something that says nothing about it."""
    found = errors(result)
    text = "; ".join(found) or result.stderr.strip()[-300:] or "no reason was given"
    if result.exit is None:
        return Verdict.UNKNOWN, f"it did not end: {text}"
    if result.exit != 1 or not found or any(word in text.lower() for word in ELSEWHERE):
        return Verdict.UNKNOWN, f"exit {result.exit}: {text}"
    return Verdict.FAILED, text


def judge_preview(result: CliResult) -> tuple[Verdict, str]:
    """Judge a first preview: it plans, and every provider accepts what is planned."""
    if result.exit != 0:
        return _failed(result)
    planned = steps(result.document) if result.document else None
    if planned is None:
        return Verdict.UNKNOWN, "exit 0, but the answer has no steps that could be read"
    if errors(result):
        return Verdict.UNKNOWN, f"exit 0, but with errors: {'; '.join(errors(result))}"
    creates = sum(step.op == "create" for step in planned)
    if not creates:
        return Verdict.UNKNOWN, "exit 0, but nothing is to be created"
    return Verdict.PROVED, f"{creates} resources to create"


def judge_no_changes(result: CliResult) -> tuple[Verdict, str]:
    """Judge a command that expects no changes."""
    planned = steps(result.document) if result.document else None
    changed = [step for step in planned or () if step.op not in QUIET]
    listed = ", ".join(f"{step.op} {step.resource} ({', '.join(step.paths) or 'no detail'})" for step in changed)
    if result.exit == NO_CHANGES_VIOLATED:
        return Verdict.FAILED, listed or "changes were proposed"
    if result.exit != 0:
        return _failed(result)
    if planned is None or errors(result):
        return Verdict.UNKNOWN, "exit 0, but the answer could not be read"
    if changed:
        return Verdict.UNKNOWN, f"exit 0, but the answer lists changes: {listed}"
    return Verdict.PROVED, "no changes"


def judge_action(result: CliResult) -> tuple[Verdict, str]:
    """Judge `up` and `destroy`, whose answer is text: by exit code alone."""
    if result.exit != 0:
        return _failed(result)
    lines = [line.strip() for line in result.stdout.splitlines() if line.strip()]
    counted = [line for line in lines if line.startswith(("+ ", "- ", "~ ")) and line.split()[1].isdigit()]
    return Verdict.PROVED, ", ".join(counted) or "exit 0"
