"""The component's arguments: the stack file's `runner`, and what is needed of the pools. Plain data."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi
from pydantic import TypeAdapter

from components.clouds.contract import ResolvedPool
from components.clouds.machines import Arch
from components.clouds.sections import PoolBase, Taint, TaintEffect
from components.config import StackConfig
from components.problems import ConfigError, Problem
from components.runner.placement import RunnerPool
from components.runner.settings import RunnerConfig, runner_of
from components.runner.spec import check_settings
from components.stack_checks import check_extras


class RunnerPoolArgs(TypedDict):
    """What the runner needs to know of a node pool."""

    name: str
    """The pool's name."""

    arch: str
    """`amd64` or `arm64`."""

    spot: bool
    """Whether the cloud may take its nodes away."""

    labels: Mapping[str, str]
    """Labels that its nodes carry."""

    taints: list[str]
    """Taints that its nodes carry, those that the cloud adds included: `key=value:Effect`."""


class MultiArchRunnerArgs(TypedDict):
    """The runner's configuration and what it stands on."""

    runner: Mapping[str, Any]
    """The runner's configuration, as in the stack file's `runner` (docs/config.md)."""

    pools: list[RunnerPoolArgs]
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
        runner=TypeAdapter(RunnerConfig).dump_python(config.runner, mode="json", by_alias=True),
        pools=[_pool_args(pool) for pool in config.pools],
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


def _pool_args(pool: ResolvedPool[PoolBase]) -> RunnerPoolArgs:
    return RunnerPoolArgs(
        name=pool.name,
        arch=pool.arch.value,
        spot=pool.spot,
        labels=dict(pool.labels),
        taints=[str(taint) for taint in pool.node_taints],
    )


def parsed(args: MultiArchRunnerArgs) -> tuple[RunnerConfig, list[RunnerPool]]:
    """Read and check the plain part of the arguments. Raises ConfigError before anything is declared."""
    runner = runner_of(args["runner"])
    pools = pools_of(args["pools"])
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


def pools_of(pools: Sequence[RunnerPoolArgs]) -> list[RunnerPool]:
    """Read the pools. Raises ConfigError."""
    return [_pool(f"pools[{index}]", pool) for index, pool in enumerate(pools)]


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


def _pool(path: str, pool: RunnerPoolArgs) -> RunnerPool:
    if pool["arch"] not in tuple(Arch):
        raise ConfigError(
            [
                Problem(
                    path=f"{path}.arch",
                    found=f"{pool['arch']!r} is not one of {', '.join(Arch)}",
                    consequence="no job could select it",
                    fix="Use amd64 or arm64.",
                )
            ]
        )
    return RunnerPool(
        name=pool["name"],
        arch=Arch(pool["arch"]),
        spot=pool["spot"],
        labels=pool["labels"],
        taints=tuple(_taint(f"{path}.taints[{index}]", text) for index, text in enumerate(pool["taints"])),
    )


def _taint(path: str, text: str) -> Taint:
    label, _, effect = text.rpartition(":")
    key, _, value = label.partition("=")
    if not key or effect not in tuple(TaintEffect):
        raise ConfigError(
            [
                Problem(
                    path=path,
                    found=f"{text!r} is no taint",
                    consequence="the runner could not tolerate it",
                    fix="Write key=value:NoSchedule.",
                )
            ]
        )
    return Taint(key=key, value=value, effect=TaintEffect(effect))
