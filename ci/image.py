"""Make the image of archmerge for both architectures, as an OCI layout on this disk: `python -m ci.image`.

Python's own image and one layer more, which holds the zipapp: the same for every architecture, and nothing has to run.
So it needs no builder and no machine of the other architecture, and the same commit gives the same bytes. What
publishes it is `archmerge push --from LAYOUT --target HOST/PATH:TAG` (docs/releasing.md).
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from archmerge import ArchmergeError, MismatchError, Options, Session, WrongContentError, __version__, parse_reference
from archmerge.manifests import OCI_IMAGE, OCI_INDEX, Descriptor, Manifest, digest_of
from archmerge.merging import chosen_entries
from archmerge.platforms import parse_platform

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archmerge.registry import Registry

PLATFORMS: Final = ("linux/amd64", "linux/arm64")
NOBODY: Final = "65532:65532"
_CONFIG: Final = "application/vnd.oci.image.config.v1+json"
# Not compressed: what one zlib makes of it, another does not, and registries and nodes compress on the way.
_LAYER: Final = "application/vnd.oci.image.layer.v1.tar"
_OF_DOCKER: Final = {"application/vnd.docker.image.rootfs.diff.tar.gzip": f"{_LAYER}+gzip"}
_ZIPAPP: Final = "usr/local/lib/archmerge.pyz"
_COMMAND: Final = f'#!/bin/sh\nexec python3 -IS /{_ZIPAPP} "$@"\n'


class Base(NamedTuple):
    """An image of one platform in a registry."""

    registry: Registry
    repository: str
    manifest: Manifest


def layer_of(zipapp: bytes) -> bytes:
    """Return the layer: the zipapp, and the command that starts it."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content, mode in ((_ZIPAPP, zipapp, 0o644), ("usr/local/bin/archmerge", _COMMAND.encode(), 0o755)):
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), mode
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


def config_of(base: bytes, layer: bytes, labels: Mapping[str, str]) -> bytes:
    """Return the image's config: the base's, with the layer, as nobody; the shell is for GitLab to start."""
    document: dict[str, Any] = json.loads(base)
    run = {**document.get("config", {}), "User": NOBODY, "Cmd": ["archmerge", "--help"]}
    run.pop("Entrypoint", None)
    run["Labels"] = {**(run.get("Labels") or {}), **labels}
    document["config"] = run
    document["rootfs"]["diff_ids"].append(digest_of(layer))
    made = {"created": document.get("created"), "created_by": f"archmerge {__version__}", "comment": "ci/image.py"}
    document.setdefault("history", []).append({key: value for key, value in made.items() if value})
    return _json(document)


def manifest_of(base: Manifest, config: bytes, layer: bytes) -> bytes:
    """Return the image's manifest."""
    layers = [
        {**entry.to_json(), "mediaType": _OF_DOCKER.get(entry.media_type, entry.media_type)} for entry in base.layers
    ]
    layers.append(_descriptor(layer, _LAYER).to_json())
    own = _descriptor(config, _CONFIG).to_json()
    return _json({"schemaVersion": 2, "mediaType": OCI_IMAGE, "config": own, "layers": layers})


def bases(reference: str, session: Session) -> dict[str, Base]:
    """Read the base's image for each platform. MismatchError when it lacks one."""
    ref = parse_reference(reference)
    registry = session.registry(ref.host)
    index = registry.manifest(ref.repository, ref.version)
    if not index.is_index:
        raise MismatchError(f"{reference} is an image of one platform; {' and '.join(PLATFORMS)} are needed")
    found = {}
    for platform in PLATFORMS:
        entries = chosen_entries(index, parse_platform(platform), reference)
        (entry, *_) = [entry for entry in entries if not entry.is_attestation]
        found[platform] = Base(registry, ref.repository, registry.manifest(ref.repository, entry.digest))
    return found


def assemble(base: str, zipapp: Path, into: Path, session: Session, labels: Mapping[str, str]) -> dict[str, str]:
    """Write the layout, and return each platform's digest."""
    layer = layer_of(zipapp.read_bytes())
    _keep(into, layer)
    entries = []
    for platform, of in bases(base, session).items():
        if of.manifest.config is None:
            raise MismatchError(f"{base}: its {platform} has no config, and is no image")
        config = config_of(of.registry.small_blob(of.repository, of.manifest.config), layer, labels)
        manifest = manifest_of(of.manifest, config, layer)
        for entry in of.manifest.layers:
            _fetch(of, entry, into)
        _keep(into, config)
        _keep(into, manifest)
        entries.append(_descriptor(manifest, OCI_IMAGE)._replace(platform=parse_platform(platform)).to_json())
    (into / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (into / "index.json").write_bytes(_json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}))
    return {platform: entry["digest"] for platform, entry in zip(PLATFORMS, entries, strict=True)}


def _fetch(base: Base, blob: Descriptor, into: Path) -> None:
    place = _place(into, blob.digest)
    if place.exists():  # a layer that architectures share
        return
    algorithm = hashlib.sha256()
    part = place.with_suffix(".part")
    with base.registry.open_blob(base.repository, blob.digest) as stream, part.open("wb") as file:
        while piece := stream.read():
            algorithm.update(piece)
            file.write(piece)
    if f"sha256:{algorithm.hexdigest()}" != blob.digest:
        part.unlink()
        raise WrongContentError(f"{base.repository}@{blob.digest}: the registry sent other content", fix="try again")
    part.rename(place)


def _keep(into: Path, content: bytes) -> None:
    _place(into, digest_of(content)).write_bytes(content)


def _place(into: Path, digest: str) -> Path:
    place = into / "blobs" / digest.replace(":", "/")
    place.parent.mkdir(parents=True, exist_ok=True)
    return place


def _descriptor(content: bytes, media_type: str) -> Descriptor:
    return Descriptor(media_type, digest_of(content), len(content))


def _json(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m ci.image",
        description="Make the image of archmerge for both architectures, as an OCI layout on this disk.",
        epilog="example: python -m ci.image --zipapp dist/archmerge.pyz --into dist/image "
        "--base docker.io/library/python:3.13-alpine",
    )
    parser.add_argument("--base", required=True, metavar="REF", help="an image of Python for both architectures")
    parser.add_argument("--zipapp", required=True, type=Path, metavar="FILE", help="what `make zipapp` makes")
    parser.add_argument("--into", required=True, type=Path, metavar="DIR", help="where the layout goes; a new folder")
    parser.add_argument("--label", action="append", default=[], metavar="K=V", help="one more label of the image")
    parser.add_argument("--plain-http", action="append", default=[], metavar="HOST", help="has no TLS (for labs)")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> int:
    """Write the layout, or say what is in the way; exit codes are archmerge's."""
    asked = _arguments(given)
    labels = {
        "org.opencontainers.image.title": "archmerge",
        "org.opencontainers.image.version": __version__,
        "org.opencontainers.image.licenses": "Apache-2.0",
        "org.opencontainers.image.base.name": asked.base,
        **dict(label.partition("=")[::2] for label in asked.label),
    }
    try:
        with Session(Options(plain_http=frozenset(asked.plain_http))) as session:
            made = assemble(asked.base, asked.zipapp, asked.into, session, labels)
    except ArchmergeError as error:
        sys.stderr.write(f"error: {error}\n")
        return int(error.code)
    except OSError as error:
        sys.stderr.write(f"error: {error.filename}: {error.strerror}\n")
        return 2
    sys.stdout.write("".join(f"{platform} {digest}\n" for platform, digest in made.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
