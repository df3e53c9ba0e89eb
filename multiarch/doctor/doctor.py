"""One examination from a connection to a report."""

import datetime as dt
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from multiarch.cluster.api import Api
from multiarch.cluster.connection import Connection
from multiarch.cluster.errors import ClusterError
from multiarch.cluster.look.look import look
from multiarch.cluster.look.model import Look
from multiarch.cluster.readonly import ReadOnlyApi
from multiarch.doctor.examine import examine, unreachable
from multiarch.doctor.gather import Wanted, gather
from multiarch.doctor.model import Examination
from multiarch.doctor.target import Promised
from multiarch.model.clouds import marks


def diagnose(  # noqa: PLR0913 - what to examine, and how
    connection: Connection,
    progress: Callable[[str], None],
    *,
    stack: str = "",
    plan: Promised | None = None,
    namespaces: Sequence[str] = (),
    now: dt.datetime | None = None,
) -> Examination:
    """Examine one cluster. Nothing that it answers is raised: a cluster that does not answer is a doubt.

    `plan` is what `stack` promises; without one, runners are looked for in `namespaces`, or everywhere.
    How long pods have been waiting is judged as of `now` (default: the clock's).
    """
    began = time.monotonic()
    cluster = f"context {connection.context}, {connection.server}"
    progress("asking for the version")
    try:
        version = connection.version()
    except ClusterError as error:
        return unreachable(cluster, stack, str(error))
    reader = ReadOnlyApi(Api.of(connection))
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
    with ThreadPoolExecutor(1) as beside:
        looking = beside.submit(_look, connection, said)
        facts = gather(reader, wanted, progress, now)
        looked = looking.result()
    progress("judging")
    report = examine(replace(facts, look=looked), cluster)
    asked = reader.requests + (looked.requests if looked else 0)
    return replace(report, seconds=time.monotonic() - began, requests=asked)


def _look(connection: Connection, said: Promised) -> Look | None:
    """Look at provider, autoscaler and network; None when the cluster does not answer any more."""
    manager = said.releases[0].namespace if said.releases else "gitlab-runner"
    jobs = said.job_namespaces[0] if said.job_namespaces else "gitlab-runner-jobs"
    api = Api.of(connection)
    try:
        return look(
            api,
            context=connection.context,
            server=connection.server,
            clouds=marks(),
            namespaces=(manager, jobs),
            needs=(),
        )
    except ClusterError:
        return None
