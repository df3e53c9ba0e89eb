"""Checks of `runner.buildkit`: that it is a runner of its own, and that its jobs can be confined as promised."""

import re
from collections.abc import Iterator

from components.problems import Problem
from components.runner.chart import chart_version, runner_version
from components.runner.classes import buildkit_release_name
from components.runner.forms import LONGEST_RELEASE
from components.runner.settings import BuildKit, RunnerConfig
from components.runner.tokens import check_token_source
from components.versions import FIRST_CONTAINER_PROFILES

_PATH = "runner.buildkit"
_TOKEN = f"{_PATH}.token"
_EXACT = re.compile(r"v?([0-9]+)\.([0-9]+)\.([0-9]+)")


def check_buildkit(runner: RunnerConfig) -> list[Problem]:
    """Return what is wrong with `runner.buildkit`; its names are checked with the runner's own (checks.py)."""
    own = runner.buildkit
    if own is None:
        return []
    return [
        *check_token_source(own.token, _TOKEN, "buildkitToken"),
        *_check_apart(runner, own),
        *_check_registration(runner, own),
        *_check_release(runner),
        *_check_runner(runner),
    ]


def _check_apart(runner: RunnerConfig, own: BuildKit) -> Iterator[Problem]:
    """Find what the two runners share, and must not."""
    harm = {
        runner.job_namespace: (
            "the other jobs' namespace",
            "one namespace has one Pod Security level",
        ),
        runner.namespace: ("the managers' namespace", "jobs could reach both runners' tokens"),
    }
    if own.job_namespace in harm:
        whose, consequence = harm[own.job_namespace]
        yield Problem(
            path=f"{_PATH}.jobNamespace",
            found=f"{own.job_namespace!r} is also {whose}",
            consequence=consequence,
            fix="Use a namespace of its own, for example gitlab-runner-buildkit-jobs.",
        )
    first, second = (token and token.existing_secret for token in (runner.token, own.token))
    if first is not None and first == second:
        yield Problem(
            path=f"{_TOKEN}.existingSecret",
            found=f"{second!r} is also the first runner's",
            consequence="GitLab would see one runner, so any job could run in the looser sandbox",
            fix="Create a second runner in GitLab, tag multi-arch-buildkit, and a Secret with its token.",
        )


def _check_registration(runner: RunnerConfig, own: BuildKit) -> Iterator[Problem]:
    """Find jobs that would come to the looser sandbox without asking for it."""
    create = own.token.create if own.token else None
    if create is None:
        return
    first = runner.token.create if runner.token else None
    # Without a registration here, the first runner has the tag that the documentation and the templates name.
    shared = sorted(set(create.tags) & set(first.tags if first else ["multi-arch"]))
    if shared:
        yield Problem(
            path=f"{_TOKEN}.create.tags",
            found=f"{shared[0]!r} is also a tag of the first runner",
            consequence="any job with that tag could run in the looser sandbox",
            fix="Set tags of its own, for example tags: [multi-arch-buildkit].",
        )
    if create.run_untagged:
        fix = "Remove it; builds that need BuildKit name the tag; others must not run in the looser sandbox."
        yield Problem(path=f"{_TOKEN}.create.runUntagged", found="true", fix=fix)


def _check_release(runner: RunnerConfig) -> Iterator[Problem]:
    name = buildkit_release_name(runner)
    if len(name) > LONGEST_RELEASE:
        own = len(runner.release_name)
        found = f"{own} characters, and {len(name)} for the BuildKit runner's release"
        fix = f"Shorten it to {LONGEST_RELEASE - len(name) + own} characters: Helm takes {LONGEST_RELEASE} at most."
        yield Problem(path="runner.releaseName", found=found, fix=fix)


def _check_runner(runner: RunnerConfig) -> Iterator[Problem]:
    """Want a runner that knows the containers' own profiles: an older one drops them without a word."""
    version = runner_version(runner.chart)
    parts = _EXACT.fullmatch(version or "")
    needed = ".".join(str(part) for part in FIRST_CONTAINER_PROFILES)
    named = f"chart {chart_version(runner.chart) or runner.chart.path}"
    if parts is None:
        found = f"set, and the runner's version in {named} is not known"
        consequence = f"could not tell whether it knows the containers' own profiles ({needed} or later)"
        fix = "Set chart.runnerVersion (the chart's appVersion)."
        yield Problem(path=_PATH, found=found, consequence=consequence, fix=fix)
    elif tuple(int(part) for part in parts.groups()) < FIRST_CONTAINER_PROFILES:
        fix = f"Use a newer chart: its builds need the containers' own profiles, known from {needed} on."
        yield Problem(path=_PATH, found=f"set, but {named} holds runner {version}", fix=fix)
