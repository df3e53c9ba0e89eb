"""What teams add to the jobs' pods, as the runner's config.toml says it."""

import json
from typing import Any

from pydantic import JsonValue

from components.runner.job_pods import (
    PATCHES,
    ClaimVolume,
    ConfigMapVolume,
    CsiVolume,
    Dns,
    EmptyDirVolume,
    JobPods,
    NfsVolume,
    SecretVolume,
    Service,
)

Toml = dict[str, JsonValue]
_TABLES = {
    ClaimVolume: "pvc",
    SecretVolume: "secret",
    ConfigMapVolume: "config_map",
    EmptyDirVolume: "empty_dir",
    CsiVolume: "csi",
    NfsVolume: "nfs",
}
_TOML_NAMES = {"attributes": "volume_attributes"}


def runner_settings(jobs: JobPods) -> Toml:
    """Return the keys of `[[runners]]` itself."""
    scripts = {
        "pre_get_sources_script": jobs.pre_get_sources_script,
        "pre_build_script": jobs.pre_build_script,
        "post_build_script": jobs.post_build_script,
    }
    found: Toml = {key: text for key, text in scripts.items() if text}
    if jobs.environment:
        found["environment"] = [f"{name}={value}" for name, value in jobs.environment.items()]
    return found


def flags(jobs: JobPods) -> Toml:
    """Return the feature flags, with the one that patches need."""
    return {**jobs.feature_flags, **({PATCHES: True} if jobs.pod_patches else {})}


def executor_settings(jobs: JobPods) -> Toml:
    """Return the keys of `[runners.kubernetes]` but for labels, annotations and volumes, which others add to."""
    found: Toml = {
        "host_aliases": [{"ip": one.ip, "hostnames": list(one.hostnames)} for one in jobs.host_aliases],
        "pull_policy": list(jobs.pull_policy),
        "runtime_class_name": jobs.runtime_class,
        "services": [_filled(_fields(one)) for one in jobs.services],
        "pod_spec": [
            {"name": one.name, "patch": json.dumps(one.patch), "patch_type": one.type} for one in jobs.pod_patches
        ],
        **(_dns(jobs.dns) if jobs.dns else {}),
    }
    return _filled(found)


def volumes(jobs: JobPods) -> dict[str, list[JsonValue]]:
    """Return the volumes by their tables in `[runners.kubernetes.volumes]`."""
    found: dict[str, list[JsonValue]] = {}
    for one in jobs.volumes:
        found.setdefault(_TABLES[type(one)], []).append(_filled(_fields(one)))
    return found


def _fields(one: Any) -> Toml:
    named = {_TOML_NAMES.get(key, key): value for key, value in vars(one).items() if key != "type"}
    if isinstance(one, Service):
        named["environment"] = [f"{name}={value}" for name, value in one.environment.items()]
    return named


def _filled(settings: Toml) -> Toml:
    return {key: value for key, value in settings.items() if value not in (None, "", False, [], {})}


def _dns(dns: Dns) -> Toml:
    options: list[JsonValue] = [
        {"name": name, **({"value": value} if value else {})} for name, value in dns.options.items()
    ]
    config = _filled({"nameservers": list(dns.nameservers), "searches": list(dns.searches), "options": options})
    return {"dns_policy": dns.policy, "dns_config": config}
