"""What is wrong with what teams add to the jobs' pods, beyond the types of the keys."""

import json
from collections.abc import Iterator, Mapping, Sequence

from components.problems import Problem
from components.runner.job_pod_patches import check_patch
from components.runner.job_pods import PATCHES, JobPods, PodPatch, Volume
from components.secret_text import secret_in, secret_under


def check_job_pods(jobs: JobPods, path: str = "runner.jobs") -> list[Problem]:
    """Return every mistake, in the order of the keys."""
    return [
        *_check_volumes(jobs.volumes, f"{path}.volumes"),
        *_check_environment(jobs.environment, f"{path}.environment"),
        *_check_dns(jobs, f"{path}.dns.nameservers"),
        *(
            problem
            for index, one in enumerate(jobs.services)
            for problem in _check_environment(one.environment, f"{path}.services[{index}].environment")
        ),
        *_check_flags(jobs, f"{path}.featureFlags.{PATCHES}"),
        *_check_patches(jobs.pod_patches, f"{path}.podPatches"),
    ]


def _check_volumes(found: Sequence[Volume], path: str) -> Iterator[Problem]:
    names: set[str] = set()
    places: set[str] = set()
    for index, one in enumerate(found):
        place = one.mount_path.rstrip("/")
        if one.name in names or place in places:
            yield _problem(f"{path}[{index}]", "another volume has the same name or mountPath", "Use another one.")
        names.add(one.name)
        places.add(place)


def _check_environment(found: Mapping[str, str], path: str) -> Iterator[Problem]:
    for name, value in found.items():
        if secret := secret_under(name, value):
            yield Problem(
                path=f"{path}.{name}",
                found=secret,
                consequence="it would be stored in the runner's ConfigMap, and every job could read it",
                fix="Make it a masked CI/CD variable in GitLab.",
            )


def _check_dns(jobs: JobPods, path: str) -> Iterator[Problem]:
    if jobs.dns and jobs.dns.policy == "none" and not jobs.dns.nameservers:
        yield _problem(path, "empty, with policy none", "Name a resolver.")


def _check_flags(jobs: JobPods, path: str) -> Iterator[Problem]:
    if jobs.pod_patches and not jobs.feature_flags.get(PATCHES, True):
        yield _problem(path, "off, with podPatches", "Remove it: podPatches need it.")


def _check_patches(found: Sequence[PodPatch], path: str) -> Iterator[Problem]:
    for index, one in enumerate(found):
        if isinstance(one.patch, list) != (one.type == "json"):
            wanted = "a list of operations" if one.type == "json" else "a mapping"
            yield _problem(f"{path}[{index}].patch", f"not {wanted}", f"With type {one.type} write {wanted}.")
        else:
            yield from check_patch(one, f"{path}[{index}].patch")
        if secret := secret_in(json.dumps(one.patch)):
            yield _problem(f"{path}[{index}].patch", f"looks like {secret}", "Name a Secret of the jobs' namespace.")


def _problem(path: str, found: str, fix: str) -> Problem:
    return Problem(path=path, found=found, fix=fix)
