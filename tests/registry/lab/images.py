"""Deterministic images: real tar layers with tiny ELF programs, and the odd forms of facts/merge.md section 6."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import struct
import tarfile
from typing import Any, NamedTuple

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
ELF_MACHINES = {"amd64": 62, "arm64": 183, "arm": 40, "386": 3}


class Image(NamedTuple):
    """A manifest (or index) with everything it refers to."""

    body: bytes
    media_type: str
    blobs: tuple[bytes, ...] = ()
    children: tuple[Image, ...] = ()

    @property
    def digest(self) -> str:
        return digest(self.body)


def digest(content: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


def elf(arch: str) -> bytes:
    """A 64-byte ELF header and nothing more: enough for `file`, and for --verify-binaries."""
    wide = arch in ("amd64", "arm64")
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1, 1]) + bytes(9)
    return (ident + struct.pack("<HHI", 2, ELF_MACHINES[arch], 1)).ljust(64, b"\0")


def layer(files: dict[str, bytes], links: dict[str, str] | None = None, padding: int = 0) -> bytes:
    """A gzipped tar, the same bytes each time."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, target in (links or {}).items():
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, target
            archive.addfile(link)
        for name, content in {**files, **({"padding": bytes(padding)} if padding else {})}.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), 0o755
            archive.addfile(info, io.BytesIO(content))
    return gzip.compress(plain.getvalue(), mtime=0)


def image(  # noqa: PLR0913 - a test names only what it is about
    arch: str,
    *,
    os: str = "linux",
    variant: str = "",
    runs: str | None = None,
    docker: bool = False,
    media_type: bool = True,
    layers: int = 4,
    seed: str = "",
    shared: int = 0,
    config: dict[str, Any] | None = None,
    layer_type: str = "",
    extra: dict[str, Any] | None = None,
) -> Image:
    """An image whose config says `arch` and whose program is built for `runs` (the same, unless said).

    `shared` of its `layers` do not depend on the architecture; `seed` makes other images of the same form.
    """
    blobs = [layer({f"data/{seed}-{number}": b"shared"}) for number in range(shared)]
    blobs += [layer({f"data/{seed}-{arch}{variant}-{n}": arch.encode() * 100}) for n in range(layers - shared - 1)]
    blobs.append(layer({"app/server": elf(runs or arch), f"app/{seed}{arch}{variant}": b"1"}))
    body: dict[str, Any] = {"architecture": arch, "os": os, **({"variant": variant} if variant else {})}
    body |= {
        "config": {"Entrypoint": ["/app/server"]},
        "rootfs": {"type": "layers", "diff_ids": [digest(gzip.decompress(b)) for b in blobs]},
    }
    body = body if config is None else config
    config_blob = json.dumps(body).encode()
    kind = layer_type or (DOCKER_LAYER if docker else OCI_LAYER)
    manifest = {
        "schemaVersion": 2,
        "mediaType": DOCKER_MANIFEST if docker else OCI_MANIFEST,
        "config": descriptor(config_blob, DOCKER_CONFIG if docker else OCI_CONFIG),
        "layers": [descriptor(blob, kind) for blob in blobs],
        **(extra or {}),
    }
    if not media_type:
        del manifest["mediaType"]
    return Image(json.dumps(manifest).encode(), DOCKER_MANIFEST if docker else OCI_MANIFEST, (config_blob, *blobs))


def attested(arch: str, seed: str = "") -> Image:
    """What BuildKit pushes by default: an index of one image and its attestation manifest."""
    child = image(arch, seed=seed)
    statement = json.dumps({"_type": "https://in-toto.io/Statement/v0.1", "for": arch + seed}).encode()
    empty = json.dumps({"architecture": "unknown", "os": "unknown", "config": {}, "rootfs": {"diff_ids": []}}).encode()
    proof_body = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor(empty, OCI_CONFIG),
        "layers": [descriptor(statement, "application/vnd.in-toto+json")],
    }
    proof = Image(json.dumps(proof_body).encode(), OCI_MANIFEST, (empty, statement))
    marks = {"vnd.docker.reference.digest": child.digest, "vnd.docker.reference.type": "attestation-manifest"}
    return index(
        [
            (child, {"platform": {"architecture": arch, "os": "linux"}}),
            (proof, {"platform": {"architecture": "unknown", "os": "unknown"}, "annotations": marks}),
        ]
    )


def index(children: list[tuple[Image, dict[str, Any]]], media_type: str = OCI_INDEX) -> Image:
    entries = [{**descriptor(child.body, child.media_type), **more} for child, more in children]
    body = {"schemaVersion": 2, "mediaType": media_type, "manifests": entries}
    return Image(json.dumps(body).encode(), media_type, children=tuple(child for child, _ in children))


def descriptor(content: bytes, media_type: str) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest(content), "size": len(content)}
