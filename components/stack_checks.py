"""Checks of a stack file that concern no single part of it: the runner's token, secrets, the providers' settings."""

import importlib.util
from collections.abc import Collection, Mapping
from typing import Final

from components.cluster_spec import AksCluster, Cluster, EksCluster
from components.problems import Problem
from components.reading import did_you_mean
from components.runner.spec import RunnerConfig
from components.runner.tokens import check_token
from components.stack_file import NAMESPACE

_SET_TOKEN: Final = f"pulumi config set --secret {NAMESPACE}:runnerToken"
_PATH: Final = "runnerToken"
GITLAB_TOKEN: Final = "gitlab:token"  # noqa: S105 - the name of a setting


def check_namespaces(values: Mapping[str, str]) -> list[Problem]:
    """Find namespaces that are a misspelling of ours; those of providers pass."""
    strangers = sorted({key.partition(":")[0] for key in values} - {NAMESPACE})
    return [
        Problem(
            path=f"{stranger}:",
            found=f"keys of the namespace '{stranger}'",
            consequence="nothing reads that namespace",
            fix=f"Did you mean {NAMESPACE}:?",
        )
        for stranger in strangers
        if did_you_mean(stranger, [NAMESPACE])
    ]


def check_secret_parts(keys: Collection[str]) -> list[Problem]:
    """Refuse secrets anywhere but in runnerToken: the rest is shown in plans, and ends in Helm values."""
    return [
        Problem(
            path=key,
            found="holds a secret",
            consequence="no key of it takes one: it would be shown in plans and be readable in the Helm release",
            fix=f"Set it without --secret; the runner's token goes into {NAMESPACE}:{_PATH}.",
        )
        for key in sorted(keys)
    ]


def check_provider_settings(cluster: Cluster, values: Mapping[str, str], secret_keys: Collection[str]) -> list[Problem]:
    """Find cloud provider settings (`aws:region` ...) under which another place would be changed than the cluster's.

    A secret setting is not compared: a rehearsal has a placeholder for it, and a message would show it.
    """
    match cluster:
        case EksCluster(region=wanted):
            key, ours = "aws:region", "cluster.region"
            missing = []  # every AWS resource here states its region itself
        case AksCluster(subscription_id=str(wanted)):
            key, ours = "azure-native:subscriptionId", "cluster.subscriptionId"
            missing = [_unset(key, wanted)]
        case _:
            return []
    if key not in values:
        return missing
    if key in secret_keys or values[key].lower() == wanted.lower():
        return []
    return [_elsewhere(key, values[key], ours, wanted)]


def _elsewhere(key: str, there: str, ours: str, wanted: str) -> Problem:
    return Problem(
        path=key,
        found=f"'{there}', but {ours} is '{wanted}'",
        consequence="the provider would look for the cluster in the wrong place, and create there what it can",
        fix=f"pulumi config set {key} {wanted}",
    )


def _unset(key: str, wanted: str) -> Problem:
    return Problem(
        path=key,
        found="not set, while cluster.subscriptionId is",
        consequence="the Azure provider would work in whichever subscription the shell has chosen",
        fix=f"pulumi config set {key} {wanted}",
    )


def check_runner_token(token: str | None, *, secret: bool, runner: RunnerConfig | None) -> list[Problem]:
    """Check the runner's token: that there is exactly one source of it, that it is a secret, and its shape.

    `runner` is None if it could not be read: then nobody knows whether a token is needed. Never shows the token.
    """
    if token is None:
        return [_no_token()] if runner and runner.token is None else []
    problems = []
    if runner and runner.token is not None:
        problems.append(_two_sources(runner))
    if not secret:
        problems.append(_in_plain_text())
    return problems + check_token(token, _PATH)


def creates_runner(runner: RunnerConfig | None) -> bool:
    """Tell whether the stack itself creates the runner in GitLab."""
    return runner is not None and runner.token is not None and runner.token.create is not None


def check_extras(runner: RunnerConfig) -> list[Problem]:
    """Check that the optional packages are installed that the runner needs. Looks at this Python's packages."""
    if not creates_runner(runner) or importlib.util.find_spec("pulumi_gitlab") is not None:
        return []
    return [
        Problem(
            path="runner.token.create",
            found="pulumi-gitlab is not installed",
            consequence="the stack could not create the runner",
            fix="Run `.venv/bin/pip install -e '.[gitlab]'` in the project's folder.",
        )
    ]


def check_gitlab_token(
    values: Mapping[str, str], secret_keys: Collection[str], runner: RunnerConfig | None
) -> list[Problem]:
    """Check the token that the stack creates a runner with: that it is no plain text. Never shows it."""
    if not creates_runner(runner) or GITLAB_TOKEN not in values or GITLAB_TOKEN in secret_keys:
        return []
    return [
        Problem(
            path=GITLAB_TOKEN,
            found="given in plain text",
            consequence="whoever reads the stack file or its git history could act on GitLab in your name",
            fix=f"Revoke it in GitLab if the file was ever shared, then: pulumi config set --secret {GITLAB_TOKEN}",
        )
    ]


def _no_token() -> Problem:
    return Problem(
        path=_PATH,
        found="not set, and runner.token names no other source",
        consequence="the runner could not log in to GitLab",
        fix=f"{_SET_TOKEN} (asks for it), or name a Secret in runner.token.existingSecret.",
    )


def _two_sources(runner: RunnerConfig) -> Problem:
    other = "create" if runner.token and runner.token.create else "existingSecret"
    return Problem(
        path=_PATH,
        found=f"set, and so is runner.token.{other}",
        consequence="a runner has one token, and nobody could tell which of the two it uses",
        fix=f"Keep one: remove runner.token, or run `pulumi config rm {NAMESPACE}:{_PATH}`.",
    )


def _in_plain_text() -> Problem:
    return Problem(
        path=_PATH,
        found="given in plain text",
        consequence="whoever reads the stack file or its git history could take over the runner and its jobs' secrets",
        fix=f"Reset the token in GitLab if the file was ever shared, then: {_SET_TOKEN}",
    )
