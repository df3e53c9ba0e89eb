"""The repository's files, for tests that read all of a kind."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
_NOT_OURS: Final = {"venv", "node_modules", "build", "dist", "sdks", "__pycache__"}
_HIDDEN_AND_OURS: Final = {".gitlab", ".ci"}


def files(suffix: str = "") -> Iterator[Path]:
    """Every file, but what tools have put beside it and hidden folders that are not the repository's."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(name for name in folders if _is_ours(name))
        yield from (Path(folder, name) for name in sorted(names) if name.endswith(suffix))


def _is_ours(folder: str) -> bool:
    if folder.startswith("."):
        return folder in _HIDDEN_AND_OURS
    return folder not in _NOT_OURS and not folder.endswith(".egg-info")
