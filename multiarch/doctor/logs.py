"""Looks at the last words of containers that ended at once, for three words only: `exec format error`.

A container's state does not tell them where the runtime had started it already; its log does. Nothing else of a log
is kept or shown.
"""

from collections.abc import Iterator, Sequence

from multiarch.cluster.api import ApiRefused
from multiarch.cluster.errors import ClusterError
from multiarch.cluster.readonly import ReadOnlyApi
from multiarch.doctor.facts import Raw, pod_key, statuses_of, twin
from multiarch.doctor.pulls import WRONG_FORMAT

_MOST = 10
"""Logs read in one examination: twins say the same."""


def format_errors(reader: ReadOnlyApi, pods: Sequence[Raw]) -> dict[str, str]:
    """Return `facts.twin` of those whose log ends in that error."""
    result = {}
    for pod, status in list(_ended(pods))[:_MOST]:
        namespace, _, name = pod_key(pod).partition("/")
        try:
            said = reader.log_tail(namespace, name, str(status["name"]))
        except (ApiRefused, ClusterError):
            continue  # no right to logs, or the node does not answer: then the state alone has to tell
        if WRONG_FORMAT in said:
            result[twin(pod, status)] = WRONG_FORMAT
    return result


def _ended(pods: Sequence[Raw]) -> Iterator[tuple[Raw, Raw]]:
    twins: set[str] = set()
    for pod in pods:
        for status in statuses_of(pod):
            ended = (status.get("state") or {}).get("terminated") or (status.get("lastState") or {}).get("terminated")
            if ended and ended.get("exitCode") and not ended.get("message") and twin(pod, status) not in twins:
                twins.add(twin(pod, status))
                yield pod, status
