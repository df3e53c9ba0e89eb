"""The Helm values of the official gitlab-runner chart. The runner's token is never among them."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, cast

from pydantic import JsonValue

from components.runner.cache import AzureCache, Cache, S3Cache, manager_annotations
from components.runner.classes import KANIKO, JobProfile
from components.runner.executor import AZURE_LABEL, NO_EVICTION, config_toml
from components.runner.permissions import job_rules
from components.runner.placement import RunnerPool, manager_node_selector, manager_tolerations
from components.runner.resources import Requirements
from components.runner.settings import RunnerConfig
from components.versions import CHART_NAME

Values = dict[str, JsonValue]

METRICS_PORT = 9252
TOKEN_CHECKSUM = "multiarch-runner.io/token-checksum"  # noqa: S105 - the name of an annotation
_LONGEST_NAME = 63

# Finish the running jobs, then end. SIGTERM alone aborts them; the image's STOPSIGNAL, which used to be SIGQUIT, moved
# to base images in 2024 and is not relied on. dumb-init passes the signal on; the hook ends with the container. The
# chart's unregisterRunners deletes the manager at GitLab in the same hook; a glrt- runner itself stays.
_DRAIN = "/entrypoint unregister --all-runners; kill -QUIT 1; while kill -0 1; do sleep 1; done"


def fullname(release_name: str) -> str:
    """Return the name of the release's objects, as the chart derives it."""
    if release_name.startswith(CHART_NAME):
        return release_name[:_LONGEST_NAME].removesuffix("-")
    return f"{release_name}-{CHART_NAME}"[:_LONGEST_NAME].removesuffix("-")


def helm_values(
    runner: RunnerConfig,
    pools: Sequence[RunnerPool],
    cluster_type: str,
    *,
    secret: str,
    profile: JobProfile = KANIKO,
) -> Values:
    """Return all values of the release but the token's checksum. `secret` names the Secret with the token."""
    ours: Values = {
        "gitlabUrl": runner.gitlab_url,
        "concurrent": runner.concurrent,
        "checkInterval": runner.check_interval,
        "logLevel": runner.log_level.value,
        "terminationGracePeriodSeconds": runner.job_timeout,
        "sessionServer": {"enabled": False},
        "runners": {
            "secret": secret,
            "jobNamespace": runner.job_namespace,
            "config": release_config(runner, pools, cluster_type, profile),
            **_cache_keys(runner.cache),
        },
        **_access(runner),
        **_pod(runner, pools),
        "metrics": {
            "enabled": runner.metrics.enabled,
            "port": METRICS_PORT,
            "podMonitor": {"enabled": runner.metrics.pod_monitor},
        },
    }
    # Ours on top: what a check of the extra values might miss still undoes nothing.
    return merged(cast("Values", runner.values), ours)


def release_config(
    runner: RunnerConfig,
    pools: Sequence[RunnerPool],
    cluster_type: str,
    profile: JobProfile,
    mirrored: str | None = None,
) -> str:
    """Return the chart's `runners.config`. `mirrored` is the published image for `helperImage: mirror`."""
    return escape_template(config_toml(runner, pools, cluster_type, profile, mirrored))


def with_config(values: Mapping[str, Any], config: Any) -> dict[str, Any]:
    """Return the values with another `runners.config` (a text or an output of one)."""
    return {**values, "runners": {**values["runners"], "config": config}}


def with_token_checksum(values: Mapping[str, Any], checksum: Any) -> dict[str, Any]:
    """Return the values with the token's checksum (a text or an output of one) among the pod's annotations.

    The chart's own checksum covers only Secrets that it makes itself: without this one, a rotated token would not
    restart the manager.
    """
    return {**values, "podAnnotations": {**values["podAnnotations"], TOKEN_CHECKSUM: checksum}}


def token_checksum(token: str) -> str:
    """Return what tells two tokens apart without telling either: a salted, shortened SHA-256."""
    return hashlib.sha256(f"multiarch-runner token {token}".encode()).hexdigest()[:16]


def escape_template(text: str) -> str:
    """Return text that Helm's `tpl`, which the chart sends its config through, gives back unchanged."""
    return text.replace("{{", '{{ "{{" }}')


def merged(below: Mapping[str, JsonValue], above: Mapping[str, JsonValue]) -> Values:
    """Return both merged as Helm merges values: mappings key by key, everything else replaced by what is above."""
    result: Values = dict(below)
    for key, value in above.items():
        present = result.get(key)
        result[key] = merged(present, value) if isinstance(present, dict) and isinstance(value, dict) else value
    return result


def _access(runner: RunnerConfig) -> Values:
    rules: list[JsonValue] = [{key: list[JsonValue](names) for key, names in rule.items()} for rule in job_rules()]
    return {
        "rbac": {"create": True, "rules": rules},
        "serviceAccount": {
            "create": True,
            "name": fullname(runner.release_name),
            "annotations": dict(manager_annotations(runner.cache)),
        },
    }


def _cache_keys(cache: Cache | None) -> Values:
    """Name the Secret whose keys the chart's entrypoint gives to `register`: `accesskey` and `secretkey`."""
    server = cache.server if isinstance(cache, S3Cache) else None
    return {"cache": {"secretName": server.existing_secret}} if server else {}


def _pod(runner: RunnerConfig, pools: Sequence[RunnerPool]) -> Values:
    tolerations: list[JsonValue] = [dict(toleration) for toleration in manager_tolerations(runner, pools)]
    return {
        "replicas": runner.manager.replicas,
        "unregisterRunners": False,
        "deploymentLifecycle": {"preStop": {"exec": {"command": ["/bin/bash", "-c", _DRAIN]}}},
        # The chart's own defaults, stated so that a later chart can't soften them, and the one thing they lack for
        # Pod Security `restricted`.
        "podSecurityContext": {
            "runAsUser": 100,
            "fsGroup": 65533,
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": False,
            "runAsNonRoot": True,
            "privileged": False,
            "capabilities": {"drop": ["ALL"]},
        },
        "resources": requirements(runner.manager.resources),
        "nodeSelector": dict(manager_node_selector(runner, pools)),
        "tolerations": tolerations,
        "podAnnotations": dict(NO_EVICTION),
        "podLabels": dict(AZURE_LABEL) if isinstance(runner.cache, AzureCache) else {},
    }


def requirements(required: Requirements) -> Values:
    """Return requests and limits as a pod spells them."""
    requests = {
        "cpu": required.cpu_request,
        "memory": required.memory_request,
        "ephemeral-storage": required.ephemeral_storage_request,
    }
    limits = {
        "cpu": required.cpu_limit,
        "memory": required.memory_limit,
        "ephemeral-storage": required.ephemeral_storage_limit,
    }
    return {
        "requests": {key: value for key, value in requests.items() if value is not None},
        "limits": {key: value for key, value in limits.items() if value is not None},
    }
