"""The runner component's arguments: the stack file's `runner`, what is needed of the pools, and the secrets."""

from collections.abc import Sequence
from typing import NotRequired, TypedDict

import pulumi

from components.config import StackConfig
from components.problems import ConfigError, Problem
from components.reading import kind, section_of, shown
from components.runner.checks import check_settings
from components.runner.guards import RUNNER_KIN
from components.runner.placement import RunnerPool, runner_pool
from components.runner.settings import RunnerConfig
from components.stack_checks import check_extras


class MultiArchRunnerArgs(TypedDict):
    """The runner's configuration and what it stands on."""

    runner: RunnerConfig
    """The runner's configuration, as in the stack file's `runner` (docs/config.md)."""

    pools: list[RunnerPool]
    """The node pools that the jobs and the manager run on."""

    cluster_type: str
    """`gke`, `eks`, `aks` or `existing`."""

    token: NotRequired[pulumi.Input[str]]
    """The runner's authentication token, a secret; needed unless `runner.token` says where it comes from."""

    buildkit_token: NotRequired[pulumi.Input[str]]
    """The second runner's token, a secret; needed with `runner.buildkit`, unless its `token` says where it is from."""

    gitlab_token: NotRequired[pulumi.Input[str]]
    """The GitLab token that creates the runner, a secret, for `runner.token.create`. Left out: `GITLAB_TOKEN`."""

    mirror_password: NotRequired[pulumi.Input[str]]
    """Password for the registry of `runner.helperMirror`, a secret, for its `username`."""

    nodes: NotRequired[list[pulumi.Input[list[str]]]]
    """Names of the node pools as outputs: the release waits until they are there."""


def runner_args(config: StackConfig, nodes: Sequence[pulumi.Input[list[str]]] = ()) -> MultiArchRunnerArgs:
    """Return the component's arguments for a stack's configuration.

    `nodes` are the names that the pools' components give out; the release waits for them.
    """
    args = MultiArchRunnerArgs(
        runner=config.runner,
        pools=[runner_pool(pool) for pool in config.pools],
        cluster_type=config.cluster.type,
        nodes=list(nodes),
    )
    if config.runner_token is not None:
        args["token"] = pulumi.Output.secret(config.runner_token)
    if config.buildkit_token is not None:
        args["buildkit_token"] = pulumi.Output.secret(config.buildkit_token)
    if config.gitlab_token is not None:
        args["gitlab_token"] = pulumi.Output.secret(config.gitlab_token)
    if config.mirror_password is not None:
        args["mirror_password"] = pulumi.Output.secret(config.mirror_password)
    return args


def checked(args: MultiArchRunnerArgs) -> tuple[RunnerConfig, list[RunnerPool]]:
    """Read and check the plain part of the arguments. Raises ConfigError before anything is declared."""
    runner = section_of(RunnerConfig, args["runner"], "runner", kin=RUNNER_KIN)
    given: object = args["pools"]
    if not isinstance(given, list | tuple):
        found = f"{shown(given)} is {kind(given)}" if given is not None else "empty"
        raise ConfigError([Problem(path="pools", found=found, fix="Write a list of pools.")])
    pools = [section_of(RunnerPool, pool, f"pools[{index}]") for index, pool in enumerate(given)]
    problems = check_settings(runner, pools, args["cluster_type"])
    if runner.token is None and "token" not in args:
        problems.append(_no_token("token", "runner.token"))
    if runner.buildkit is not None and runner.buildkit.token is None and "buildkit_token" not in args:
        problems.append(_no_token("buildkit_token", "runner.buildkit.token"))
    if runner.helper_mirror is not None and runner.helper_mirror.username and "mirror_password" not in args:
        problems.append(_no_password())
    problems += check_extras(runner)
    if problems:
        raise ConfigError(problems)
    return runner, pools


def _no_password() -> Problem:
    return Problem(
        path="mirror_password",
        found="not set, with runner.helperMirror.username",
        consequence="the registry would refuse the login",
        fix="Give the password as a secret, or leave username out to use the environment's docker config.",
    )


def _no_token(argument: str, source: str) -> Problem:
    return Problem(
        path=argument,
        found=f"not set, and {source} names no other source",
        consequence="the runner could not log in to GitLab",
        fix=f"Give the glrt- token as a secret, or name a Secret in {source}.existingSecret.",
    )
