"""Is an image signed, is its bill of materials there, and where does it come from? `verify --require`.

Presence, and that it speaks of this very digest. Whether a signature is good, and whose, is for cosign, with its keys.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator, Sequence
from typing import Any

from archmerge.errors import ArchmergeError, MissingError
from archmerge.manifests import Descriptor, Manifest, load_object
from archmerge.reference import Digest
from archmerge.registry import Registry
from archmerge.verdicts import NO, UNCLEAR, YES, Check

KINDS = {"signature": "a signature", "sbom": "an SBOM", "provenance": "provenance"}
_SAYS = {
    "signature": re.compile(
        r"cosign\.artifact\.sig|cosign/sign/v1|cncf\.notary\.signature|message-signature|simplesigning"
    ),
    "sbom": re.compile(r"spdx|cyclonedx|syft"),
    "provenance": re.compile(r"slsa\.dev/provenance|slsaprovenance"),
}
"""How each shows in artifact, media and predicate types: cosign, Notation, Sigstore bundles, BuildKit, ORAS."""


def check_evidence(registry: Registry, repository: str, top: Manifest, required: Sequence[str]) -> Iterator[Check]:
    """Say of each image of an index whether what is required of it is there.

    The index's own signature is one of its images': it names them by digest.
    """
    of_index, trouble_of_index = _kinds(registry, repository, top.digest, [])
    for entry in top.images:
        kinds, trouble = _kinds(registry, repository, entry.digest, top.attestations(entry.digest))
        if "signature" in of_index:
            kinds.setdefault("signature", f"the index's: {of_index['signature']}")
        for kind in required:
            claim = f"{entry.platform or entry.digest[:19]}: has {KINDS[kind]}"
            unclear = trouble or (trouble_of_index if kind == "signature" else "")
            answer = YES if kind in kinds else UNCLEAR if unclear else NO
            yield Check(claim, answer, kinds.get(kind) or unclear)


def _kinds(
    registry: Registry, repository: str, digest: Digest, attestations: Sequence[Descriptor]
) -> tuple[dict[str, str], str]:
    """Return what there is for a manifest, each with where it was found, and what could not be looked at."""
    found: dict[str, str] = {}
    try:
        places = [("attestation", str(entry.digest)) for entry in attestations]
        for how, version in places + registry.speaking(repository, digest):
            try:
                manifest = registry.manifest(repository, version)
            except MissingError:
                continue
            if _speaks_of(registry, repository, manifest, how, digest):
                words = _words(manifest)
                found = {kind: f"{how} {manifest.digest}" for kind in KINDS if _SAYS[kind].search(words)} | found
    except ArchmergeError as error:
        return found, error.message
    return found, ""


def _words(manifest: Manifest) -> str:
    """Return all that says what a manifest is about."""
    layers = [word for layer in manifest.layers for word in (layer.media_type, *layer.annotations.values())]
    return " ".join((manifest.artifact_type, *manifest.annotations.values(), *layers)).lower()


def _speaks_of(registry: Registry, repository: str, manifest: Manifest, place: str, digest: Digest) -> bool:
    """Whether it names this digest: a list or a tag that leads to it may have been moved there by anybody."""
    if place == "referrer":
        return manifest.subject == digest
    if place not in ("sig", "att"):
        return True  # BuildKit's stand in the index itself; an SBOM of cosign's older kind names nothing
    where = f"{repository}: {place} {manifest.digest}"
    payloads = [load_object(registry.small_blob(repository, layer), where) for layer in manifest.layers]
    return any(digest in _named(payload, where) for payload in payloads)


def _named(payload: dict[str, Any], where: str) -> set[str]:
    """Return the digests that a payload of cosign's speaks of: a simple signature, or an in-toto statement in DSSE."""
    try:
        if "critical" in payload:
            return {payload["critical"]["image"]["docker-manifest-digest"]}
        statement = load_object(b64decode(payload["payload"]), where)
        return {f"{name}:{value}" for subject in statement["subject"] for name, value in subject["digest"].items()}
    except (KeyError, TypeError, ValueError, AttributeError):
        return set()
