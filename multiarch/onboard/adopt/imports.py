"""`pulumi import` commands for what is there, in each provider's own spelling of ids. Pure.

Sources of the id formats: the docstrings ("Import") of pulumi_gcp.container.NodePool 10.2.0 and of
pulumi_aws.eks.NodeGroup 7.51.1; pulumi_azure_native 3.29.0 imports every resource by its full Azure id;
pulumi-kubernetes imports a Helm release by `namespace/name` (documentation of Release, "Import an existing Release").
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from multiarch.cluster.look.model import Look, Pool, RunnerRelease
from multiarch.model.clouds import KNOWN
from multiarch.model.clouds.contract import PoolImport
from multiarch.onboard.answers.model import Answers

_UNKNOWN: Final = "<{}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """One resource that could be taken over."""

    what: str
    """`arm64 pool ng-arm`."""
    command: str
    """Imports it into the stack."""
    options: str
    """`pulumi.ResourceOptions(…)` for a program of one's own, or the stack file's keys."""
    note: str
    """What else there is to know before the first `up`."""


def adoptions(look: Look, answers: Answers) -> tuple[Adoption, ...]:
    """Return what could be imported: arm64 pools of the cloud's own, and runners that others made.

    Parts of an id that nobody told stand as `<resource-group>` and the like.
    """
    how = KNOWN[look.provider].imports
    pools = [_pool(look, answers, pool, how) for pool in look.pools if how is not None and _importable(pool)]
    releases = (_release(answers, release) for release in look.runners if not release.ours)
    return (*pools, *releases)


def _importable(pool: Pool) -> bool:
    made = pool.named and not pool.maker and not pool.ours
    return made and pool.arch == "arm64"


def _pool(look: Look, answers: Answers, pool: Pool, how: PoolImport) -> Adoption:
    # Without a cloud's answers the name is one for messages only.
    stated = {"name": answers.cluster_name, **answers.place} if answers.pools == "create" else {}
    told = {**look.identity, **{key: value for key, value in stated.items() if value}}
    identity = how.identity(lambda key, shown: told.get(key) or _UNKNOWN.format(shown), pool.name)
    quoted = ", ".join(f'"{name}"' for name in how.ignored)
    return Adoption(
        what=f"{pool.arch} pool {pool.name}",
        command=f"pulumi import {how.type} {pool.name} {_shell(identity)} --stack {answers.stack}",
        options=f"pulumi.ResourceOptions(protect=True, ignore_changes=[{quoted}])",
        note=how.note,
    )


def _release(answers: Answers, release: RunnerRelease) -> Adoption:
    identity = f"{release.namespace}/{release.name}"
    return Adoption(
        what=f"runner {identity}",
        command=f"pulumi import kubernetes:helm.sh/v3:Release {release.name} {identity} --stack {answers.stack}",
        options='pulumi.ResourceOptions(protect=True, ignore_changes=["values", "checksum"])',
        note=f"In the stack file: runner.releaseName: {release.name} and runner.namespace: {release.namespace}. Its "
        "Pod Security labels, policies and rights are not this package's: the next `up` would bring them, once its "
        "namespace is imported too (kubernetes:core/v1:Namespace). To keep it as it is, leave it out: two runners "
        "with different tags live side by side.",
    )


def _shell(text: str) -> str:
    """Quote an id with a gap in it, which a shell would take for redirections."""
    return f"'{text}'" if "<" in text else text


def lines(found: Sequence[Adoption]) -> Iterator[str]:
    """Yield the adoptions as lines for a terminal or a log."""
    for one in found:
        yield f"{one.what}:"
        yield f"  {one.command}"
        yield f"  {one.options}"
        yield f"  {one.note}"
