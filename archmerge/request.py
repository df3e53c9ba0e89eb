"""What a merge is asked for. Light: it is checked, and announced to the registry, before the rest is loaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from archmerge.errors import MissingError, UsageError
from archmerge.platforms import parse_platform
from archmerge.reference import check_tag, expand_template, parse_reference, parse_target

KINDS = ("oci", "docker", "auto")
NO_ANNOTATIONS = "a Docker manifest list can't carry annotations or attestations: they would be silently lost"
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
            raise UsageError(f"index type {self.kind!r} is not one of {', '.join(KINDS)}")
        if self.kind == "docker" and (self.annotations or any(source.annotations for source in self.sources)):
            raise UsageError(NO_ANNOTATIONS, fix=ANNOTATIONS_FIX)
        if not self.sources:
            raise MissingError("there is no source image to merge")
        for source in self.sources:
            parse_reference(source.reference)
            if source.platform:
                parse_platform(source.platform)


def split_commas(values: Iterable[str]) -> list[str]:
    """Split repeated, comma-separated options as manifest-tool does.

    >>> split_commas(["latest,1.2", "1"])
    ['latest', '1.2', '1']
    """
    return [item.strip() for value in values for item in value.split(",") if item.strip()]


def pairs(values: Iterable[str], option: str) -> dict[str, str]:
    """Read KEY=VALUE options; a value may hold '=' (manifest-tool refuses it)."""
    found = {}
    for value in values:
        key, equals, text = value.partition("=")
        if not equals or not key:
            raise UsageError(f"{option} {value!r} is not of the form KEY=VALUE")
        found[key] = text
    return found


def template_sources(template: str, platforms: Sequence[str]) -> list[Source]:
    """One source per platform, as `manifest-tool push from-args` makes them."""
    if not platforms:
        raise UsageError("--template needs --platforms", fix="for example --platforms linux/amd64,linux/arm64")
    if len(platforms) > 1 and not any(word in template for word in ("ARCH", "OS", "VARIANT")):
        raise UsageError(
            f"template {template!r} holds none of ARCH, OS, VARIANT: every platform would be the same image",
            fix="write for example HOST/app-ARCH:TAG",
        )
    return [Source(expand_template(template, parse_platform(text)), text) for text in platforms]
