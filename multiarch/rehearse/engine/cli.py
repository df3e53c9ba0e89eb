"""The Pulumi CLI as a rehearsal uses it: its command lines, and what its answers prove.

What isn't understood is `could not tell`.
"""

from multiarch.core.secrets import hide
from multiarch.core.verdict import Verdict
from multiarch.model.pulumi_answers import NO_CHANGES_VIOLATED, QUIET, CliResult, errors, steps

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


def _failed(result: CliResult) -> tuple[Verdict, str]:
    """Judge a failure: the stack's own fault, or something that says nothing about it."""
    found = errors(result)
    text = "; ".join(found) or hide(result.stderr.strip())[-300:] or "no reason was given"
    if result.exit is None:
        return Verdict.UNKNOWN, f"it did not end: {text}"
    if result.exit != 1 or not found or any(word in text.lower() for word in ELSEWHERE):
        return Verdict.UNKNOWN, f"exit {result.exit}: {text}"
    return Verdict.NO, text


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
    return Verdict.YES, f"{creates} resources to create"


def judge_no_changes(result: CliResult) -> tuple[Verdict, str]:
    """Judge a command that expects no changes."""
    planned = steps(result.document) if result.document else None
    changed = [step for step in planned or () if step.op not in QUIET]
    listed = ", ".join(f"{step.op} {step.resource} ({', '.join(step.paths) or 'no detail'})" for step in changed)
    if result.exit == NO_CHANGES_VIOLATED:
        return Verdict.NO, listed or "changes were proposed"
    if result.exit != 0:
        return _failed(result)
    if planned is None or errors(result):
        return Verdict.UNKNOWN, "exit 0, but the answer could not be read"
    if changed:
        return Verdict.UNKNOWN, f"exit 0, but the answer lists changes: {listed}"
    return Verdict.YES, "no changes"


def judge_action(result: CliResult) -> tuple[Verdict, str]:
    """Judge `up` and `destroy`, whose answer is text: by exit code alone."""
    if result.exit != 0:
        return _failed(result)
    lines = [line.strip() for line in result.stdout.splitlines() if line.strip()]
    counted = [line for line in lines if line.startswith(("+ ", "- ", "~ ")) and line.split()[1].isdigit()]
    return Verdict.YES, ", ".join(counted) or "exit 0"
