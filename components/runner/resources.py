"""CPU, memory and disk of the containers, as a stack file states them, in Kubernetes quantities (`500m`, `2Gi`)."""

from dataclasses import field

from pydantic.dataclasses import dataclass

from components.keys import CONFIG
from components.problems import Problem
from components.runner.quantities import Quantity, above


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Requirements:
    """Requests and limits of one container."""

    cpu_request: Quantity | None = None
    """CPU that the scheduler sets aside. `null`: none."""

    cpu_limit: Quantity | None = None
    """CPU that the container is throttled to. Unset: throttling slows a build and frees nothing."""

    memory_request: Quantity | None = None
    """Memory that the scheduler sets aside. `null`: none."""

    memory_limit: Quantity | None = None
    """Memory above which the container is killed. `null`: none."""

    ephemeral_storage_request: Quantity | None = None
    """Node disk that the scheduler sets aside. `null`: none."""

    ephemeral_storage_limit: Quantity | None = None
    """Node disk above which the pod is evicted. `null`: none."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class BuildRequirements(Requirements):
    """Requests and limits of the container that runs a job's script."""

    cpu_request: Quantity | None = "1"
    memory_request: Quantity | None = "2Gi"
    memory_limit: Quantity | None = "8Gi"
    ephemeral_storage_request: Quantity | None = "10Gi"
    ephemeral_storage_limit: Quantity | None = "40Gi"


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class HelperRequirements(Requirements):
    """Requests and limits of the container that clones, caches and uploads."""

    cpu_request: Quantity | None = "250m"
    memory_request: Quantity | None = "256Mi"
    memory_limit: Quantity | None = "1Gi"
    ephemeral_storage_request: Quantity | None = "1Gi"


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class ServiceRequirements(Requirements):
    """Requests and limits of each container of a job's `services:`."""

    cpu_request: Quantity | None = "100m"
    memory_request: Quantity | None = "128Mi"
    memory_limit: Quantity | None = "2Gi"
    ephemeral_storage_request: Quantity | None = "1Gi"


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class ManagerRequirements(Requirements):
    """Requests and limits of the runner manager."""

    cpu_request: Quantity | None = "250m"
    memory_request: Quantity | None = "256Mi"
    memory_limit: Quantity | None = "512Mi"
    ephemeral_storage_request: Quantity | None = "256Mi"


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Ceiling:
    """How far a job may raise its own build container by variables such as `KUBERNETES_MEMORY_REQUEST`."""

    cpu: Quantity | None = "6"
    """Most CPU, request and limit. `null`: jobs can't change it."""

    memory: Quantity | None = "24Gi"
    """Most memory, request and limit. `null`: jobs can't change it."""

    ephemeral_storage: Quantity | None = "60Gi"
    """Most node disk, request and limit. `null`: jobs can't change it."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class JobResources:
    """Requests and limits of the three kinds of container in a job's pod."""

    build: BuildRequirements = field(default_factory=BuildRequirements)
    """The container that runs the job's script. Kaniko keeps whole layers in memory: images of several GB need more."""

    helper: HelperRequirements = field(default_factory=HelperRequirements)
    """The container that clones, caches and uploads. Without a CPU request of its own it starves beside a busy build,
    and uploads time out."""

    service: ServiceRequirements = field(default_factory=ServiceRequirements)
    """Each container of the job's `services:`."""

    ceiling: Ceiling = field(default_factory=Ceiling)
    """How far a job may raise its build container. The defaults fit one job on a node of 8 CPUs and 32 GiB."""


_KINDS = (("cpu", "cpu"), ("memory", "memory"), ("ephemeral_storage", "ephemeralStorage"))


def check_resources(resources: JobResources) -> list[Problem]:
    """Return what is wrong with the jobs' requests, limits and ceilings."""
    problems = [
        problem
        for name in ("build", "helper", "service")
        for problem in check_requirements(f"runner.resources.{name}", getattr(resources, name))
    ]
    return problems or _check_ceiling(resources.build, resources.ceiling)


def check_requirements(path: str, required: Requirements) -> list[Problem]:
    """Return what is wrong with one container's requests and limits."""
    stated = [(key, getattr(required, f"{name}_request"), getattr(required, f"{name}_limit")) for name, key in _KINDS]
    return [
        Problem(
            path=f"{path}.{key}Request",
            found=f"{request} is above {key}Limit {limit}",
            fix="Lower the request, or raise the limit.",
        )
        for key, request, limit in stated
        if above(request, limit)
    ]


def _check_ceiling(build: Requirements, ceiling: Ceiling) -> list[Problem]:
    problems = []
    for name, key in _KINDS:
        most = getattr(ceiling, name)
        # The greatest of both: a ceiling between request and limit would let a job lower its limit, never keep it.
        usual = [getattr(build, f"{name}_{end}") for end in ("request", "limit")]
        if over := next((text for text in usual if above(text, most)), None):
            found = f"{most} is below the build container's own {over}"
            fix = "Raise the ceiling, or set it to null to forbid such variables."
            consequence = "a job that asks for exactly the default would be refused"
            problems.append(
                Problem(path=f"runner.resources.ceiling.{key}", found=found, consequence=consequence, fix=fix)
            )
    return problems
