"""From the options of a command line to sources and annotations. Every error names the option."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archmerge.errors import UsageError
from archmerge.platforms import parse_platform
from archmerge.reference import expand_template
from archmerge.request import Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


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
