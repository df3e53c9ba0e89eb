"""Small images that stand in for those of GitLab, and the index over them. Pure: the same bytes everywhere.

Layers are tar archives without compression: what gzip writes depends on the machine's zlib.
"""

import io
import json
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass

from archmerge.index import build_index
from archmerge.manifests import Descriptor, Manifest, digest_of, parse_manifest
from archmerge.platforms import Platform, parse_platform

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """An image of one platform: its manifest, and the content of its blobs by digest."""

    platform: Platform
    manifest: Manifest
    blobs: dict[str, bytes]


def image_for(platform: str, *, edition: str = "rehearsal") -> StandIn:
    """Return a stand-in for one platform. Another `edition` gives other bytes, and so another digest."""
    parsed = parse_platform(platform)
    layer = _layer(f"{edition} {platform}\n".encode())
    document = {
        **parsed.to_json(),
        "config": {"Labels": {"multiarch-runner.io/stand-in": edition}},
        "rootfs": {"type": "layers", "diff_ids": [digest_of(layer)]},
    }
    config = json.dumps(document, sort_keys=True).encode()
    body = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": Descriptor(_CONFIG, digest_of(config), len(config)).to_json(),
        "layers": [Descriptor(_LAYER, digest_of(layer), len(layer)).to_json()],
    }
    manifest = parse_manifest(json.dumps(body).encode(), _MANIFEST, "", f"stand-in for {platform}")
    return StandIn(platform=parsed, manifest=manifest, blobs={digest_of(one): one for one in (config, layer)})


def index_of(images: Iterable[StandIn]) -> Manifest:
    """Return the index that a merge of these images gives."""
    return build_index(image.manifest.descriptor._replace(platform=image.platform) for image in images)


def _layer(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        entry = tarfile.TarInfo("etc/stand-in")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
