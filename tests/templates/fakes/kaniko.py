"""Kaniko's executor, as far as a template can tell: the same options, and none that it doesn't have.

The options are those of osscontainertools/kaniko's README (v1.28); a template that misspells one fails here as there.
"""

from __future__ import annotations

import argparse
import stat
import sys
from pathlib import Path

from tests.templates.fakes import built, registry_client


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser("executor", allow_abbrev=False)
    for name in ("context", "dockerfile", "digest-file", "cache-repo", "target"):
        options.add_argument(f"--{name}", default="")
    for name in ("destination", "build-arg", "label", "registry-mirror", "insecure-registry", "registry-certificate"):
        options.add_argument(f"--{name}", action="append", default=[])
    for name in ("push-retry", "image-download-retry", "image-fs-extract-retry"):
        options.add_argument(f"--{name}", type=int, default=0)
    for name in ("cache", "compressed-caching", "cache-copy-layers", "reproducible"):
        options.add_argument(f"--{name}", nargs="?", const="true", choices=["true", "false"], default="")
    options.add_argument("--image-format", choices=["docker", "oci"])
    options.add_argument("--snapshot-mode", choices=["full", "redo", "time"])
    return options


def main(argv: list[str]) -> int:
    asked = parser().parse_args(argv)
    file = registry_client.config_file()
    mode = stat.S_IMODE(file.stat().st_mode) if file.exists() else None
    config = {"path": str(file), "mode": mode, "text": file.read_text() if file.exists() else ""}
    built.record("kaniko", argv, config=config)
    context = Path(asked.context.removeprefix("dir://"))
    labels = dict(pair.split("=", 1) for pair in asked.label)
    arguments = dict(pair.split("=", 1) for pair in asked.build_arg)
    image = built.build(context, Path(asked.dockerfile), labels, arguments)
    for destination in asked.destination:
        registry_client.push(destination, image)
        print(f"INFO Pushed {destination}")  # noqa: T201 - a program's log
    Path(asked.digest_file).write_text(image.digest)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
