"""Image references, digests and templates. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple, NewType

from archmerge.errors import UsageError
from archmerge.platforms import Platform

Digest = NewType("Digest", str)
"""A checked digest: `sha256:` and 64, or `sha512:` and 128, lower-case hex digits."""

DOCKER_HUB = "docker.io"
ON_DISK = "oci-layout://"
"""What a reference begins with to an image in an OCI layout on this disk: `oci-layout://PATH@DIGEST`."""
# The grammar is distribution-spec's; the lengths (255 for a name, 128 for a tag) are checked apart.
_DIGEST_LENGTHS = {"sha256": 64, "sha512": 128}
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*)*")
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?::[0-9]{1,5})?")
_NAME_MAX = 255


class Reference(NamedTuple):
    """`host/repository[:tag][@digest]`, with Docker Hub's short names written out."""

    host: str
    repository: str
    tag: str | None = None
    digest: Digest | None = None

    def __str__(self) -> str:
        """Write it out, host included."""
        return self.name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    @property
    def name(self) -> str:
        """Without tag and digest."""
        return f"{self.host}/{self.repository}" if self.repository else self.host

    @property
    def version(self) -> str:
        """What to ask the registry for: the digest when there is one, for a tag may have moved meanwhile."""
        return self.digest or self.tag or "latest"


def is_digest(text: str) -> bool:
    """Whether `text` is a digest of a kind that can be checked here."""
    algorithm, _, value = text.partition(":")
    return len(value) == _DIGEST_LENGTHS.get(algorithm) and not value.strip("0123456789abcdef")


def parse_digest(text: str, what: str = "digest") -> Digest:
    """Check a digest; `what` names it in the error."""
    if not is_digest(text):
        raise UsageError(f"{what} {text[:150]!r} is neither sha256:<64 hex digits> nor sha512:<128 hex digits>")
    return Digest(text)


def check_tag(tag: str) -> str:
    """Check a tag: 1 to 128 of letters, digits, `_`, `.` and `-`, not beginning with the last two."""
    if not _TAG.fullmatch(tag):
        raise UsageError(
            f"tag {tag[:150]!r} can't be a tag: at most 128 letters, digits, '_', '.' and '-', the first no '.' or '-'",
            fix="in GitLab CI, $CI_COMMIT_REF_SLUG is always a valid tag",
        )
    return tag


def parse_reference(text: str) -> Reference:
    """Read an image reference as the classic tools do.

    >>> str(parse_reference("alpine:3"))
    'docker.io/library/alpine:3'
    >>> parse_reference("[::1]:5000/app@sha256:" + "0" * 64).host
    '[::1]:5000'
    """
    if text.startswith(ON_DISK):
        path, _, digest_text = text.rpartition("@")
        return Reference(path, "", None, parse_digest(digest_text, f"reference {text[:200]!r}: digest"))
    rest, at, digest_text = text.partition("@")
    digest = parse_digest(digest_text, f"reference {text[:200]!r}: digest") if at else None
    name, tag = rest, None
    head, colon, tail = rest.rpartition(":")
    if colon and "/" not in tail and not tail.endswith("]"):
        name, tag = head, check_tag(tail)
    host, slash, path = name.partition("/")
    if not slash or not ("." in host or ":" in host or host == "localhost" or host != host.lower()):
        host, path = DOCKER_HUB, name
    if host in ("index.docker.io", "registry-1.docker.io"):
        host = DOCKER_HUB
    if host == DOCKER_HUB and "/" not in path:
        path = f"library/{path}"
    if len(host) > _NAME_MAX or not _HOST.fullmatch(host):
        raise UsageError(f"reference {text[:200]!r}: {host!r} is not a valid registry host")
    if len(path) > _NAME_MAX or not _REPOSITORY.fullmatch(path):
        raise UsageError(
            f"reference {text[:200]!r}: {path[:200]!r} is not a valid repository name",
            fix="lower-case letters, digits and '.', '_', '-' inside, parts divided by '/'",
        )
    return Reference(host, path, tag, digest)


def parse_target(text: str) -> Reference:
    """Return a reference that an index can be published under: with a tag, without a digest. No tag means `latest`."""
    target = parse_reference(text)
    if text.startswith(ON_DISK):
        raise UsageError(f"target {text!r} is on this disk", fix="name a registry's: HOST/app:TAG")
    if target.digest:
        raise UsageError(
            f"target {text!r} names a digest, but the digest of an index is only known once it is made",
            fix="name a tag: " + str(target._replace(digest=None, tag=target.tag or "TAG")),
        )
    return target._replace(tag=target.tag or "latest")


def expand_template(template: str, platform: Platform) -> str:
    """Fill ARCH, OS and VARIANT, in manifest-tool's order, every occurrence (it fills only the first).

    >>> from archmerge.platforms import parse_platform
    >>> expand_template("host/app-ARCHVARIANT:1", parse_platform("linux/arm/v7"))
    'host/app-armv7:1'
    """
    filled = template.replace("ARCH", platform.architecture).replace("OS", platform.os)
    return filled.replace("VARIANT", platform.variant)
