"""Build `archmerge.pyz`: one file that runs in any Python 3.11+ with nothing installed.

    python archmerge/packaging/make_zipapp.py [dist/archmerge.pyz ["/usr/local/bin/python3 -IS"]]

The second word is what starts it when it is run by itself; `-IS` spares Python the search for site-packages (6 ms).
The same sources and Python give the same bytes. Byte code of the building Python goes in too, without docstrings: that
version starts 40 ms sooner, others compile the sources beside it.
"""

from __future__ import annotations

import importlib.util
import py_compile
import sys
import tempfile
import zipfile
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
_MAIN = "from archmerge.cli import entry\n\nentry()\n"
_EPOCH = (1980, 1, 1, 0, 0, 0)


def sources() -> list[Path]:
    """List the modules of the distribution: what the wheel has, without this folder."""
    return sorted(path for folder in (PACKAGE, PACKAGE / "transport") for path in folder.glob("*.py"))


def yaml_sources() -> dict[str, bytes]:
    """PyYAML, without its part in C: for specs of manifest-tool, and so without byte code. Nothing where it isn't."""
    found = importlib.util.find_spec("yaml")
    if found is None or not found.submodule_search_locations:
        sys.stderr.write("without PyYAML, which is not installed here: `push from-spec` will say so\n")
        return {}
    folder = Path(found.submodule_search_locations[0])
    return {f"yaml/{path.name}": path.read_bytes() for path in sorted(folder.glob("*.py")) if path.name != "cyaml.py"}


def build(target: Path, interpreter: str = "/usr/bin/env python3") -> Path:
    """Write the zipapp to `target`, and return it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        file.write(f"#!{interpreter}\n".encode())
        with zipfile.ZipFile(file, "w") as archive, tempfile.TemporaryDirectory() as scratch:
            for name, content in {"__main__.py": _MAIN.encode(), **yaml_sources()}.items():
                _add(archive, name, content)
            for path in sources():
                name = str(Path("archmerge") / path.relative_to(PACKAGE))
                _add(archive, name, path.read_bytes())
                compiled = Path(scratch) / "module.pyc"
                mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
                py_compile.compile(str(path), str(compiled), name, doraise=True, optimize=2, invalidation_mode=mode)
                _add(archive, f"{name}c", compiled.read_bytes())
    target.chmod(0o755)
    return target


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED, 9)


if __name__ == "__main__":
    made = build(Path(sys.argv[1] if len(sys.argv) > 1 else "dist/archmerge.pyz"), *sys.argv[2:3])
    sys.stdout.write(f"{made} ({made.stat().st_size} bytes)\n")
