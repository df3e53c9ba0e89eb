"""The runner's configuration in the cluster, key by key, against what the program renders; and whether it is in use.

The chart's ConfigMap holds `config.toml` (global keys) and `config.template.toml` (the one `[[runners]]` entry); the
manager copies them when it starts and never looks again. So the ConfigMap may be right, and what runs older than it.
"""

import datetime as dt
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from components.runner.values import METRICS_PORT, fullname
from multiarch.drift.live.compare import Comparison, Doubt
from multiarch.drift.live.difference import Delta, deltas
from multiarch.drift.live.lists import ABSENT, of_toml
from multiarch.drift.live.paths import text
from multiarch.drift.live.program import WantedRelease, settled, unknown_paths
from multiarch.drift.live.scene import Scene
from multiarch.drift.live.shown import shortened
from multiarch.drift.live.told import TROUBLE, finding, gone, not_compared, unknown, why
from multiarch.drift.model import Check, CheckResult, Finding
from multiarch.model.providers.values import UNKNOWN

_GLOBAL: Final = "config.toml"
_TEMPLATE: Final = "config.template.toml"
_VALUE_OF: Final[Mapping[str, str]] = {
    "concurrent": "concurrent",
    "check_interval": "checkInterval",
    "log_level": "logLevel",
}
"""Global keys of config.toml, and the chart's value that each is rendered from."""
_CHECKSUM: Final = "checksum/configmap"


def check_runner_config(scene: Scene) -> CheckResult:
    """Compare the configuration of every runner."""
    if not scene.program.releases:
        return CheckResult(check=Check.RUNNER_CONFIG, skipped="the stack has no runner")
    scene.progress("the runner's configuration")
    findings = [_tell(scene, release) for release in scene.program.releases]
    return CheckResult(check=Check.RUNNER_CONFIG, findings=tuple(findings))


def _tell(scene: Scene, release: WantedRelease) -> Finding:
    name = fullname(release.name)
    resource = f"{_GLOBAL} {release.namespace}/{name}"
    title = f"runner config {release.namespace}/{name}"
    path = f"/api/v1/namespaces/{release.namespace}/configmaps/{name}"
    try:
        scene.in_time()
        found = scene.api.find(path)
        if found is None:
            reason = f"ConfigMap {release.namespace}/{name} does not exist"
            return gone(Check.RUNNER_CONFIG, resource, reason, title=title, urn=release.urn)
        compared = Comparison()
        data = found.get("data") or {}
        template = _wanted_template(scene, release)
        _compare_template(template, data, compared)
        _compare_globals(release, _stored_globals(scene, release, name), data, compared)
        remarks = [*not_compared(unknown_paths(template)), *_of_the_manager(scene, release, found)]
    except TROUBLE as error:
        return unknown(Check.RUNNER_CONFIG, resource, why(error), title=title, urn=release.urn)
    return finding(Check.RUNNER_CONFIG, resource, compared, remarks, title=title, urn=release.urn)


def _wanted_template(scene: Scene, release: WantedRelease) -> Mapping[str, Any] | None:
    """Return the `[[runners]]` entry that the program writes, whole; None where only a deployment knows it."""
    config = (release.raw_values.get("runners") or {}).get("config")
    if not isinstance(config, str):
        return None
    wanted: Mapping[str, Any] = settled(tomllib.loads(rendered(config)), scene.program.stand_ins)
    return wanted


def _compare_template(wanted: Mapping[str, Any] | None, data: Mapping[str, str], compared: Comparison) -> None:
    if wanted is None:
        compared.doubts.append(Doubt(Delta((_TEMPLATE,), UNKNOWN, ABSENT), "only a deployment knows it"))
    elif _TEMPLATE not in data:
        compared.deltas.append(Delta((_TEMPLATE,), wanted, ABSENT))
    elif (found := _read(data, _TEMPLATE, compared)) is not None:
        compared.deltas += deltas(wanted, found, matcher=of_toml)


def _compare_globals(
    release: WantedRelease, stored: Mapping[str, Any] | None, data: Mapping[str, str], compared: Comparison
) -> None:
    """Compare the global keys: those of the program, and the chart's own as Helm stored them."""
    stated = {key: release.raw_values[value] for key, value in _VALUE_OF.items() if value in release.raw_values}
    wanted = {**(stored or {}), **stated}
    if _GLOBAL not in data:
        compared.deltas.append(Delta((_GLOBAL,), wanted, ABSENT))
        return
    found = _read(data, _GLOBAL, compared)
    if found is None:
        return
    usual = {"shutdown_timeout": 0, "listen_address": f":{METRICS_PORT}"}
    for delta in deltas(wanted, found, matcher=of_toml):
        if stored is None and delta.wanted is ABSENT:
            if usual.get(text(delta.path)) == delta.found:
                continue  # what the chart renders of itself
            compared.doubts.append(Doubt(delta, "it may be the chart's own: Helm's record could not be read"))
        else:
            compared.deltas.append(delta)


def rendered(config: str) -> str:
    """Return what the chart's `tpl` makes of `runners.config`: the escapes of `values.escape_template` undone."""
    return config.replace('{{ "{{" }}', "{{")


def _read(data: Mapping[str, str], key: str, compared: Comparison) -> Mapping[str, Any] | None:
    """Read a TOML file of the ConfigMap; one that is none is a difference, since the runner does not start with it."""
    try:
        return tomllib.loads(data[key])
    except tomllib.TOMLDecodeError as error:
        compared.deltas.append(Delta((key,), "TOML", f"not valid TOML: {error}"))
        return None


def _stored_globals(scene: Scene, release: WantedRelease, name: str) -> Mapping[str, Any] | None:
    """Return the global keys as Helm rendered them; None where its record could not be read."""
    try:
        newest = scene.stored(release.name, release.namespace).newest
    except TROUBLE:
        return None  # the check of the release says why
    for item in newest.manifest if newest else ():
        if item["kind"] == "ConfigMap" and item["metadata"]["name"] == name:
            try:
                return tomllib.loads((item.get("data") or {})[_GLOBAL])
            except (KeyError, tomllib.TOMLDecodeError):
                return None
    return None


def _of_the_manager(scene: Scene, release: WantedRelease, config: Mapping[str, Any]) -> Iterator[str]:
    """Say what the manager that runs has to do with this ConfigMap. Remarks only: not seeing it is no doubt."""
    name = fullname(release.name)
    try:
        deployment = scene.api.find(f"/apis/apps/v1/namespaces/{release.namespace}/deployments/{name}")
        if deployment is None:
            yield f"no manager runs: Deployment {release.namespace}/{name} does not exist"
            return
        pods = _pods(scene, release.namespace, deployment)
    except TROUBLE as error:
        yield f"could not tell whether the manager runs with it: {why(error)}"
        return
    yield from _about_readiness(deployment)
    changed, by = _changed(config)
    rendered_of = _annotations(deployment["spec"]["template"]).get(_CHECKSUM)
    for pod in pods:
        started = _time((pod.get("status") or {}).get("startTime"))
        which = f"pod {pod['metadata']['name']}"
        if started and changed and started < changed:
            remark = (
                f"the running config may be older than the ConfigMap: {which} started at {_clock(started)}, the "
                f"ConfigMap was changed at {_clock(changed)}{f' by {by}' if by else ''}"
            )
            scene.note(remark)
            yield remark
        elif _annotations(pod).get(_CHECKSUM) != rendered_of:
            remark = (
                f"the running config may be older than the ConfigMap: {which} is of another revision of its Deployment"
            )
            scene.note(remark)
            yield remark


def _pods(scene: Scene, namespace: str, deployment: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the manager's pods but for those that are on their way out, which may drain for hours."""
    labels = deployment["spec"]["selector"].get("matchLabels") or {}
    selector = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
    pods = scene.api.items(f"/api/v1/namespaces/{namespace}/pods", {"labelSelector": selector})
    return [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]


def _about_readiness(deployment: Mapping[str, Any]) -> Iterator[str]:
    wanted = deployment["spec"].get("replicas", 1)
    ready = (deployment.get("status") or {}).get("readyReplicas", 0)
    image = deployment["spec"]["template"]["spec"]["containers"][0].get("image", "")
    if ready < wanted:
        yield f"{ready} of {wanted} managers ready ({shortened(image)})"


def _changed(config: Mapping[str, Any]) -> tuple[dt.datetime | None, str]:
    """Return when the ConfigMap's data was last changed, and by whom."""
    metadata = config["metadata"]
    times = [(_time(metadata.get("creationTimestamp")), "")]
    times += [
        (_time(entry.get("time")), str(entry.get("manager") or ""))
        for entry in metadata.get("managedFields") or []
        if "f:data" in (entry.get("fieldsV1") or {})
    ]
    known = [(when, by) for when, by in times if when is not None]
    return max(known, default=(None, ""))


def _annotations(item: Mapping[str, Any]) -> Mapping[str, str]:
    return (item.get("metadata") or {}).get("annotations") or {}


def _time(written: Any) -> dt.datetime | None:
    try:
        return dt.datetime.fromisoformat(written) if isinstance(written, str) else None
    except ValueError:
        return None


def _clock(when: dt.datetime) -> str:
    return when.isoformat(timespec="seconds")
