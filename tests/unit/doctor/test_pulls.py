"""Why images are not pulled, by the words of every runtime."""

import pytest

from multiarch.doctor.pulls import named_arch, pull_failure

REF = '"registry.example.com/team/404-page:429"'
PULL = f"failed to pull and unpack image {REF}: failed to resolve reference {REF}: "


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (
            f"failed to pull and unpack image {REF}: no match for platform in manifest sha256:aa: not found",
            "image-lacks-arch",
        ),
        ('no image found in image index for architecture "arm64", variant "v8", OS "linux"', "image-lacks-arch"),
        ("Error choosing image instance: no image found in manifest list for architecture arm64", "image-lacks-arch"),
        ("no matching manifest for linux/arm64/v8 in the manifest list entries", "image-lacks-arch"),
        ('image operating system "windows" cannot be used on this platform', "image-lacks-arch"),
        (
            f"{PULL}unexpected status from HEAD request to https://r/v2/x/manifests/1: 401 Unauthorized",
            "image-pull-denied",
        ),
        (f"{PULL}failed to authorize: failed to fetch anonymous token: 403 Forbidden", "image-pull-denied"),
        (f"{PULL}pull access denied, repository does not exist or may require authorization", "image-pull-denied"),
        ("Error response from daemon: denied: requested access to the resource is denied", "image-pull-denied"),
        (f"{PULL}no basic auth credentials", "image-pull-denied"),
        (f"{PULL}registry.example.com/team/404-page:429: not found", "image-not-found"),
        ("reading manifest 9 in docker.io/library/alpine: manifest unknown", "image-not-found"),
        ("unexpected status from GET request to https://r/v2/x: 429 Too Many Requests", "image-rate-limited"),
        ("toomanyrequests: You have reached your pull rate limit", "image-rate-limited"),
        (f"{PULL}failed to do request: tls: failed to verify certificate: x509: unknown authority", "registry-tls"),
        (f"{PULL}http: server gave HTTP response to HTTPS client", "registry-tls"),
        (f"{PULL}failed to do request: dial tcp: lookup r on 10.0.0.10:53: no such host", "registry-unreachable"),
        (f"{PULL}failed to do request: net/http: TLS handshake timeout", "registry-unreachable"),
        (
            f"{PULL}unexpected status from HEAD request to https://r/v2/x: 503 Service Unavailable",
            "registry-unreachable",
        ),
        ("image pull failed for app:1 because the registry is unavailable: later", "registry-unreachable"),
        ("the sky is falling", "image-pull-fails"),
    ],
)
def test_words_of_every_runtime_name_one_cause(message: str, kind: str) -> None:
    assert pull_failure(message, REF.strip('"')) == kind


@pytest.mark.parametrize(
    ("image", "arch"),
    [
        ("registry.gitlab.com/gitlab-org/gitlab-runner/gitlab-runner-helper:x86_64-v19.1.1", "amd64"),
        ("h.io/helper:arm64-v19.1.1", "arm64"),
        ("h.io/app-aarch64:1", "arm64"),
        ("docker.io/arm64v8/busybox", "arm64"),
        ("h.io/charm64x:1", ""),
        ("h.io/app:1@sha256:amd64", ""),
        ("", ""),
    ],
)
def test_only_a_whole_word_names_an_architecture(image: str, arch: str) -> None:
    assert named_arch(image) == arch
