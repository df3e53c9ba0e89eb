"""What is given to a runner, and what came of it: one form for the executor model and for the real GitLab Runner."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Protocol

from multiarch.core.verdict import Verdict
from multiarch.model.executor import Job
from multiarch.model.pipeline import PipelineJob


@dataclass(frozen=True, slots=True, kw_only=True)
class CiJob:
    """A job as GitLab would hand it to a runner."""

    pipeline: PipelineJob
    """Of the template: name, image, tags, script, artifacts."""
    variables: Mapping[str, str]
    """All of them, not yet expanded: GitLab's predefined ones, the project's, the job's own. The later one wins."""
    before: str = ""
    """Shell text that runs first, in the same shell as the script: what the container says about itself."""
    needs: tuple[str, ...] = ()
    """Names of the jobs whose artifacts it gets."""
    timeout: int = 900
    """Seconds."""

    @property
    def name(self) -> str:
        """As GitLab shows it: `image-build: [arm64]`."""
        return self.pipeline.name

    def to_run(self, number: int = 1) -> Job:
        """Return it as the executor model takes it, the job of this number."""
        job = self.pipeline.to_run(self.name)
        return replace(job, variables=self.variables, timeout=self.timeout, id=number)


class End(Enum):
    """What a job's end, or that of an image's container, says something of."""

    SUCCEEDED = "succeeded"
    STACK = "of the stack"
    """Its script, its time limit, its tags; its pod as the API server, the scheduler or the runner takes it."""
    NOT_STARTED = "not started"
    """A job that it needs did not succeed."""
    SURROUNDINGS = "of the surroundings"
    """The nodes, the registry, the way to the containers, an interrupt: whatever is this run's own."""

    @property
    def verdict(self) -> Verdict:
        """Whether the job does what is claimed of it. Only what is of the stack itself is a no."""
        return {End.SUCCEEDED: Verdict.YES, End.STACK: Verdict.NO}.get(self, Verdict.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What came of a job."""

    job: CiJob
    end: End
    reason: str = ""
    """Why not, in words: `exit code 1`, `the pod was refused: …`, `not started: build-amd64 failed`."""
    log: str = ""
    """What it said, redacted."""
    pod: Mapping[str, Any] | None = field(default=None, repr=False)
    """Its pod as the API server last had it; None where there never was one."""
    artifacts: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """Path in the project to content: what it kept."""
    seconds: float = 0.0

    @property
    def succeeded(self) -> bool:
        """Whether it ran to its end, and well."""
        return self.end is End.SUCCEEDED


class JobRunner(Protocol):
    """Something that runs jobs on the cluster: the executor model, or gitlab-runner itself."""

    @property
    def what(self) -> str:
        """Say what it is, for the report: `gitlab-runner 19.3.1 (PATH)`."""

    @property
    def notes(self) -> Sequence[str]:
        """Say, after a run, what was otherwise than the stack says, or is of use to know."""

    @property
    def faults(self) -> Sequence[str]:
        """Say, after a run, what went wrong with the runner's own surroundings. With any, its jobs prove nothing."""

    def run(self, jobs: Sequence[CiJob], progress: Callable[[str, str], None]) -> list[Ended]:
        """Run a pipeline: each job once those that it needs succeeded, side by side otherwise; in the jobs' order.

        `progress` gets a job's name and what it is at. What goes wrong with a job is in its `Ended`; raises
        ClusterError where the cluster or the runner as a whole is gone.
        """
