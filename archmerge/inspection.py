"""Looking at what is published: `inspect` shows it, `verify` says whether it is what it should be."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from archmerge.errors import ArchmergeError, MismatchError, MissingError, WrongContentError
from archmerge.evidence import check_evidence
from archmerge.manifests import CONFIG_TYPES, Descriptor, Manifest, parse_config
from archmerge.platforms import Platform
from archmerge.reference import Reference, parse_reference
from archmerge.registry import Registry
from archmerge.session import Session
from archmerge.transport.parallel import gather, settle
from archmerge.verdicts import NO, UNCLEAR, YES, Check


class Part(NamedTuple):
    """One image of an index, or the image itself. Sizes are compressed bytes, as pulled."""

    platform: str
    digest: str
    media_type: str
    size: int
    layers: int
    attestations: int


class Report(NamedTuple):
    """What a reference leads to."""

    reference: str
    digest: str
    media_type: str
    parts: tuple[Part, ...]
    annotations: dict[str, str]
    body: bytes


def inspect(reference: str, session: Session) -> Report:
    """Read an index and its children (three round trips, four with a token), or a single image."""
    ref = parse_reference(reference)
    registry = session.registry(ref.host)
    registry.auth.want(ref.repository, "pull")
    top = registry.manifest(ref.repository, ref.version)
    if not top.is_index:
        part = _part(_config_platform(registry, ref, top), top, 0)
        return Report(str(ref), top.digest, top.media_type, (part,), top.annotations, top.body)
    children = gather([partial(registry.manifest, ref.repository, entry.digest) for entry in top.images])
    parts = tuple(
        _part(entry.platform, child, len(top.attestations(entry.digest)))
        for entry, child in zip(top.images, children, strict=True)
    )
    return Report(str(ref), top.digest, top.media_type, parts, top.annotations, top.body)


def verify(
    reference: str,
    platforms: Sequence[Platform],
    session: Session,
    *,
    binaries: bool = False,
    require: Sequence[str] = (),
) -> tuple[str, list[Check]]:
    """Check that an index holds exactly `platforms` (any, when empty) and that each child is whole and true.

    `require` names what each image must have beside it: `signature`, `sbom`, `provenance`.

    Returns the digest that was checked, and the checks. Raises when the index itself can't be read.
    """
    ref = parse_reference(reference)
    registry = session.registry(ref.host)
    registry.auth.want(ref.repository, "pull")
    top = registry.manifest(ref.repository, ref.version)
    if not top.is_index:
        raise MismatchError(
            f"{ref} is a single image ({top.media_type}), not an index", fix="publish it with: archmerge push"
        )
    checks = _platform_checks(top, platforms)
    wanted = [partial(_check_child, registry, ref, entry, binaries) for entry in top.manifests]
    for found in gather(wanted):
        checks += found
    if require:
        checks += check_evidence(registry, ref.repository, top, require)
    return top.digest, checks


def _platform_checks(top: Manifest, platforms: Sequence[Platform]) -> list[Check]:
    held = [entry.platform for entry in top.images if entry.platform]
    checks = []
    for wanted in platforms:
        number = sum(wanted.claims(platform) for platform in held)
        reason = "" if number == 1 else f"the index holds {number} such images"
        checks.append(Check(f"holds one image for {wanted}", YES if number == 1 else NO, reason))
    if platforms:
        extra = [str(platform) for platform in held if not any(wanted.claims(platform) for wanted in platforms)]
        checks.append(Check("holds no other platform", NO if extra else YES, ", ".join(extra)))
    normal = [platform.normalised for platform in held]
    twice = sorted({str(platform) for platform in normal if normal.count(platform) > 1})
    return [*checks, Check("no platform twice", NO if twice else YES, ", ".join(twice))]


def _check_child(registry: Registry, ref: Reference, entry: Descriptor, binaries: bool) -> list[Check]:  # noqa: FBT001 - private, bound by partial
    """Manifest, config, blobs and (if asked) programs of one child."""
    name = f"attestation {entry.digest[:19]}" if entry.is_attestation else str(entry.platform or entry.digest[:19])
    (child,) = settle([partial(_child, registry, ref, entry)])
    checks = [_answer(f"{name}: manifest is there and whole", [child])]
    if not isinstance(child, Manifest):
        return checks
    looks = settle([partial(_require_blob, registry, ref, blob) for blob in child.blobs])
    checks.append(_answer(f"{name}: all {len(looks)} blobs are there", looks))
    if entry.is_attestation:
        return checks
    agreed = settle([partial(_require_platform, registry, ref, entry, child)])
    checks.append(_answer(f"{name}: config says the same platform", agreed))
    if binaries and checks[-1].answer == YES and child.config:
        from archmerge.binaries import check_binaries  # tarfile, only where asked for

        check = check_binaries(registry, ref, child, registry.small_blob(ref.repository, child.config))
        checks.append(check._replace(claim=f"{name}: {check.claim}"))
    return checks


def _child(registry: Registry, ref: Reference, entry: Descriptor) -> Manifest:
    child = registry.manifest(ref.repository, entry.digest)
    if len(child.body) != entry.size or child.media_type != entry.media_type:
        raise WrongContentError(
            f"the index says {entry.size} bytes of {entry.media_type}, it is {len(child.body)} of {child.media_type}"
        )
    return child


def _require_blob(registry: Registry, ref: Reference, blob: Descriptor) -> None:
    if not registry.has_blob(ref.repository, blob.digest):
        raise MissingError(f"{blob.digest} does not exist")


def _require_platform(registry: Registry, ref: Reference, entry: Descriptor, child: Manifest) -> None:
    own = _config_platform(registry, ref, child)
    if own is None or entry.platform is None or not own.known or not entry.platform.describes(own):
        raise MismatchError(f"the index says {entry.platform}, the config says {own}")


def _config_platform(registry: Registry, ref: Reference, manifest: Manifest) -> Platform | None:
    if manifest.config is None or manifest.config.media_type not in CONFIG_TYPES:
        return None
    return parse_config(registry.small_blob(ref.repository, manifest.config), f"{ref}: config")


def _answer(claim: str, outcomes: Sequence[object]) -> Check:
    """Answer yes where all went well, no where what is there is wrong, and unclear where it couldn't be looked at."""
    errors = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    wrong = [error for error in errors if isinstance(error, MissingError | MismatchError | WrongContentError)]
    for error in wrong or errors:
        if not isinstance(error, ArchmergeError):
            raise error
        return Check(claim, NO if wrong else UNCLEAR, error.message)
    return Check(claim, YES)


def _part(platform: Platform | None, manifest: Manifest, attestations: int) -> Part:
    size = len(manifest.body) + sum(blob.size for blob in manifest.blobs)
    return Part(
        str(platform or "unknown"), manifest.digest, manifest.media_type, size, len(manifest.layers), attestations
    )
