"""A model of GitLab Runner's Kubernetes executor: a config.toml and a job's variables in, a pod or a refusal out.

Pure: no network, no clock, no randomness. Modelled after gitlab-runner v19.3 (`executors/kubernetes`), whose own test
cases are the table in `tests/unit/executor/upstream_cases.json`.
"""

from ops.rehearse.executor.build import build_pod
from ops.rehearse.executor.config import ConfigInvalid, ExecutorConfig, parse_config
from ops.rehearse.executor.job import Job, JobRefusal, Pod, Service
from ops.rehearse.executor.overwrites import admits
from ops.rehearse.executor.registration import effective_config

__all__ = [
    "ConfigInvalid",
    "ExecutorConfig",
    "Job",
    "JobRefusal",
    "Pod",
    "Service",
    "admits",
    "build_pod",
    "effective_config",
    "parse_config",
]
