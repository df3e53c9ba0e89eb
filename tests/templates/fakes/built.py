"""Images as a builder makes them from a Dockerfile: copied files, a program of the node's architecture, labels."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.registry.lab.images import OCI_CONFIG, OCI_LAYER, OCI_MANIFEST, Image, descriptor, digest, elf, layer

if TYPE_CHECKING:
    from collections.abc import Mapping

_GOARCH = {"x86_64": "amd64", "aarch64": "arm64"}


def node() -> str:
    """The architecture that builds: whatever the node is, as for the real ones."""
    said = subprocess.run(["uname", "-m"], capture_output=True, text=True, check=True).stdout.strip()
    return _GOARCH[said]


def build(context: Path, dockerfile: Path, labels: Mapping[str, str], arguments: Mapping[str, str]) -> Image:
    """The image; LAB_MISLABEL makes its config lie, and LAB_RUNS its program."""
    arch = node()
    files = _copied(context, dockerfile)
    files["app/arguments.json"] = json.dumps(dict(sorted(arguments.items()))).encode()
    files["app/server"] = elf(os.environ.get("LAB_RUNS", arch))
    blob = layer(dict(sorted(files.items())))
    config: dict[str, Any] = {
        "architecture": os.environ.get("LAB_MISLABEL", arch),
        "os": "linux",
        "config": {"Entrypoint": ["/app/server"], "Labels": dict(sorted(labels.items()))},
        "rootfs": {"type": "layers", "diff_ids": [digest(blob)]},
    }
    config_blob = json.dumps(config).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor(config_blob, OCI_CONFIG),
        "layers": [descriptor(blob, OCI_LAYER)],
    }
    return Image(json.dumps(manifest).encode(), OCI_MANIFEST, (config_blob, blob))


def _copied(context: Path, dockerfile: Path) -> dict[str, bytes]:
    """What the COPY lines bring; a file that the context lacks fails, as it does for real."""
    files: dict[str, bytes] = {}
    for line in dockerfile.read_text().splitlines():
        words = line.split()
        if words[:1] == ["COPY"] and not words[1].startswith("--from"):
            source, target = context / words[1], words[2].lstrip("/")
            found = sorted(path for path in source.rglob("*") if path.is_file()) if source.is_dir() else [source]
            files |= {
                str(Path(target) / path.relative_to(source)) if source.is_dir() else target: path.read_bytes()
                for path in found
            }
    return files


def record(tool: str, argv: list[str], **more: Any) -> None:
    """One line per run, for the tests: what it was asked, and what it could see."""
    with Path(os.environ["LAB_LOG"]).open("a") as log:
        job = {
            key: value for key, value in os.environ.items() if key.startswith(("CI_JOB_NAME", "ARCH", "KUBERNETES_"))
        }
        log.write(json.dumps({"tool": tool, "argv": argv, "job": job, **more}) + "\n")
