"""What goes into the executor and what comes out."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A `services:` entry of a job."""

    name: str
    """The image."""
    alias: str = ""
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A CI job as GitLab hands it to the runner."""

    name: str
    variables: Mapping[str, str] = field(default_factory=dict)
    image: str = ""
    """Empty: the runner's default image."""
    entrypoint: tuple[str, ...] = ()
    user: str = ""
    """`image:kubernetes:user`, `uid[:gid]`."""
    services: tuple[Service, ...] = ()
    timeout: int = 3600
    """Seconds; the pod's deadline is one more."""
    id: int = 1
    project_id: int = 1
    project_name: str = "rehearsal"
    root_namespace_id: int = 1
    sha: str = "0" * 40
    ref: str = "main"

    @property
    def suffix(self) -> str:
        """Eight characters after the pod's name: drawn by upstream, here made from the job, to be repeatable."""
        return hashlib.sha256(f"{self.id} {self.name}".encode()).hexdigest()[:8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """The pod that the executor would create."""

    manifest: Mapping[str, Any]
    namespace: str
    helper_image: str
    bearer_token: str = ""
    """Not empty: the executor would create the pod with this token and not with its own service account."""

    @property
    def name(self) -> str:
        """The pod's name."""
        return str(self.manifest["metadata"]["name"])


@dataclass(frozen=True, slots=True)
class JobRefusal:
    """The executor fails the job before any pod exists. `reason` is upstream's wording in the job's log."""

    reason: str


class RefusedError(Exception):
    """Raised inside the model; `build_pod` turns it into a `JobRefusal`."""
