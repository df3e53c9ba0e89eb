"""From which version of the runner on a setting exists: an older one ignores it, and `register` drops it, unsaid.

Source: gitlab-runner's own tags from v15.0.0 to v19.3.0. A setting's version is the first minor release whose
common/config.go has its key, and whose helpers/featureflags/flags.go has the flag. What is not listed is as old as
v15.0.0, or unknown to the model altogether (`ExecutorConfig.unmodelled`).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from multiarch.model.executor.config import ExecutorConfig

Version = tuple[int, int]

_CONTEXTS = tuple(f"{name}_container_security_context" for name in ("build", "helper", "service", "init_permissions"))
_POD_RESOURCES = tuple(
    f"pod_{resource}_{bound}{suffix}"
    for resource in ("cpu", "memory")
    for bound in ("limit", "request")
    for suffix in ("", "_overwrite_max_allowed")
)
SINCE: Mapping[str, Version] = {
    "pod_labels_overwrite_allowed": (15, 1),
    "priority_class_name": (15, 1),
    "allowed_pull_policies": (15, 2),
    "init_permissions_container_security_context": (15, 2),
    "scheduler_name": (15, 5),
    "node_selector_overwrite_allowed": (15, 6),
    "pod_spec": (15, 10),
    "cleanup_resources_timeout": (16, 4),
    "helper_image_autoset_arch_and_os": (16, 5),
    "automount_service_account_token": (16, 9),
    "node_tolerations_overwrite_allowed": (16, 9),
    "retry_limit": (16, 9),
    "retry_limits": (16, 9),
    "use_service_account_image_pull_secrets": (16, 9),
    "namespace_per_job": (16, 10),
    "retry_backoff_max": (17, 1),
    "logs_base_dir": (17, 2),
    "scripts_base_dir": (17, 2),
    "print_pod_warning_events": (18, 0),
    "allowed_groups": (18, 4),
    "allowed_users": (18, 4),
    "context": (18, 5),
    **dict.fromkeys(_POD_RESOURCES, (18, 10)),
    # The documentation says 18.10 of these two; the tags have them from v18.11.0 on.
    "autoscaler": (18, 11),
    "pod_disruption_budget": (18, 11),
    **{f"{table}.proc_mount": (15, 9) for table in _CONTEXTS},
    **{
        f"{table}.{key}": version
        for table in ("pod_security_context", *_CONTEXTS)
        for key, version in {
            "selinux_type": (15, 3),
            "seccomp_profile": (18, 11),
            "app_armor_profile": (18, 11),
        }.items()
    },
    "volumes.empty_dir.size_limit": (16, 6),
    "volumes.pvc.mount_propagation": (17, 2),
    "volumes.host_path.mount_propagation": (17, 8),
    "volumes.empty_dir.mount_propagation": (19, 0),
    "volumes.nfs": (19, 0),
}
"""Path below `[runners.kubernetes]` to the first minor release that has it."""

FLAGS_SINCE: Mapping[str, Version] = {
    "FF_USE_ADVANCED_POD_SPEC_CONFIGURATION": (15, 10),
    "FF_USE_POD_ACTIVE_DEADLINE_SECONDS": (15, 10),
    "FF_PRINT_POD_EVENTS": (16, 5),
    "FF_USE_DUMB_INIT_WITH_KUBERNETES_EXECUTOR": (16, 6),
    "FF_DISABLE_UMASK_FOR_KUBERNETES_EXECUTOR": (17, 2),
    "FF_WAIT_FOR_POD_TO_BE_REACHABLE": (17, 6),
    "FF_CONCRETE": (18, 11),
    "FF_SUSPENDABLE_ENVIRONMENTS": (19, 0),
}
"""The same of feature flags that change what the Kubernetes executor does."""

_RELEASE = re.compile(r"v?([0-9]+)\.([0-9]+)\.[0-9]+")


def release_of(runner_version: str) -> Version | None:
    """Return the minor release of `19.1.1`; None for what is no version."""
    match = _RELEASE.match(runner_version)
    return (int(match[1]), int(match[2])) if match else None


def dated(config: ExecutorConfig) -> dict[str, Version]:
    """Return the settings that this config has and that not every runner knows, with their first release."""
    set_here = set(_paths("", config.kubernetes.values))
    settings = {path: version for path, version in SINCE.items() if path in set_here}
    flags = {f"feature_flags.{name}": FLAGS_SINCE[name] for name in config.feature_flags if name in FLAGS_SINCE}
    return {**settings, **flags}


def lost(config: ExecutorConfig, runner_version: str) -> dict[str, Version]:
    """Return the settings that a runner of this version ignores; none for a version that is not known."""
    release = release_of(runner_version)
    return {} if release is None else {path: first for path, first in dated(config).items() if first > release}


def as_read_by(config: ExecutorConfig, runner_version: str) -> ExecutorConfig:
    """Return the config as a runner of this version has it: without what it does not know.

    A version that is not known leaves the config as it is.
    """
    unread = lost(config, runner_version)
    if not unread:
        return config
    kubernetes = replace(config.kubernetes, values=_without("", config.kubernetes.values, unread))
    flags = {name: on for name, on in config.feature_flags.items() if f"feature_flags.{name}" not in unread}
    return replace(config, kubernetes=kubernetes, feature_flags=flags)


def _paths(prefix: str, value: Any) -> Iterator[str]:
    """Yield the path of every key; entries of a list have their list's path."""
    if isinstance(value, list):
        for item in value:
            yield from _paths(prefix, item)
    elif isinstance(value, dict):
        for key, inner in value.items():
            path = f"{prefix}.{key}" if prefix else str(key)
            yield path
            yield from _paths(path, inner)


def _without(prefix: str, value: Any, unread: Mapping[str, Version]) -> Any:
    if isinstance(value, list):
        return [_without(prefix, item, unread) for item in value]
    if not isinstance(value, dict):
        return value
    paths = {key: f"{prefix}.{key}" if prefix else str(key) for key in value}
    return {key: _without(paths[key], inner, unread) for key, inner in value.items() if paths[key] not in unread}
