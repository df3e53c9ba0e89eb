"""From a config and a job to the pod (kubernetes.go preparePodConfig and what it calls)."""

import re
from collections.abc import Mapping
from typing import Any

from multiarch.model.executor import metadata, security, services, volumes
from multiarch.model.executor.config import ACTIVE_DEADLINE, FLAG_DEFAULTS, LEGACY_STRATEGY, ExecutorConfig
from multiarch.model.executor.helper_image import REGISTRY, HelperImage, helper_image
from multiarch.model.executor.images import check_image
from multiarch.model.executor.job import Job, JobRefusal, Pod, RefusedError, Service
from multiarch.model.executor.overwrites import Overwrites, evaluate, tolerations
from multiarch.model.executor.quantities import ResourceList, resource_list
from multiarch.model.executor.since import as_read_by
from multiarch.model.executor.table import Table
from multiarch.model.executor.variables import Variables, expand, expand_all

_SHELL = ["sh", "-c", "if [ -x /bin/bash ]; then exec /bin/bash; else exec /bin/sh; fi"]
"""In short what upstream's detection script does; no claim depends on it."""

_PULL_POLICY = {"always": "Always", "if-not-present": "IfNotPresent", "never": "Never"}
_DNS_POLICY = {
    "": "ClusterFirst",
    "none": "None",
    "default": "Default",
    "cluster-first": "ClusterFirst",
    "cluster-first-with-host-net": "ClusterFirstWithHostNet",
}
_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})


def build_pod(
    config: ExecutorConfig, job: Job, runner_version: str, *, manager_arch: str = "amd64"
) -> Pod | JobRefusal:
    """Return the pod that gitlab-runner would create for `job`, or why it fails the job before creating one.

    `runner_version` (`19.1.1`) names the helper image's tag; settings that such a runner does not know are left out.
    What the model does not render is listed in `config.unmodelled`, and is the caller's to judge.
    """
    try:
        return _build(as_read_by(config, runner_version), job, runner_version, manager_arch)
    except RefusedError as error:
        return JobRefusal(str(error))


def _build(config: ExecutorConfig, job: Job, runner_version: str, manager_arch: str) -> Pod:
    variables = _all_variables(config, job, runner_version)
    settings = config.kubernetes
    # Upstream expands twice: once for the job, once more in createOverwrites.
    overwrites = evaluate(settings, expand_all(variables))
    image = job.image or expand(settings.text("image"), variables)
    if not image:
        raise RefusedError("no image specified and no default set in config")
    namespace = f"ci-job-{job.id}" if settings.flag("namespace_per_job") else overwrites.namespace or "default"
    helper = helper_image(config, overwrites.node_selector, variables, runner_version, manager_arch)
    parts = _Parts(config, job, variables, overwrites, helper)
    manifest = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": metadata.pod_name(config, job),
            "namespace": namespace,
            "labels": metadata.labels(config, job, overwrites),
            "annotations": metadata.annotations(job, overwrites),
        },
        "spec": parts.spec(image),
    }
    return Pod(manifest=manifest, namespace=namespace, helper_image=helper.image, bearer_token=overwrites.bearer_token)


def _all_variables(config: ExecutorConfig, job: Job, runner_version: str) -> Variables:
    """Return the job's variables in upstream's order: a job can't replace what describes the runner itself."""
    return expand_all(
        [
            *config.environment,
            ("CI_JOB_ID", str(job.id)),
            ("CI_JOB_NAME", job.name),
            *job.variables.items(),
            ("CI_RUNNER_VERSION", runner_version),
            ("CI_RUNNER_EXECUTABLE_ARCH", "linux/amd64"),
        ]
    )


def flag_on(config: ExecutorConfig, variables: Mapping[str, str], name: str) -> bool:
    """Tell whether a feature flag is on: the runner's setting, else the job's variable, else the default."""
    if name in config.feature_flags:
        return config.feature_flags[name]
    value = variables.get(name, "")
    return value in _TRUE if value in _TRUE | _FALSE else FLAG_DEFAULTS[name]


class _Parts:
    """The pod's spec, piece by piece."""

    def __init__(
        self, config: ExecutorConfig, job: Job, variables: Variables, overwrites: Overwrites, helper: HelperImage
    ) -> None:
        self.settings = config.kubernetes
        self.job = job
        self.variables = variables
        self.overwrites = overwrites
        self.helper = helper
        self.services = services.of_job(self.settings, job, variables)
        self.attach = not flag_on(config, dict(variables), LEGACY_STRATEGY)
        self.deadline = flag_on(config, dict(variables), ACTIVE_DEADLINE)
        self.root = config.builds_dir or "/builds"
        self.own_dirs = {
            name: f"{self.settings.text(f'{name}_base_dir').rstrip('/')}/{name}-{job.project_id}-{job.id}"
            for name in ("scripts", "logs")
            if self.attach
        }
        self.mounts = volumes.mounts(self.settings, self.root, variables, self.own_dirs)
        self.pull_policy = _pull_policy(self.settings)

    def spec(self, image: str) -> dict[str, Any]:
        settings, overwrites = self.settings, self.overwrites
        spec: dict[str, Any] = {
            "volumes": volumes.volumes(settings, self.root, self.variables, self.own_dirs),
            "schedulerName": settings.text("scheduler_name"),
            "serviceAccountName": overwrites.service_account,
            "automountServiceAccountToken": settings.maybe_flag("automount_service_account_token"),
            "restartPolicy": "Never",
            "nodeSelector": dict(overwrites.node_selector),
            "tolerations": tolerations(overwrites.node_tolerations),
            "initContainers": [self._init_container()] if self.attach else [],
            "containers": [self._build_container(image), self._helper_container(), *self._service_containers()],
            "terminationGracePeriodSeconds": settings.maybe_number("pod_termination_grace_period_seconds"),
            "activeDeadlineSeconds": self.job.timeout + 1 if self.deadline else None,
            "imagePullSecrets": []
            if settings.flag("use_service_account_image_pull_secrets")
            else [{"name": name} for name in settings.texts("image_pull_secrets")],
            "securityContext": security.pod_context(settings),
            "hostAliases": services.host_aliases(settings, self.services),
            "affinity": _camel(settings.table("affinity").values),
            "dnsPolicy": _DNS_POLICY.get(settings.text("dns_policy"), "ClusterFirst"),
            "dnsConfig": _dns_config(settings.table("dns_config")),
            "runtimeClassName": settings.text("runtime_class_name"),
            "priorityClassName": settings.text("priority_class_name"),
            "resources": _resources(overwrites.requests["pod"], overwrites.limits["pod"]),
        }
        return {key: value for key, value in spec.items() if value not in (None, "", [], {})}

    def _init_container(self) -> dict[str, Any]:
        log = f"{self.own_dirs['logs']}/output.log"
        container = self._container("init-permissions", self.helper.image, "helper")
        container["command"] = ["sh", "-c", f"touch {log} && (chmod 777 {log} || exit 0)"]
        container["securityContext"] = security.init_context(self.settings)
        return container

    def _build_container(self, image: str) -> dict[str, Any]:
        self._check_image(image, "allowed_images")
        container = self._container("build", image, "")
        container["command"] = _SHELL
        container["stdin"] = True
        container["securityContext"] = security.container_context(
            self.settings, "build_container_security_context", self.job.user
        )
        container["env"] = [{"name": name, "value": value} for name, value in dict(self.variables).items()]
        return container

    def _helper_container(self) -> dict[str, Any]:
        container = self._container("helper", self.helper.image, "helper")
        container["command"] = ["gitlab-runner-build"]
        container["stdin"] = True
        container["securityContext"] = security.container_context(self.settings, "helper_container_security_context")
        return container

    def _service_containers(self) -> list[dict[str, Any]]:
        names = services.container_names(self.services)
        return [self._service(name, service) for name, service in zip(names, self.services, strict=True)]

    def _service(self, name: str, service: Service) -> dict[str, Any]:
        self._check_image(service.name, "allowed_services")
        own = list(service.variables.items())
        limits = resource_list(self.settings, "service", "limit", own, self.overwrites.limits["service"])
        requests = resource_list(self.settings, "service", "request", own, self.overwrites.requests["service"])
        container = self._container(name, service.name, "service")
        container["resources"] = _resources(requests, limits)
        container["stdin"] = True
        container["securityContext"] = security.container_context(self.settings, "service_container_security_context")
        values = {**dict(self.variables), **dict(expand_all(own))}
        container["env"] = [{"name": key, "value": value} for key, value in values.items()]
        for key, words in (("command", service.entrypoint), ("args", service.command)):
            if words:
                container[key] = list(words)
        return container

    def _container(self, name: str, image: str, resources: str) -> dict[str, Any]:
        container: dict[str, Any] = {
            "name": name,
            "image": image,
            "volumeMounts": self.mounts,
            "resources": _resources(self.overwrites.requests[resources], self.overwrites.limits[resources]),
        }
        return container | ({"imagePullPolicy": self.pull_policy} if self.pull_policy else {})

    def _check_image(self, image: str, key: str) -> None:
        internal = (expand(self.settings.text("image"), self.variables), REGISTRY)
        check_image(image, self.settings.texts(key), internal)


def _pull_policy(settings: Table) -> str:
    policies = settings.text_or_texts("pull_policy")
    if not policies:
        return ""
    if policies[0] not in _PULL_POLICY:
        raise RefusedError(f'pull_policy config: unsupported pull policy: "{policies[0]}"')
    return _PULL_POLICY[policies[0]]


def _resources(requests: ResourceList, limits: ResourceList) -> dict[str, dict[str, str]]:
    both = {"requests": dict(requests), "limits": dict(limits)}
    return {key: values for key, values in both.items() if values}


def _dns_config(table: Table) -> dict[str, Any]:
    config = {
        "nameservers": list(table.texts("nameservers")),
        "searches": list(table.texts("searches")),
        "options": [dict(option.values) for option in table.tables("options")],
    }
    return {key: value for key, value in config.items() if value}


def _camel(value: Any) -> Any:
    """Rename an affinity's snake_case keys; the keys of match_labels are labels and stay."""
    if isinstance(value, list):
        return [_camel(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        re.sub(r"_([a-z])", lambda match: match.group(1).upper(), key): inner
        if key == "match_labels"
        else _camel(inner)
        for key, inner in value.items()
    }
