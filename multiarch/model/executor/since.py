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

_OLDEST: Version = (15, 0)
"""The oldest tag that was read: what it has may be older."""
_FLAGS: Mapping[Version, str] = {
    _OLDEST: """FF_CMD_DISABLE_DELAYED_ERROR_LEVEL_EXPANSION FF_DISABLE_UMASK_FOR_DOCKER_EXECUTOR
        FF_ENABLE_BASH_EXIT_CODE_CHECK FF_ENABLE_JOB_CLEANUP FF_KUBERNETES_HONOR_ENTRYPOINT FF_NETWORK_PER_BUILD
        FF_POSIXLY_CORRECT_ESCAPES FF_SCRIPT_SECTIONS FF_SKIP_NOOP_BUILD_STAGES FF_USE_DIRECT_DOWNLOAD
        FF_USE_DYNAMIC_TRACE_FORCE_SEND_INTERVAL FF_USE_FASTZIP FF_USE_IMPROVED_URL_MASKING
        FF_USE_LEGACY_KUBERNETES_EXECUTION_STRATEGY FF_USE_NEW_BASH_EVAL_STRATEGY FF_USE_NEW_SHELL_ESCAPE
        FF_USE_POWERSHELL_PATH_RESOLVER FF_USE_WINDOWS_LEGACY_PROCESS_STRATEGY""",
    (15, 6): "FF_DISABLE_POWERSHELL_STDIN FF_RESOLVE_FULL_TLS_CHAIN",
    (15, 10): """FF_SET_PERMISSIONS_BEFORE_CLEANUP FF_USE_ADVANCED_POD_SPEC_CONFIGURATION
        FF_USE_POD_ACTIVE_DEADLINE_SECONDS""",
    (16, 0): "FF_SECRET_RESOLVING_FAILS_IF_MISSING",
    (16, 3): "FF_RETRIEVE_POD_WARNING_EVENTS",
    (16, 5): "FF_PRINT_POD_EVENTS",
    (16, 6): "FF_USE_DUMB_INIT_WITH_KUBERNETES_EXECUTOR FF_USE_GIT_BUNDLE_URIS",
    (16, 7): """FF_LOG_IMAGES_CONFIGURED_FOR_JOB FF_USE_DOCKER_AUTOSCALER_DIAL_STDIO
        FF_USE_INIT_WITH_DOCKER_EXECUTOR""",
    (16, 8): "FF_CLEAN_UP_FAILED_CACHE_EXTRACT",
    (16, 9): "FF_TEST_FEATURE FF_USE_WINDOWS_JOB_OBJECT",
    (16, 11): "FF_TIMESTAMPS",
    (17, 0): "FF_DISABLE_AUTOMATIC_TOKEN_ROTATION FF_USE_LEGACY_GCS_CACHE_ADAPTER",
    (17, 2): "FF_DISABLE_UMASK_FOR_KUBERNETES_EXECUTOR",
    (17, 5): "FF_GIT_URLS_WITHOUT_TOKENS FF_USE_LEGACY_S3_CACHE_ADAPTER",
    (17, 6): "FF_USE_NATIVE_STEPS FF_WAIT_FOR_POD_TO_BE_REACHABLE",
    (17, 9): "FF_EXPORT_HIGH_CARDINALITY_METRICS FF_MASK_ALL_DEFAULT_TOKENS FF_USE_FLEETING_ACQUIRE_HEARTBEATS",
    (18, 0): """FF_USE_ADAPTIVE_REQUEST_CONCURRENCY FF_USE_EXPONENTIAL_BACKOFF_STAGE_RETRY
        FF_USE_GIT_NATIVE_CLONE""",
    (18, 1): "FF_USE_GITALY_CORRELATION_ID",
    (18, 4): "FF_HASH_CACHE_KEYS",
    (18, 7): "FF_ENABLE_JOB_INPUTS_INTERPOLATION",
    (18, 8): "FF_USE_JOB_ROUTER",
    (18, 9): "FF_SCRIPT_TO_STEP_MIGRATION",
    (18, 10): "FF_USE_GIT_PROACTIVE_AUTH",
    (18, 11): "FF_CONCRETE",
    (19, 0): "FF_SUSPENDABLE_ENVIRONMENTS FF_USE_PARALLEL_ARTIFACT_TRANSFER FF_USE_PARALLEL_CACHE_TRANSFER",
    (19, 1): "FF_USE_LEGACY_BASH_EVAL FF_USE_NATIVE_CONTAINER_STOP",
}
FLAGS_SINCE: Mapping[str, Version] = {name: release for release, names in _FLAGS.items() for name in names.split()}
"""The same of feature flags; all that any of the tags has."""

_RELEASE = re.compile(r"v?([0-9]+)\.([0-9]+)\.[0-9]+")


def release_of(runner_version: str) -> Version | None:
    """Return the minor release of `19.1.1`; None for what is no version."""
    match = _RELEASE.match(runner_version)
    return (int(match[1]), int(match[2])) if match else None


def dated(config: ExecutorConfig) -> dict[str, Version]:
    """Return the settings that this config has and that not every runner knows, with their first release."""
    set_here = set(_paths("", config.kubernetes.values))
    settings = {path: version for path, version in SINCE.items() if path in set_here}
    flags = {f"feature_flags.{name}": FLAGS_SINCE.get(name, _OLDEST) for name in config.feature_flags}
    return {**settings, **{path: version for path, version in flags.items() if version > _OLDEST}}


def undated(config: ExecutorConfig) -> tuple[str, ...]:
    """Return the settings of which it is not known who reads them: newer than the tags that were read, or misspelt."""
    flags = sorted(f"feature_flags.{name}" for name in config.feature_flags if name not in FLAGS_SINCE)
    keys = [path for path in config.unmodelled if not path.startswith("feature_flags.")]
    return (*keys, *flags)


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
