"""What the run's registry has: the index that was published, and what each image says of itself."""

import json
from collections.abc import Mapping
from typing import Any

from archmerge import ArchmergeError
from archmerge.registry import Registry
from multiarch.rehearse.live.claims import InRegistry
from multiarch.rehearse.live.supply import SHORT
from multiarch.rehearse.mirror.registry import LocalRegistry


def look(local: LocalRegistry, repository: str, tag: str) -> InRegistry:
    """Read an index and the configs of its images. Raises ArchmergeError."""
    with local.session(SHORT) as session:
        registry = session.registry(local.host)
        index = registry.manifest(repository, tag)
        platforms = {str(entry.platform): str(entry.digest) for entry in index.images if entry.platform}
        said = {digest: str(_config(registry, repository, digest).get("architecture")) for digest in platforms.values()}
    return InRegistry(platforms=platforms, said=said)


def run_config(local: LocalRegistry, repository: str, reference: str) -> Mapping[str, Any]:
    """Return `config` of an image's config: user, command, environment. Raises ArchmergeError."""
    with local.session(SHORT) as session:
        found = _config(session.registry(local.host), repository, reference)
    return found.get("config") or {}


def answers(local: LocalRegistry) -> bool:
    """Tell whether the registry answers at all."""
    try:
        with local.session(SHORT) as session:
            session.registry(local.host).has_blob("none", "sha256:" + "0" * 64)
    except ArchmergeError:
        return False
    return True


def _config(registry: Registry, repository: str, reference: str) -> Mapping[str, Any]:
    manifest = registry.manifest(repository, reference)
    if manifest.is_index:
        first = manifest.images[0]
        manifest = registry.manifest(repository, first.digest)
    if manifest.config is None:
        return {}
    found: Mapping[str, Any] = json.loads(registry.small_blob(repository, manifest.config))
    return found
