"""The runner's config.toml: one `[[runners]]` of the Kubernetes executor that serves every architecture.

It is the *template* that `gitlab-runner register` merges into what it writes: exactly one `[[runners]]`, no global
options, and only where the registered entry is empty (gitlab-runner docs/register). Token, URL and name are not here.
"""

from collections.abc import Mapping, Sequence

import tomli_w
from pydantic import JsonValue

from components.clouds import CLOUDS
from components.runner import job_pods_toml as job_pods
from components.runner.cache import AzureCache, Cache, GcsCache, S3Cache, S3Server, manager_annotations
from components.runner.classes import KANIKO, JobProfile
from components.runner.helper_image import helper_image
from components.runner.placement import RunnerPool, job_tolerations
from components.runner.resources import Ceiling, JobResources, Requirements
from components.runner.selectors import ARCH_KEY, allowed_selectors
from components.runner.settings import RunnerConfig

Toml = dict[str, JsonValue]

# What kaniko needs to unpack images and run package managers as root; all of it is within Pod Security baseline.
# Sources: shipwright-io/build#93, #118, #415.
CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "SETFCAP", "SETGID", "SETUID")

# An evicted build is a failed build: GitLab reports it as the script's failure, so that its retry rules don't apply
# (gitlab-runner issue 37911).
NO_EVICTION: Mapping[str, str] = {
    "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
    "karpenter.sh/do-not-disrupt": "true",
}
AZURE_CLIENT_ID = "azure.workload.identity/client-id"
AZURE_LABEL: Mapping[str, str] = {"azure.workload.identity/use": "true"}


def config_toml(
    runner: RunnerConfig,
    pools: Sequence[RunnerPool],
    cluster_type: str,
    profile: JobProfile = KANIKO,
    mirrored: str | None = None,
) -> str:
    """Return the text of the template, which holds no secret. `cluster_type` is one of CLOUDS.

    `mirrored` is the published image for `helperImage: mirror`.
    """
    return tomli_w.dumps({"runners": [runner_entry(runner, pools, cluster_type, profile, mirrored)]})


def runner_entry(
    runner: RunnerConfig,
    pools: Sequence[RunnerPool],
    cluster_type: str,
    profile: JobProfile = KANIKO,
    mirrored: str | None = None,
) -> Toml:
    """Return the one `[[runners]]` table."""
    entry: Toml = {"executor": "kubernetes"}
    entry |= job_pods.runner_settings(runner.jobs)
    flags = feature_flags(runner, cluster_type)
    if flags:
        entry["feature_flags"] = flags
    volumes = _volumes(runner, profile)
    entry["kubernetes"] = {
        **_kubernetes(runner, pools, mirrored),
        **_sandbox(profile),
        **({"volumes": volumes} if volumes else {}),
    }
    if runner.cache is not None:
        entry["cache"] = _cache(runner.cache)
    return entry


def feature_flags(runner: RunnerConfig, cluster_type: str) -> Toml:
    """Return the feature flags that differ from the runner's defaults."""
    wait = runner.wait_for_pod_reachable
    if wait is None:
        wait = CLOUDS[cluster_type].runner.late_nodes
    return {**({"FF_WAIT_FOR_POD_TO_BE_REACHABLE": True} if wait else {}), **job_pods.flags(runner.jobs)}


def job_annotations(runner: RunnerConfig) -> dict[str, str]:
    """Return the annotations of the jobs' service account: its own, and Azure's for cache uploads.

    Uploads run in the job's pod, downloads in the manager (gitlab-runner docs, "Azure workload identities").
    """
    uploads = manager_annotations(runner.cache) if isinstance(runner.cache, AzureCache) else {}
    return {**uploads, **runner.job_service_account.annotations}


def _kubernetes(runner: RunnerConfig, pools: Sequence[RunnerPool], mirrored: str | None) -> Toml:
    optional: Toml = {
        "helper_image": helper_image(runner, mirrored),
        "priority_class_name": runner.priority_class,
        "image_pull_secrets": list(runner.image_pull_secrets) or None,
        "allowed_images": list(runner.allowed_images) or None,
        "pod_labels": {**runner.jobs.labels, **(AZURE_LABEL if AZURE_CLIENT_ID in job_annotations(runner) else {})}
        or None,
    }
    return {
        "namespace": runner.job_namespace,
        "image": runner.default_image,
        "poll_timeout": runner.poll_timeout,
        "service_account": runner.job_service_account.name,
        "node_selector_overwrite_allowed": allowed_selectors(runner),
        **_security(),
        **_resources(runner.resources),
        **{key: value for key, value in optional.items() if value is not None},
        "node_selector": {ARCH_KEY: runner.default_arch.value},
        "node_tolerations": dict(job_tolerations(runner, pools)),
        "pod_annotations": {**runner.jobs.annotations, **NO_EVICTION},
        **job_pods.executor_settings(runner.jobs),
        "pod_security_context": {"seccomp_profile": {"type": "RuntimeDefault"}},
    }


def _sandbox(profile: JobProfile) -> Toml:
    """Return what a profile changes of `_security`, for the build container alone."""
    return {"build_container_security_context": dict(profile.build_container)} if profile.build_container else {}


def _volumes(runner: RunnerConfig, profile: JobProfile) -> Toml:
    """Return the volumes of every job: the profile's scratch folders and those that the stack adds."""
    scratch: list[JsonValue] = [{"name": name, "mount_path": path} for name, path in profile.scratch.items()]
    added = job_pods.volumes(runner.jobs)
    empty = [*scratch, *added.pop("empty_dir", [])]
    return {**added, **({"empty_dir": empty} if empty else {})}


def _security() -> Toml:
    # No *_overwrite_allowed beside the selector's: absent means that jobs can't overwrite it.
    return {
        "privileged": False,
        "allow_privilege_escalation": False,
        "cap_drop": ["ALL"],
        "cap_add": list(CAPABILITIES),
        "automount_service_account_token": False,
    }


def _resources(resources: JobResources) -> Toml:
    return {
        **_requirements("", resources.build),
        **_ceiling(resources.ceiling),
        **_requirements("helper_", resources.helper),
        **_requirements("service_", resources.service),
    }


def _requirements(prefix: str, required: Requirements) -> Toml:
    settings = {
        "cpu_request": required.cpu_request,
        "cpu_limit": required.cpu_limit,
        "memory_request": required.memory_request,
        "memory_limit": required.memory_limit,
        "ephemeral_storage_request": required.ephemeral_storage_request,
        "ephemeral_storage_limit": required.ephemeral_storage_limit,
    }
    return {f"{prefix}{key}": value for key, value in settings.items() if value is not None}


def _ceiling(ceiling: Ceiling) -> Toml:
    most = {"cpu": ceiling.cpu, "memory": ceiling.memory, "ephemeral_storage": ceiling.ephemeral_storage}
    return {
        f"{kind}_{end}_overwrite_max_allowed": value
        for kind, value in most.items()
        for end in ("request", "limit")
        if value is not None
    }


def _cache(cache: Cache) -> Toml:
    settings: Toml = {"Type": cache.type, "Shared": cache.shared}
    if cache.path:
        settings["Path"] = cache.path
    match cache:
        case GcsCache():
            settings["gcs"] = {"BucketName": cache.bucket}
        case S3Cache():
            settings["s3"] = {"BucketName": cache.bucket, "BucketLocation": cache.region, **_server(cache.server)}
        case AzureCache():
            settings["azure"] = {
                "AccountName": cache.account,
                "ContainerName": cache.container,
                "StorageDomain": cache.storage_domain,
            }
    return settings


def _server(server: S3Server | None) -> Toml:
    """Return how S3 is reached: Amazon's with the manager's own identity, another with keys that `register` puts in."""
    if server is None:
        # IRSA or Pod Identity; the runner takes empty keys for it only if told to.
        return {"AuthenticationType": "iam"}
    style: Toml = {} if server.path_style is None else {"PathStyle": server.path_style}
    return {
        "ServerAddress": server.address,
        "Insecure": server.insecure,
        "AuthenticationType": "access-key",
        **style,
    }
