"""What a stack's ESC environments set: the stack file names them, and only Pulumi itself can say what they hold.

`pulumi config --json` shows the merged values, and no secret unless it is told to (pulumi/pulumi pkg/cmd/pulumi/config,
`listConfig`). It is given a copy of the stack file, since it may write a secrets provider's key into the file it reads.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from components.problems import Problem
from components.stack_keys import NAMESPACE
from multiarch.core.environment import Child, environment
from multiarch.core.secrets import hide
from multiarch.model.pulumi_answers import CliResult
from multiarch.model.pulumi_cli import PulumiCliError, find_pulumi, run
from multiarch.model.stack_file import PLACEHOLDER, SECRET_PLACEHOLDERS, environments_of

TIME_LIMIT = 60.0
"""Seconds for one `pulumi config`, which asks Pulumi's service once or twice."""
_OPTION = "PULUMI_OPTION_"
"""The CLI takes any of its flags from the environment: `PULUMI_OPTION_SHOW_SECRETS` must not turn that one on."""
_UNKNOWN = "[unknown]"
"""What the CLI shows of a value that only opening the environment would give, such as a login."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beyond:
    """What the environments of a stack file set beyond the file."""

    names: tuple[str, ...] = ()
    """The environments, as the file names them; empty where it imports none."""
    values: Mapping[str, str] = field(default_factory=dict)
    """By full key; objects as JSON, a placeholder for each secret."""
    secret_keys: tuple[str, ...] = ()
    unseen: str = ""
    """Why not all values could be seen; empty where they were."""

    @property
    def problem(self) -> Problem | None:
        """Say that something may be set where nobody looked; None where all was seen."""
        if not self.unseen:
            return None
        return Problem(
            path="environment",
            found=f"imports {', '.join(self.names)}, and what that sets cannot be read: {self.unseen}",
            consequence="keys that this file does not set may be set there, so other problems here may be false",
            fix="Put `pulumi` on PATH and log in until `pulumi config` shows them, or write them below `config:`.",
        )


NOTHING = Beyond()


def see(stack_file: Path, project_dir: Path, stack: str) -> Beyond:
    """Return what a stack file's environments set, by the Pulumi CLI on PATH; `NOTHING` where it imports none.

    Raises ConfigError for a file that is no stack file; that the CLI can't tell is an answer.
    """
    names = environments_of(stack_file)
    if not names:
        return NOTHING
    return _ask_pulumi(names, stack_file.read_text(encoding="utf-8"), str(project_dir), stack, shutil.which("pulumi"))


@lru_cache
def _ask_pulumi(names: tuple[str, ...], text: str, project_dir: str, stack: str, found: str | None) -> Beyond:
    """Ask once for the same file: a command reads it for its cluster, and again for its plan."""
    if found is None:
        return Beyond(names=names, unseen="there is no `pulumi` on PATH")
    try:
        pulumi = find_pulumi(Path(found)).path
    except PulumiCliError as error:
        return Beyond(names=names, unseen=str(error))
    with tempfile.TemporaryDirectory(prefix="multiarch-config-") as folder:
        copy = Path(folder, f"Pulumi.{stack.rpartition('/')[2]}.yaml")
        copy.write_text(text, encoding="utf-8")
        command = [str(pulumi), "config", "--json", "--show-secrets=false", "--non-interactive", "--stack", stack]
        answer = run(
            [*command, "--config-file", str(copy)],
            cwd=Path(project_dir),
            environment=environment(Child.PULUMI, without=[name for name in os.environ if name.startswith(_OPTION)]),
            limit=TIME_LIMIT,
        )
    if answer.exit != 0:
        lines = [line for line in hide(answer.stderr).splitlines() if line.strip()]
        said = lines[-1].removeprefix("error: ") if lines else f"exit {answer.exit}"
        return Beyond(names=names, unseen=f"`pulumi config --stack {stack}`: {said}")
    return read(answer, names)


def read(answer: CliResult, names: tuple[str, ...]) -> Beyond:
    """Read what `pulumi config --json` printed; what is not understood counts as unseen."""
    document = answer.document
    if document is None:
        return Beyond(names=names, unseen="`pulumi config --json` printed no JSON object")
    values, secrets, unseen = {}, [], []
    for key, entry in document.items():
        value = _value(key, entry)
        if value is None:
            unseen.append(key)
            continue
        values[key] = value
        if entry.get("secret"):
            secrets.append(key)
    why = f"`pulumi config` does not show {', '.join(sorted(unseen))}" if unseen else ""
    return Beyond(names=names, values=values, secret_keys=tuple(sorted(secrets)), unseen=why)


def _value(key: str, entry: Any) -> str | None:
    if not isinstance(entry, dict):
        return None
    if entry.get("secret") is True:
        # A setting of ours that holds a secret somewhere inside is left out whole: no placeholder is such a setting.
        ours = key.startswith(f"{NAMESPACE}:")
        return SECRET_PLACEHOLDERS.get(key.removeprefix(f"{NAMESPACE}:"), None if ours else PLACEHOLDER)
    value = json.dumps(entry["objectValue"]) if entry.get("objectValue") is not None else entry.get("value")
    return value if isinstance(value, str) and _UNKNOWN not in value else None


def to_json(beyond: Beyond) -> str:
    """Write it for another process."""
    return json.dumps(asdict(beyond))


def from_json(text: str) -> Beyond:
    """Read what `to_json` wrote."""
    raw = json.loads(text)
    return Beyond(**{**raw, "names": tuple(raw["names"]), "secret_keys": tuple(raw["secret_keys"])})
