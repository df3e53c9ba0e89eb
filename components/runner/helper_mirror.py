"""A helper image of one's own, for `helperImage: mirror`: where it is published, and what it is made from. Pure.

The runner wants a helper of exactly its own version (gitlab-runner docs, advanced-configuration), so that the tags
follow from the runner's version and are never written down.
"""

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Annotated

from pydantic import AfterValidator
from pydantic.dataclasses import dataclass

from archmerge import ArchmergeError, parse_reference
from archmerge.reference import is_digest
from components.clouds.machines import Arch
from components.forms import Form, quoted, wrong
from components.keys import CONFIG
from components.problems import Problem
from components.versions import HELPER_FLAVOR, HELPER_REPOSITORY

PATH = "runner.helperMirror"
# How GitLab names architectures in the helper's tags: `[flavor-]{x86_64|arm64}-v{version}` (linux_info.go).
_TAG_ARCH: Mapping[Arch, str] = {Arch.AMD64: "x86_64", Arch.ARM64: "arm64"}


def _repository(text: str) -> str:
    """Check that a text names a registry and a repository in it: the tag follows from the runner's version."""
    try:
        reference = parse_reference(text)
    except ArchmergeError as error:
        raise wrong(error.message, error.fix or "Write host/repository.") from None
    if reference.tag or reference.digest:
        raise wrong(f"{quoted(text)} has a tag or digest", f"Write {reference.name}.")
    if not text.startswith(f"{reference.host}/"):
        raise wrong(f"{quoted(text)} names no registry", f"Write {reference.name}, if Docker Hub is meant.")
    return text


def _digest(text: str) -> str:
    if is_digest(text):
        return text
    fix = "Write sha256: and 64 hex digits, as `archmerge inspect` shows them."
    raise wrong(f"{quoted(text)} is not a digest", fix)


Repository = Annotated[str, AfterValidator(_repository)]
Flavor = Annotated[str, Form(r"([a-z0-9][a-z0-9.-]{0,40})?", "flavor", "for example alpine-latest or ubuntu")]
Digest = Annotated[str, AfterValidator(_digest)]


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class HelperMirror:
    """The helper image of both architectures in a registry of your own, for `helperImage: mirror`.

    `pulumi up` merges it from GitLab's image of each architecture, at the version of the runner in the chart, and the
    runner gets it by digest. A refresh reports a moved tag, and the next update restores it (docs/helper-image.md).
    """

    repository: Repository
    """Where it is published: `host/repository`, without a tag; the tag is made of flavor and version. The cluster's
    nodes pull from here."""

    source: Repository = HELPER_REPOSITORY
    """Repository that holds the images of the single architectures, without a tag."""

    flavor: Flavor = HELPER_FLAVOR
    """Flavor of the helper image, which begins its tags: `alpine-latest`, `ubuntu` ... Empty: the tags without one."""

    version: str | None = None
    """Version of the helper image. It must be the runner's version, which is the default. Set it together with
    `digests`: a newer chart is then refused until you update both."""

    digests: dict[Arch, Digest] = field(default_factory=dict)
    """Digest by architecture (`amd64`, `arm64`), to pin the sources beyond their tags."""

    username: str | None = None
    """User name for the registry of `repository`. The password is the stack's secret `mirrorPassword`
    (`pulumi config set --secret multiarch-runner:mirrorPassword`). Without both, and for `source` always, the docker
    config of whoever runs `pulumi up` is used."""

    plain_http: bool = False
    """Use plain HTTP for the registry of `repository`. For test setups only."""

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
        found = f"set, but helperImage is {mode!r}"
        return [] if mirror is None else [Problem(path=PATH, found=found, fix="Use helperImage: mirror.")]
    if mirror is None:
        fix = "Add `helperMirror: {repository: registry.example.com/ci/gitlab-runner-helper}`."
        return [Problem(path=PATH, found="not set, but helperImage is 'mirror'", fix=fix)]
    if version is None:
        found = "'mirror', and the runner's version in the chart is not known"
        consequence = "could not tell which version to mirror; helper and runner must have the same"
        fix = "Set chart.runnerVersion (the chart's appVersion)."
        return [Problem(path="runner.helperImage", found=found, consequence=consequence, fix=fix)]
    return list(_check_version(mirror, version))


def _check_version(mirror: HelperMirror, version: str) -> Iterator[Problem]:
    if mirror.version is not None and mirror.version.removeprefix("v") != version:
        renew = ", and renew digests" if mirror.digests else ""
        yield Problem(
            path=f"{PATH}.version",
            found=f"{mirror.version!r}, but the runner is {version}",
            consequence="helper and runner of two versions fail in the middle of jobs",
            fix=f"Set it to {version}{renew}, or use the chart of runner {mirror.version.removeprefix('v')}.",
        )
    if mirror.digests and mirror.version is None:
        yield Problem(
            path=f"{PATH}.version",
            found="not set, with digests",
            consequence="with a newer chart, the old helper would be published as the new one",
            fix=f"Set the version that the digests are of, now {version}.",
        )
