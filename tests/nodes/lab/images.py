"""Images of one static program, for both architectures, in a registry of their own."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from archmerge import parse_reference
from multiarch.rehearse.images import Image, push
from multiarch.rehearse.images.archive import packed, program
from multiarch.rehearse.images.model import layer_of
from multiarch.rehearse.mirror.registry import LocalRegistry
from multiarch.rehearse.nodes.architectures import Arch
from multiarch.rehearse.nodes.files import SANDBOX

SAYS: Final = "lab.example/says:1"


def build(arch: Arch, folder: Path) -> Path:
    """The program, without a C library."""
    target = folder / arch
    subprocess.run(
        ["go", "build", "-trimpath", "-ldflags=-s -w", "-o", target, Path(__file__).with_name("says.go")],
        env={**os.environ, "CGO_ENABLED": "0", "GOARCH": arch, "GOOS": "linux", "GOFLAGS": "", "GOWORK": "off"},
        check=True,
        cwd=folder,
    )
    return target


def fill(registry: LocalRegistry, folder: Path) -> str:
    """Push both images; returns the digest of the index of the one that says its machine."""
    layers = {arch: layer_of(packed([program("says", build(arch, folder))])) for arch in Arch}
    with registry.session() as session:
        for reference, word in ((SANDBOX, "wait"), (SAYS, "machine")):
            named, run = parse_reference(reference), {"Entrypoint": ["/says"], "Cmd": [word]}
            images: dict[str, Image] = {
                arch: Image(arch=arch, layers=(layer,), run=run) for arch, layer in layers.items()
            }
            digest = push(images, session.registry(registry.host), named.repository, named.tag or "")
    return digest


def lacking() -> str:
    """Why the images cannot be made or served here; empty when they can."""
    programs = {"go": "Go builds their program", "docker-registry": "it serves them"}
    return "; ".join(f"no {name} on PATH: {why}" for name, why in programs.items() if shutil.which(name) is None)
