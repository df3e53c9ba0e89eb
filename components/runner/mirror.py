"""A helper image of one's own, for `helperImage: mirror`: where it is published, and what it is made from. Pure.

The runner wants a helper of exactly its own version (gitlab-runner docs, advanced-configuration), so that the tags
follow from the runner's version and are never written down.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import field

from pydantic.dataclasses import dataclass

from archmerge import ArchmergeError, parse_reference
from archmerge.reference import is_digest
from components.clouds.machines import Arch
from components.keys import CONFIG
from components.problems import Problem
from components.versions import HELPER_FLAVOR, HELPER_REPOSITORY

PATH = "runner.helperMirror"
# How GitLab names architectures in the helper's tags: `[flavor-]{x86_64|arm64}-v{version}` (linux_info.go).
_TAG_ARCH: Mapping[Arch, str] = {Arch.AMD64: "x86_64", Arch.ARM64: "arm64"}
_FLAVOR = re.compile(r"[a-z0-9][a-z0-9.-]{0,40}")
_NO_TARGET = "the mirror could not be published"
_NO_SOURCE = "there would be nothing to mirror"


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class HelperMirror:
    """The helper image of both architectures in a registry of your own, for `helperImage: mirror`.

    `pulumi up` merges it from GitLab's image of each architecture, at the version of the runner in the chart, and the
    runner gets it by digest. A tag that somebody moved is shown by a refresh and put back by the next update
    (docs/helper-image.md).
    """

    repository: str
    """Where it is published: `host/repository`, without a tag; the tag is made of flavor and version. The cluster's
    nodes pull from here."""

    source: str = HELPER_REPOSITORY
    """Repository that holds the images of the single architectures, without a tag."""

    flavor: str = HELPER_FLAVOR
    """Flavor of the helper image, which begins its tags: `alpine-latest`, `ubuntu` ... Empty: the tags without one."""

    version: str | None = None
    """Version of the helper image. It has to be the runner's, and is by default. State it along with `digests`: a
    newer chart is refused then, until they are renewed."""

    digests: dict[str, str] = field(default_factory=dict)
    """Digest by architecture (`amd64`, `arm64`), to pin the sources beyond their tags."""

    username: str | None = None
    """User name for the registry of `repository`. The password is the stack's secret `mirrorPassword`
    (`pulumi config set --secret multiarch-runner:mirrorPassword`). Without both, and for `source` always, the docker
    config of whoever runs `pulumi up` is used."""

    plain_http: bool = False
    """Speak plain HTTP with the registry of `repository`. For labs only."""

    delete_remote: bool = False
    """Remove the tag from the registry when the stack is destroyed. Off: running jobs of other stacks may pull it."""


def mirror_target(mirror: HelperMirror, version: str) -> str:
    """Return what is published: `host/repository:alpine-latest-v19.1.1`. `version` is the runner's, without `v`."""
    return f"{mirror.repository}:{_prefix(mirror)}v{version}"


def mirror_sources(mirror: HelperMirror, version: str) -> dict[str, str]:
    """Return the image of each platform, by tag and, where it is pinned, by digest."""
    return {
        f"linux/{arch}": f"{mirror.source}:{_prefix(mirror)}{name}-v{version}{_pin(mirror, arch)}"
        for arch, name in _TAG_ARCH.items()
    }


def _prefix(mirror: HelperMirror) -> str:
    return f"{mirror.flavor}-" if mirror.flavor else ""


def _pin(mirror: HelperMirror, arch: Arch) -> str:
    return f"@{mirror.digests[arch]}" if arch in mirror.digests else ""


def check_mirror(mirror: HelperMirror | None, mode: str, version: str | None) -> list[Problem]:
    """Return what is wrong with `helperMirror`. `mode` is `helperImage`, `version` the runner's, None if not known."""
    if mode != "mirror":
        return [] if mirror is None else [_unused(mode)]
    if mirror is None:
        return [_missing()]
    if version is None:
        return [_unknown_runner()]
    return [
        *_check_repository("repository", mirror.repository, _NO_TARGET),
        *_check_repository("source", mirror.source, _NO_SOURCE),
        *_check_flavor(mirror.flavor),
        *_check_version(mirror, version),
        *_check_digests(mirror),
    ]


def _problem(key: str, found: str, consequence: str, fix: str) -> Problem:
    return Problem(path=f"{PATH}.{key}" if key else PATH, found=found, consequence=consequence, fix=fix)


def _unused(mode: str) -> Problem:
    return _problem("", f"set, but helperImage is {mode!r}", "nothing would be mirrored", "Use helperImage: mirror.")


def _missing() -> Problem:
    fix = "Add `helperMirror: {repository: registry.example.com/ci/gitlab-runner-helper}`."
    return _problem("", "not set, but helperImage is 'mirror'", "there is no registry to mirror to", fix)


def _unknown_runner() -> Problem:
    return Problem(
        path="runner.helperImage",
        found="'mirror', and the runner's version in the chart is not known",
        consequence="could not tell which version to mirror; helper and runner must have the same",
        fix="State chart.runnerVersion (the chart's appVersion).",
    )


def _check_repository(key: str, text: str, consequence: str) -> Iterator[Problem]:
    try:
        reference = parse_reference(text)
    except ArchmergeError as error:
        yield _problem(key, error.message, consequence, error.fix or "Write host/repository.")
        return
    if reference.tag or reference.digest:
        fix = f"Write {reference.name}."
        yield _problem(key, f"{text!r} has a tag or digest", "the tag follows from the runner's version", fix)
    elif not text.startswith(f"{reference.host}/"):
        fix = f"Write {reference.name}, if Docker Hub is meant."
        yield _problem(key, f"{text!r} names no registry", "Docker Hub would be meant", fix)


def _check_flavor(flavor: str) -> Iterator[Problem]:
    if flavor and not _FLAVOR.fullmatch(flavor):
        yield _problem("flavor", f"{flavor!r} begins no tag", _NO_SOURCE, "Use for example alpine-latest or ubuntu.")


def _check_version(mirror: HelperMirror, version: str) -> Iterator[Problem]:
    if mirror.version is not None and mirror.version.removeprefix("v") != version:
        renew = ", and renew digests" if mirror.digests else ""
        yield _problem(
            "version",
            f"{mirror.version!r}, but the runner is {version}",
            "helper and runner of two versions fail in the middle of jobs",
            f"Set it to {version}{renew}, or use the chart of runner {mirror.version.removeprefix('v')}.",
        )
    if mirror.digests and mirror.version is None:
        yield _problem(
            "version",
            "not set, with digests",
            "with a newer chart, the old helper would be published as the new one",
            f"State the version that the digests are of, now {version}.",
        )


def _check_digests(mirror: HelperMirror) -> Iterator[Problem]:
    for arch, digest in mirror.digests.items():
        if arch not in tuple(Arch):
            fix = "Use amd64 and arm64."
            yield _problem(f"digests.{arch}", f"{arch!r} is no architecture here", "nothing would read it", fix)
        elif not is_digest(digest):
            fix = "Write sha256: and 64 hex digits, as `archmerge inspect` shows them."
            yield _problem(f"digests.{arch}", f"{digest!r} is no digest", _NO_SOURCE, fix)
