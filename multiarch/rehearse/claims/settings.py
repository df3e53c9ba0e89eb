"""Claims about the runner's config as a whole: it is read, and its largest job is one that the API server takes."""

import re
from collections.abc import Mapping
from dataclasses import replace

from multiarch.cluster.api import ApiRefused
from multiarch.model.executor import Job, JobRefusal, Service
from multiarch.model.executor.since import Version as Release
from multiarch.model.executor.since import dated, lost, release_of, undated
from multiarch.rehearse.claims.landing import unmodelled
from multiarch.rehearse.claims.pods import build, create, refused_by
from multiarch.rehearse.claims.scene import Promise, Proof, Scene, failed, proved, unknown
from multiarch.rehearse.report.model import JobView, Outcome

_RESOURCES = ("cpu", "memory", "ephemeral_storage")
_LIMIT_RANGE = re.compile(r"(maximum|minimum) \S+ usage per |limit to request ratio")
"""The words of Kubernetes' LimitRanger (plugin/pkg/admission/limitranger)."""
_SERVICE = Service(name="docker.io/library/redis:8")


def settings_promises(scene: Scene) -> list[Promise]:
    """Return the promises about settings."""
    del scene
    return [
        Promise(
            "runner-knows-its-settings",
            "the installed version of the runner knows every Kubernetes setting and feature flag of its config",
            _known,
            modelled=True,
        ),
        Promise(
            "largest-job-admitted",
            "the API server takes the pod of a job with a service that asks for all that the runner lets it ask for",
            _largest,
        ),
    ]


def _known(scene: Scene) -> Proof:
    config, version = scene.installed.config, scene.installed.runner_version
    settings = dated(config)
    if release_of(version) is None:
        asked = f": {_named(settings)}" if settings else ""
        return unknown(f"the manager's image does not say which version of the runner it is{asked}")
    if unread := lost(config, version):
        return failed(
            f"runner {version} ignores {_named(unread)}: take a chart with a newer runner, or do without them"
        )
    if strange := undated(config):
        return unknown(f"which runner knows {', '.join(strange)} is not known")
    return proved(f"runner {version}; the newest setting in use: {_newest(settings)}")


def _named(settings: Mapping[str, Release]) -> str:
    return ", ".join(f"{path} (from {major}.{minor} on)" for path, (major, minor) in sorted(settings.items()))


def _newest(settings: Mapping[str, Release]) -> str:
    newest = max(settings, key=lambda path: (settings[path], path), default="")
    return _named({newest: settings[newest]}) if newest else "none is newer than 15.0"


def _largest(scene: Scene) -> Proof:
    """Ask by a dry run: nothing needs to land, and a limit below a request is for the API's validation to refuse."""
    if scene.installed.config.unmodelled:
        return unknown(unmodelled(scene))
    if isinstance(plain := build(scene, Job(name="largest-none")), JobRefusal):
        return unknown(f"even a plain job is refused: {plain.reason}")
    wanted = _most(scene)
    # Where services are restricted, which ones there are is for the jobs to know.
    services = () if scene.installed.config.kubernetes.texts("allowed_services") else (_SERVICE,)
    words = [f"{key}={value}" for key, value in wanted.items()] + [f"service {one.name}" for one in services]
    name, asked = "largest-job", ", ".join(words) or "nothing"
    built = build(scene, Job(name=name, variables=wanted, services=services))
    if isinstance(built, JobRefusal):
        view = JobView(name=name, asked=asked, outcome=Outcome.REFUSED, refused_by="runner", reason=built.reason)
        return failed(f"a job that asks for {asked} is refused by runner: {built.reason}", view)
    try:
        create(scene.runner, built.namespace, built.manifest, dry_run=True)
    except ApiRefused as refusal:
        if not refusal.definite:
            raise
        return _refused(refusal, JobView(name=name, asked=asked, outcome=Outcome.REFUSED, pod=built.name))
    return proved(f"a job that asks for {asked} passes the API server's validation and admission")


def _refused(refusal: ApiRefused, job: JobView) -> Proof:
    who = refused_by(refusal)
    view = replace(job, refused_by=who, reason=refusal.message)
    if who == "API" or _LIMIT_RANGE.search(refusal.message):
        return failed(f"a job that asks for {job.asked} is refused by {who}: {refusal.message}", view)
    # Pod Security and rights are other claims', and a quota may be full of this rehearsal's other jobs.
    return unknown(f"refused, but not for more than its limit: {refusal.message}", view)


def _most(scene: Scene) -> dict[str, str]:
    """Return the variables by which a job asks for as much as it may, request and limit alike."""
    settings = scene.installed.config.kubernetes
    keys = [
        f"{container}{resource}_{bound}"
        for container in ("", "helper_", "service_", "pod_")
        for resource in _RESOURCES
        for bound in ("request", "limit")
        if (container, resource) != ("pod_", "ephemeral_storage")
    ]
    most = {f"KUBERNETES_{key.upper()}": settings.text(f"{key}_overwrite_max_allowed") for key in keys}
    return {variable: value for variable, value in most.items() if value}
