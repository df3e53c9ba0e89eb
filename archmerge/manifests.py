"""Reading and writing manifests, indexes and image configs. Pure; every error names the path of what is wrong."""

from __future__ import annotations

import hashlib
import json
from typing import Any, NamedTuple, TypeVar

from archmerge.errors import MismatchError, WrongContentError
from archmerge.platforms import Platform
from archmerge.reference import Digest, is_digest

_T = TypeVar("_T")

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_IMAGE = "application/vnd.oci.image.manifest.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_IMAGE = "application/vnd.docker.distribution.manifest.v2+json"
INDEX_TYPES = (OCI_INDEX, DOCKER_LIST)
IMAGE_TYPES = (OCI_IMAGE, DOCKER_IMAGE)
CONFIG_TYPES = ("application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json")
ATTESTATION_TYPE = "vnd.docker.reference.type"
ATTESTATION_OF = "vnd.docker.reference.digest"
# One header with all four: without it registry 2.8.2 answers 404, or converts to schema 1 (facts/merge.md section 4).
ACCEPT = ", ".join((*INDEX_TYPES, *IMAGE_TYPES))
SIZE_LIMIT = 4 << 20
"""Bytes. distribution-spec lets registries refuse manifests over 4 MiB; configs are held to the same here."""


class Descriptor(NamedTuple):
    """A reference to content: what it is, its digest, its size in bytes."""

    media_type: str
    digest: Digest
    size: int
    platform: Platform | None = None
    annotations: dict[str, str] = {}  # noqa: RUF012 - never changed; NamedTuple has no default_factory
    foreign: bool = False
    more: dict[str, Any] = {}  # noqa: RUF012 - never changed
    """Members that mean nothing here (`artifactType`, `urls`, `data`), to be written as they were read."""
    origin: str = ""
    """The reference it was read from, for messages."""

    @property
    def is_attestation(self) -> bool:
        """Whether BuildKit marked it as an attestation manifest."""
        return self.annotations.get(ATTESTATION_TYPE) == "attestation-manifest"

    @property
    def attests(self) -> str:
        """The image of the same index that an attestation speaks of; empty for an image."""
        return self.annotations.get(ATTESTATION_OF, "") if self.is_attestation else ""

    def to_json(self) -> dict[str, Any]:
        """Members in image-spec's order, so that the same inputs always give the same bytes."""
        out: dict[str, Any] = {"mediaType": self.media_type, "digest": self.digest, "size": self.size}
        if self.platform is not None:
            out["platform"] = self.platform.to_json()
        if self.annotations:
            out["annotations"] = dict(sorted(self.annotations.items()))
        return {**out, **dict(sorted(self.more.items()))}


class Manifest(NamedTuple):
    """A parsed manifest together with its exact bytes: what is sent again must be what was read."""

    body: bytes
    digest: Digest
    media_type: str
    config: Descriptor | None = None
    layers: tuple[Descriptor, ...] = ()
    manifests: tuple[Descriptor, ...] = ()
    annotations: dict[str, str] = {}  # noqa: RUF012 - never changed; NamedTuple has no default_factory
    subject: Digest | None = None
    """What it speaks of: a signature or SBOM of that image."""
    artifact_type: str = ""

    @property
    def is_index(self) -> bool:
        """True for an OCI index and a Docker manifest list."""
        return self.media_type in INDEX_TYPES

    @property
    def images(self) -> list[Descriptor]:
        """Of an index, its entries without the attestations."""
        return [entry for entry in self.manifests if not entry.is_attestation]

    def attestations(self, *digests: str) -> list[Descriptor]:
        """Of an index, the attestations that speak of these images."""
        return [entry for entry in self.manifests if entry.attests in digests]

    @property
    def descriptor(self) -> Descriptor:
        """What refers to it."""
        return Descriptor(self.media_type, self.digest, len(self.body), annotations=self.annotations)

    @property
    def blobs(self) -> tuple[Descriptor, ...]:
        """Config and layers, each digest once, without foreign layers (those live elsewhere)."""
        own = [part for part in ((self.config,) if self.config else ()) + self.layers if not part.foreign]
        return tuple({part.digest: part for part in own}.values())


def digest_of(body: bytes, like: str = "sha256:") -> Digest:
    """Return the digest of `body`, by the algorithm of the digest `like`."""
    algorithm = like.partition(":")[0]
    return Digest(f"{algorithm}:{hashlib.new(algorithm, body).hexdigest()}")


def parse_manifest(body: bytes, content_type: str, asked: str, where: str) -> Manifest:
    """Read a manifest or index.

    `asked` is the digest it was asked by (or anything else, for a tag), `where` names it in errors.
    Raises WrongContentError when the bytes aren't what was asked, MismatchError for what can't be part of an index.
    """
    digest = digest_of(body, asked) if is_digest(asked) else digest_of(body)
    if is_digest(asked) and digest != asked:
        raise WrongContentError(f"{where}: asked for {asked}, got content with digest {digest}")
    document = load_object(body, where)
    media_type = _media_type(document, content_type.partition(";")[0].strip().lower(), where)
    subject = _descriptor(document["subject"], f"{where}: subject").digest if document.get("subject") else None
    annotations, artifact = _annotations(document, where), str(document.get("artifactType") or "")
    if media_type in INDEX_TYPES:
        entries = _get(document, "manifests", list, where)
        children = tuple(_descriptor(entry, f"{where}: manifests[{i}]") for i, entry in enumerate(entries))
        return Manifest(body, digest, media_type, None, (), children, annotations, subject, artifact)
    config = _descriptor(_get(document, "config", dict, where), f"{where}: config")
    layers = (_descriptor(x, f"{where}: layers[{i}]") for i, x in enumerate(_get(document, "layers", list, where)))
    artifact = artifact or config.media_type
    return Manifest(body, digest, media_type, config, tuple(layers), (), annotations, subject, artifact)


def parse_config(body: bytes, where: str) -> Platform:
    """Read the platform in an image config. It may come back not `known`."""
    return _platform(load_object(body, where), where)


def load_object(body: bytes, where: str) -> dict[str, Any]:
    """Return the JSON object in `body`, or an error that shows what came instead."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        shown = body[:60].decode("utf-8", "replace")
        raise WrongContentError(
            f"{where}: expected JSON, got {shown!r}",
            fix="a proxy or login page may be answering in the registry's place; check the host name",
        ) from None
    if not isinstance(document, dict):
        raise WrongContentError(f"{where}: expected a JSON object, got {type(document).__name__}")
    return document


def _media_type(document: dict[str, Any], content_type: str, where: str) -> str:
    """`mediaType` when there is one; else the Content-Type; else what the members tell."""
    if document.get("schemaVersion") == 1 or "fsLayers" in document:
        raise MismatchError(
            f"{where}: is a schema 1 manifest, which has no digest of its platform and no place in an index",
            fix="push the image again with a tool of this decade (BuildKit, Kaniko, buildah, ko)",
        )
    if document.get("schemaVersion") != 2:  # noqa: PLR2004 - the one version there is
        raise WrongContentError(f"{where}: 'schemaVersion' is {str(document.get('schemaVersion'))[:40]!r}, not 2")
    # A document that is both would be read as one thing here and another thing there (CVE-2021-41190).
    if "manifests" in document and ("layers" in document or "config" in document):
        raise MismatchError(f"{where}: has both 'manifests' and 'layers' or 'config'; readers would disagree on it")
    shape = (*INDEX_TYPES, "") if "manifests" in document else (*IMAGE_TYPES, "")
    declared = document.get("mediaType", "")
    served = content_type if content_type in (*INDEX_TYPES, *IMAGE_TYPES) else ""
    if declared not in shape or served not in shape:
        found = declared if declared not in shape else served
        raise MismatchError(f"{where}: media type {str(found)[:100]!r} can't be part of a multi-platform image")
    # The body is what the digest vouches for: a header that names another vendor's type is a slip on the way.
    return declared or served or (OCI_INDEX if "manifests" in document else OCI_IMAGE)


def _get(mapping: dict[str, Any], key: str, kind: type[_T], where: str) -> _T:
    value = mapping.get(key)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise WrongContentError(f"{where}: unexpected type {type(value).__name__} in {key!r}, expected {kind.__name__}")
    return value


def _annotations(mapping: dict[str, Any], where: str) -> dict[str, str]:
    found = mapping.get("annotations") or {}
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise WrongContentError(f"{where}: 'annotations' must map strings to strings")
    return found


def _platform(mapping: dict[str, Any], where: str) -> Platform:
    def text(key: str) -> str:
        return _get({key: mapping.get(key) or ""}, key, str, where)

    features = _get({"os.features": mapping.get("os.features") or []}, "os.features", list, where)
    return Platform(
        text("os"), text("architecture"), text("variant"), text("os.version"), tuple(str(item) for item in features)
    )


def _descriptor(value: Any, where: str) -> Descriptor:
    if not isinstance(value, dict):
        raise WrongContentError(f"{where}: unexpected type {type(value).__name__}, expected an object")
    known = ("mediaType", "digest", "size", "platform", "annotations")
    digest = _get(value, "digest", str, where)
    if not is_digest(digest):
        raise WrongContentError(f"{where}: 'digest' {digest[:150]!r} is not a sha256 or sha512 digest")
    size = _get(value, "size", int, where)
    if size < 0:
        raise WrongContentError(f"{where}: 'size' is negative")
    media_type = _get(value, "mediaType", str, where)
    platform = value.get("platform")
    return Descriptor(
        media_type=media_type,
        digest=Digest(digest),
        size=size,
        platform=_platform(_get(value, "platform", dict, where), f"{where}.platform") if platform else None,
        annotations=_annotations(value, where),
        # Without an address of its own such a layer is where all the others are, and goes where they go.
        foreign=(".foreign." in media_type or ".nondistributable." in media_type) and bool(value.get("urls")),
        more={key: member for key, member in value.items() if key not in known},
    )
