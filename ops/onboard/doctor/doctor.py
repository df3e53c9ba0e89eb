"""One examination from a connection to a report."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from ops.kubernetes.api import Api
from ops.kubernetes.connection import Connection
from ops.kubernetes.errors import ClusterError
from ops.onboard.doctor.examine import examine, unreachable
from ops.onboard.doctor.gather import Wanted, gather
from ops.onboard.doctor.model import Report
from ops.onboard.doctor.reader import Reader
from ops.onboard.doctor.target import Promised


def diagnose(
    connection: Connection,
    progress: Callable[[str], None],
    *,
    stack: str = "",
    plan: Promised | None = None,
    namespaces: Sequence[str] = (),
) -> Report:
    """Examine one cluster. Nothing that it answers is raised: a cluster that does not answer is a doubt."""
    began = time.monotonic()
    cluster = f"context {connection.context}, {connection.server}"
    progress("asking for the version")
    try:
        version = connection.version()
    except ClusterError as error:
        return unreachable(cluster, stack, str(error))
    reader = Reader(Api.of(connection))
    said = plan or Promised()
    wanted = Wanted(
        context=connection.context,
        version=version,
        releases=said.releases,
        job_namespaces=said.job_namespaces,
        pools=said.pools,
        namespaces=tuple(namespaces),
        stack=stack,
    )
    facts = gather(reader, wanted, progress)
    progress("judging")
    report = examine(facts, cluster)
    return replace(report, seconds=time.monotonic() - began, requests=reader.requests)
