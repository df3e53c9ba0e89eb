"""What a merge is asked for. Light: it is checked, and announced to the registry, before the rest is loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from archmerge.errors import MissingError, UsageError
from archmerge.platforms import parse_platform
from archmerge.reference import check_tag, parse_reference, parse_target

KINDS = ("oci", "docker", "auto")
NO_ANNOTATIONS = "a Docker manifest list can't carry annotations or attestations: they would be lost without a word"
ANNOTATIONS_FIX = "use --type oci, or leave the annotations out"


class Source(NamedTuple):
    """One image, or an index of images, to take in."""

    reference: str
    platform: str | None = None
    """What it is said to be, `os/arch[/variant]`; None says nothing, and its config is believed."""
    annotations: Mapping[str, str] = {}


class MergeRequest(NamedTuple):
    """What to publish. The target's own tag is written first; `tags` (moving ones, such as `latest`) follow."""

    target: str
    sources: Sequence[Source]
    tags: Sequence[str] = ()
    kind: str = "oci"
    """`oci`, `docker`, or `auto`: a Docker list when all children are Docker's."""
    annotations: Mapping[str, str] = {}
    ignore_missing: bool = False
    allow_mismatch: bool = False
    copy: bool = True
    verify_binaries: bool = False
    platforms: Sequence[str] = ()
    """Exactly these are expected; any, when empty."""
    attestations: bool = True
    """Whether what BuildKit attests of the images goes into the index."""
    referrers: bool = False
    """Whether signatures, SBOMs and the like of images from elsewhere are carried along."""
    amend: bool = False
    """Replace, or add, these images in the index that the target's tag leads to, and leave its others."""
    tags_at_once: bool = False
    """Write all tags in one round trip, instead of the target's own before the others."""

    def check(self) -> None:
        """Raise UsageError or MissingError for what can't be read, or can't be meant, before anything is sent."""
        parse_target(self.target)
        for tag in self.tags:
            check_tag(tag)
        if self.kind not in KINDS:
            raise UsageError(f"index type {self.kind!r} is none of {', '.join(KINDS)}")
        if self.kind == "docker" and (self.annotations or any(source.annotations for source in self.sources)):
            raise UsageError(NO_ANNOTATIONS, fix=ANNOTATIONS_FIX)
        if not self.sources:
            raise MissingError("there is no source image to merge")
        for source in self.sources:
            parse_reference(source.reference)
            if source.platform:
                parse_platform(source.platform)
