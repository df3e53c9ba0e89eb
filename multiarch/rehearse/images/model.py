"""What an image is: layers and a config for each architecture. Pure; manifests are made by archmerge's own types."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, Final

from archmerge import Digest
from archmerge.index import build_index
from archmerge.manifests import OCI_IMAGE, Descriptor, Manifest, digest_of, parse_manifest
from archmerge.platforms import parse_platform
from multiarch.core.ending import NoAnswer

DIFFERS: Final = "multiarch-runner.io/differs"
MADE_OF: Final = "multiarch-runner.io/made-of"
_CONFIG: Final = "application/vnd.oci.image.config.v1+json"
# Without compression: what gzip writes depends on the machine's zlib, and a local registry gains nothing by it.
_LAYER: Final = "application/vnd.oci.image.layer.v1.tar"


class ImagesError(NoAnswer):
    """The images could not be made or stored. The message says why."""


class UnreachedError(ImagesError):
    """Debian's packages are not reached from here, so nothing can be made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One layer: a tar archive in memory or in a file, and what it was made of."""

    digest: Digest
    size: int
    content: bytes | Path = field(repr=False)
    made_of: str = ""
    """For people: `Debian busybox-static 1:1.35.0-4+deb12u1`."""

    @property
    def descriptor(self) -> Descriptor:
        """How a manifest names it."""
        return Descriptor(_LAYER, self.digest, self.size)

    def open(self) -> BinaryIO:
        """Open the archive."""
        return io.BytesIO(self.content) if isinstance(self.content, bytes) else self.content.open("rb")


def layer_of(archive: bytes) -> Layer:
    """Return the layer of an archive in memory."""
    return Layer(digest=digest_of(archive), size=len(archive), content=archive)


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image of one architecture."""

    arch: str
    layers: tuple[Layer, ...]
    run: Mapping[str, Any] = field(default_factory=dict)
    """`config` of the image's config: `User`, `Env`, `Entrypoint`, `Cmd` and so on, in the specification's words."""
    differs: str = ""
    """What it lacks beside the image whose place it takes, for labels and reports; empty: nothing that matters here."""

    @property
    def config(self) -> bytes:
        """The image's config, exactly."""
        made_of = "; ".join(dict.fromkeys(layer.made_of for layer in self.layers if layer.made_of))
        labels = {MADE_OF: made_of, DIFFERS: self.differs, **self.run.get("Labels", {})}
        document = {
            **parse_platform(f"linux/{self.arch}").to_json(),
            "config": {**self.run, "Labels": {name: text for name, text in sorted(labels.items()) if text}},
            "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in self.layers]},
        }
        return _json(document)

    @property
    def manifest(self) -> Manifest:
        """The image's manifest, exactly."""
        config = Descriptor(_CONFIG, digest_of(self.config), len(self.config))
        body = {
            "schemaVersion": 2,
            "mediaType": OCI_IMAGE,
            "config": config.to_json(),
            "layers": [layer.descriptor.to_json() for layer in self.layers],
        }
        return parse_manifest(_json(body), OCI_IMAGE, "", f"image for linux/{self.arch}")

    def extended(self, archive: bytes, env: Mapping[str, str] = MappingProxyType({})) -> "Image":
        """Return the image with one more layer, and more environment: what is known only when it is used."""
        own = [*self.run.get("Env", []), *(f"{name}={value}" for name, value in env.items())]
        run = {**self.run, **({"Env": own} if own else {})}
        return replace(self, layers=(*self.layers, layer_of(archive)), run=run)


def index_of(images: Mapping[str, Image]) -> Manifest:
    """Return the index over an image's architectures."""
    platforms = {arch: parse_platform(f"linux/{arch}") for arch in images}
    return build_index(image.manifest.descriptor._replace(platform=platforms[arch]) for arch, image in images.items())


def _json(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
