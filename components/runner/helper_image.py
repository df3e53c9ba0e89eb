"""Which helper image the jobs get, and whether it can be right for every architecture.

Left alone, GitLab Runner (since 16.0) picks the helper of the architecture that the job selects by
`kubernetes.io/arch`. Any `helper_image` replaces that choice, so that an image of one architecture breaks the jobs of
the other.
"""

import re

from components.problems import Problem
from components.runner.chart import chart_version, runner_version
from components.runner.helper_mirror import check_mirror
from components.runner.settings import RunnerConfig
from components.versions import FIRST_MULTI_ARCH_HELPER, HELPER_REPOSITORY, HELPER_TAG, RUNNER_OF_CHART

AUTO = "auto"
UPSTREAM = "upstream"
MIRROR = "mirror"

_ARCHITECTURE = re.compile(
    r"(?:^|[-_./:])(x86_64|x86-64|amd64|arm64|arm64v8|aarch64|armv[5-8]|arm|i386|386|s390x|ppc64le|riscv64)(?=$|[-_./:@])"
)
_VERSION = re.compile(r"(?<![0-9.])v?([0-9]+\.[0-9]+\.[0-9]+)(?![0-9.])")
# The runner expands both in helper_image, each to what it is itself.
_OWN_VERSION = re.compile(r"\$\{?CI_RUNNER_(VERSION|REVISION)\b\}?")
_EXACT = re.compile(r"v?([0-9]+)\.([0-9]+)\.([0-9]+)")


def helper_image(runner: RunnerConfig, mirrored: str | None = None) -> str | None:
    """Return the `helper_image` of config.toml; None leaves the choice to the runner.

    `mirrored` is what was published for `mirror`, by digest; None while that is not known.
    """
    match runner.helper_image:
        case "auto":
            return None
        case "upstream":
            return f"{HELPER_REPOSITORY}:{HELPER_TAG}"
        case "mirror":
            return mirrored
        case own:
            return own


def named_architecture(image: str) -> str | None:
    """Return the architecture that an image reference names in its path or tag, or None."""
    first, slash, rest = image.partition("/")
    path = rest if slash and ("." in first or ":" in first or first == "localhost") else image
    found = _ARCHITECTURE.search(path)
    return found[1] if found else None


def check_helper_image(runner: RunnerConfig) -> list[Problem]:
    """Return what is wrong with `helperImage`."""
    problem = {AUTO: _nothing, MIRROR: _nothing, UPSTREAM: _check_upstream}.get(runner.helper_image, _check_own)(runner)
    version = runner_version(runner.chart)
    return [*([problem] if problem else []), *check_mirror(runner.helper_mirror, runner.helper_image, version)]


def _nothing(_: RunnerConfig) -> None:
    """Find nothing wrong with it."""


def _check_upstream(runner: RunnerConfig) -> Problem | None:
    version = runner_version(runner.chart)
    named = f"chart {chart_version(runner.chart) or runner.chart.path}"
    if version is None or _EXACT.fullmatch(version) is None:
        return _problem(
            f"'upstream', and the runner's version in {named} is not known",
            "Set chart.runnerVersion (the chart's appVersion), or use helperImage: auto.",
            "could not tell whether GitLab publishes a multi-arch helper for it",
        )
    if _at_least_first(version):
        return None
    enough = next(chart for chart, runner in RUNNER_OF_CHART.items() if _at_least_first(runner))
    return _problem(
        f"'upstream', but {named} holds runner {version}",
        f"Use helperImage: auto (right for jobs that select an architecture), or chart.version: {enough} or later.",
        "GitLab publishes multi-arch helper images from 19.2.0 on, so no job could pull its helper",
    )


def _problem(found: str, fix: str, consequence: str) -> Problem:
    return Problem(path="runner.helperImage", found=found, consequence=consequence, fix=fix)


def _at_least_first(version: str) -> bool:
    parts = _EXACT.fullmatch(version)
    return parts is not None and tuple(int(part) for part in parts.groups()) >= FIRST_MULTI_ARCH_HELPER


def _check_own(runner: RunnerConfig) -> Problem | None:
    image = runner.helper_image
    if arch := named_architecture(image):
        return _problem(
            f"{image!r} is an image for {arch}",
            "Use helperImage: auto, or a multi-arch image whose tag names no architecture.",
            "it replaces the runner's own choice for every job: those of the other architecture fail with "
            "'exec format error'",
        )
    wanted, consequence = runner_version(runner.chart), "helper and runner of two versions fail in the middle of jobs"
    tagged = _VERSION.search(image.partition("@")[0].rpartition("/")[2])
    if _OWN_VERSION.search(image) or (tagged and tagged[1] == wanted):
        return None
    if wanted is None:
        return _problem(
            f"{image!r}, and the runner's version in the chart is not known",
            "Put ${CI_RUNNER_VERSION} into the tag, or state chart.runnerVersion.",
            "could not tell whether helper and runner have the same version, as they must",
        )
    says = f"is version {tagged[1]}, the runner is {wanted}" if tagged else "does not say its version"
    fix = f"Use a tag with {wanted}, or ${{CI_RUNNER_VERSION}} in it, which follows the chart."
    return _problem(f"{image!r} {says}", fix, consequence)
