"""A model of GitLab Runner's Kubernetes executor: a config.toml and a job's variables in, a pod or a refusal out.

Pure: no network, no clock, no randomness. Modelled after gitlab-runner v19.3 (`executors/kubernetes`), whose own test
cases are the table in `tests/unit/executor/upstream_cases.json`.
"""

from multiarch.model.executor.build import build_pod
from multiarch.model.executor.config import ConfigInvalid, ExecutorConfig, parse_config
from multiarch.model.executor.job import Job, JobRefusal, Pod, Service
from multiarch.model.executor.overwrites import admits
from multiarch.model.executor.registration import effective_config

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
