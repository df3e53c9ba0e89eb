"""The living side of a drift check: one stack against its cluster and its registries."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from components.clouds import Cluster
from components.problems import ConfigError
from multiarch.cluster.api import Api, ApiRefused
from multiarch.cluster.connection import Connection
from multiarch.cluster.errors import ClusterError
from multiarch.cluster.login import UNATTENDED_SECONDS
from multiarch.cluster.readonly import ReadOnlyApi
from multiarch.drift.live.beside.look import check_widened
from multiarch.drift.live.identity import another_cluster
from multiarch.drift.live.images import check_images
from multiarch.drift.live.nodes import check_nodes
from multiarch.drift.live.objects import check_objects
from multiarch.drift.live.program import Program, program_of
from multiarch.drift.live.releases import check_releases
from multiarch.drift.live.request import LiveAnswer, LiveRequest
from multiarch.drift.live.runner_config import check_runner_config
from multiarch.drift.live.scene import Scene
from multiarch.drift.live.shown import shortened
from multiarch.drift.live.told import TROUBLE, why
from multiarch.drift.model import Check, CheckResult
from multiarch.model.access import Access, NoAccessError, find_access
from multiarch.model.plan import PlanError, plan_stack
from multiarch.model.plan.inputs import cluster_of

CHECKS: Final[Mapping[Check, Callable[[Scene], CheckResult]]] = {
    Check.OBJECTS: check_objects,
    Check.RELEASE: check_releases,
    Check.NODES: check_nodes,
    Check.IMAGES: check_images,
    Check.RUNNER_CONFIG: check_runner_config,
    Check.WIDENED: check_widened,
}
"""In the order of `Check`."""
_NOT_IN_THE_CLUSTER: Final = frozenset({Check.IMAGES})
_UNAUTHORIZED: Final = 401


def check_live(request: LiveRequest, progress: Callable[[str], None]) -> LiveAnswer:
    """Compare one stack with what is there, and change nothing anywhere.

    Never raises for anything that a stack file, a program, a cluster or a registry does: what is concerned could not be
    told then, with the reason.
    """
    wanted = [check for check in CHECKS if check in request.checks]
    try:
        progress("what the program says")
        cluster = cluster_of(request.project, request.stack)
        program = _program(request)
    except (ConfigError, PlanError) as error:
        return LiveAnswer(cluster="", results=_all_failed(wanted, str(error)))
    notes = [f"the plan has {len(program.plan.refusals)} refusals; `multiarch rehearse` shows them"]
    scene = Scene(
        program=program,
        checks=request.checks,
        deadline=request.deadline,
        progress=progress,
        state=request.state,
        state_failure=request.state_failure,
        notes=notes if program.plan.refusals else [],
    )
    with _connected(request, cluster, scene) as (access, failure):
        results = tuple(_result(scene, check, failure) for check in wanted)
    return LiveAnswer(cluster=str(access) if access else "", results=results, notes=tuple(scene.notes))


def _program(request: LiveRequest) -> Program:
    """Plan the unmodified program. Raises ConfigError and PlanError."""
    plan = plan_stack(request.project, request.stack)
    if not plan.complete:
        first = next((f": {refusal.message}" for refusal in plan.refusals), "")
        raise PlanError(f"stack {request.stack}: the program stopped before it had said all{first}")
    return program_of(plan, request.state)


@contextmanager
def _connected(request: LiveRequest, cluster: Cluster, scene: Scene) -> Iterator[tuple[Access | None, str]]:
    """Connect the scene with the stack's cluster; gives how, and why not: one of the two."""
    if not request.checks - _NOT_IN_THE_CLUSTER:
        yield None, ""
        return
    try:
        access = find_access(cluster, request.project, kubeconfig=request.kubeconfig, context=request.context)
    except NoAccessError as error:
        yield None, str(error)
        return
    try:
        scene.progress(f"connecting: {access}")
        seconds = min(UNATTENDED_SECONDS, max(1.0, request.deadline - time.monotonic()))
        connection = Connection(access.kubeconfig, access.context, login_seconds=seconds)
    except (ConfigError, ClusterError) as error:
        yield access, str(error)
        return
    with connection:
        scene.connect(ReadOnlyApi(Api.of(connection)))
        yield access, _why_not(scene, cluster, access, connection)


def _why_not(scene: Scene, cluster: Cluster, access: Access, connection: Connection) -> str:
    """Say why nothing is compared: no answer, no login, or another cluster's; empty where nothing is in the way."""
    try:
        scene.api.get("/api")  # first: what answers 401 knows the way, and not the login
        connection.version()
    except TROUBLE as error:
        return why(error)
    try:
        nodes = scene.nodes()
    except ApiRefused as refusal:
        if refusal.status == _UNAUTHORIZED:
            return why(refusal)
        nodes = []  # a login that may not see nodes may still see all else
    except ClusterError as error:
        return why(error)
    reason = another_cluster(cluster, access.server, nodes, scene.state or (), _authority(connection))
    return f"{access} leads to another cluster: {reason}; nothing was compared" if reason else ""


def _authority(connection: Connection) -> str:
    """Return the CA certificate (PEM) that the kubeconfig trusts; empty where it states none."""
    path = connection.api.configuration.ssl_ca_cert
    try:
        return Path(path).read_text(encoding="ascii") if path else ""
    except (OSError, UnicodeDecodeError):
        return ""


def _result(scene: Scene, check: Check, failure: str) -> CheckResult:
    began = time.monotonic()
    if failure and check not in _NOT_IN_THE_CLUSTER:
        return CheckResult(check=check, failure=failure)
    try:
        scene.in_time()
        result = CHECKS[check](scene)
    except TROUBLE as error:
        result = CheckResult(check=check, failure=why(error))
    except Exception as error:  # noqa: BLE001 - an answer of no known shape is no answer, and no reason to lose the others
        reason = shortened(f"an answer that was not understood ({type(error).__name__}: {error})", 300)
        result = CheckResult(check=check, failure=reason)
    return replace(result, seconds=time.monotonic() - began)


def _all_failed(wanted: list[Check], reason: str) -> tuple[CheckResult, ...]:
    return tuple(CheckResult(check=check, failure=reason) for check in wanted)
