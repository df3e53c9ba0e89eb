"""Names, labels and annotations of the job's pod (kubernetes.go buildLabels, buildPodAnnotations)."""

import re

from multiarch.model.executor.config import ExecutorConfig
from multiarch.model.executor.job import Job
from multiarch.model.executor.overwrites import Overwrites
from multiarch.model.executor.variables import expand, lookup

_OWN_LABEL = re.compile(r"(?i)(^|.*\.)runner\.gitlab\.com(/.*|$)")
_NOT_LABEL = re.compile(r"[^A-Za-z0-9._-]")
_TOKEN_PREFIX = (
    re.compile(r"^glrt-(t[123]_)?|^t[123]_|^glrtr-"),
    re.compile(r"^glcbt-"),
    re.compile(r"^GR[0-9A-Fa-f]{7}"),
)
_LABEL_LENGTH = 63
_SUFFIX_LENGTH = 8
_SHORT_TOKEN = 9


def sanitize_label(text: str) -> str:
    """Make a valid label value: other characters become `_`, ends are alphanumeric, 63 at most."""
    text = _NOT_LABEL.sub("_", text).strip("-_.")
    return text[:_LABEL_LENGTH].strip("-_.")


def short_token(token: str) -> str:
    """Return the nine characters by which upstream names a runner; never more of a token."""
    for prefix in _TOKEN_PREFIX:
        token = prefix.sub("", token)
    return token[:_SHORT_TOKEN]


def unique_name(config: ExecutorConfig, job: Job) -> str:
    """Return `runner-<short token>-project-<id>-concurrent-0` as a DNS label."""
    name = f"runner-{short_token(config.token)}-project-{job.project_id}-concurrent-0".lower()
    return re.sub(r"[^a-z0-9-]", "", name)[:_LABEL_LENGTH].strip("-")


def pod_name(config: ExecutorConfig, job: Job) -> str:
    """Return the pod's name: the unique name, cut to fit, and eight more characters."""
    return f"{unique_name(config, job)[: _LABEL_LENGTH - _SUFFIX_LENGTH - 1]}-{job.suffix}"


def labels(config: ExecutorConfig, job: Job, overwrites: Overwrites) -> dict[str, str]:
    """Return the pod's labels. Those under runner.gitlab.com are the runner's alone."""
    variables = list(job.variables.items())
    own = "runner.gitlab.com"
    name = sanitize_label(unique_name(config, job))
    result = {
        "pod": name,
        f"project.{own}/id": str(job.project_id),
        f"project.{own}/namespace-id": sanitize_label(lookup(variables, "CI_PROJECT_NAMESPACE_ID")),
        f"project.{own}/name": sanitize_label(job.project_name),
        f"project.{own}/namespace": sanitize_label(lookup(variables, "CI_PROJECT_NAMESPACE")),
        f"project.{own}/root-namespace": sanitize_label(lookup(variables, "CI_PROJECT_ROOT_NAMESPACE")),
        f"project.{own}/root-namespace-id": str(job.root_namespace_id),
        f"job.{own}/pod": name,
        f"manager.{own}/name": sanitize_label(config.name),
        f"manager.{own}/id-short": sanitize_label(short_token(config.token)),
    }
    for source in (config.kubernetes.text_map("pod_labels"), overwrites.pod_labels):
        for key, value in source.items():
            if not _OWN_LABEL.match(key):
                result[key] = sanitize_label(expand(value, variables))
    return result


def annotations(job: Job, overwrites: Overwrites) -> dict[str, str]:
    """Return the pod's annotations; unlike labels, the runner's own can be overwritten."""
    variables = list(job.variables.items())
    own = "runner.gitlab.com"
    minutes, seconds = divmod(job.timeout, 60)
    hours, minutes = divmod(minutes, 60)
    result = {
        f"job.{own}/id": str(job.id),
        f"job.{own}/url": f"{lookup(variables, 'CI_PROJECT_URL')}/-/jobs/{job.id}",
        f"job.{own}/sha": job.sha,
        f"job.{own}/before_sha": "",
        f"job.{own}/ref": job.ref,
        f"job.{own}/name": job.name,
        f"job.{own}/timeout": f"{hours}h{minutes}m{seconds}s",
        f"project.{own}/id": str(job.project_id),
    }
    return result | {key: expand(value, variables) for key, value in overwrites.pod_annotations.items()}
