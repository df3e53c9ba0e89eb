"""CPU, memory and disk of the containers, as a stack file states them, in Kubernetes quantities (`500m`, `2Gi`)."""

from dataclasses import field
from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from components.keys import CONFIG

CpuRequest = Annotated[str | None, Field(description="CPU that the scheduler sets aside. `null`: none.")]
CpuLimit = Annotated[
    str | None,
    Field(description="CPU that the container is throttled to. Unset: throttling slows a build and frees nothing."),
]
MemoryRequest = Annotated[str | None, Field(description="Memory that the scheduler sets aside. `null`: none.")]
MemoryLimit = Annotated[str | None, Field(description="Memory above which the container is killed. `null`: none.")]
DiskRequest = Annotated[str | None, Field(description="Node disk that the scheduler sets aside. `null`: none.")]
DiskLimit = Annotated[str | None, Field(description="Node disk above which the pod is evicted. `null`: none.")]


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Requirements:
    """Requests and limits of one container."""

    cpu_request: CpuRequest = None
    cpu_limit: CpuLimit = None
    memory_request: MemoryRequest = None
    memory_limit: MemoryLimit = None
    ephemeral_storage_request: DiskRequest = None
    ephemeral_storage_limit: DiskLimit = None


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class BuildRequirements(Requirements):
    """Requests and limits of the container that runs a job's script."""

    cpu_request: CpuRequest = "1"
    memory_request: MemoryRequest = "2Gi"
    memory_limit: MemoryLimit = "8Gi"
    ephemeral_storage_request: DiskRequest = "10Gi"
    ephemeral_storage_limit: DiskLimit = "40Gi"


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class HelperRequirements(Requirements):
    """Requests and limits of the container that clones, caches and uploads."""

    cpu_request: CpuRequest = "250m"
    memory_request: MemoryRequest = "256Mi"
    memory_limit: MemoryLimit = "1Gi"
    ephemeral_storage_request: DiskRequest = "1Gi"


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class ServiceRequirements(Requirements):
    """Requests and limits of each container of a job's `services:`."""

    cpu_request: CpuRequest = "100m"
    memory_request: MemoryRequest = "128Mi"
    memory_limit: MemoryLimit = "2Gi"
    ephemeral_storage_request: DiskRequest = "1Gi"


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class ManagerRequirements(Requirements):
    """Requests and limits of the runner manager."""

    cpu_request: CpuRequest = "250m"
    memory_request: MemoryRequest = "256Mi"
    memory_limit: MemoryLimit = "512Mi"
    ephemeral_storage_request: DiskRequest = "256Mi"


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
