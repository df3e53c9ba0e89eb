"""CPU, memory and disk of the containers, as a stack file states them, in Kubernetes quantities (`500m`, `2Gi`)."""

from dataclasses import field

from pydantic.dataclasses import dataclass

from components.keys import CONFIG


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Requirements:
    """Requests and limits of one container."""

    cpu_request: str | None = None
    """CPU that the scheduler sets aside. `null`: none."""

    cpu_limit: str | None = None
    """CPU that the container is throttled to. Unset: throttling slows a build and frees nothing."""

    memory_request: str | None = None
    """Memory that the scheduler sets aside. `null`: none."""

    memory_limit: str | None = None
    """Memory above which the container is killed. `null`: none."""

    ephemeral_storage_request: str | None = None
    """Node disk that the scheduler sets aside. `null`: none."""

    ephemeral_storage_limit: str | None = None
    """Node disk above which the pod is evicted. `null`: none."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class BuildRequirements(Requirements):
    """Requests and limits of the container that runs a job's script."""

    cpu_request: str | None = "1"
    memory_request: str | None = "2Gi"
    memory_limit: str | None = "8Gi"
    ephemeral_storage_request: str | None = "10Gi"
    ephemeral_storage_limit: str | None = "40Gi"


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class HelperRequirements(Requirements):
    """Requests and limits of the container that clones, caches and uploads."""

    cpu_request: str | None = "250m"
    memory_request: str | None = "256Mi"
    memory_limit: str | None = "1Gi"
    ephemeral_storage_request: str | None = "1Gi"


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class ServiceRequirements(Requirements):
    """Requests and limits of each container of a job's `services:`."""

    cpu_request: str | None = "100m"
    memory_request: str | None = "128Mi"
    memory_limit: str | None = "2Gi"
    ephemeral_storage_request: str | None = "1Gi"


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class ManagerRequirements(Requirements):
    """Requests and limits of the runner manager."""

    cpu_request: str | None = "250m"
    memory_request: str | None = "256Mi"
    memory_limit: str | None = "512Mi"
    ephemeral_storage_request: str | None = "256Mi"


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Ceiling:
    """How far a job may raise its own build container by variables such as `KUBERNETES_MEMORY_REQUEST`."""

    cpu: str | None = "6"
    """Most CPU, request and limit. `null`: jobs can't change it."""

    memory: str | None = "24Gi"
    """Most memory, request and limit. `null`: jobs can't change it."""

    ephemeral_storage: str | None = "60Gi"
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
