"""Write docs/schemas/: the JSON Schema of each command's `--json`, made of the classes that the document is made of.

`python -m docs.record_schemas` writes the files anew; `files()` is what a test compares with them.
"""

import importlib
import json
import sys
from pathlib import Path

from multiarch.cli import COMMANDS
from multiarch.core.render.json import schema

FOLDER = Path(__file__).resolve().parent / "schemas"


def files() -> dict[Path, str]:
    """Return every file with its content."""
    found = {name: importlib.import_module(f"multiarch.{name}.report.words").WORDS for name in COMMANDS}
    return {FOLDER / f"{name}.json": json.dumps(schema(words), indent=2) + "\n" for name, words in found.items()}


def main() -> int:
    """Write the files."""
    FOLDER.mkdir(exist_ok=True)
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
