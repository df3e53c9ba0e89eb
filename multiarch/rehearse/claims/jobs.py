"""Claims about where jobs run and with which helper image. Builds and merges are those of `templates/`."""

from collections.abc import Sequence
from functools import partial

from multiarch.core.verdict import Verdict
from multiarch.model.executor import Job, JobRefusal, admits
from multiarch.model.executor.helper_tags import judge, of_version
from multiarch.rehearse.claims.landing import landed, unmodelled
from multiarch.rehearse.claims.mirror import judge_mirrored
from multiarch.rehearse.claims.pipeline import (
    MULTI_ARCH_TAG,
    all_jobs,
    build_jobs,
    from_templates,
    judge_tags,
    land,
    merge_jobs,
)
from multiarch.rehearse.claims.pods import build, run_job
from multiarch.rehearse.claims.scene import ARCH_LABEL, Promise, Proof, Scene, failed, proved, unknown
from multiarch.rehearse.mirror.proof import Mirrored

_PROOFS = {Verdict.YES: proved, Verdict.NO: failed, Verdict.UNKNOWN: unknown}
_SELECTOR = "KUBERNETES_NODE_SELECTOR_ARCH"


def job_promises(scene: Scene) -> list[Promise]:
    """Return the promises about jobs that this stack makes."""
    promises = [
        Promise(
            f"{arch}-job-on-{arch}-node",
            f"the templates' build jobs for {arch} run on {arch} nodes",
            partial(_arch_job, arch),
        )
        for arch in served(scene)
    ]
    promises.append(
        Promise(
            "default-job",
            f"a job without a selector runs on an {_default_arch(scene) or 'amd64'} node",
            _default_job,
        )
    )
    promises += [
        Promise("merge-job", "the templates' merge jobs find a node", _merge_job),
        Promise("template-tags", _tags_title(scene.tags), _tags),
    ]
    promises += [
        Promise(
            f"helper-image-{arch}",
            f"a job on {arch} gets the helper image of {arch}, at the runner's version",
            partial(_helper_image, arch),
            modelled=True,
        )
        for arch in served(scene)
    ]
    if extra := _extra_selector(scene):
        promises.append(
            Promise(
                "extra-selector",
                f"a job may also select {extra}, and lands on a node that has it",
                partial(_extra_job, extra),
            )
        )
    return promises


def served(scene: Scene) -> tuple[str, ...]:
    """Return the architectures that jobs are promised: those of the pools and those that the regex admits."""
    admitted = [
        arch for arch in ("amd64", "arm64") if admits(scene.installed.config.kubernetes, f"{ARCH_LABEL}={arch}")
    ]
    return tuple(sorted({*admitted, *scene.architectures}))


def _arch_job(arch: str, scene: Scene) -> Proof:
    return from_templates(lambda: land(scene, build_jobs(arch), {arch}))


def _merge_job(scene: Scene) -> Proof:
    # The image of the merge job is made by these templates, too: it runs on every architecture that they build for.
    return from_templates(lambda: land(scene, merge_jobs(), scene.architectures))


def _tags(scene: Scene) -> Proof:
    return from_templates(lambda: judge_tags(all_jobs(), scene.tags, MULTI_ARCH_TAG))


def _tags_title(tags: tuple[str, ...] | None) -> str:
    if tags is None:  # GitLab keeps the runner's tags, and is not asked
        return f"the templates' jobs ask for no other tag than {MULTI_ARCH_TAG}, which the runner is to get in GitLab"
    return "the templates' jobs ask for no tag that the runner does not have"


def _default_job(scene: Scene) -> Proof:
    expected = _default_arch(scene)
    run = run_job(scene, Job(name="default-job"), "no selector")
    if not expected:
        evidence = (
            f"the runner's config has no static node_selector for {ARCH_LABEL}: such jobs run on any architecture"
        )
        return failed(evidence, run.view)
    return landed(scene, run, {expected})


def _extra_job(selector: str, scene: Scene) -> Proof:
    label, _, value = selector.partition("=")
    wanted = {name for name in scene.nodes if scene.labels(name).get(label) == value}
    arch = next(scene.arch(name) for name in sorted(wanted))
    variables = {_SELECTOR: f"{ARCH_LABEL}={arch}", "KUBERNETES_NODE_SELECTOR_EXTRA": selector}
    run = run_job(scene, Job(name="extra-selector-job", variables=variables), f"{ARCH_LABEL}={arch}, {selector}")
    proof = landed(scene, run, {arch})
    if run.view.node and run.view.node not in wanted:
        return failed(f"{run.view.node} does not have {selector}", run.view)
    if run.pod is not None and (run.pod.manifest["spec"].get("nodeSelector") or {}).get(label) != value:
        return failed(f"the pod does not select {selector}: it got this node by chance", run.view)
    return proof


def _helper_image(arch: str, scene: Scene) -> Proof:
    if scene.installed.config.unmodelled:
        return unknown(unmodelled(scene))
    built = build(scene, Job(name=f"helper-{arch}", variables={_SELECTOR: f"{ARCH_LABEL}={arch}"}))
    if isinstance(built, JobRefusal):
        return failed(f"refused by runner: {built.reason}")
    if not scene.installed.runner_version:
        return unknown("the manager's image does not say which version of the runner it is")
    return judge_helper(built.helper_image, arch, scene.installed.runner_version, scene.mirrors)


def judge_helper(image: str, arch: str, version: str, mirrors: Sequence[Mirrored] = ()) -> Proof:
    """Judge a helper image by its reference, and one that the stack makes itself by what was made."""
    answer = judge(image, arch, version)
    # A mirror's digest says which architectures there are; which version it is of only the tag before it says.
    if answer.verdict is not Verdict.NO and of_version(image, version).verdict is Verdict.YES:
        made = judge_mirrored(image, arch, mirrors)
        if made is not None:
            return made
    return _PROOFS[answer.verdict](answer.because)


def _default_arch(scene: Scene) -> str:
    return scene.installed.config.kubernetes.text_map("node_selector").get(ARCH_LABEL, "")


def _extra_selector(scene: Scene) -> str:
    """Return a label of a planned node, other than its architecture, that the regex lets jobs select; or `""`."""
    labels = sorted(
        {
            f"{key}={value}"
            for group in scene.groups
            for node in group.nodes
            for key, value in node["metadata"]["labels"].items()
            if key != ARCH_LABEL
        }
    )
    return next((label for label in labels if admits(scene.installed.config.kubernetes, label)), "")
