"""Claims about a helper image that the stack makes itself: that it is made as planned, and stays so."""

from collections.abc import Sequence
from functools import partial

from components.helper_image.schema import TYPE
from multiarch.core.verdict import Verdict
from multiarch.model.plan.model import Plan
from multiarch.rehearse.claims.scene import Promise, Proof, Scene
from multiarch.rehearse.mirror.proof import Answer, Mirrored, make


def has_mirrors(plan: Plan) -> bool:
    """Tell whether the plan makes an image at all."""
    return any(resource.type == TYPE for resource in plan.resources)


def make_mirrors(plan: Plan) -> tuple[Mirrored, ...]:
    """Make every planned MultiArchImage for real, from stand-ins in a registry on this machine."""
    return tuple(make(one.inputs, one.outputs) for one in plan.resources if one.type == TYPE)


def mirror_promises(scene: Scene) -> list[Promise]:
    """Return the promises about mirrored images; none for a stack without one."""
    return [
        promise
        for number, mirrored in enumerate(scene.mirrors, 1)
        for promise in _promises(mirrored, "" if len(scene.mirrors) == 1 else f"-{number}")
    ]


def _promises(mirrored: Mirrored, suffix: str) -> list[Promise]:
    title = "the provider publishes the helper image as the runner's config names it, for every architecture"
    repaired = "a refresh shows a moved tag of the helper image, and the next update restores it"
    return [
        Promise(f"helper-image-published{suffix}", title, partial(_answered, mirrored.published)),
        Promise(f"helper-image-repaired{suffix}", repaired, partial(_answered, mirrored.repaired)),
    ]


def _answered(answer: Answer, scene: Scene) -> Proof:
    del scene
    return Proof(answer.verdict, answer.evidence)


def judge_mirrored(image: str, arch: str, mirrors: Sequence[Mirrored]) -> Proof | None:
    """Judge a helper image by the mirror that it names by digest; None when it names none."""
    for mirrored in mirrors:
        if image.endswith(f"@{mirrored.digest}"):
            if mirrored.published.verdict is not Verdict.YES:
                return Proof(mirrored.published.verdict, f"{image}: {mirrored.published.evidence}")
            if f"linux/{arch}" not in mirrored.platforms:
                return Proof(Verdict.NO, f"{image} has {', '.join(mirrored.platforms)}, not {arch}")
            return Proof(Verdict.YES, f"{image}, published for linux/{arch} in a local registry")
    return None
