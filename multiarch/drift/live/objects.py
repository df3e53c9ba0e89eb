"""The Kubernetes objects that the program owns, against the ones that are there."""

from collections.abc import Iterator, Mapping
from typing import Any

from multiarch.core.verdict import Verdict
from multiarch.drift.live.program import WantedObject
from multiarch.drift.live.scene import Scene
from multiarch.drift.live.told import TROUBLE, gone, leave, name_of, of_object, unknown, why
from multiarch.drift.model import Change, Check, CheckResult, Difference, Finding

_TOKEN_KEYS = ("runner-registration-token", "runner-token")
"""The chart projects both: a Secret without the first keeps the manager's pod from starting (runner.md section 1)."""


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


def _named_secrets(scene: Scene) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Yield the tokens' Secrets that somebody else makes (`token.existingSecret`), with the release that needs each."""
    made = {
        (item.manifest["metadata"].get("namespace"), item.manifest["metadata"].get("name"))
        for item in scene.program.objects
        if item.manifest.get("kind") == "Secret" and not item.unclear
    }
    for release in scene.program.releases:
        name = (release.values.get("runners") or {}).get("secret")
        if isinstance(name, str) and name and (release.namespace, name) not in made:
            metadata = {"name": name, "namespace": release.namespace}
            yield {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}, release.urn


def _look(scene: Scene, manifest: Mapping[str, Any], urn: str) -> Finding:
    """Tell whether somebody else's Secret is there, with the keys that the runner needs; its values are nobody's."""
    resource, title = name_of(manifest)
    theirs = "somebody else makes it, and the runner does not start without it"
    try:
        scene.in_time()
        found = scene.api.find(scene.api.path_of(manifest))
    except TROUBLE as error:
        return unknown(Check.OBJECTS, resource, why(error), title=title, urn=urn)
    if found is None:
        return gone(Check.OBJECTS, resource, theirs, title=title, urn=urn)
    missing = [key for key in _TOKEN_KEYS if key not in (found.get("data") or {})]
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
