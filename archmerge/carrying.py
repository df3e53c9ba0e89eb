"""Signatures, SBOMs and whatever else speaks of an image, carried along to where the image goes: `push --referrers`."""

from __future__ import annotations

import json
from functools import partial

from archmerge.errors import MismatchError, MissingError
from archmerge.manifests import OCI_INDEX, Descriptor, Manifest, digest_of
from archmerge.registry import Mount, Registry
from archmerge.transfer import Target, Wanted, bring
from archmerge.transport.parallel import gather

_DEPTH = 3
"""Signatures of SBOMs of images, and of these: no further."""
COSIGN_TAGS = ("sig", "att", "sbom")


def carry(  # noqa: PLR0913 - from where, what, to where, how
    source: Registry, repository: str, digest: str, target: Target, *, copy: bool, depth: int = _DEPTH
) -> int:
    """Copy what speaks of a manifest, by the list of referrers and by cosign's tags, and return how many that were."""
    count = 0
    for entry in source.referrers(repository, digest):
        manifest = source.manifest(repository, entry.digest)
        _copy(source, repository, manifest, target, manifest.digest, copy=copy)
        count += 1
        if depth > 1:
            count += carry(source, repository, manifest.digest, target, copy=copy, depth=depth - 1)
    for ending in COSIGN_TAGS:
        tag = f"{digest.replace(':', '-')}.{ending}"
        try:
            manifest = source.manifest(repository, tag)
        except MissingError:
            continue
        _copy(source, repository, manifest, target, tag, copy=copy)
        count += 1
    return count


def _copy(  # noqa: PLR0913 - from where, what, to where
    source: Registry, repository: str, manifest: Manifest, target: Target, version: str, *, copy: bool
) -> None:
    if manifest.is_index:
        raise MismatchError(
            f"{source.host}/{repository}@{manifest.digest}: an index that speaks of an image can't be carried along",
            fix="leave out --referrers, and sign again after merging",
        )
    registry = target.registry
    mounts: dict[str, Mount] = {}
    if source is registry:
        tasks = [partial(registry.mount, target.repository, blob.digest, repository) for blob in manifest.blobs]
        mounts.update(zip((blob.digest for blob in manifest.blobs), gather(tasks), strict=True))
    bring(target, [Wanted(blob, source, repository) for blob in manifest.blobs], mounts, copy=copy)
    listed = registry.put_manifest(target.repository, version, manifest)
    if manifest.subject and not listed and not registry.dry:
        _list_by_tag(registry, target.repository, manifest)


def _list_by_tag(registry: Registry, repository: str, manifest: Manifest) -> None:
    """Keep the list of referrers under its tag, as the specification has it where the registry keeps none."""
    tag = str(manifest.subject).replace(":", "-")
    try:
        entries = list(registry.manifest(repository, tag).manifests)
    except MissingError:
        entries = []
    if any(entry.digest == manifest.digest for entry in entries):
        return
    more = {"artifactType": manifest.artifact_type}
    size = len(manifest.body)
    entries.append(Descriptor(manifest.media_type, manifest.digest, size, None, manifest.annotations, more=more))
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry.to_json() for entry in entries]}
    body = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
    registry.put_manifest(repository, tag, Manifest(body, digest_of(body), OCI_INDEX))
