"""Platforms: reading, comparing, ordering."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from archmerge.errors import MismatchError, MissingError, UsageError

# containerd's platforms.Normalize: these spellings mean the same machine.
_ALIASES = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "i386": "386"}
_WORD = re.compile(r"[A-Za-z0-9_.-]+")
_DEFAULT_VARIANT = {"arm64": "v8", "arm": "v7", "amd64": "v1"}


class Platform(NamedTuple):
    """One platform as written in an index.

    A named tuple, like all records here: importing `dataclasses` would cost 10 ms.
    """

    os: str
    architecture: str
    variant: str = ""
    os_version: str = ""
    os_features: tuple[str, ...] = ()

    def __str__(self) -> str:
        """`os/arch[/variant]`, with the OS version where there is one."""
        text = f"{self.os}/{self.architecture}" + (f"/{self.variant}" if self.variant else "")
        return f"{text} ({self.os_version})" if self.os_version else text

    @property
    def known(self) -> bool:
        """False for what BuildKit writes on attestations (`unknown/unknown`) and for an artifact's empty platform."""
        return bool(self.os and self.architecture) and "unknown" not in (self.os, self.architecture)

    @property
    def normalised(self) -> Platform:
        """The same machine always compares equal: arm64 = arm64/v8, arm = arm/v7, amd64 = amd64/v1."""
        architecture = _ALIASES.get(self.architecture.lower(), self.architecture.lower())
        variant = self.variant.lower()
        if variant.isdecimal():
            variant = f"v{variant}"
        if variant == _DEFAULT_VARIANT.get(architecture):
            variant = ""
        return self._replace(
            os=self.os.lower(), architecture=architecture, variant=variant, os_features=tuple(sorted(self.os_features))
        )

    def claims(self, actual: Platform) -> bool:
        """Whether this claim is true of `actual`. A claim says nothing of the OS version unless it names one."""
        mine, other = self.normalised, actual.normalised
        if mine[:3] != other[:3]:
            return False
        return not mine.os_version or mine.os_version == other.os_version

    def describes(self, config: Platform) -> bool:
        """Whether this claim is true of an image with this config. A config without a variant contradicts none."""
        return self.claims(config if config.variant else config._replace(variant=self.variant))

    @property
    def order(self) -> tuple[str, int, Platform]:
        """Sort key: amd64 first (a reader without a match of its own takes the first), then arm64, then by name."""
        own = self.normalised
        return own.os, {"amd64": 0, "arm64": 1}.get(own.architecture, 2), own

    def to_json(self) -> dict[str, Any]:
        """Return the `platform` object of a descriptor, without empty members."""
        pairs = (
            ("architecture", self.architecture),
            ("os", self.os),
            ("os.version", self.os_version),
            ("os.features", list(self.os_features)),
            ("variant", self.variant),
        )
        return {key: value for key, value in pairs if value}


def parse_platform(text: str) -> Platform:
    """Read `os/arch` or `os/arch/variant`.

    >>> parse_platform("linux/arm/v7").variant
    'v7'
    """
    parts = text.strip().split("/")
    if len(parts) not in (2, 3) or not all(map(_WORD.fullmatch, parts)):
        raise UsageError(
            f"platform {text!r} is not of the form os/arch or os/arch/variant",
            fix="write for example linux/amd64 or linux/arm/v7",
        )
    return Platform(parts[0], parts[1], "".join(parts[2:]))


def expect(wanted: Sequence[Platform], held: Sequence[Platform], where: str) -> None:
    """Refuse other platforms than the wanted ones: a build that did not run is found."""
    want, have = {p.normalised for p in wanted}, {p.normalised for p in held}
    if want - have:
        raise MissingError(
            f"no digest for {', '.join(sorted(map(str, want - have)))} in {where}",
            fix="that build did not run, or its artifact did not arrive (`needs:`)",
        )
    if have - want:
        raise MismatchError(f"digests for {', '.join(sorted(map(str, have - want)))} are there, but not in --platforms")
