"""A stack's configuration: read strictly, checked whole, and given out as frozen dataclasses.

Nothing else in the program reads `pulumi.Config`. No resource is declared before `load_config` has returned.
"""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, TypeVar

from components.clouds import CLOUDS, Cluster, check_pools, cloud_of, placed, resolve
from components.clouds.contract import DAY_MINUTES, ResolvedPool
from components.clouds.sections import PoolBase
from components.keys import keys
from components.problems import ConfigError, Problem
from components.reading import Kin, did_you_mean, kind, parse, shown, unknown
from components.runner.checks import check_runner
from components.runner.guards import RUNNER_KIN
from components.runner.settings import RunnerConfig
from components.stack_checks import (
    GITLAB_TOKEN,
    check_extras,
    check_gitlab_token,
    check_namespaces,
    check_plain_tokens,
    check_provider_settings,
    check_secret_parts,
    check_secrets,
    creates_runner,
)
from components.stack_keys import BUILDKIT_TOKEN, KEYS, MIRROR_PASSWORD, NAMESPACE, RUNNER_TOKEN

T = TypeVar("T")


_PREFIX: Final = f"{NAMESPACE}:"
_NO_POOLS: Final = Problem(
    path="pools",
    found="an empty list",
    fix="Add a pool of each architecture, for example {name: amd64, arch: amd64} and {name: arm64, arch: arm64}.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StackConfig:
    """All that a stack file says, checked.

    `mirror_password` is a secret for the registry of `runner.helper_mirror` only.
    `runner_token` and `buildkit_token` are secrets: they are for Kubernetes Secrets only. So is `gitlab_token`
    (`gitlab:token`), with which the stack creates runners in GitLab; it is None where the stack creates none, or
    `GITLAB_TOKEN` is meant.
    """

    cluster: Cluster
    pools: tuple[ResolvedPool[PoolBase], ...]
    runner: RunnerConfig
    runner_token: str | None = field(default=None, repr=False)
    buildkit_token: str | None = field(default=None, repr=False)
    gitlab_token: str | None = field(default=None, repr=False)
    mirror_password: str | None = field(default=None, repr=False)


def load_config(values: Mapping[str, str], secret_keys: Collection[str]) -> StackConfig:
    """Turn Pulumi's config values (full keys, JSON for what is no text) into a StackConfig.

    Values of other namespaces, such as `aws:region`, are the providers' own; they are only compared.
    Raises ConfigError with every problem found, in a fixed order: keys, cluster, pools, runner, token.
    """
    ours, secrets = _own(values), {key.removeprefix(_PREFIX) for key in secret_keys if key.startswith(_PREFIX)}
    found = _Found()
    found.problems += [unknown("", key, KEYS, "this program's configuration") for key in ours if key not in KEYS]
    found.problems += check_namespaces(values)
    found.problems += check_secret_parts(secrets & set(ours))

    cluster = found.attempt(lambda: _cluster(ours))
    if cluster:
        found.problems += check_provider_settings(cloud_of(cluster).settings(cluster), values, secret_keys)
    pools = _pools(ours, found)
    if cluster:
        pools = tuple(placed(cluster, pool) if pool else None for pool in pools)
        found.problems += _checked(cluster, pools)
    runner = found.attempt(lambda: _runner(ours))
    if cluster and runner:
        found.problems += check_runner(runner, pools, cluster)
        found.problems += _checked_drain(pools, cloud_of(cluster).drain_key, runner.job_timeout)
    found.problems += check_secrets(ours, secrets, runner)
    found.problems += check_gitlab_token(values, secret_keys, runner)
    for key in sorted(set(ours) - {RUNNER_TOKEN, BUILDKIT_TOKEN}):
        found.problems += check_plain_tokens(key, _json(ours[key]))
    if found.problems or cluster is None or runner is None:
        raise ConfigError(tuple(dict.fromkeys(found.problems)))
    gitlab_token = values.get(GITLAB_TOKEN) if creates_runner(runner) else None
    return StackConfig(
        cluster=cluster,
        pools=tuple(resolve(pool, runner.job_timeout) for pool in pools if pool),
        runner=runner,
        runner_token=ours.get(RUNNER_TOKEN),
        buildkit_token=ours.get(BUILDKIT_TOKEN),
        gitlab_token=gitlab_token,
        mirror_password=ours.get(MIRROR_PASSWORD),
    )


def read_stack_config() -> StackConfig:
    """Read the running program's configuration from Pulumi: the one place that does. Raises ConfigError."""
    from pulumi.runtime import get_config_env, is_config_secret  # noqa: PLC0415 - load_config stays free of pulumi
    from pulumi.runtime.config import CONFIG  # noqa: PLC0415 - likewise

    # pulumi.Config can only be asked for a known key; an unknown one has to be found to be refused.
    values = {**get_config_env(), **CONFIG.get()}
    config = load_config(values, {key for key in values if is_config_secret(key)})
    # Here, not where the package is needed: the pools would have been declared by then.
    if problems := check_extras(config.runner):
        raise ConfigError(problems)
    return config


@dataclass(slots=True)
class _Found:
    """The problems so far: reading goes on after each, so that all are told at once."""

    problems: list[Problem] = field(default_factory=list)

    def attempt(self, read: Callable[[], T]) -> T | None:
        try:
            return read()
        except ConfigError as error:
            self.problems += error.problems
            return None


def _own(values: Mapping[str, str]) -> dict[str, str]:
    return {key.removeprefix(_PREFIX): value for key, value in values.items() if key.startswith(_PREFIX)}


def _json(text: str) -> object:
    """Read what Pulumi gives for a key; what is no JSON was plain text in the stack file."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _required(ours: Mapping[str, str], key: str, what: str, example: str) -> object:
    if key in ours:
        return _json(ours[key])
    fix = f"Add `{_PREFIX}{key}:`, for example {example}: it says {what}."
    raise ConfigError([Problem(path=key, found="required, but not set", fix=fix)])


def _cluster(ours: Mapping[str, str]) -> Cluster:
    data = _required(ours, "cluster", "which cluster the pools join", "{type: gke, name: ..., ...}")
    if not isinstance(data, dict):
        raise ConfigError([_not_a("mapping", "cluster", data)])
    chosen = data.get("type")
    if not isinstance(chosen, str) or chosen not in CLOUDS:
        raise ConfigError([_no_cluster_type(chosen)])
    others = {f"{name} clusters": cloud.cluster for name, cloud in CLOUDS.items() if name != chosen}
    kin = Kin(own=f"{chosen} clusters", because=f"the cluster is {chosen}", others=others)
    section: type[Cluster] = CLOUDS[chosen].cluster
    return parse(section, data, "cluster", kin=kin)


def _no_cluster_type(chosen: object) -> Problem:
    meant = did_you_mean(chosen, tuple(CLOUDS)) if isinstance(chosen, str) else None
    return Problem(
        path="cluster.type",
        found="required, but not set" if chosen is None else f"unknown cluster type {shown(chosen)}",
        consequence="the other keys of cluster and pools were not checked",
        fix=f"Did you mean {meant}?" if meant else f"Use one of {', '.join(CLOUDS)}.",
    )


def _not_a(wanted: str, path: str, data: object) -> Problem:
    found = f"{shown(data)} is {kind(data)}" if data is not None else "empty"
    return Problem(path=path, found=found, fix=f"Write a {wanted}; docs/config.md lists its keys.")


def _pools(ours: Mapping[str, str], found: _Found) -> tuple[PoolBase | None, ...]:
    """Read the pools as the cluster's own pool type; None stands for one that could not be read."""
    data = found.attempt(lambda: _required(ours, "pools", "which nodes there are", "[{name: arm64, arch: arm64}]"))
    cluster = _json(ours.get("cluster", "null"))
    chosen = cluster.get("type") if isinstance(cluster, dict) else None
    if "pools" not in ours:
        return ()
    if not isinstance(data, list):
        found.problems.append(_not_a("list", "pools", data))
        return ()
    if not data:
        found.problems.append(_NO_POOLS)
    if not isinstance(chosen, str) or chosen not in CLOUDS:
        return ()  # told already, at cluster.type
    others = {f"{name} pools": cloud.pool for name, cloud in CLOUDS.items() if name != chosen}
    kin = Kin(own=f"{chosen} pools", because=f"the cluster is {chosen}", others=others)
    pools: list[PoolBase | None] = []
    for index, item in enumerate(data):
        read = partial(parse, CLOUDS[chosen].pool, item, f"pools[{index}]", kin=kin)
        pools.append(found.attempt(read))
    return tuple(pools)


def _checked(cluster: Cluster, pools: tuple[PoolBase | None, ...]) -> list[Problem]:
    """Check the pools; where one could not be read, each of the others by itself.

    What concerns several pools is left for the next run then: it would be judged without the missing one.
    """
    good = [pool for pool in pools if pool]
    if len(good) == len(pools):
        return check_pools(cluster, good)
    return [
        replace(problem, path=f"pools[{index}]{problem.path.removeprefix('pools[0]')}")
        for index, pool in enumerate(pools)
        if pool
        for problem in check_pools(cluster, [pool])
        if problem.path.startswith("pools[0]")
    ]


def _checked_drain(pools: tuple[PoolBase | None, ...], key: str, longest_job: int) -> list[Problem]:
    """Find pools whose nodes are taken away before the longest job on them has ended."""
    field = next((entry.field for pool in pools if pool for entry in keys(type(pool)) if entry.name == key), "")
    stated = [(index, getattr(pool, field)) for index, pool in enumerate(pools) if pool and field]
    return [
        Problem(
            path=f"pools[{index}].{key}",
            found=f"{minutes} minutes, but runner.jobTimeout is {longest_job} s",
            consequence="a node upgrade would end the longest jobs early",
            fix=f"Remove {key}: by default, nodes wait for the longest job.",
        )
        for index, minutes in stated
        if minutes is not None and minutes * 60 < min(longest_job, DAY_MINUTES * 60)
    ]


def _runner(ours: Mapping[str, str]) -> RunnerConfig:
    data = _required(ours, "runner", "which GitLab the runner serves", "{gitlabUrl: https://gitlab.com}")
    return parse(RunnerConfig, data, "runner", kin=RUNNER_KIN)
