"""Which of a stack's runners takes a job: GitLab gives a job only to a runner that has all of its tags."""

from collections.abc import Mapping

from multiarch.rehearse.claims.scene import Scene
from multiarch.rehearse.live.job import CiJob


def tags_of(runners: Mapping[str, Scene]) -> dict[str, tuple[str, ...]]:
    """Return each runner's tags; of one that GitLab has already, the tag that the documentation says to give it."""
    return {tag: scene.tags or (tag,) for tag, scene in runners.items()}


def taker(runners: Mapping[str, Scene], job: CiJob) -> str | None:
    """Return which runner takes a job, by the tag that it is known by here; None where none does."""
    return next((tag for tag, tags in tags_of(runners).items() if job.pipeline.taken_by(tags)), None)


def untaken(job: CiJob) -> str:
    """Say why a job has no runner."""
    if not job.pipeline.tags:
        return "it has no tags, and no runner of this stack takes such a job"
    return f"no runner of this stack has the tags {', '.join(job.pipeline.tags)}"
