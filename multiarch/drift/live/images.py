"""Images in their registries: those that the stack publishes, and those that it pins by digest."""

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from archmerge import ArchmergeError, Options, Reference, Session, parse_reference
from components.helper_image.inputs import ImageInputs, read_inputs
from components.helper_image.remote import look
from components.helper_image.state import Found
from multiarch.drift.live.compare import Comparison
from multiarch.drift.live.difference import Delta
from multiarch.drift.live.lists import ABSENT
from multiarch.drift.live.program import Program
from multiarch.drift.live.scene import Scene
from multiarch.drift.live.shown import shortened
from multiarch.drift.live.told import TROUBLE, finding, gone, unknown, why
from multiarch.drift.model import Check, CheckResult, Finding
from multiarch.model.plan.model import PlannedResource
from multiarch.model.providers.values import plain, unmarked_strings

IMAGE_TYPE: Final = "multiarch:index:MultiArchImage"
SECONDS: Final = 60.0
"""Time for one image: a manifest or two are read, no layer."""
_PINNED: Final = re.compile(r"[A-Za-z0-9._/:\[\]-]+@sha256:[0-9a-f]{64}(?![0-9a-f])")
_REASON: Final = 400


@dataclass(frozen=True, slots=True)
class Pin:
    """An image that the program names by digest, and who uses it."""

    reference: Reference
    urn: str


def check_images(scene: Scene) -> CheckResult:
    """Compare what registries hold with what Pulumi published, and with what the program pins."""
    published = [resource for resource in scene.program.plan.resources if resource.type == IMAGE_TYPE]
    pins = list(pins_of(scene.program))
    if not published and not pins:
        return CheckResult(check=Check.IMAGES, skipped="the stack publishes no image and pins none by digest")
    findings = scene.each("images", published, lambda resource: _tell_published(scene, resource))
    if pins:
        unencrypted = frozenset(host for resource in published for host in plain_hosts(resource))
        session = Session(Options(deadline=_seconds(scene), plain_http=unencrypted))
        try:
            findings += scene.each("pinned images", pins, lambda pin: _tell_pin(scene, pin, session))
        finally:
            session.close()
    return CheckResult(check=Check.IMAGES, findings=tuple(findings))


def pins_of(program: Program) -> Iterator[Pin]:
    """Yield every image that Kubernetes objects and releases name by a digest of the program's own, once."""
    seen: set[Reference] = set()
    for resource in program.plan.resources:
        if not resource.custom or not resource.type.startswith("kubernetes:"):
            continue
        for _, text in unmarked_strings(resource.inputs):
            for found in _PINNED.findall(text):
                if any(made_up in found for made_up in program.stand_ins):
                    continue  # the stack publishes it itself
                try:
                    reference = parse_reference(found)
                except ArchmergeError:
                    continue  # a pattern, or part of another word
                if reference not in seen:
                    seen.add(reference)
                    yield Pin(reference, resource.urn)


def plain_hosts(resource: PlannedResource) -> list[str]:
    """Return the hosts that the stack says speak plain HTTP."""
    return [str(host) for host in plain(resource.inputs).get("plainHttp") or []]


def _seconds(scene: Scene) -> float:
    return max(1.0, min(SECONDS, scene.deadline - time.monotonic()))


def _tell_published(scene: Scene, resource: PlannedResource) -> Finding:
    name = f"image {plain(resource.inputs).get('target')}"
    try:
        scene.in_time()
        # The plan's password is a placeholder: the login is the environment's, as for `archmerge` itself.
        inputs = replace(read_inputs(plain(resource.inputs)), credentials={})
        found = look(inputs, _seconds(scene))
    except ArchmergeError as error:
        return unknown(Check.IMAGES, name, shortened(str(error), _REASON), urn=resource.urn)
    except TROUBLE as error:
        return unknown(Check.IMAGES, name, why(error), urn=resource.urn)
    if found is None:
        return gone(Check.IMAGES, name, "the registry has no such tag", urn=resource.urn)
    state = scene.remembered(resource.urn)
    wanted = state.get("publishedDigest")
    if not isinstance(wanted, str):
        reason = scene.state_failure or "Pulumi's state does not know the image: it was not deployed"
        return unknown(
            Check.IMAGES, name, f"the tag is there, {found.digest}; which it should be is not known: {reason}",
            urn=resource.urn,
        )  # fmt: skip
    compared = Comparison(deltas=list(_differences(inputs, wanted, state, found)))
    return finding(Check.IMAGES, name, compared, urn=resource.urn)


def _differences(inputs: ImageInputs, wanted: str, state: Mapping[str, Any], found: Found) -> Iterator[Delta]:
    if found.digest != wanted:
        yield Delta(("digest",), wanted, found.digest)
    else:
        children = state.get("platforms") if isinstance(state.get("platforms"), Mapping) else {}
        for platform in inputs.sources:
            if platform not in found.platforms:
                yield Delta(("platforms", platform), (children or {}).get(platform) or "an image", ABSENT)
    for tag in inputs.tags:
        digest = found.tags.get(tag)
        if digest != wanted:
            yield Delta(("tags", tag), wanted, digest or ABSENT)


def _tell_pin(scene: Scene, pin: Pin, session: Session) -> Finding:
    reference = pin.reference
    name = f"image {reference}"
    try:
        scene.in_time()
        registry = session.registry(reference.host)
        registry.auth.want(reference.repository, "pull")
        there = registry.has_manifest(reference.repository, str(reference.digest))
        now = registry.tag_digest(reference.repository, reference.tag) if reference.tag else None
    except ArchmergeError as error:
        return unknown(Check.IMAGES, name, shortened(str(error), _REASON), urn=pin.urn)
    except TROUBLE as error:
        return unknown(Check.IMAGES, name, why(error), urn=pin.urn)
    deltas = [] if there else [Delta(("digest",), str(reference.digest), ABSENT)]
    if reference.tag and now != reference.digest:
        deltas.append(Delta(("tag", reference.tag), str(reference.digest), str(now) if now else ABSENT))
    return finding(Check.IMAGES, name, Comparison(deltas=deltas), urn=pin.urn)
