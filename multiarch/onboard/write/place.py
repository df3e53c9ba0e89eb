"""Puts a stack file where it belongs: whole or not at all, and never over another without being told to."""

import difflib
import os
from dataclasses import dataclass
from pathlib import Path

from components.problems import ConfigError, Problem
from multiarch.core.files import write_whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the file goes, and what is there."""

    path: Path
    before: str | None
    """None where there is no file."""

    def diff(self, text: str) -> str:
        """Return what would change, as a unified diff; empty where nothing would."""
        old = (self.before or "").splitlines(keepends=True)
        new = text.splitlines(keepends=True)
        name = f"stacks/{self.path.name}"
        return "".join(difflib.unified_diff(old, new, name if self.before is not None else "/dev/null", name))

    def check(self, text: str, *, force: bool) -> None:
        """Refuse to replace a file that says something else, unless told to. Raises ConfigError."""
        if self.before is None or self.before == text or force:
            return
        problem = Problem(
            path=str(self.path),
            found="the file already exists, with other content",
            consequence="its edits and encrypted values would be lost",
            fix="Look at the difference, then use --force, or another name: --stack.",
        )
        raise ConfigError([problem])

    def write(self, text: str) -> None:
        """Write the file beside its place and move it there. Raises ConfigError where that can't be done."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # A stack file is for the repository, not for its owner alone. An existing one keeps its mode.
            mode = self.path.stat().st_mode & 0o777 if self.before is not None else 0o666 & ~_umask()
            write_whole(self.path, text, mode=mode)
        except OSError as error:
            problem = Problem(
                path=str(self.path),
                found=(error.strerror or str(error)).lower(),
                consequence="the stack file was not written; nothing else was either",
                fix="Make the folder writable, or give another project: --project.",
            )
            raise ConfigError([problem]) from None


def place_of(project: Path, stack: str) -> Place:
    """Look at the place of a stack's file. Raises ConfigError for what is there and can't be read."""
    path = project / "stacks" / f"Pulumi.{stack}.yaml"
    try:
        return Place(path=path, before=path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Place(path=path, before=None)
    except (OSError, UnicodeDecodeError) as error:
        problem = Problem(
            path=str(path),
            found=f"it exists, but cannot be read ({error})",
            consequence="it would be replaced unseen",
            fix="Move it, or use another name: --stack.",
        )
        raise ConfigError([problem]) from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
