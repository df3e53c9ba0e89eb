"""Build `archmerge.pyz`: one file that runs with nothing installed.

    python archmerge/packaging/make_zipapp.py [dist/archmerge.pyz]         # sources: for any Python 3.11+
    python archmerge/packaging/make_zipapp.py --without-yaml FILE          # what the CI templates carry
    python -X no_debug_ranges archmerge/packaging/make_zipapp.py FILE "/usr/local/bin/python3 -IS"
                                                                           # byte code: for this Python alone

Byte code starts some 80 ms sooner, and is for the Python that builds it: what the second word names must be the same.
`-X no_debug_ranges` leaves columns for tracebacks out, a fifth of the file; `-IS` spares the search for site-packages
(6 ms). The same sources give the same bytes everywhere: they are not compressed, since what one zlib makes of a file,
another does not. Byte code differs by the Python anyhow, and is.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
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


def sources(*, with_yaml: bool = True) -> dict[str, Path]:
    """List the modules by their names in the file: the distribution's, without this folder, and PyYAML's."""
    own = {f"archmerge/{path.relative_to(PACKAGE)}": path for path in PACKAGE.rglob("*.py")}
    found = importlib.util.find_spec("yaml") if with_yaml else None
    if with_yaml and (found is None or not found.submodule_search_locations):
        sys.stderr.write("without PyYAML, which is not installed here: `push from-spec` will say so\n")
    if found and found.submodule_search_locations:
        own |= {f"yaml/{path.name}": path for path in Path(found.submodule_search_locations[0]).glob("*.py")}
    left_out = ("archmerge/packaging/", "archmerge/build/", "yaml/cyaml")  # the latter is for the part in C
    return {name: path for name, path in sorted(own.items()) if not name.startswith(left_out)}


def build(target: Path, interpreter: str = "", *, with_yaml: bool = True) -> Path:
    """Write the zipapp to `target`, and return it; with byte code alone for an `interpreter`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content(interpreter, with_yaml=with_yaml))
    target.chmod(0o755)
    return target


def content(interpreter: str = "", *, with_yaml: bool = True) -> bytes:
    """Return the bytes of the zipapp; `build` says what of."""
    file = io.BytesIO()
    file.write(f"#!{interpreter or '/usr/bin/env python3'}\n".encode())
    how = zipfile.ZIP_DEFLATED if interpreter else zipfile.ZIP_STORED
    with zipfile.ZipFile(file, "w", how, compresslevel=9) as archive:
        _add(archive, "__main__.py", _MAIN.encode())
        for name, path in sources(with_yaml=with_yaml).items():
            compiled = interpreter and not name.startswith("yaml")  # which few need
            _add(archive, f"{name}c" if compiled else name, _compiled(path, name) if compiled else path.read_bytes())
    return file.getvalue()


def _compiled(path: Path, name: str) -> bytes:
    with tempfile.NamedTemporaryFile(suffix=".pyc") as scratch:
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        py_compile.compile(str(path), scratch.name, name, doraise=True, optimize=2, invalidation_mode=mode)
        return Path(scratch.name).read_bytes()


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name, _EPOCH), content, archive.compression, archive.compresslevel)


def main() -> int:
    """Build what the command line asks for."""
    parser = argparse.ArgumentParser(description="Build archmerge as one file.")
    parser.add_argument("file", nargs="?", type=Path, default=Path("dist/archmerge.pyz"))
    parser.add_argument("interpreter", nargs="?", default="", help="the first line; makes byte code for this Python")
    parser.add_argument("--without-yaml", action="store_true", help="leave PyYAML out, which `push from-spec` needs")
    asked = parser.parse_args()
    made = build(asked.file, asked.interpreter, with_yaml=not asked.without_yaml)
    sys.stdout.write(f"{made} ({made.stat().st_size} bytes)\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
