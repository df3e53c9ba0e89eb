"""The pipeline of a run: the jobs of the component `multi-arch-image`, as a project with this Dockerfile has them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from multiarch.model.pipeline import PipelineJob, TemplateError, component_jobs
from multiarch.rehearse.claims.pipeline import COMPONENT
from multiarch.rehearse.live import confined
from multiarch.rehearse.live.job import CiJob
from multiarch.rehearse.live.project import BASE
from multiarch.rehearse.live.reach import Target, script

Builder = Literal["kaniko", "buildkit"]
ARCHITECTURES: Final = ("amd64", "arm64")
PROJECT: Final = "multiarch/app"
"""Path of the project whose pipeline it is."""
BRANCH: Final = "main"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What a user's project says: where its image goes, and what is built."""

    registry: str
    """Host and port."""
    builder: Builder
    dockerfile: str = "Dockerfile"
    """Relative to the project."""
    commit: str
    """Stands for a commit: 40 hex digits."""
    variables: Mapping[str, str]
    """The project's own, for every job: proxies."""

    @property
    def image(self) -> str:
        """Host and path of the image."""
        return f"{self.registry}/{PROJECT}"


def commit_of(sources: bytes) -> str:
    """Return what stands for a commit of these sources."""
    return hashlib.sha256(sources).hexdigest()[:40]


def build_name(arch: str) -> str:
    """Name of a build job."""
    return f"image-build: [{arch}]"


MERGE: Final = "image-merge"
REACH: Final = "what-a-job-reaches"
"""A job beside the template's."""
STAGES: Final = {**dict.fromkeys([*map(build_name, ARCHITECTURES), REACH], "side by side"), MERGE: "merge"}
"""The pipeline as the report draws it."""


def builder_jobs(builder: Builder) -> list[PipelineJob]:
    """Return the template's build jobs as they are by default. Raises TemplateError and TemplatesMissing."""
    jobs = component_jobs(COMPONENT, builder=builder)
    return [job for name, job in jobs.items() if name in map(build_name, ARCHITECTURES)]


def template_jobs(project: Project) -> dict[str, PipelineJob]:
    """Return the template's jobs that are run. Raises TemplateError and TemplatesMissing."""
    jobs = component_jobs(
        COMPONENT,
        builder=project.builder,
        image=project.image,
        dockerfile=project.dockerfile,
        insecure_registry=True,  # this machine's, over plain HTTP
        cache=False,  # a registry that is new each time has none
        build_args=" ".join(project.variables),
    )
    wanted = [*(build_name(arch) for arch in ARCHITECTURES), MERGE]
    if lacking := [name for name in wanted if name not in jobs]:
        raise TemplateError(f"templates/{COMPONENT}/template.yml: has no job {', '.join(lacking)}")
    return {name: jobs[name] for name in wanted}


def pipeline(project: Project) -> list[CiJob]:
    """Return the template's jobs: both builds side by side, then the merge.

    Raises TemplateError and TemplatesMissing.
    """
    jobs = template_jobs(project)
    builds = tuple(build_name(arch) for arch in ARCHITECTURES)
    return [_job(project, jobs[name], ()) for name in builds] + [_job(project, jobs[MERGE], builds)]


def reach_job(project: Project, targets: Sequence[Target], tag: str) -> CiJob:
    """Return the job that tries what a job may reach over the network, on the runner that has the tag."""
    own = PipelineJob(name=REACH, file="multiarch rehearse --run", tags=(tag,), image=BASE, script=(script(targets),))
    return CiJob(pipeline=own, variables={**predefined(project), "GIT_STRATEGY": "none"}, before=confined.SCRIPT)


def _job(project: Project, job: PipelineJob, needs: Sequence[str]) -> CiJob:
    variables = {**predefined(project), **project.variables, **job.variables}
    return CiJob(pipeline=job, variables=variables, before=confined.SCRIPT, needs=tuple(needs))


def predefined(project: Project) -> dict[str, str]:
    """Return what GitLab tells every job of its pipeline (docs.gitlab.com/ci/variables/predefined_variables)."""
    return {**of_pipeline(project.commit), "CI_PROJECT_DIR": f"/builds/{PROJECT}"}


def of_pipeline(commit: str) -> dict[str, str]:
    """Return what of that is the same whoever runs the jobs, and wherever."""
    return {
        "CI": "true",
        "GITLAB_CI": "true",
        "CI_PROJECT_PATH": PROJECT,
        "CI_PROJECT_NAME": PROJECT.rpartition("/")[2],
        "CI_PROJECT_NAMESPACE": PROJECT.partition("/")[0],
        "CI_COMMIT_SHA": commit,
        "CI_COMMIT_SHORT_SHA": commit[:8],
        "CI_COMMIT_REF_NAME": BRANCH,
        "CI_COMMIT_REF_SLUG": BRANCH,
        "CI_COMMIT_BRANCH": BRANCH,
        "CI_DEFAULT_BRANCH": BRANCH,
        "CI_PIPELINE_SOURCE": "push",
    }
