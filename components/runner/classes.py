"""The runners of a stack: one for everything, and, where asked for, one whose jobs may run rootless BuildKit.

Both are made by the same functions. A class says where its jobs run and how closely they are confined; everything else
is the stack's one `runner`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from pydantic import JsonValue

from components.runner.settings import BuildKit, RunnerConfig

BUILDKIT: Final = "buildkit"

# The user that moby/buildkit's rootless images are made for; another needs another image (its rootless example).
ROOTLESS_USER: Final = 1000
# All that newuidmap and newgidmap keep; with every capability dropped they fail (moby/buildkit#3897).
ROOTLESS_CAPABILITIES: Final = ("SETGID", "SETUID")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobProfile:
    """How closely jobs are confined."""

    pod_security: str
    """The Pod Security level that the jobs' namespace enforces."""

    build_container: Mapping[str, JsonValue] = field(default_factory=dict)
    """`build_container_security_context` of config.toml. The other containers of a job always have the shared one."""

    scratch: Mapping[str, str] = field(default_factory=dict)
    """Empty directories of each job's pod: volume name to mount path."""


KANIKO: Final = JobProfile(pod_security="baseline")
"""For builders that need neither namespaces nor mounts of their own, as kaniko; and for all other jobs."""

ROOTLESS_BUILDKIT: Final = JobProfile(
    # There is no level between baseline and privileged: components/runner/admission.py puts one there.
    pod_security="privileged",
    build_container=MappingProxyType(
        {
            "run_as_user": ROOTLESS_USER,
            "run_as_group": ROOTLESS_USER,
            # newuidmap has the setuid bit, which means nothing otherwise (moby/buildkit#1671).
            "allow_privilege_escalation": True,
            "capabilities": {"drop": ["ALL"], "add": list(ROOTLESS_CAPABILITIES)},
            # Both default profiles refuse unshare and mount (moby/buildkit docs/rootless.md).
            "seccomp_profile": {"type": "Unconfined"},
            "app_armor_profile": {"type": "Unconfined"},
        }
    ),
    # Overlays don't stack on a container's own root file system (the same page: Container-Optimized OS).
    scratch=MappingProxyType({"buildkit": "/home/user/.local/share/buildkit"}),
)
"""For rootless BuildKit, never privileged. `hostUsers: false` will need less, once GitLab Runner can ask for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerClass:
    """One runner of a stack."""

    name: str
    """Empty for the first one."""

    runner: RunnerConfig
    """The configuration as if this runner were the only one: its release, token, job namespace and job account."""

    profile: JobProfile


def first_class(runner: RunnerConfig) -> RunnerClass:
    """Return the runner that every stack has."""
    return RunnerClass(name="", runner=replace(runner, buildkit=None), profile=KANIKO)


def buildkit_class(runner: RunnerConfig) -> RunnerClass | None:
    """Return the runner for rootless BuildKit; None when it is off."""
    if runner.buildkit is None:
        return None
    return RunnerClass(name=BUILDKIT, runner=_as_buildkit(runner, runner.buildkit), profile=ROOTLESS_BUILDKIT)


def buildkit_release_name(runner: RunnerConfig) -> str:
    """Return the name of the second release: the first one's, and what it is for."""
    return f"{runner.release_name}-{BUILDKIT}"


def _as_buildkit(runner: RunnerConfig, own: BuildKit) -> RunnerConfig:
    return replace(
        runner,
        token=own.token,
        job_namespace=own.job_namespace,
        release_name=buildkit_release_name(runner),
        concurrent=own.concurrent,
        job_service_account=own.job_service_account,
        buildkit=None,
    )
