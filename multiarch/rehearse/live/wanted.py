"""Which images the pods of a run name."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from multiarch.model.executor import JobRefusal
from multiarch.rehearse.claims.pods import build
from multiarch.rehearse.images.recipes import Name
from multiarch.rehearse.live import project
from multiarch.rehearse.live.by_model import ByModel
from multiarch.rehearse.live.job import CiJob
from multiarch.rehearse.live.pipeline import MERGE
from multiarch.rehearse.nodes.files import SANDBOX


def wanted_images(runner: ByModel, jobs: Sequence[CiJob]) -> Iterator[tuple[str, Name | None]]:
    """Yield every image that the pods of a run name, and which of ours could stand in for it; None: none of them."""
    yield SANDBOX, "pause"
    yield project.BASE, "base"
    for job in jobs:
        scene, _ = runner.scene_of(job)
        built = build(scene, replace(job.pipeline.to_run(job.name), variables=job.variables))
        if isinstance(built, JobRefusal):
            continue  # told when it is run
        for container in built.manifest["spec"]["containers"]:
            yield container["image"], _kind(container["name"], job)


def _kind(container: str, job: CiJob) -> Name | None:
    if container == "helper":
        return "helper"
    if job.name == MERGE:
        return "merge"
    return "buildkit" if "buildkit" in job.pipeline.image else None
