"""Make the components' SDKs of their schema, one archive for each language: `python -m ci.sdks`. docs/releasing.md.

Pulumi's own CLI makes them (`pulumi package gen-sdk`), with the language hosts that its installer and its image have.
Whoever uses `pulumi package add` needs none of this: it makes the SDK where it is used.
"""

from __future__ import annotations

import argparse
import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from multiarch.core.environment import Child, environment

if TYPE_CHECKING:
    from collections.abc import Sequence

LANGUAGES: Final = ("nodejs", "go", "dotnet", "java", "python")
NO, USAGE, COULD_NOT_TELL = 1, 2, 3
_NOT_HAD: Final = ("could not automatically download", "failed to download", "error downloading")
"""How Pulumi says that it lacks a cloud's plugin, whose schema ours points into: nothing was learned about ours."""


def generate(pulumi: str, schema: Path, language: str, into: Path) -> str:
    """Let Pulumi write one SDK into a folder, and return what it said against it; empty when it is there."""
    command = [pulumi, "package", "gen-sdk", str(schema), "--language", language, "--out", str(into)]
    done = subprocess.run(command, env=environment(Child.PULUMI), capture_output=True, text=True, check=False)
    if done.returncode:
        return (done.stderr or done.stdout).strip()[-500:] or f"it ended with {done.returncode}"
    return "" if (into / language).is_dir() and any((into / language).iterdir()) else "it wrote nothing"


def archive(folder: Path) -> bytes:
    """Return a folder as a tar file, the same bytes for the same files: no times, no owners, nothing compressed."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(one for one in folder.rglob("*") if one.is_file()):
            info = tarfile.TarInfo(str(path.relative_to(folder)))
            info.size = path.stat().st_size
            with path.open("rb") as content:
                tar.addfile(info, content)
    return file.getvalue()


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m ci.sdks",
        description="Make the components' SDKs of their schema.",
        epilog="example: python -m ci.sdks --schema dist/schema.json --into dist",
    )
    parser.add_argument("--schema", required=True, type=Path, metavar="FILE", help="the components' schema")
    parser.add_argument("--into", required=True, type=Path, metavar="DIR", help="where sdk-LANGUAGE.tar go")
    parser.add_argument("--language", action="append", choices=LANGUAGES, help="only this one (default: all)")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> int:
    """Write the archives; 1 when Pulumi refused the schema for a language, 3 without Pulumi."""
    asked = _arguments(given)
    if not asked.schema.is_file():
        sys.stderr.write(f"error: there is no file {asked.schema}\n  fix: make release\n")
        return USAGE
    pulumi = shutil.which("pulumi")
    if pulumi is None:
        sys.stderr.write("could not tell: there is no `pulumi` on PATH\n  fix: https://www.pulumi.com/docs/install/\n")
        return COULD_NOT_TELL
    asked.into.mkdir(parents=True, exist_ok=True)
    for language in asked.language or LANGUAGES:
        with tempfile.TemporaryDirectory() as scratch:
            problem = generate(pulumi, asked.schema.resolve(), language, Path(scratch))
            if any(words in problem.lower() for words in _NOT_HAD):
                sys.stderr.write(f"could not tell: {problem}\n  fix: let Pulumi reach get.pulumi.com\n")
                return COULD_NOT_TELL
            if problem:
                sys.stderr.write(f"error: no SDK for {language}: {problem}\n")
                return NO
            target = asked.into / f"sdk-{language}.tar"
            target.write_bytes(archive(Path(scratch) / language))
        sys.stdout.write(f"{target} ({target.stat().st_size} bytes)\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
