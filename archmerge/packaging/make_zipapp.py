"""Build `archmerge.pyz`: one file that runs with nothing installed.

    python archmerge/packaging/make_zipapp.py [dist/archmerge.pyz]         # sources: for any Python 3.11+
    python -X no_debug_ranges archmerge/packaging/make_zipapp.py FILE "/usr/local/bin/python3 -IS"
                                                                           # byte code: for this Python alone

Byte code starts some 80 ms sooner, and is for the Python that builds it: what the second word names must be the same.
`-X no_debug_ranges` leaves columns for tracebacks out, a fifth of the file; `-IS` spares the search for site-packages
(6 ms). The same sources and Python give the same bytes.
"""

from __future__ import annotations

import importlib.util
import py_compile
import sys
import tempfile
import zipfile
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
_MAIN = """import gc
gc.set_threshold(50_000)  # loading modules makes no garbage to look for (3 ms)
from archmerge.cli import entry
entry()
"""
_EPOCH = (1980, 1, 1, 0, 0, 0)


def sources() -> dict[str, Path]:
    """List the modules by their names in the file: the distribution's, without this folder, and PyYAML's."""
    own = {f"archmerge/{path.relative_to(PACKAGE)}": path for path in PACKAGE.rglob("*.py")}
    found = importlib.util.find_spec("yaml")
    if found is None or not found.submodule_search_locations:
        sys.stderr.write("without PyYAML, which is not installed here: `push from-spec` will say so\n")
        return {name: path for name, path in sorted(own.items()) if "packaging" not in name}
    own |= {f"yaml/{path.name}": path for path in Path(found.submodule_search_locations[0]).glob("*.py")}
    left_out = ("packaging", "cyaml")  # the latter is for the part in C
    return {name: path for name, path in sorted(own.items()) if not any(word in name for word in left_out)}


def build(target: Path, interpreter: str = "") -> Path:
    """Write the zipapp to `target`, and return it; with byte code alone for an `interpreter`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        file.write(f"#!{interpreter or '/usr/bin/env python3'}\n".encode())
        with zipfile.ZipFile(file, "w") as archive:
            _add(archive, "__main__.py", _MAIN.encode())
            for name, path in sources().items():
                compiled = interpreter and not name.startswith("yaml")  # few need that
                if compiled:  # not compressed: it is read at each start, and an image's layer is compressed anyway
                    _add(archive, f"{name}c", _compiled(path, name), zipfile.ZIP_STORED)
                else:
                    _add(archive, name, path.read_bytes())
    target.chmod(0o755)
    return target


def _compiled(path: Path, name: str) -> bytes:
    with tempfile.NamedTemporaryFile(suffix=".pyc") as scratch:
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        py_compile.compile(str(path), scratch.name, name, doraise=True, optimize=2, invalidation_mode=mode)
        return Path(scratch.name).read_bytes()


def _add(archive: zipfile.ZipFile, name: str, content: bytes, kind: int = zipfile.ZIP_DEFLATED) -> None:
    archive.writestr(zipfile.ZipInfo(name, _EPOCH), content, kind, 9)


if __name__ == "__main__":
    made = build(Path(sys.argv[1] if len(sys.argv) > 1 else "dist/archmerge.pyz"), *sys.argv[2:3])
    sys.stdout.write(f"{made} ({made.stat().st_size} bytes)\n")
