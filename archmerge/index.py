"""From verified children to the bytes of an index. Pure: the same children give the same digest, in any order."""

from __future__ import annotations

import json
from collections.abc import Iterable

from archmerge.errors import MismatchError, UsageError
from archmerge.manifests import (
    DOCKER_IMAGE,
    DOCKER_LIST,
    OCI_INDEX,
    SIZE_LIMIT,
    Descriptor,
    Manifest,
    digest_of,
)
from archmerge.platforms import Platform
from archmerge.request import ANNOTATIONS_FIX, NO_ANNOTATIONS


def build_index(
    children: Iterable[Descriptor], *, kind: str = "oci", annotations: dict[str, str] | None = None
) -> Manifest:
    """Return the index over `children` (images with their platform, and attestations).

    Raises MismatchError for what would make the index a lie, UsageError for what a Docker list can't hold.
    """
    children = list(children)
    images = sorted((child for child in children if not child.is_attestation), key=_image_order)
    check_distinct(images)
    place: dict[str, int] = {child.digest: number for number, child in enumerate(images)}
    # An attestation speaks of a child by digest; where that child isn't in the index it would speak of nothing.
    related = {child.digest: child for child in children if child.is_attestation and child.attests in place}
    entries = [*images, *sorted(related.values(), key=lambda child: (place[child.attests], child.digest))]
    media_type = _index_type(entries, kind, bool(annotations))
    document = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "manifests": [entry.to_json() for entry in entries],
    }
    if annotations:
        document["annotations"] = dict(sorted(annotations.items()))
    body = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
    if len(body) > SIZE_LIMIT:
        raise MismatchError(f"the index would be {len(body)} bytes; registries take at most {SIZE_LIMIT}")
    return Manifest(body, digest_of(body), media_type, manifests=tuple(entries), annotations=annotations or {})


def amended(current: Manifest, children: list[Descriptor], origin: str) -> list[Descriptor]:
    """Return `children` with those of an index that they don't replace: same platform, same machine."""
    replaced = {child.platform.normalised for child in children if child.platform}
    kept = [entry for entry in current.manifests if not (entry.platform and entry.platform.normalised in replaced)]
    return [*children, *(entry._replace(origin=f"{origin}@{entry.digest}") for entry in kept)]


def check_distinct(images: Iterable[Descriptor]) -> None:
    """Refuse an empty index, the same image twice, and two images for one platform (a reader takes the first)."""
    seen: dict[object, Descriptor] = {}
    for child in images:
        if twin := seen.get(child.digest):
            raise MismatchError(
                f"{child.origin} and {twin.origin} are the same image ({child.digest})",
                fix="one of the two builds pushed over the other, or did not run; give each its own tag or digest",
            )
        if child.platform is None:
            raise MismatchError(f"{child.origin}: its platform is not known, so no machine could choose it")
        if rival := seen.get(child.platform.normalised):
            raise MismatchError(
                f"{child.origin} and {rival.origin} are both {child.platform}: a machine would only ever get the first",
                fix="look at how the second was built: an image built on the wrong runner has that runner's platform",
            )
        seen[child.digest] = seen[child.platform.normalised] = child
    if not seen:
        raise MismatchError("there is no image to make an index of")


def decide_platform(claim: Platform | None, own: Platform, origin: str, *, allow: bool) -> tuple[Platform, str]:
    """Return the platform to write for an image, and a note where something was let pass (`allow`).

    Always its config's `own`, which is what container runtimes go by; never a claim that the config contradicts.
    """
    if not own.known:
        raise MismatchError(
            f"{origin}: its config names no platform: it is an artifact, or was built by a tool that left it out",
            fix="build it with a tool that writes os and architecture into the config; an artifact can't be chosen by "
            "platform and has no place in a multi-platform image",
        )
    if claim is None:
        return own, ""
    if claim.describes(own):
        return (own if own.variant else own._replace(variant=claim.variant)), ""
    found = f"{origin} is said to be {claim}, but its config says {own}"
    if allow:
        return own, f"allowed by --allow-mismatch: {found}; published as {own}"
    raise MismatchError(
        f"{found}: {claim} machines would get an image that is not for them",
        fix=f"look at the build: it ran on, or copied from, the wrong architecture. {_variant_hint(claim, own)}"
        f"--allow-mismatch publishes it as what it is, {own}",
    )


def _variant_hint(claim: Platform, own: Platform) -> str:
    if claim.normalised[:2] != own.normalised[:2]:
        return ""
    return f"If only the variant is wrong, say --platforms {own.normalised}. "


def _image_order(child: Descriptor) -> tuple[object, ...]:
    return (*child.platform.order, child.digest) if child.platform else ("", 0, (), child.digest)


def _index_type(entries: list[Descriptor], kind: str, annotated: bool) -> str:  # noqa: FBT001 - private, one caller
    attested = any(entry.is_attestation for entry in entries)
    annotated = annotated or any(entry.annotations for entry in entries)
    if kind == "docker" and annotated:
        raise UsageError(NO_ANNOTATIONS, fix="use --type oci, or --no-attestations" if attested else ANNOTATIONS_FIX)
    all_docker = all(entry.media_type == DOCKER_IMAGE for entry in entries)
    return DOCKER_LIST if kind == "docker" or (kind == "auto" and all_docker and not annotated) else OCI_INDEX
