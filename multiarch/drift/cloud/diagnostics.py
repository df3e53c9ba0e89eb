"""What the CLI's diagnostics say: why something could not be checked, and which resources were not really read."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from multiarch.core.printable import one_line
from multiarch.core.secrets import hide_tokens
from multiarch.model.pulumi_answers import CliResult, resource_name

MOST = 5
"""Reasons told of one command."""
NO_REASON = "it gave no reason"
LONGEST = 400
"""Characters told of one reason."""
_CALM = frozenset({"debug", "info", "info#err", "warning"})
_OUTPUT = "info#err"
"""Severity of what the program itself printed to stderr."""
_GENERAL = frozenset({"preview failed", "refresh failed", "update failed", NO_REASON})
"""Last lines that add nothing to the reasons before them."""
_ADVICE = re.compile(r"\s*If the cluster was deleted, you can remove this resource.*", re.DOTALL)
"""The kubernetes provider's advice to set a variable that deletes whatever can't be reached."""
_PREFIX = re.compile(r"^(?:(?:error|warning|fatal):\s*|(?:preview|refresh) failed:\s+)+", re.IGNORECASE)
_UNREACHABLE = re.compile(r"\bunreachable\b", re.IGNORECASE)
_TAIL = 20_000
"""Characters at the end of a text in which its reason is looked for."""

EXIT_CODES: Mapping[int, str] = {
    2: "configuration",
    3: "authentication",
    4: "a resource or its provider",
    5: "a policy",
    6: "no such stack in this backend: `pulumi stack ls` lists those that are there",
    8: "cancelled",
    9: "a time limit of Pulumi's own",
}
"""pulumi/pulumi pkg/cmd/pulumi/cmd/exit_codes.go; 1 stands for many failures, a wrong passphrase among them."""
HINTS: Mapping[str, str] = {
    "passphrase": "set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE to the stack's own",
    "credentials": "the identity that runs the check needs read access",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One message of a preview or refresh."""

    severity: str
    message: str
    urn: str = ""

    @property
    def is_error(self) -> bool:
        """Tell an error; a severity that isn't known is one."""
        return self.severity not in _CALM


def read_diagnostics(document: Mapping[str, Any]) -> tuple[Diagnostic, ...] | None:
    """Read all diagnostics; None where they are not what recorded answers have, so that none can be ruled out."""
    raw = document.get("diagnostics")
    if raw is None:
        return ()
    if not isinstance(raw, list) or not all(isinstance(entry, dict) for entry in raw):
        return None
    return tuple(
        Diagnostic(
            severity=str(entry.get("severity", "")),
            message=str(entry.get("message", "")),
            urn=str(entry.get("urn") or ""),
        )
        for entry in raw
    )


def errors_in(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Keep the errors."""
    return tuple(one for one in diagnostics if one.is_error)


def unreachable(diagnostics: Iterable[Diagnostic]) -> dict[str, Diagnostic]:
    """Find by URN the resources that were not read because their cluster didn't answer: a warning at first.

    The empty URN stands for one that names no resource.
    """
    found: dict[str, Diagnostic] = {}
    for one in diagnostics:
        if one.severity == "warning" and _UNREACHABLE.search(one.message):
            found.setdefault(one.urn, one)
    return found


def has_pending_operations(diagnostics: Iterable[Diagnostic]) -> bool:
    """Tell whether the state has some; the warning is pulumi/pulumi pkg/resource/deploy/deployment_executor.go's."""
    return any("pending operations from previous deployment" in one.message for one in diagnostics)


def message(one: Diagnostic) -> str:
    """Give a message in one short line, without credentials and without advice that would delete something."""
    text = _ADVICE.sub("", _PREFIX.sub("", one.message.strip()))
    if one.severity == _OUTPUT:
        text = text.strip().splitlines()[-1] if text.strip() else ""
    return cut(one_line(hide_tokens(text))) or NO_REASON


def cut(text: str) -> str:
    """Shorten a reason."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def reasons(diagnostics: Iterable[Diagnostic]) -> tuple[str, ...]:
    """List why it failed, the most telling first: a cluster that doesn't answer, errors, what the program printed.

    The same message of many resources is told once, with the first's name and how many more there are.
    """
    listed = tuple(diagnostics)
    away = unreachable(listed)
    errors = [one for one in errors_in(listed) if not (one.urn in away and _UNREACHABLE.search(one.message))]
    printed = [one for one in listed if one.severity == _OUTPUT]
    told: dict[str, list[str]] = {}
    for one in (*away.values(), *errors, *printed[-1:]):
        text = message(one)
        told.setdefault(text, []).append(one.urn)
    kept = {text: urns for text, urns in told.items() if text.lower() not in _GENERAL} or told
    return tuple(_with_names(text, urns) for text, urns in kept.items())


def _with_names(text: str, urns: list[str]) -> str:
    names = [one_line(hide_tokens(resource_name(urn))) for urn in urns if urn]
    if not names:
        return text
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{names[0]}{more}: {text}"


def failure(result: CliResult, diagnostics: Iterable[Diagnostic]) -> str:
    """Say in one line why a command told nothing, and what to do where that is known."""
    if result.ended:
        return result.ended
    listed = reasons(diagnostics) or _lines(result)
    text = "; ".join(listed[:MOST]) or NO_REASON
    if len(listed) > MOST:
        text += f"; and {len(listed) - MOST} more"
    hint = next((hint for word, hint in HINTS.items() if word in text.lower()), "")
    return f"{_exit(result.exit)}: {text}{f' ({hint})' if hint else ''}"


def _exit(code: int | None) -> str:
    if code is None:
        return "no exit code"
    if code < 0:
        return f"it was ended by signal {-code}"
    return f"exit {code} ({EXIT_CODES[code]})" if code in EXIT_CODES else f"exit {code}"


def _lines(result: CliResult) -> tuple[str, ...]:
    """Take `error:` lines, or else the last of stderr; never a part of a document, whose values nobody has masked."""
    texts = [hide_tokens(text)[-_TAIL:] for text in (result.stderr, result.stdout)]
    errors, output = ([line.strip() for line in text.splitlines() if line.strip()] for text in texts)
    found = [line.removeprefix("error:").strip() for line in (*errors, *output) if line.startswith("error:")]
    return tuple(dict.fromkeys(cut(one_line(line)) for line in found or errors[-1:]))
