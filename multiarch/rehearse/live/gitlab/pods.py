"""The jobs' pods as the API server last had them: the runner deletes each at its job's end."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from multiarch.cluster.api import ApiRefused
from multiarch.cluster.errors import ClusterError, UnreachableError
from multiarch.core.secrets import hide

_JOB: Final = "job.runner.gitlab.com/id"
"""Annotation of a job's pod (executors/kubernetes, kubernetes.go; `multiarch.model.executor.metadata`)."""
PATIENCE_SECONDS: Final = 15.0


class Lists(Protocol):
    """What is needed of an API."""

    def items(self, path: str) -> list[dict[str, Any]]:
        """List objects."""


def of_jobs(pods: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Return the pods that say which job they are of, by that job's id; of two the newer one."""
    found: dict[str, Mapping[str, Any]] = {}
    for pod in pods:
        metadata = pod.get("metadata") or {}
        job = (metadata.get("annotations") or {}).get(_JOB)
        if job and _made(pod) >= _made(found.get(job, {})):
            found[job] = pod
    return found


def _made(pod: Mapping[str, Any]) -> str:
    return str((pod.get("metadata") or {}).get("creationTimestamp") or "")


class Watch:
    """The jobs' pods, looked at again and again. They may be in any namespace: a job can ask for its own."""

    def __init__(self, api: Lists) -> None:
        self._api = api
        self._seen: dict[str, Mapping[str, Any]] = {}
        self._answered = time.monotonic()

    def look(self) -> None:
        """Look once. Raises ClusterError when the API server has not answered for some time."""
        try:
            self._seen.update(of_jobs(self._api.items("/api/v1/pods")))
        except (ApiRefused, UnreachableError) as error:
            if time.monotonic() - self._answered > PATIENCE_SECONDS:
                raise ClusterError(f"the jobs' pods can't be listed: {hide(str(error))}") from error
            return
        self._answered = time.monotonic()

    def pod(self, job: int) -> Mapping[str, Any] | None:
        """Return a job's pod; None where none was ever seen."""
        return self._seen.get(str(job))
