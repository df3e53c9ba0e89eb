"""The Helm releases: the record that Helm keeps, and the objects that it says are there."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from components.runner.values import fullname
from multiarch.drift.live.compare import Comparison
from multiarch.drift.live.difference import Delta, deltas
from multiarch.drift.live.lists import ABSENT, in_order
from multiarch.drift.live.paths import keys
from multiarch.drift.live.program import WantedRelease, unknown_paths
from multiarch.drift.live.scene import Scene
from multiarch.drift.live.stored import Revision, Stored
from multiarch.drift.live.told import TROUBLE, finding, gone, not_compared, of_object, unknown, why
from multiarch.drift.model import Check, CheckResult, Finding

_DEPLOYED: Final = "deployed"
_CONFIG: Final = ("runners", "config")
CONFIG_KEYS: Final = ("config.toml", "config.template.toml")
"""Keys of the release's ConfigMap that the check of the runner's config tells, TOML key by TOML key."""


def check_releases(scene: Scene) -> CheckResult:
    """Compare every release and what its chart made."""
    if not scene.program.releases:
        return CheckResult(check=Check.RELEASE, skipped="the stack has no Helm release")
    findings: list[Finding] = []
    for release in scene.program.releases:
        scene.progress(f"release {release.name}")
        findings += _tell(scene, release)
    return CheckResult(check=Check.RELEASE, findings=tuple(findings))


def name_of_release(release: WantedRelease) -> str:
    """Return a release's stable name."""
    return f"Helm release {release.namespace}/{release.name}"


def _tell(scene: Scene, release: WantedRelease) -> Iterator[Finding]:
    name = name_of_release(release)
    try:
        scene.in_time()
        stored = scene.stored(release.name, release.namespace)
        if stored.newest is None:
            yield gone(Check.RELEASE, name, _what_is_left(scene, release), urn=release.urn)
            return
    except TROUBLE as error:
        yield unknown(Check.RELEASE, name, why(error), urn=release.urn)
        return
    newest = stored.newest
    compared = Comparison(deltas=list(_differences(scene, release, newest)))
    unknown_values = [path for path in unknown_paths(release.values, "values") if path != f"values.{'.'.join(_CONFIG)}"]
    remarks = [*_remarks(stored, newest), *not_compared(unknown_values)]
    yield finding(Check.RELEASE, name, compared, remarks, urn=release.urn)
    if newest.status in ("superseded", "uninstalled"):
        return  # these objects are not what the cluster should have
    manifests = [_placed(scene, item, release.namespace) for item in newest.manifest]
    yield from scene.each(
        f"objects of {release.name}",
        manifests,
        lambda item: of_object(scene, Check.RELEASE, item, release.urn, keep=_own_part(scene, release, item)),
    )


def _differences(scene: Scene, release: WantedRelease, newest: Revision) -> Iterator[Delta]:
    if newest.status != _DEPLOYED:
        yield Delta(("status",), _DEPLOYED, newest.status)
    if release.version and release.version.removeprefix("v") != newest.chart_version.removeprefix("v"):
        yield Delta(("chart", "version"), release.version, newest.chart_version)
    chart = release.chart.rstrip("/").rpartition("/")[2]
    if release.version and chart != newest.chart:
        yield Delta(("chart", "name"), chart, newest.chart)
    told_elsewhere = Check.RUNNER_CONFIG in scene.checks
    for delta in deltas(release.values, newest.values, matcher=in_order, path=("values",)):
        if not (told_elsewhere and keys(delta.path)[1:] == _CONFIG) and not _is_nothing(delta):
            yield delta


def _is_nothing(delta: Delta) -> bool:
    """Tell whether one side has an empty mapping and the other nothing: Helm merges both to the chart's default."""
    return {} in (delta.wanted, delta.found) and ABSENT in (delta.wanted, delta.found)


def _remarks(stored: Stored, newest: Revision) -> Iterator[str]:
    when = f" since {newest.changed}" if newest.changed else ""
    if newest.status.startswith("pending-"):
        yield (
            f"revision {newest.number} is {newest.status}{when}: either it is being deployed right now, or a "
            "deployment was cut off, and Helm refuses the next one"
        )
    elif newest.status == "superseded":
        yield (
            f"the newest record is revision {newest.number}, which a later one replaced: that one's record is gone, "
            "and the objects could not be compared with it"
        )
    elif newest.status != _DEPLOYED:
        yield f"revision {newest.number} is {newest.status}{when}: {newest.description}".rstrip(": ")
    if stored.driver == "ConfigMap":
        yield "Helm keeps this release in ConfigMaps"


def _what_is_left(scene: Scene, release: WantedRelease) -> str:
    """Say whether a release without a record was uninstalled, or lost its record alone."""
    name = fullname(release.name)
    path = scene.api.path_of(
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": release.namespace}}
    )
    if scene.api.find(path) is None:
        return "Helm has no record of it, and its Deployment is gone too: it was uninstalled"
    return (
        f"Helm has no record of it, but its Deployment {name} exists: only the record was deleted. The chart's "
        "objects could not be compared, and the next `helm upgrade` fails"
    )


def _placed(scene: Scene, manifest: Mapping[str, Any], namespace: str) -> Mapping[str, Any]:
    """Return a chart's object with the namespace that Helm put it into, where it has one at all."""
    metadata = manifest["metadata"]
    if metadata.get("namespace"):
        return manifest
    placed = {**manifest, "metadata": {**metadata, "namespace": namespace}}
    try:
        return placed if f"/namespaces/{namespace}/" in scene.api.path_of(placed) else manifest
    except TROUBLE:
        return placed  # whatever is wrong with it is told where it is looked up


def _own_part(scene: Scene, release: WantedRelease, manifest: Mapping[str, Any]) -> Callable[[Delta], bool]:
    """Leave the runner's config to its own check."""
    is_config = manifest["kind"] == "ConfigMap" and manifest["metadata"]["name"] == fullname(release.name)
    if not is_config or Check.RUNNER_CONFIG not in scene.checks:
        return lambda _: True
    return lambda delta: keys(delta.path)[:2] not in {("data", key) for key in CONFIG_KEYS}
