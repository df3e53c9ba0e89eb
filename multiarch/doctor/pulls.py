"""Why an image can't be pulled or started, by the words of kubelet and of the container runtimes.

Sources: kubelet pkg/kubelet/images/image_manager.go (v1.36: a back-off repeats the last error; the reason can be
`RegistryUnavailable` or `SignatureValidationFailed`); containerd core/images/image.go (`no match for platform in
manifest`), core/remotes/docker/resolver.go (`pull access denied`), core/remotes/errors (`unexpected status from GET
request to …: 429 Too Many Requests`); go.podman.io/image manifest lists, as CRI-O vendors it (`no image found in
manifest list for architecture`, `… in image index …`); moby (`no matching manifest for linux/arm64/v8`, moby#39201).
"""

import re
from collections.abc import Mapping

_RULES: Mapping[str, tuple[str, ...]] = {
    "image-lacks-arch": (
        r"no match for platform in manifest",
        r"no matching manifest for",
        r"no image found in (?:manifest list|image index)",
        r"exec format error",
        r"does not match the (?:specified|detected host) platform",
        r"cannot be used on this platform",
    ),
    "image-rate-limited": (r"\b429\b", r"toomanyrequests", r"too many requests", r"pull rate limit", r"rate exceeded"),
    "registry-tls": (r"x509:", r"certificate", r"server gave HTTP response to HTTPS client", r"remote error: tls"),
    "image-pull-denied": (
        r"\b401\b",
        r"\b403\b",
        r"unauthorized",
        r"forbidden",
        r"access denied",
        r"authorization failed",
        r"insufficient_scope",
        r"no basic auth credentials",
        r"authentication required",
        r"denied: ",
        r"no scope specified for token",
    ),
    "registry-unreachable": (
        r"i/o timeout",
        r"connection refused",
        r"no such host",
        r"no route to host",
        r"network is unreachable",
        r"deadline exceeded",
        r"connection reset",
        r"TLS handshake timeout",
        r"server misbehaving",
        r"registry is unavailable",
        r"\b50[0234]\b",
    ),
    "image-not-found": (
        r"manifest unknown",
        r"name unknown",
        r"repository name not known",
        r": not found",
        r"\b404\b",
        r"does not exist",
    ),
}
"""In the order in which they are asked: a missing platform and a refused login both end in `not found`, too."""

_COMPILED = tuple((kind, re.compile("|".join(patterns), re.IGNORECASE)) for kind, patterns in _RULES.items())
_NAMED_ARCH = re.compile(r"(?:^|[-_.:/])(x86_64|amd64|arm64|aarch64|arm64v8|s390x|ppc64le)(?=$|[-_.:/@])")
_SAME = {"x86_64": "amd64", "aarch64": "arm64", "arm64v8": "arm64"}
WRONG_FORMAT = "exec format error"


def pull_failure(message: str, image: str = "") -> str:
    """Return the kind of cause that a pull's error is; `image-pull-fails` for words that are not known.

    The image's own name must not decide: `docker.io/team/404-page` is no 404.
    """
    said = message.replace(image, "") if image else message
    said = re.sub(r'"[^"]*"', '""', said)
    said = re.sub(r"sha256:[0-9a-f]{64}|https?://\S+?(?=: |\s|$)", "", said)
    return next((kind for kind, pattern in _COMPILED if pattern.search(said)), "image-pull-fails")


def named_arch(image: str) -> str:
    """Return the architecture that an image's name or tag says; empty where it says none.

    >>> named_arch("registry.example.com/helper:x86_64-v19.1.1")
    'amd64'
    """
    found = _NAMED_ARCH.search(image.partition("@")[0])
    return _SAME.get(found[1], found[1]) if found else ""
