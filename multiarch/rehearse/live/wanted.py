"""Which images the pods of a run name, and what was put in the place of each."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from multiarch.model.executor import JobRefusal
from multiarch.rehearse.claims.pods import build
from multiarch.rehearse.claims.scene import Scene
from multiarch.rehearse.images.recipes import Name
from multiarch.rehearse.live import project
from multiarch.rehearse.live.job import CiJob
from multiarch.rehearse.live.pipeline import MERGE
from multiarch.rehearse.live.supply import Supplied
from multiarch.rehearse.nodes.files import SANDBOX

HELPER: Final = "helper image"
"""The part that is between a job and GitLab."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An image that pods name."""

    reference: str
    part: str
    """What it is for, in the report."""
    made: Name | None
    """Which of the images that are made here may stand in its place; None: none of them."""


def wanted_images(jobs: Iterable[tuple[Scene, CiJob]]) -> list[Wanted]:
    """Return every image that the pods of a run name, each once."""
    found = [Wanted(SANDBOX, "sandbox", "pause"), Wanted(project.BASE, "base image", "base"), *_of_jobs(jobs)]
    return list({one.reference: one for one in found}.values())


def _of_jobs(jobs: Iterable[tuple[Scene, CiJob]]) -> Iterator[Wanted]:
    for scene, job in jobs:
        built = build(scene, job.to_run())
        if isinstance(built, JobRefusal):
            continue  # told when it is run
        for container in built.manifest["spec"]["containers"]:
            if container["name"] == "helper":
                yield Wanted(container["image"], HELPER, "helper")
            elif job.name == MERGE:
                yield Wanted(container["image"], "merge image", "merge")
            elif container["image"] != project.BASE:
                yield Wanted(container["image"], "builder", "buildkit" if "buildkit" in container["image"] else None)


def parts(wanted: Sequence[Wanted], supplied: Mapping[str, Supplied]) -> dict[str, str]:
    """Return what each part really was: those of one kind together."""
    found: dict[tuple[str, str], list[str]] = {}
    for one in wanted:
        found.setdefault((one.part, str(supplied[one.reference])), []).append(one.reference)
    named: dict[str, str] = {}
    for (part, what), references in found.items():
        text = f"{', '.join(references)}: {what}"
        named[part] = f"{named[part]}; {text}" if part in named else text
    return named
