"""The claims of a run: pure functions of what came of its jobs, and of what the registry and the nodes have."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from multiarch.core.report import Check
from multiarch.core.verdict import Answer, Verdict
from multiarch.model.pipeline import TemplateError, TemplatesMissing
from multiarch.rehearse.live import confined
from multiarch.rehearse.live.image import Asked, read
from multiarch.rehearse.live.job import Ended
from multiarch.rehearse.live.pipeline import ARCHITECTURES
from multiarch.rehearse.report.model import Reach

OF_JOBS = ("run-build-", "run-merge", "run-index", "run-image-")
"""How the claims begin that a lost registry puts in doubt: that one has its own claim."""
BY_RUNNER = (*OF_JOBS, "run-reach")
"""Likewise, of what is between the jobs and their runner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InRegistry:
    """What the registry has under the image's tag."""

    platforms: Mapping[str, str]
    """Platform, as the index has it, to the image's digest."""
    said: Mapping[str, str]
    """Digest to the architecture that the image's own config says."""


def claim(identity: str, title: str, verdict: Verdict, evidence: str, job: Ended | None = None) -> Check:
    """Return one claim; what is claimed of a job is about it, and took its time."""
    about, seconds = (job.job.name, job.seconds) if job else ("", 0.0)
    return Check(id=identity, title=title, verdict=verdict, evidence=evidence, about=about, seconds=seconds)


def built(arch: str, ended: Ended, node: str, node_arch: str) -> Check:
    """Claim that a build job ran on its node and left a digest."""
    identity, title = (
        f"run-build-{arch}",
        f"the template's build job for {arch} builds on an {arch} node, and leaves a digest",
    )
    if not ended.succeeded:
        where = f" on {node}" if node else ""
        return claim(identity, title, ended.end.verdict, f"{ended.job.name}{where}: {ended.reason}", ended)
    if ended.pod is None:
        return claim(identity, title, Verdict.UNKNOWN, _unseen(ended), ended)
    digest = digest_of(ended, arch)
    if not digest:
        return claim(identity, title, Verdict.NO, f"{ended.job.name} left no digest among its artifacts", ended)
    verdict = Verdict.YES if node_arch == arch else Verdict.NO
    return claim(identity, title, verdict, f"pod {_pod_name(ended)} on {node} ({node_arch}): {digest}", ended)


def digest_of(ended: Ended, arch: str) -> str:
    """Return the digest that a build job left, empty where it left none."""
    found = next((content for path, content in ended.artifacts.items() if path.endswith(f"{arch}.json")), b"{}")
    try:
        return str(json.loads(found).get("digest") or "")
    except (ValueError, AttributeError):
        return ""


def confinement(what: str, ended: Ended, image_user: str, *, filters: bool) -> Check:
    """Claim that a job's container was confined exactly as its runner's configuration says; `what`: `build-amd64`."""
    identity = f"run-{what}-confined"
    title = f"{ended.job.name} runs as its user, with exactly the granted capabilities, and without a token"
    found = confined.read(ended.log)
    if ended.pod is None or found is None:
        why = (
            "its container never ran" if ended.pod is None or not ended.log else "its container said nothing of itself"
        )
        return claim(identity, title, Verdict.UNKNOWN, f"{ended.job.name}: {why}")
    asked = confined.wanted(ended.pod, image_user)
    if asked is None:
        return claim(
            identity,
            title,
            Verdict.UNKNOWN,
            f"the image names its user '{image_user}': which number that is, nobody says",
        )
    wrong = confined.differences(asked, found, filters=filters)
    if wrong:
        return claim(identity, title, Verdict.NO, f"{'; '.join(wrong)}. Read inside: {confined.words(found)}")
    if not filters:
        doubt = f"{confined.words(found)}; this machine's runc was built without seccomp, so that could not be seen"
        return claim(identity, title, Verdict.UNKNOWN, doubt)
    return claim(identity, title, Verdict.YES, f"read inside: {confined.words(found)}")


def image_title(arch: str) -> str:
    """Say what is claimed of the image on a node."""
    return f"the image starts on the {arch} node, and its own programs are {arch}"


def merged(ended: Ended) -> Check:
    """Claim that the merge job made an index."""
    identity, title = "run-merge", "the template's merge job makes one image of both"
    if ended.succeeded and ended.pod is None:
        return claim(identity, title, Verdict.UNKNOWN, _unseen(ended), ended)
    if ended.succeeded:
        return claim(identity, title, Verdict.YES, f"pod {_pod_name(ended)}: {ended.job.name} ended well", ended)
    return claim(identity, title, ended.end.verdict, f"{ended.job.name}: {ended.reason}", ended)


def index(found: InRegistry | None, builds: Mapping[str, str], why: str) -> Check:
    """Claim that the index has both architectures, each the image that its build job left; `why` nobody could look."""
    identity, title = "run-index", "the published index has both architectures, of exactly the images that were built"
    if found is None:
        return claim(identity, title, Verdict.UNKNOWN, why)
    wrong = []
    for arch in ARCHITECTURES:
        digest = found.platforms.get(f"linux/{arch}")
        if digest is None:
            wrong.append(f"it has no linux/{arch}")
        elif builds.get(arch) and digest != builds[arch]:
            wrong.append(f"its linux/{arch} is {digest}, and the build job left {builds[arch]}")
        elif found.said.get(digest) != arch:
            wrong.append(f"its linux/{arch} says of itself that it is for {found.said.get(digest) or 'nothing'}")
    listed = ", ".join(f"{platform} {digest}" for platform, digest in found.platforms.items())
    if wrong:
        return claim(identity, title, Verdict.NO, "; ".join(wrong))
    if unseen := [arch for arch in ARCHITECTURES if not builds.get(arch)]:
        doubt = f"{listed}; nobody knows what the build for {' and '.join(unseen)} left"
        return claim(identity, title, Verdict.UNKNOWN, doubt)
    return claim(identity, title, Verdict.YES, listed)


def image_runs(arch: str, node: str, asked: Asked) -> Check:
    """Claim that the image runs on its node, and that its own programs are what it is said to be."""
    if asked.reason:
        verdict, evidence = asked.end.verdict, asked.reason
    else:
        says = read(asked.log)
        well = all(found == arch for found in says.architectures)
        verdict = (Verdict.YES if well else Verdict.NO) if says.architectures else Verdict.UNKNOWN
        evidence = f"{asked.command}; {says.evidence}" if asked.command else says.evidence
    check = claim(f"run-image-{arch}", image_title(arch), verdict, f"on {node}: {evidence}")
    return replace(check, about=image_name(arch), seconds=asked.seconds)


def image_name(arch: str) -> str:
    """Name the run of an image on a node."""
    return f"the image on {arch}"


def registry_answers(*, before: bool, after: bool) -> Check:
    """Claim that this run's registry was there all along: else every other failure is its failing."""
    title = "the registry of this run takes and gives images until its end"
    if before and after:
        return claim("run-registry", title, Verdict.YES, "it answers before the jobs and after them")
    return claim("run-registry", title, Verdict.NO, f"it does not answer {'any more' if before else 'at all'}")


def reached(found: Reach, ended: Ended) -> Check:
    """Claim that what a job reaches was told: the answer itself is the report's, and judges no stack."""
    identity, title = "run-reach", "what a job reaches over the network was tried, and whether policies are enforced"
    if not found.tries:
        return claim(identity, title, Verdict.UNKNOWN, f"nothing was tried: {ended.reason or 'its log does not say'}")
    verdict = Verdict.UNKNOWN if found.policies_enforced is Verdict.UNKNOWN else Verdict.YES
    evidence = f"network policies enforced: {found.policies_enforced}: {found.because}"
    return claim(identity, title, verdict, evidence, ended)


def ended(answer: Answer) -> Check:
    """Claim that the pods of the jobs really ended."""
    title = "no container of the jobs is left on the nodes once their pods are gone"
    return claim("run-pods-end", title, answer.verdict, answer.because)


def left_nothing(answer: Answer) -> Check:
    """Claim that this machine is as it was."""
    title = "nothing of the run is left on this machine"
    return claim("run-nothing-left", title, answer.verdict, answer.because)


def not_installed(why: str) -> Check:
    """Return the claim of a stack that the cluster refused."""
    return claim("runner-installed", "the stack is installed", Verdict.NO, why)


def no_template(error: TemplateError | TemplatesMissing) -> Check:
    """Return the claim of templates that cannot be used: broken ones are a no, absent ones could not be looked at."""
    verdict = Verdict.NO if isinstance(error, TemplateError) else Verdict.UNKNOWN
    return claim("run-pipeline", "the template's jobs can be read", verdict, str(error))


def not_reached(arch: str, why: str) -> Check:
    """Return the claim of an image that nobody could ask."""
    return claim(f"run-image-{arch}", image_title(arch), Verdict.UNKNOWN, why)


def ended_early(why: str) -> Check:
    """Return the claim of what did not last as long as the run: with it, every no of the run is taken back."""
    title = "the control plane and both nodes last as long as the run"
    return claim("run-programs", title, Verdict.UNKNOWN, why)


def _unseen(ended: Ended) -> str:
    return f"{ended.job.name} ended well, but no pod of it was seen"


def _pod_name(ended: Ended) -> str:
    return str((ended.pod or {}).get("metadata", {}).get("name", "?"))
