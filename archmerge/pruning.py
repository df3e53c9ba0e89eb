"""What nothing kept reaches: `prune` deletes per-architecture tags' images that no index holds any more.

A registry lists tags and nothing else, so what is told here is what tags lead to: indexes to their children, manifests
to what speaks of them, and back. Only what a removable tag leads to is deleted, and never what another tag leads to.
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from fnmatch import fnmatchcase
from functools import partial
from typing import NamedTuple

from archmerge.errors import MissingError, RefusedError, UnknownError
from archmerge.manifests import Manifest, load_object
from archmerge.registry import Registry
from archmerge.transport.parallel import gather

_ARCHITECTURES = ("amd64", "arm64", "armv6", "armv7", "386", "ppc64le", "riscv64", "s390x")
PER_ARCHITECTURE = tuple(f"*-{arch}" for arch in _ARCHITECTURES)
_SPEAKS = re.compile(r"sha(?:256-[0-9a-f]{64}|512-[0-9a-f]{128})(?:\.(?:sig|att|sbom))?")
_DAY = 86400.0
_REPRODUCIBLE = 946684800.0
"""Before 2000 no image was made: such a time is written to have the same bytes each time, and tells no age."""


class Rules(NamedTuple):
    """Which tags may go: those that match one of `remove` and none of `keep`, and are `days` old."""

    remove: Sequence[str] = PER_ARCHITECTURE
    keep: Sequence[str] = ()
    days: float = 7.0

    def named(self, tag: str) -> bool:
        """Whether a tag's name is one that may go."""
        wanted = any(fnmatchcase(tag, pattern) for pattern in self.remove)
        return wanted and not any(fnmatchcase(tag, pattern) for pattern in self.keep)

    def old(self, age: float | None) -> bool:
        """Whether an image of this age (seconds; None where its config doesn't tell) may go."""
        return self.days == 0 or (age is not None and age >= self.days * _DAY)


class Plan(NamedTuple):
    """What would be deleted, parents first, and why each removable tag stays or goes."""

    delete: tuple[str, ...]
    tags: dict[str, str]


class Found(NamedTuple):
    """A repository: what each tag leads to, and each manifest; each index's children; how old each is (seconds)."""

    tags: Mapping[str, str]
    leads: Mapping[str, Collection[str]]
    children: Mapping[str, Collection[str]]
    ages: Mapping[str, float]


def plan(found: Found, rules: Rules) -> Plan:
    """Decide. Pure: nothing that a kept tag reaches is in it, whatever the registry looks like."""
    leads = {digest: set(following) for digest, following in found.leads.items()}
    speaking = {tag: subject for tag in found.tags if (subject := _subject(tag))}
    roots = set()
    for tag, subject in speaking.items():
        # It goes with what it speaks of, and stays with that, or where that is not known.
        if subject in leads:
            leads[subject].add(found.tags[tag])
        else:
            roots.add(found.tags[tag])
    rest = {tag: digest for tag, digest in found.tags.items() if tag not in speaking}
    going = {tag: digest for tag, digest in rest.items() if rules.named(tag) and rules.old(found.ages.get(digest))}
    roots |= {digest for tag, digest in rest.items() if tag not in going}
    doomed = reach(going.values(), leads) - reach(roots, leads)
    states = {tag: "goes" if digest in doomed else "stays: a kept tag reaches it" for tag, digest in going.items()}
    return Plan(tuple(_parents_first(doomed, found.children)), states)


def _subject(tag: str) -> str:
    """Return the digest that a tag of cosign's, or of a registry without a list of referrers, speaks of."""
    return tag.partition(".")[0].replace("-", ":", 1) if _SPEAKS.fullmatch(tag) else ""


def reach(roots: Iterable[str], leads: Mapping[str, Collection[str]]) -> set[str]:
    """Return the roots and all that they lead to."""
    seen: set[str] = set()
    waiting = list(roots)
    while waiting:
        if (digest := waiting.pop()) not in seen:
            seen.add(digest)
            waiting += leads.get(digest, ())
    return seen


def _parents_first(doomed: set[str], children: Mapping[str, Collection[str]]) -> list[str]:
    """Order so that no index is left without its children when this ends halfway: depth first, and turned around."""
    order: list[str] = []
    seen: set[str] = set()
    for start in sorted(doomed):
        path = [start]
        while path:
            seen.add(path[-1])
            below = sorted({child for child in children.get(path[-1], ()) if child in doomed} - seen)
            if below:
                path.append(below[0])
            elif (done := path.pop()) not in order:
                order.append(done)
    return order[::-1]


def look(registry: Registry, repository: str) -> Found:
    """Read all that the repository's tags lead to. What can't be read is an error: it may lead to something."""
    registry.auth.want(repository, "pull", "delete")
    tags = registry.tags(repository)
    digests = gather([partial(registry.tag_digest, repository, tag) for tag in tags])
    named = {tag: str(digest) for tag, digest in zip(tags, digests, strict=True) if digest}
    leads: dict[str, set[str]] = {}
    children: dict[str, set[str]] = {}
    ages: dict[str, float] = {}
    waiting = set(named.values())
    while waiting:
        for digest, (own, speaking, age) in zip(
            sorted(waiting), gather([partial(_read, registry, repository, one) for one in sorted(waiting)]), strict=True
        ):
            children[digest], leads[digest] = own, own | speaking
            ages |= {digest: age} if age is not None else {}
        waiting = {one for following in leads.values() for one in following} - set(leads)
    for digest in reversed(list(leads)):  # an index is as old as its youngest image
        below = [ages[one] for one in children[digest] if one in ages]
        if digest not in ages and below:
            ages[digest] = min(below)
    return Found(named, leads, children, ages)


def _read(registry: Registry, repository: str, digest: str) -> tuple[set[str], set[str], float | None]:
    """Return a manifest's children, what speaks of it (or what it speaks of), and its age where its config tells."""
    try:
        manifest = registry.manifest(repository, digest)
    except MissingError:
        return set(), set(), None  # gone already: it leads nowhere
    speaking = {str(entry.digest) for entry in registry.referrers(repository, digest)}
    speaking |= {str(manifest.subject)} if manifest.subject else set()
    return {str(entry.digest) for entry in manifest.manifests}, speaking, _age(registry, repository, manifest)


def _age(registry: Registry, repository: str, manifest: Manifest) -> float | None:
    if manifest.config is None or not manifest.config.media_type.endswith(("image.config.v1+json", "image.v1+json")):
        return None
    config = load_object(registry.small_blob(repository, manifest.config), f"{repository}@{manifest.digest}: config")
    try:
        created = datetime.fromisoformat(str(config.get("created"))).timestamp()
    except (ValueError, OverflowError):
        return None
    return time.time() - created if created > _REPRODUCIBLE else None


def prune(registry: Registry, repository: str, rules: Rules, *, delete: bool) -> Plan:
    """Look, decide, and delete if said so. Refused, with nothing deleted, when a tag has moved since."""
    found = look(registry, repository)
    decided = plan(found, rules)
    if not delete or not decided.delete:
        return decided
    tags = registry.tags(repository)
    now = dict(zip(tags, gather([partial(registry.tag_digest, repository, tag) for tag in tags]), strict=True))
    if {tag: digest for tag, digest in now.items() if digest} != dict(found.tags):
        raise RefusedError(
            f"{registry.host}/{repository} has changed since it was looked at; nothing was deleted",
            fix="run it again when no pipeline publishes there",
        )
    for number, digest in enumerate(decided.delete):
        if not registry.delete(repository, digest):
            raise UnknownError(
                f"{registry.host}/{repository}: the registry deletes no manifests ({number} were deleted)",
                fix="allow deleting there (Distribution: storage.delete.enabled), or use its own clean-up policy",
            )
    return decided
