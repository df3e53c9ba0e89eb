"""Checks of `runner.buildkit`: that it is a runner of its own, and that its jobs can be confined as promised."""

import re

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
    """Return what is wrong with `runner.buildkit`; its names are checked with the runner's own (spec.py)."""
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


def _check_apart(runner: RunnerConfig, own: BuildKit) -> list[Problem]:
    """Find what the two runners share, and must not."""
    problems = []
    if own.job_namespace == runner.job_namespace:
        problems.append(
            Problem(
                path=f"{_PATH}.jobNamespace",
                found=f"{own.job_namespace!r} is also the other jobs' namespace",
                consequence="one namespace has one Pod Security level: every job could run without seccomp and "
                "AppArmor profiles, or no BuildKit job at all",
                fix="Use a namespace of its own, for example gitlab-runner-buildkit-jobs.",
            )
        )
    if own.job_namespace == runner.namespace:
        problems.append(
            Problem(
                path=f"{_PATH}.jobNamespace",
                found=f"{own.job_namespace!r} is also the managers' namespace",
                consequence="jobs could reach both runners' tokens, and the restricted profile refuses every build",
                fix="Use a namespace of its own, for example gitlab-runner-buildkit-jobs.",
            )
        )
    if runner.token and own.token and runner.token.existing_secret and _same_secret(runner, own):
        problems.append(
            Problem(
                path=f"{_TOKEN}.existingSecret",
                found=f"{own.token.existing_secret!r} is also the first runner's",
                consequence="both would be one runner to GitLab, so that any job could land in the looser sandbox",
                fix="Create a second runner in GitLab, tag multi-arch-buildkit, and a Secret with its token.",
            )
        )
    return problems


def _same_secret(runner: RunnerConfig, own: BuildKit) -> bool:
    first, second = runner.token, own.token
    return first is not None and second is not None and first.existing_secret == second.existing_secret


def _check_registration(runner: RunnerConfig, own: BuildKit) -> list[Problem]:
    """Find jobs that would come to the looser sandbox without asking for it."""
    create = own.token.create if own.token else None
    if create is None:
        return []
    problems = []
    first = runner.token.create if runner.token else None
    # Without a registration here, the first runner has the tag that the documentation and the templates name.
    shared = sorted(set(create.tags) & set(first.tags if first else ["multi-arch"]))
    if shared:
        problems.append(
            Problem(
                path=f"{_TOKEN}.create.tags",
                found=f"{shared[0]!r} is also a tag of the first runner",
                consequence="chance would decide which jobs run in the looser sandbox",
                fix="State tags of its own, for example tags: [multi-arch-buildkit].",
            )
        )
    if create.run_untagged:
        problems.append(
            Problem(
                path=f"{_TOKEN}.create.runUntagged",
                found="true",
                consequence="jobs that never asked for it would run in the looser sandbox",
                fix="Drop it; let builds that need BuildKit name the tag.",
            )
        )
    return problems


def _check_release(runner: RunnerConfig) -> list[Problem]:
    name = buildkit_release_name(runner)
    if len(name) <= LONGEST_RELEASE:
        return []
    return [
        Problem(
            path="runner.releaseName",
            found=f"{len(runner.release_name)} characters, and {len(name)} for the BuildKit runner's release",
            consequence="Helm refuses release names that are longer than 53",
            fix=f"Shorten it to {LONGEST_RELEASE - len(name) + len(runner.release_name)} characters.",
        )
    ]


def _check_runner(runner: RunnerConfig) -> list[Problem]:
    """Want a runner that knows the containers' own profiles: an older one drops them without a word."""
    version = runner_version(runner.chart)
    parts = _EXACT.fullmatch(version or "")
    needed = ".".join(str(part) for part in FIRST_CONTAINER_PROFILES)
    if parts and tuple(int(part) for part in parts.groups()) >= FIRST_CONTAINER_PROFILES:
        return []
    named = f"chart {chart_version(runner.chart) or runner.chart.path}"
    if parts:
        return [
            Problem(
                path=_PATH,
                found=f"set, but {named} holds runner {version}",
                consequence=f"seccomp and AppArmor profiles of single containers are known from {needed} on, so that "
                "no build could make its user namespace",
                fix="Use a newer chart, or drop buildkit.",
            )
        ]
    return [
        Problem(
            path=_PATH,
            found=f"set, and the runner's version in {named} is not known",
            consequence=f"could not tell whether it knows the containers' own profiles ({needed} or later)",
            fix="State chart.runnerVersion (the chart's appVersion).",
        )
    ]
