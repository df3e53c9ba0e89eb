"""Put images into a registry, by archmerge's own library."""

from collections.abc import Mapping
from functools import partial
from io import BytesIO

from archmerge import ArchmergeError, Digest
from archmerge.manifests import Descriptor
from archmerge.registry import Registry
from archmerge.transport.client import Body
from multiarch.rehearse.images.model import Image, ImagesError, index_of


def push(images: Mapping[str, Image], registry: Registry, repository: str, tag: str) -> Digest:
    """Store an image's architectures and the index over them, under a tag; return the index's digest.

    Raises ImagesError.
    """
    index = index_of(images)
    try:
        for image in images.values():
            _store(image, registry, repository, image.manifest.digest)
        registry.put_manifest(repository, tag, index)
    except ArchmergeError as error:
        raise ImagesError(f"{registry.host}/{repository}:{tag} could not be stored: {error}") from error
    return index.digest


def _store(image: Image, registry: Registry, repository: str, version: str) -> None:
    manifest = image.manifest
    sources = {layer.digest: layer.open for layer in image.layers}
    for blob in manifest.blobs:
        if not registry.has_blob(repository, blob.digest):
            _upload(registry, repository, blob, sources.get(blob.digest) or partial(BytesIO, image.config))
    registry.put_manifest(repository, version, manifest)


def _upload(registry: Registry, repository: str, blob: Descriptor, source: Body) -> None:
    registry.finish_upload(repository, registry.start_upload(repository), blob, source)
