"""The config.toml of one runner, read as the runner reads it."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from multiarch.model.executor.table import ConfigInvalid, Table

__all__ = ["ConfigInvalid", "ExecutorConfig", "config_of", "parse_config"]

_RESOURCE_KEYS = frozenset(
    f"{container}{resource}_{bound}{suffix}"
    for container in ("", "service_", "helper_", "pod_")
    for resource in ("cpu", "memory", "ephemeral_storage")
    for bound in ("limit", "request")
    for suffix in ("", "_overwrite_max_allowed")
) - {
    f"pod_ephemeral_storage_{bound}{suffix}"
    for bound in ("limit", "request")
    for suffix in ("", "_overwrite_max_allowed")
}

RENDERED_KEYS = _RESOURCE_KEYS | {
    "affinity", "allow_privilege_escalation", "allowed_groups", "allowed_images", "allowed_pull_policies",
    "allowed_services", "allowed_users", "automount_service_account_token", "bearer_token",
    "bearer_token_overwrite_allowed", "build_container_security_context", "cap_add", "cap_drop", "dns_config",
    "dns_policy", "helper_container_security_context", "helper_image", "helper_image_autoset_arch_and_os",
    "helper_image_flavor", "host_aliases", "image", "image_pull_secrets", "init_permissions_container_security_context",
    "logs_base_dir", "namespace", "namespace_overwrite_allowed", "namespace_per_job", "node_selector",
    "node_selector_overwrite_allowed", "node_tolerations", "node_tolerations_overwrite_allowed", "pod_annotations",
    "pod_annotations_overwrite_allowed", "pod_labels", "pod_labels_overwrite_allowed", "pod_security_context",
    "pod_termination_grace_period_seconds", "priority_class_name", "privileged", "pull_policy", "runtime_class_name",
    "scheduler_name", "scripts_base_dir", "service_account", "service_account_overwrite_allowed",
    "service_container_security_context", "services", "use_service_account_image_pull_secrets", "volumes",
}  # fmt: skip
"""Keys of `[runners.kubernetes]` that shape the job's pod and that this model renders."""

NOT_OF_THE_POD = frozenset({
    "autoscaler", "ca_file", "cert_file", "cleanup_grace_period_seconds", "cleanup_resources_timeout", "context",
    "host", "key_file", "pod_disruption_budget", "poll_interval", "poll_timeout", "print_pod_warning_events",
    "resource_availability_check_max_attempts", "retry_backoff_max", "retry_limit", "retry_limits",
    "suspend_pvc_size", "suspend_pvc_storage_class",
})  # fmt: skip
"""Keys that upstream reads, and that leave the pod as it is."""

ADVANCED_POD_SPEC = "FF_USE_ADVANCED_POD_SPEC_CONFIGURATION"
LEGACY_STRATEGY = "FF_USE_LEGACY_KUBERNETES_EXECUTION_STRATEGY"
ACTIVE_DEADLINE = "FF_USE_POD_ACTIVE_DEADLINE_SECONDS"

FLAG_DEFAULTS: Mapping[str, bool] = {
    ACTIVE_DEADLINE: True,
    LEGACY_STRATEGY: False,
    ADVANCED_POD_SPEC: False,
    "FF_CONCRETE": False,
    "FF_DISABLE_UMASK_FOR_KUBERNETES_EXECUTOR": False,
    "FF_KUBERNETES_HONOR_ENTRYPOINT": False,
    "FF_SUSPENDABLE_ENVIRONMENTS": False,
    "FF_USE_DUMB_INIT_WITH_KUBERNETES_EXECUTOR": False,
}
"""The feature flags that change the pod, with upstream's defaults (helpers/featureflags/flags.go)."""

MODELLED_FLAGS = frozenset({ACTIVE_DEADLINE, LEGACY_STRATEGY})


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorConfig:
    """One `[[runners]]` entry with the Kubernetes executor."""

    kubernetes: Table
    """The table `[runners.kubernetes]`."""
    name: str = ""
    token: str = ""
    shell: str = ""
    builds_dir: str = ""
    environment: tuple[tuple[str, str], ...] = ()
    """`environment` of the runner: set in every job, before the job's own variables."""
    feature_flags: Mapping[str, bool] = field(default_factory=dict)
    concurrent: int = 0
    """How many jobs run at once (a global key, not the template's)."""
    raw: Mapping[str, Any] = field(default_factory=dict)
    """The whole `[[runners]]` table as read."""
    above: Mapping[str, Any] = field(default_factory=dict)
    """All global keys as read: what stands beside `[[runners]]`."""

    @property
    def unmodelled(self) -> tuple[str, ...]:
        """Settings that might change a pod in a way this model does not know: with any, a proof is no proof."""
        keys = sorted(set(self.kubernetes.values) - RENDERED_KEYS - NOT_OF_THE_POD - {"pod_spec"})
        flags = sorted(name for name in set(FLAG_DEFAULTS) - MODELLED_FLAGS if self.feature_flags.get(name))
        # Without the feature flag upstream ignores pod_spec; with it and no patches the pod stays as it is.
        if ADVANCED_POD_SPEC in flags and not self.kubernetes.values.get("pod_spec"):
            flags.remove(ADVANCED_POD_SPEC)
        return (*(f"{self.kubernetes.path}.{key}" for key in keys), *(f"feature_flags.{flag}" for flag in flags))


def parse_config(toml_text: str) -> ExecutorConfig:
    """Read a complete config.toml, or a registration template.

    Raises ConfigInvalid where the runner would refuse the file: no valid TOML, not exactly one `[[runners]]`, an
    executor other than `kubernetes`, or a value of the wrong type.
    """
    try:
        document = tomllib.loads(toml_text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigInvalid(f"config.toml is not valid TOML: {error}") from error
    return config_of(document)


def config_of(document: Mapping[str, Any]) -> ExecutorConfig:
    """Read an already decoded config.toml. Raises ConfigInvalid as `parse_config` does."""
    top = Table("config", document)
    runners = top.tables("runners")
    if len(runners) != 1:
        # commands/register.go, configTemplate.MergeTo: the wording is upstream's.
        raise ConfigInvalid(
            f"configuration template must contain exactly one [[runners]] entry (this one has {len(runners)})"
        )
    runner = Table("runners", runners[0].values)
    executor = runner.text("executor") or "kubernetes"
    if executor != "kubernetes":
        raise ConfigInvalid(f"runners.executor: '{executor}': only the Kubernetes executor can be rehearsed")
    flags = runner.table("feature_flags")
    config = ExecutorConfig(
        kubernetes=runner.table("kubernetes"),
        name=runner.text("name"),
        token=runner.text("token"),
        shell=runner.text("shell"),
        builds_dir=runner.text("builds_dir"),
        environment=tuple(_variable(entry) for entry in runner.texts("environment")),
        feature_flags={name: flags.flag(name) for name in flags.values},
        concurrent=top.maybe_number("concurrent") or 0,
        raw=runner.values,
        above={key: value for key, value in document.items() if key != "runners"},
    )
    _check_types(config.kubernetes)
    return config


def _variable(entry: str) -> tuple[str, str]:
    key, _, value = entry.partition("=")
    return key, value


_BOOLEANS = frozenset({
    "allow_privilege_escalation", "automount_service_account_token", "bearer_token_overwrite_allowed",
    "helper_image_autoset_arch_and_os", "namespace_per_job", "privileged", "use_service_account_image_pull_secrets",
})  # fmt: skip
_TEXT_MAPS = frozenset({"node_selector", "node_tolerations", "pod_annotations", "pod_labels"})
_TEXT_LISTS = frozenset({
    "allowed_groups", "allowed_images", "allowed_pull_policies", "allowed_services", "allowed_users", "cap_add",
    "cap_drop", "image_pull_secrets",
})  # fmt: skip
_TABLES = frozenset({
    "affinity", "build_container_security_context", "dns_config", "helper_container_security_context",
    "init_permissions_container_security_context", "pod_security_context", "service_container_security_context",
    "volumes",
})  # fmt: skip
_OTHERS = frozenset({"host_aliases", "pod_termination_grace_period_seconds", "pull_policy", "services"})


def _check_types(kubernetes: Table) -> None:
    """Read every rendered key once, so that a wrong type is found before the first job and not by the tenth."""
    for key in RENDERED_KEYS & set(kubernetes.values):
        if key in _BOOLEANS:
            kubernetes.maybe_flag(key)
        elif key in _TEXT_MAPS:
            kubernetes.text_map(key)
        elif key in _TEXT_LISTS:
            kubernetes.texts(key)
        elif key in _TABLES:
            kubernetes.table(key)
        elif key not in _OTHERS:
            kubernetes.text(key)
    kubernetes.text_or_texts("pull_policy")
    kubernetes.maybe_number("pod_termination_grace_period_seconds")
    kubernetes.tables("services")
    kubernetes.tables("host_aliases")
