"""Put images into a registry, by archmerge's own library."""

from collections.abc import Mapping
from functools import partial
from io import BytesIO

from archmerge import ArchmergeError, Digest, parse_reference
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


def push_one(image: Image, registry: Registry, repository: str, tag: str) -> Digest:
    """Store an image of one architecture without an index: a client then has no choice to make.

    A containerd takes it whatever its machine is, which is how the emulated node gets images of its own architecture.
    Raises ImagesError.
    """
    try:
        _store(image, registry, repository, tag)
    except ArchmergeError as error:
        raise ImagesError(f"{registry.host}/{repository}:{tag} could not be stored: {error}") from error
    return image.manifest.digest


def push_for_nodes(images: Mapping[str, Image], registry: Registry, reference: str) -> Digest:
    """Store an image so that it is had by a name of another registry, and return its index's digest.

    `docker.io/library/debian:12` is then the repository `library/debian`, an index; `amd64/library/debian` and
    `arm64/library/debian` are the images alone, one of which each node's containerd is sent to in place of every
    registry. Raises ImagesError.
    """
    named = parse_reference(reference)
    tag = named.tag or "latest"
    for arch, image in images.items():
        push_one(image, registry, f"{arch}/{named.repository}", tag)
    return push(images, registry, named.repository, tag)


def _store(image: Image, registry: Registry, repository: str, version: str) -> None:
    manifest = image.manifest
    sources = {layer.digest: layer.open for layer in image.layers}
    for blob in manifest.blobs:
        if not registry.has_blob(repository, blob.digest):
            _upload(registry, repository, blob, sources.get(blob.digest) or partial(BytesIO, image.config))
    registry.put_manifest(repository, version, manifest)


def _upload(registry: Registry, repository: str, blob: Descriptor, source: Body) -> None:
    registry.finish_upload(repository, registry.start_upload(repository), blob, source)
