"""Images of one static program, for both architectures, in a registry that gives each node those of its own."""

import gzip
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from multiarch.rehearse.nodes.architectures import Arch
from multiarch.rehearse.nodes.files import SANDBOX
from tests.registry.lab.daemon import Daemon
from tests.registry.lab.images import OCI_CONFIG, OCI_LAYER, OCI_MANIFEST, Image, descriptor, digest, layer
from tests.registry.lab.push import Pusher

SAYS: Final = "lab.example/says:1"


def build(arch: Arch, folder: Path) -> bytes:
    """The program, without a C library."""
    target = folder / arch
    subprocess.run(
        ["go", "build", "-trimpath", "-ldflags=-s -w", "-o", target, Path(__file__).with_name("says.go")],
        env={**os.environ, "CGO_ENABLED": "0", "GOARCH": arch, "GOOS": "linux", "GOFLAGS": "", "GOWORK": "off"},
        check=True,
        cwd=folder,
    )
    return target.read_bytes()


def image(arch: Arch, program: bytes, *words: str) -> Image:
    blob = layer({"says": program})
    config = {
        "architecture": str(arch),
        "os": "linux",
        "config": {"Entrypoint": ["/says"], "Cmd": list(words)},
        "rootfs": {"type": "layers", "diff_ids": [digest(gzip.decompress(blob))]},
    }
    encoded = json.dumps(config).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor(encoded, OCI_CONFIG),
        "layers": [descriptor(blob, OCI_LAYER)],
    }
    return Image(json.dumps(manifest).encode(), OCI_MANIFEST, (encoded, blob))


def fill(registry: Daemon, folder: Path) -> dict[Arch, str]:
    """Push both images for both architectures; returns where each node finds its own."""
    pusher = Pusher(registry.base)
    for arch in Arch:
        program = build(arch, folder)
        for name, words in ((SAYS, ("machine",)), (SANDBOX, ("wait",))):
            repository, _, tag = name.partition("/")[2].partition(":")
            pusher.push(f"{arch}/{repository}", image(arch, program, *words), tag)
    return {arch: f"{registry.base}/v2/{arch}" for arch in Arch}


def lacking() -> str:
    """Why the images cannot be made or served here; empty when they can."""
    programs = {"go": "Go builds their program", "docker-registry": "it serves them"}
    return "; ".join(f"no {name} on PATH: {why}" for name, why in programs.items() if shutil.which(name) is None)
