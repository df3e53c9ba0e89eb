"""A look as JSON values, for machines. The keys are documented in docs/onboarding.md and stay."""

from typing import Any

from multiarch.cluster.look.model import Look, Pool
from multiarch.core.verdict import Answer


def look_document(look: Look) -> dict[str, Any]:
    """Return a look as JSON values. Answers are `yes`, `no` or `unknown`, each with what it rests on."""
    return {
        "context": look.context,
        "server": look.server,
        "version": look.version,
        "provider": {"name": look.provider.value, "because": look.provider_because, "flavour": look.flavour},
        "identity": dict(look.identity),
        "nodes": look.nodes,
        "pools": [_pool(pool) for pool in look.pools],
        "autoscaler": {**_told(look.autoscaler), "name": look.autoscaler_name, "version": look.autoscaler_version},
        "network": {"cni": look.cni, "policiesEnforced": _told(look.network_policies)},
        "podSecurity": _told(look.pod_security),
        "runners": [
            {"name": one.name, "namespace": one.namespace, "chart": one.chart, "ours": one.ours} for one in look.runners
        ],
        "runnersKnown": _told(look.runners_known),
        "namespaces": [
            {
                "name": one.name,
                "exists": one.exists.value,
                "quotas": list(one.quotas),
                "limits": list(one.limits),
                "podSecurity": one.pod_security,
            }
            for one in look.namespaces
        ],
        "rights": [
            {"verb": one.verb, "resource": one.resource, "namespace": one.namespace, **_told(one.allowed)}
            for one in look.rights
        ],
        "unseen": list(look.unseen),
        "seconds": round(look.seconds, 3),
        "requests": look.requests,
    }


def _told(told: Answer) -> dict[str, str]:
    return {"verdict": told.verdict.value, "because": told.because}


def _pool(pool: Pool) -> dict[str, Any]:
    return {
        "name": pool.name,
        "named": pool.named,
        "arch": pool.arch,
        "os": pool.os,
        "machineType": pool.machine_type,
        "nodes": pool.nodes,
        "ready": pool.ready,
        "zones": list(pool.zones),
        "taints": list(pool.taints),
        "labels": dict(pool.labels),
        "selector": dict(pool.selector),
        "spot": pool.spot.value,
        "cpuMillis": pool.cpu_millis,
        "memoryMiB": pool.memory_mib,
        "maker": pool.maker,
        "controlPlane": pool.control_plane,
        "gpu": pool.gpu,
        "ours": pool.ours,
    }
