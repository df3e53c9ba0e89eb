"""The jobs' pods as the API server last had them: the runner deletes each at its job's end."""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol

from multiarch.cluster.api import ApiRefused
from multiarch.cluster.errors import ClusterError, UnreachableError
from multiarch.core.secrets import hide

_JOB: Final = "job.runner.gitlab.com/id"
_URL: Final = "job.runner.gitlab.com/url"
"""Annotations of a job's pod (executors/kubernetes, kubernetes.go; `multiarch.model.executor.metadata`)."""
PATIENCE_SECONDS: Final = 15.0


class Pods(Protocol):
    """What is needed of an API."""

    def items(self, path: str) -> list[dict[str, Any]]:
        """List objects."""

    def delete(self, path: str) -> None:
        """Delete an object."""


def of_jobs(pods: Sequence[Mapping[str, Any]], url: str) -> dict[str, Mapping[str, Any]]:
    """Return the pods that say which job they are of, by that job's id; of two the newer one.

    A job of another GitLab may have the same id: its pod says another URL than the small GitLab's, `url`.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for pod in pods:
        told = (pod.get("metadata") or {}).get("annotations") or {}
        job = told.get(_JOB)
        if job and str(told.get(_URL)).startswith(f"{url}/") and _made(pod) >= _made(found.get(job, {})):
            found[job] = pod
    return found


def _made(pod: Mapping[str, Any]) -> str:
    return str((pod.get("metadata") or {}).get("creationTimestamp") or "")


class Watch:
    """The jobs' pods, looked at again and again. They may be in any namespace: a job can ask for its own."""

    def __init__(self, api: Pods, url: str) -> None:
        self._api = api
        self._url = url
        self._seen: dict[str, Mapping[str, Any]] = {}
        self._answered = time.monotonic()

    def look(self) -> None:
        """Look once. Raises ClusterError when the API server has not answered for some time."""
        try:
            self._seen.update(of_jobs(self._api.items("/api/v1/pods"), self._url))
        except (ApiRefused, UnreachableError) as error:
            if time.monotonic() - self._answered > PATIENCE_SECONDS:
                raise ClusterError(f"the jobs' pods can't be listed: {hide(str(error))}") from error
            return
        self._answered = time.monotonic()

    def pod(self, job: int) -> Mapping[str, Any] | None:
        """Return a job's pod; None where none was ever seen."""
        return self._seen.get(str(job))

    def clear(self) -> None:
        """Delete what a runner that was stopped has left; where that fails, something worse is being told already."""
        with suppress(ApiRefused, ClusterError):
            for pod in of_jobs(self._api.items("/api/v1/pods"), self._url).values():
                metadata = pod["metadata"]
                self._api.delete(f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}")
