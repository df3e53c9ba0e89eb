"""The Kubernetes objects that the program owns, against the ones that are there."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from multiarch.core.verdict import Verdict
from multiarch.drift.live.program import WantedObject
from multiarch.drift.live.scene import Scene
from multiarch.drift.live.told import TROUBLE, gone, leave, name_of, of_object, unknown, why
from multiarch.drift.model import Change, Check, CheckResult, Difference, Finding
from multiarch.model.release import named_secrets


def check_objects(scene: Scene) -> CheckResult:
    """Compare every object that the program declares by itself; and look for the Secrets that it only names."""
    wanted = scene.program.objects
    if not wanted:
        return CheckResult(check=Check.OBJECTS, skipped="the stack has no Kubernetes object of its own")
    findings = scene.each("objects", wanted, lambda item: _tell(scene, item))
    findings += scene.each("secrets", _named_secrets(scene), lambda item: _look(scene, *item))
    return CheckResult(check=Check.OBJECTS, findings=tuple(findings))


def _tell(scene: Scene, wanted: WantedObject) -> Finding:
    if wanted.unclear:
        return unknown(Check.OBJECTS, wanted.urn, wanted.unclear, urn=wanted.urn)
    return of_object(scene, Check.OBJECTS, wanted.manifest, wanted.urn, keep=leave(wanted.ignored))


def _named_secrets(scene: Scene) -> Iterator[tuple[Mapping[str, Any], tuple[str, ...], str]]:
    """Yield the Secrets that somebody else makes, the keys that are needed, and the release that needs them."""
    made = {
        (item.manifest["metadata"].get("namespace"), item.manifest["metadata"].get("name"))
        for item in scene.program.objects
        if item.manifest.get("kind") == "Secret" and not item.unclear
    }
    for release in scene.program.releases:
        for _, name, keys in named_secrets(release.values):
            if (release.namespace, name) not in made:
                metadata = {"name": name, "namespace": release.namespace}
                yield {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}, keys, release.urn


def _look(scene: Scene, manifest: Mapping[str, Any], keys: Sequence[str], urn: str) -> Finding:
    """Tell whether somebody else's Secret is there, with the keys that the runner needs; its values are nobody's."""
    resource, title = name_of(manifest)
    theirs = "someone else creates it, and the runner does not start without it"
    try:
        scene.in_time()
        found = scene.api.find(scene.api.path_of(manifest))
    except TROUBLE as error:
        return unknown(Check.OBJECTS, resource, why(error), title=title, urn=urn)
    if found is None:
        return gone(Check.OBJECTS, resource, theirs, title=title, urn=urn)
    missing = [key for key in keys if key not in (found.get("data") or {})]
    return Finding(
        check=Check.OBJECTS,
        resource=resource,
        verdict=Verdict.NO if missing else Verdict.YES,
        title=title,
        urn=urn,
        change=Change.CHANGED if missing else None,
        differences=tuple(Difference(path=f"data.{key}", change=Change.GONE, wanted="[secret]") for key in missing),
        reason=theirs if missing else "",
    )
