"""Finds the releases of gitlab-runner in a cluster, and reads their config back."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from multiarch.cluster.api import ApiRefused
from multiarch.cluster.errors import ClusterError
from multiarch.cluster.readonly import ReadOnlyApi
from multiarch.cluster.seen import Seen, read_list, why
from multiarch.doctor.facts import Raw, Runner
from multiarch.doctor.objects import job_objects_of, mounts_of
from multiarch.doctor.probe import probe
from multiarch.doctor.rights import rights_of
from multiarch.model.executor import ConfigInvalid, JobRefusal
from multiarch.model.readback import read_back
from multiarch.model.release import InstallFailed, PlannedRelease

_IMAGE = re.compile(r"(^|/)gitlab-runner(-ocp)?(:|@|$)")
_PER_JOB = "namespace_per_job is set: each job's namespace is created and deleted with the job"
_RELEASE = "meta.helm.sh/release-name"


def find_releases(reader: ReadOnlyApi, namespaces: Sequence[str]) -> tuple[list[PlannedRelease], str]:
    """Return the releases in these namespaces, in all where none is named; and why some could not be looked for.

    A release is a Deployment that Helm made, of the runner's chart or with its image.
    """
    releases, failures = {}, []
    places = [f"/namespaces/{name}" for name in namespaces] or [""]
    for place in places:
        try:
            for deployment in reader.items(f"/apis/apps/v1{place}/deployments"):
                if is_runner(deployment):
                    release = release_of(deployment)
                    releases[(release.namespace, release.name)] = release
        except (ApiRefused, ClusterError) as error:
            where = place.removeprefix("/namespaces/") or "all namespaces"
            failures.append(why(error, f"deployments of {where}"))
    return list(releases.values()), "; ".join(failures)


def is_runner(deployment: Raw) -> bool:
    """Tell whether a Deployment is a runner's manager."""
    labels = deployment["metadata"].get("labels") or {}
    if str(labels.get("chart", "")).startswith("gitlab-runner-"):
        return True
    pod = deployment["spec"]["template"]["spec"]
    return any(_IMAGE.search(str(container.get("image", ""))) for container in pod.get("containers") or [])


def release_of(deployment: Raw) -> PlannedRelease:
    """Return the release that a Deployment belongs to; its own name serves where Helm did not make it."""
    metadata = deployment["metadata"]
    name = (metadata.get("annotations") or {}).get(_RELEASE) or metadata["name"]
    return PlannedRelease(name=str(name), namespace=str(metadata.get("namespace", "")), chart="")


def read_runner(reader: ReadOnlyApi, release: PlannedRelease) -> Runner:
    """Read a release: Deployment, config, pods, what it mounts, its rights. Raises nothing that a cluster answers."""
    root = f"/apis/apps/v1/namespaces/{release.namespace}/deployments"
    deployments = read_list(lambda: reader.items(root), f"deployments of {release.namespace}")
    if not deployments.known:
        return Runner(name=release.name, namespace=release.namespace, failure=deployments.failure)
    mine = [item for item in deployments.value if release_of(item).name == release.name and _helm_made(item)]
    if not mine:
        return _without(release, deployments.value)
    deployment = mine[0]
    base = Runner(
        name=release.name,
        namespace=release.namespace,
        deployment=deployment,
        pods=_manager_pods(reader, deployment),
        mounts=mounts_of(reader, release.namespace, deployment["spec"]["template"]["spec"]),
    )
    return _with_config(reader, release, base)


def _with_config(reader: ReadOnlyApi, release: PlannedRelease, base: Runner) -> Runner:
    known: dict[str, Any] = {
        "name": base.name,
        "namespace": base.namespace,
        "deployment": base.deployment,
        "pods": base.pods,
        "mounts": base.mounts,
    }
    try:
        installed = read_back(reader, release)
    except (ApiRefused, ClusterError) as error:
        return Runner(**known, failure=why(error, f"config of {base.title}"))
    except InstallFailed as error:
        return Runner(**known, failure=str(error))
    except ConfigInvalid as error:
        return Runner(**known, broken=str(error))
    runner = Runner(**known, installed=installed)
    if runner.namespace_per_job:
        return Runner(**known, installed=installed, rights=Seen((), _PER_JOB))
    pod = probe(runner)
    objects = () if isinstance(pod, JobRefusal) else job_objects_of(reader, pod.namespace, pod.manifest["spec"])
    return Runner(**known, installed=installed, job_objects=objects, rights=rights_of(reader, installed))


def _without(release: PlannedRelease, deployments: Iterable[Raw]) -> Runner:
    others = [item["metadata"]["name"] for item in deployments if is_runner(item)]
    if others:
        failure = f"{', '.join(others)} in {release.namespace} looks like a runner, but Helm did not create it"
        return Runner(name=release.name, namespace=release.namespace, failure=failure)
    return Runner(name=release.name, namespace=release.namespace, missing=True)


def _helm_made(deployment: Raw) -> bool:
    return _RELEASE in (deployment["metadata"].get("annotations") or {})


def _manager_pods(reader: ReadOnlyApi, deployment: Raw) -> Seen[tuple[Raw, ...]]:
    labels: Mapping[str, str] = deployment["spec"]["selector"].get("matchLabels") or {}
    selector = ",".join(f"{key}={value}" for key, value in labels.items())
    namespace = deployment["metadata"]["namespace"]
    query = {"labelSelector": selector}
    return read_list(lambda: reader.items(f"/api/v1/namespaces/{namespace}/pods", query), f"pods of {namespace}")
