"""The jobs of `templates/` put to the proof: what a user's pipeline would give to the runner."""

from collections.abc import Callable, Collection, Iterable, Mapping

from multiarch.core.verdict import Verdict
from multiarch.model.pipeline import PipelineJob, TemplateError, TemplatesMissing, classic_jobs, component_jobs
from multiarch.rehearse.claims.landing import landed
from multiarch.rehearse.claims.pods import run_job
from multiarch.rehearse.claims.scene import Proof, Scene, failed, proved, unknown

MULTI_ARCH_TAG = "multi-arch"
BUILDKIT_TAG = "multi-arch-buildkit"
COMPONENT = "multi-arch-image"
"""The component that has every job of the others."""
_WORST_FIRST = (Verdict.NO, Verdict.UNKNOWN, Verdict.YES)


def build_jobs(arch: str) -> dict[str, PipelineJob]:
    """Return one architecture's build jobs of both forms, by the name that the report gives them."""
    return {
        f"{arch}-job": _named(classic_jobs(), f".build-{arch}"),
        f"{arch}-component-job": _named(component_jobs(COMPONENT), f"image-build: [{arch}]"),
    }


def merge_jobs() -> dict[str, PipelineJob]:
    """Return the merge jobs of both forms, likewise."""
    return {
        "merge-job": _named(classic_jobs(), ".build-multi-arch"),
        "merge-component-job": _named(component_jobs(COMPONENT), "image-merge"),
    }


def buildkit_jobs(arch: str) -> dict[str, PipelineJob]:
    """Return one architecture's build job with the builder `buildkit`, likewise."""
    jobs = component_jobs(COMPONENT, builder="buildkit")
    return {f"buildkit-{arch}-job": _named(jobs, f"image-build: [{arch}]")}


def all_jobs() -> list[PipelineJob]:
    """Return every job of the templates that is for the first runner."""
    components = (COMPONENT, "build", "merge", "mirror-helper")
    return [*classic_jobs().values(), *(job for name in components for job in component_jobs(name).values())]


def _named(jobs: Mapping[str, PipelineJob], name: str) -> PipelineJob:
    if name in jobs:
        return jobs[name]
    file = next((job.file for job in jobs.values()), "templates")
    raise TemplateError(f"{file}: has no job {name}")


def from_templates(prove: Callable[[], Proof]) -> Proof:
    """Answer for templates that can't be used: no, when they are broken; nobody can tell, when there are none."""
    try:
        return prove()
    except TemplateError as error:
        return failed(str(error))
    except TemplatesMissing as error:
        return unknown(str(error))


def land(scene: Scene, jobs: Mapping[str, PipelineJob], wanted: Collection[str]) -> Proof:
    """Run jobs and judge them by their nodes' architecture; all must land, and the evidence names each."""
    proofs = []
    for name, job in jobs.items():
        proof = landed(scene, run_job(scene, job.to_run(name), job.selector), wanted)
        proofs.append(Proof(proof.verdict, f"{job}: {proof.evidence}", proof.jobs))
    verdict = min((proof.verdict for proof in proofs), key=_WORST_FIRST.index)
    told = [proof.evidence for proof in proofs if proof.verdict is verdict]
    return Proof(verdict, "; ".join(told), tuple(view for proof in proofs for view in proof.jobs))


def judge_tags(jobs: Iterable[PipelineJob], tags: tuple[str, ...] | None, documented: str) -> Proof:
    """Judge jobs by their tags: a runner takes only jobs all of whose tags it has.

    `tags` are the runner's where the stack creates it. Else GitLab keeps them, and is not asked: then the jobs must
    ask for the `documented` tag, which is the one to give to the runner there.
    """
    has = (documented,) if tags is None else tags
    wrong = {str(job): job.tags for job in jobs if not job.taken_by(has)}
    who = f"the runner has the tags {', '.join(has)}"
    if wrong:
        named = "; ".join(f"{name} asks for {', '.join(asked) or 'no tag'}" for name, asked in wrong.items())
        return failed(f"{named}: no runner of this stack would take it ({who})")
    return proved(
        who if tags is not None else f"all ask for {documented}, the tag that this runner is to get in GitLab"
    )
