"""Many images in, one index out: read everything at once, verify it, bring it in place, publish it tag by tag.

The round trips of a run (docs/merge.md): challenge, token, manifests, configs and mounts, children, index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple

from archmerge.errors import ArchmergeError, AuthError, MismatchError, MissingError, RefusedError, UnknownError
from archmerge.index import amended, build_index, decide_platform
from archmerge.manifests import CONFIG_TYPES, DOCKER_LIST, Descriptor, Manifest, parse_config
from archmerge.platforms import Platform, expect, parse_platform
from archmerge.reference import Digest, Reference, parse_reference, parse_target
from archmerge.registry import Registry
from archmerge.request import MergeRequest, Source
from archmerge.session import Session
from archmerge.transfer import Blob, Target
from archmerge.transport.parallel import gather, settle
from archmerge.verdicts import NO, UNCLEAR

WRITTEN, UNCHANGED, NOT_WRITTEN = "written", "unchanged", "not written"


class MergedChild(NamedTuple):
    """One entry of the published index."""

    platform: str
    digest: Digest
    source: str
    attestation: bool
    binaries: str
    """`yes`, or `not checked`; an image that fails the check, or can't be checked, is not published."""


class MergeResult(NamedTuple):
    """What was published."""

    target: str
    digest: Digest
    media_type: str
    size: int
    tags: dict[str, str]
    """Each tag: `written`, or `unchanged` where it had this digest already."""
    children: tuple[MergedChild, ...]
    copied_bytes: int
    body: bytes
    """The exact bytes of the index."""

    @property
    def reference(self) -> str:
        """The index by digest, `host/repository@sha256:…`: what to deploy and to sign."""
        return f"{parse_reference(self.target).name}@{self.digest}"


def merge(request: MergeRequest, session: Session | None = None) -> MergeResult:
    """Publish one index over the request's sources.

    Raises an ArchmergeError of the kind that tells what to do; when it is raised before the first tag was written,
    every tag of the target is as it was, and otherwise the error's notes say which tags have moved.
    """
    request.check()
    target = parse_target(request.target)
    own = session or Session(primary=target.host)
    try:
        return _Merge(request, target, own).run([_Image(source) for source in request.sources])
    finally:
        if session is None:
            own.close()


class _Image:
    """What is known of one source so far, or of one entry of a source that is an index."""

    def __init__(self, source: Source, entry: Descriptor | None = None) -> None:
        self.ref = parse_reference(source.reference)
        self.source = source
        self.claim = parse_platform(source.platform) if source.platform else None
        if entry:
            self.ref, self.claim = self.ref._replace(digest=entry.digest), self.claim or entry.platform
        self.entry = entry
        """Its descriptor in the index that it came from."""
        self.attestation = entry is not None and entry.is_attestation
        self.manifest: Manifest
        self.platform: Platform
        """By its config."""
        self.binaries = "not checked"


class _Merge:
    def __init__(self, request: MergeRequest, target: Reference, session: Session) -> None:
        self.request = request
        self.target = target
        self.tag = target.tag or "latest"
        self.session = session
        self.registry = session.registry(target.host)
        self.into = Target(self.registry, target.repository, session.once)
        self.current: Manifest | None = None
        self.held: set[str] = set()
        """Children that the target repository has already."""
        self.blobs: dict[str, Blob] = {}
        self.moving_now: dict[str, Digest | None] = {}
        """What the moving tags lead to, where that was looked at."""

    def run(self, images: list[_Image]) -> MergeResult:
        self.session.announce(self.request)
        images = self.expand(self.read(images))
        self.examine(images)
        index = self.assemble(images)
        copied = self.place(images)
        if self.request.referrers:
            self.carry(images)
        tags = self.publish(index)
        binaries = {image.manifest.digest: image.binaries for image in images}
        merged = [
            MergedChild(
                "attestation" if entry.is_attestation else str(entry.platform),
                entry.digest,
                entry.origin,
                entry.is_attestation,
                binaries.get(entry.digest, "not checked"),
            )
            for entry in index.manifests
        ]
        return MergeResult(
            str(self.target), index.digest, index.media_type, len(index.body), tags, tuple(merged), copied, index.body
        )

    def at_home(self, image: _Image) -> bool:
        """Whether it is in the target repository by itself."""
        return (image.ref.host, image.ref.repository) == (self.target.host, self.target.repository)

    def read(self, images: list[_Image]) -> list[_Image]:
        """All source manifests, and what the target's tag is now; the images that are there."""
        tasks: list[Callable[[], None]] = [*(partial(self.load, image) for image in images), self.look]
        *outcomes, looked = settle(tasks)
        if isinstance(looked, Exception):
            raise looked
        missing = [error for error in outcomes if isinstance(error, MissingError)]
        for error in outcomes:
            if isinstance(error, Exception) and not isinstance(error, MissingError):
                raise error
        if missing and (not self.request.ignore_missing or len(missing) == len(images)):
            raise _all_missing(missing)
        for error in missing:
            self.session.note(f"left out, as --ignore-missing says: {error.message}")
        return [image for image, outcome in zip(images, outcomes, strict=True) if outcome is None]

    def load(self, image: _Image) -> None:
        image.manifest = self.session.reader(image.ref.host).manifest(image.ref.repository, image.ref.version)

    def look(self) -> None:
        """See what the target's tag leads to: to spare work on a repeated run, or as what is to be amended."""
        try:
            self.current = self.registry.manifest(self.target.repository, self.tag, spare=not self.request.amend)
        except ArchmergeError as error:
            if self.request.amend:
                raise
            self.session.client.trace(f"{self.target}: not there yet ({error.message})")
            return
        if self.request.amend and not self.current.is_index:
            raise MismatchError(f"{self.target} is a single image; only an index can be amended")

    def expand(self, images: list[_Image]) -> list[_Image]:
        """Replace each index by its images (those that the claim names) and their attestations, and read these."""
        flat: list[_Image] = []
        for image in images:
            if not image.manifest.is_index:
                flat.append(image)
                continue
            entries = chosen_entries(image.manifest, image.claim, str(image.ref))
            flat += [_Image(image.source, e) for e in entries if self.request.attestations or not e.is_attestation]
        parts = [image for image in flat if image.entry]
        gather([partial(self.load, part) for part in parts])
        for part in parts:
            if part.manifest.is_index:
                raise MismatchError(f"{part.ref}: an index inside an index; most readers don't look that deep")
        return flat

    def examine(self, images: list[_Image]) -> None:
        """Configs; at the same time the mounts, or a look whether the children are there from an earlier run."""
        known = {entry.digest for entry in self.current.manifests} if self.current else set()
        away = [image for image in images if not self.at_home(image)]
        self.held = {image.manifest.digest for image in images if self.at_home(image)}
        again = [image for image in away if image.manifest.digest in known]
        tasks: list[Callable[[], None]] = [partial(self.load_config, i) for i in images if not i.attestation]
        tasks += self.mount_tasks([image for image in away if image not in again])
        tasks += [partial(self.check_held, image) for image in again]
        if known:
            tasks += [partial(self.look_at_tag, tag) for tag in self.request.tags]
        gather(tasks)
        gather(self.mount_tasks([image for image in again if image.manifest.digest not in self.held]))

    def load_config(self, image: _Image) -> None:
        config = image.manifest.config
        if config is None or config.media_type not in CONFIG_TYPES:
            raise MismatchError(
                f"{image.ref}: an artifact, not an image (its config is {config.media_type if config else 'absent'})",
                fix="leave it out: an artifact has no platform, and no place in a multi-platform image",
            )
        body = self.session.reader(image.ref.host).small_blob(image.ref.repository, config)
        image.platform = parse_config(body, f"{image.ref}: config")
        if self.request.verify_binaries:
            self.check_programs(image, body)

    def check_programs(self, image: _Image, config: bytes) -> None:
        from archmerge.binaries import check_binaries  # tarfile, 10 ms, only where asked for

        check = check_binaries(self.session.reader(image.ref.host), image.ref, image.manifest, config)
        image.binaries = check.answer
        if check.answer == UNCLEAR:
            raise UnknownError(
                f"{image.ref}: --verify-binaries could not tell: {check.reason}",
                fix="look at what the image starts, or leave --verify-binaries out for it",
            )
        if check.answer == NO and not self.request.allow_mismatch:
            raise MismatchError(f"{image.ref}: {check.reason}", fix="the build took its files from another platform")
        if check.answer == NO:
            self.session.note(f"allowed by --allow-mismatch: {image.ref}: {check.reason}")

    def blobs_of(self, images: Iterable[_Image]) -> list[Blob]:
        """Return each blob once; by preference from the target's registry, which may mount it."""
        wanted: dict[str, Blob] = {}
        for image in sorted(images, key=lambda image: image.ref.host != self.target.host):
            for blob in image.manifest.blobs:
                if blob.digest not in self.blobs:
                    source = self.session.reader(image.ref.host)
                    self.blobs[blob.digest] = Blob(blob, source, image.ref.repository)
                wanted[blob.digest] = self.blobs[blob.digest]
        return list(wanted.values())

    def mount_tasks(self, images: Iterable[_Image]) -> list[Callable[[], None]]:
        """Return a mount for each blob that is on the target's registry, once."""
        near = [image for image in images if image.ref.host == self.target.host]
        return [partial(self.into.mount, blob) for blob in self.blobs_of(near) if not blob.mount]

    def check_held(self, image: _Image) -> None:
        look = partial(self.registry.has_manifest, self.target.repository, image.manifest.digest)
        if self.registry.spared(look, otherwise=False):
            self.held.add(image.manifest.digest)

    def look_at_tag(self, tag: str) -> None:
        look = partial(self.registry.tag_digest, self.target.repository, tag)
        self.moving_now[tag] = self.registry.spared(look, otherwise=None)

    def assemble(self, images: list[_Image]) -> Manifest:
        children = [self.child(image) for image in images]
        if self.request.platforms:
            held = [child.platform for child in children if child.platform and not child.is_attestation]
            expect(list(map(parse_platform, self.request.platforms)), held, "the sources")
        kind, annotations = self.request.kind, dict(self.request.annotations)
        if self.request.amend and self.current:
            children = amended(self.current, children, self.target.name)
            kind = "auto" if self.current.media_type == DOCKER_LIST else "oci"
            annotations = {**self.current.annotations, **annotations}
        return build_index(children, kind=kind, annotations=annotations)

    def child(self, image: _Image) -> Descriptor:
        """Return the entry of the index for an image, with its annotations; an attestation stays as it was."""
        annotations, platform = image.entry.annotations if image.entry else {}, image.entry and image.entry.platform
        if not image.attestation:
            allow = self.request.allow_mismatch
            platform, note = decide_platform(image.claim, image.platform, str(image.ref), allow=allow)
            annotations = {**annotations, **image.source.annotations}
            if note:
                self.session.note(note)
        own = image.manifest.descriptor
        return own._replace(platform=platform, annotations=annotations, origin=str(image.ref))

    def place(self, images: list[_Image]) -> int:
        """Blobs and manifests of all children into the target repository; the bytes copied."""
        away = [image for image in images if image.manifest.digest not in self.held]
        copied = self.into.bring(self.blobs_of(away), copy=self.request.copy)
        manifests = {image.manifest.digest: image.manifest for image in away}
        gather([partial(self.into.put, manifest) for manifest in manifests.values()])
        return copied

    def carry(self, images: list[_Image]) -> None:
        """Bring along what speaks of images from elsewhere; what an OCI layout holds beside them is not read."""
        for image in images:
            source = self.session.reader(image.ref.host)
            if isinstance(source, Registry) and not self.at_home(image):
                count = self.into.carry(source, image.ref.repository, image.manifest.digest, copy=self.request.copy)
                if count:
                    self.session.note(f"carried along with {image.ref}: {count} that speak of it")

    def publish(self, index: Manifest) -> dict[str, str]:
        """Write the tags: the target's own, then the moving ones; on a failure the error says what has moved."""
        if self.request.amend:
            self.require_unmoved()
        tags = list(dict.fromkeys([self.tag, *self.request.tags]))
        states = dict.fromkeys(tags, NOT_WRITTEN)
        for wave in [tags] if self.request.tags_at_once else [tags[:1], tags[1:]]:
            self.write_tags(index, wave, states)
        return states

    def require_unmoved(self) -> None:
        """Refuse to write over what somebody else has published since the index was read."""
        now = self.registry.tag_digest(self.target.repository, self.tag)
        if self.current and now != self.current.digest:
            raise RefusedError(
                f"{self.target} has moved from {self.current.digest} to {now} since it was read; nothing was written",
                fix="somebody else publishes it: run it again, and let such jobs run one at a time (resource_group)",
            )

    def write_tags(self, index: Manifest, tags: list[str], states: dict[str, str]) -> None:
        states.update(dict.fromkeys(tags, UNCLEAR))
        try:
            outcomes = settle([partial(self.write_tag, index, tag) for tag in tags])
        except KeyboardInterrupt:
            self.session.note("interrupted; tags: " + _listed(states))
            raise
        for tag, outcome in zip(tags, outcomes, strict=True):
            states[tag] = self.aftermath(tag, index) if isinstance(outcome, Exception) else outcome
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                if isinstance(outcome, ArchmergeError):
                    outcome.notes.append("tags: " + _listed(states))
                raise outcome

    def tag_now(self, tag: str) -> Digest | None:
        if tag == self.tag:
            return self.current.digest if self.current else None
        return self.moving_now.get(tag)

    def write_tag(self, index: Manifest, tag: str) -> str:
        if self.tag_now(tag) == index.digest:
            return UNCHANGED
        try:
            self.registry.put_manifest(self.target.repository, tag, index)
        except (RefusedError, AuthError):
            # Immutable tags are refused even for the digest they have (buildkit #3776); having it is what was wanted.
            if self.aftermath(tag, index) == WRITTEN:
                return UNCHANGED
            raise
        return WRITTEN

    def aftermath(self, tag: str, index: Manifest) -> str:
        """After a failed write: what the tag points to."""
        try:
            found = self.registry.tag_digest(self.target.repository, tag)
        except ArchmergeError:
            return UNCLEAR
        return WRITTEN if found == index.digest else NOT_WRITTEN


def chosen_entries(index: Manifest, claim: Platform | None, origin: str) -> list[Descriptor]:
    """Return the images of an index that the claim is true of (all without a claim), with their attestations."""
    images = [e for e in index.images if claim is None or e.platform is None or claim.claims(e.platform)]
    if not images:
        held = ", ".join(str(entry.platform) for entry in index.images) or "nothing"
        raise MismatchError(f"{origin} is said to be {claim}, but is an index of {held}")
    return [*images, *index.attestations(*(entry.digest for entry in images))]


def _listed(states: dict[str, str]) -> str:
    return ", ".join(f"{tag} {state}" for tag, state in states.items())


def _all_missing(errors: Sequence[MissingError]) -> MissingError:
    if len(errors) == 1:
        return errors[0]
    lines = "\n  ".join(error.message for error in errors)
    return MissingError(f"{len(errors)} source images are missing:\n  {lines}", fix=errors[0].fix)
