"""The namespaces that the runner and its jobs would use: whether they exist, and what limits pods there."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from multiarch.cluster.look.asking import Questions, first_failure
from multiarch.cluster.look.model import NamespaceLook
from multiarch.cluster.seen import Seen
from multiarch.core.verdict import Verdict

ENFORCE: Final = "pod-security.kubernetes.io/enforce"
_MANAGED_BY: Final = "managed-by"


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceSeen:
    """A namespace, whether this package made it, and what could not be seen of it."""

    look: NamespaceLook
    ours: bool
    unseen: str


def namespaces(ask: Questions, names: Sequence[str], pool: Executor) -> list[NamespaceSeen]:
    """Look at several namespaces, side by side."""
    parts = {
        name: (
            pool.submit(ask.get, f"/api/v1/namespaces/{quote(name)}", f"the namespace {name}"),
            pool.submit(ask.items, f"/api/v1/namespaces/{quote(name)}/resourcequotas", f"resourcequotas of {name}"),
            pool.submit(ask.items, f"/api/v1/namespaces/{quote(name)}/limitranges", f"limitranges of {name}"),
        )
        for name in dict.fromkeys(names)
    }
    return [
        _namespace_seen(name, itself.result(), quotas.result(), limits.result())
        for name, (itself, quotas, limits) in parts.items()
    ]


def _namespace_seen(
    name: str,
    itself: Seen[dict[str, Any] | None],
    quotas: Seen[list[dict[str, Any]]],
    limits: Seen[list[dict[str, Any]]],
) -> NamespaceSeen:
    exists = Verdict.UNKNOWN if itself.failure else Verdict.NO if itself.value is None else Verdict.YES
    labels = ((itself.value or {}).get("metadata") or {}).get("labels") or {}
    look = NamespaceLook(
        name=name,
        exists=exists,
        quotas=tuple(line for quota in quotas.value for line in quota_lines(quota)),
        limits=tuple(line for limit in limits.value for line in limit_lines(limit)),
        pod_security=str(labels.get(ENFORCE) or ""),
    )
    ours = labels.get(_MANAGED_BY) == "pulumi" and ENFORCE in labels
    return NamespaceSeen(look=look, ours=ours, unseen=first_failure([itself, quotas, limits]))


def quota_lines(quota: Mapping[str, Any]) -> Iterator[str]:
    """Yield one line for each resource that a ResourceQuota bounds: `ResourceQuota team: pods 3 of 10`."""
    status, spec = quota.get("status") or {}, quota.get("spec") or {}
    hard, used = status.get("hard") or spec.get("hard") or {}, status.get("used") or {}
    for resource in sorted(hard):
        yield f"ResourceQuota {quota['metadata']['name']}: {resource} {used.get(resource, '0')} of {hard[resource]}"


def limit_lines(limit: Mapping[str, Any]) -> Iterator[str]:
    """Yield one line for each bound of a LimitRange: `LimitRange defaults: Container cpu max 2`."""
    for item in (limit.get("spec") or {}).get("limits") or []:
        for bound in ("min", "max", "default", "defaultRequest", "maxLimitRequestRatio"):
            for resource, value in sorted((item.get(bound) or {}).items()):
                yield f"LimitRange {limit['metadata']['name']}: {item.get('type')} {resource} {bound} {value}"
