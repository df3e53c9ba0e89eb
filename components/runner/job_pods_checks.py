"""What is wrong with what teams add to the jobs' pods."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address

from components.kubernetes_names import DNS_LABEL, LABEL_VALUE, META_KEY, OBJECT_NAME
from components.problems import Problem
from components.reading import joined
from components.runner.job_pods import (
    PATCHES,
    ClaimVolume,
    ConfigMapVolume,
    EmptyDirVolume,
    JobPods,
    PodPatch,
    SecretVolume,
    Service,
    Volume,
)
from components.runner.quantities import quantity
from components.secret_text import secret_in

_OURS = ("cluster-autoscaler.kubernetes.io/safe-to-evict", "karpenter.sh/do-not-disrupt")
_RUNNERS = "runner.gitlab.com"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FLAG = re.compile(r"FF_[A-Z0-9_]+")
_BUILDS = "/builds"
_NAMES = "Use lower-case letters, digits, '-' and, in names of hosts and objects, '.'."


def check_job_pods(jobs: JobPods, path: str = "runner.jobs") -> list[Problem]:
    """Return every mistake, in the order of the keys."""
    return [
        *_check_volumes(jobs.volumes, f"{path}.volumes"),
        *_check_environment(jobs.environment, f"{path}.environment"),
        *_check_metadata(jobs, path),
        *_check_hosts(jobs, path),
        *_check_services(jobs.services, f"{path}.services"),
        *_check_flags(jobs, f"{path}.featureFlags"),
        *_check_patches(jobs.pod_patches, f"{path}.podPatches"),
    ]


def _check_volumes(found: Sequence[Volume], path: str) -> Iterator[Problem]:
    names: set[str] = set()
    places: set[str] = set()
    for index, one in enumerate(found):
        if not (OBJECT_NAME if isinstance(one, ClaimVolume | SecretVolume | ConfigMapVolume) else DNS_LABEL).fullmatch(
            one.name
        ):
            yield _problem(f"{path}[{index}].name", f"{one.name!r} is no Kubernetes name", _NAMES)
        mount = one.mount_path.rstrip("/")
        if not one.mount_path.startswith("/") or not mount or ".." in one.mount_path.split("/"):
            yield _problem(f"{path}[{index}].mountPath", f"{one.mount_path!r} is no absolute path", "Write /a/path.")
        elif mount == _BUILDS:
            yield _problem(
                f"{path}[{index}].mountPath", "the folder that jobs are cloned into", "Mount it elsewhere, or below it."
            )
        if one.name in names or mount in places:
            yield _problem(f"{path}[{index}]", "its name or mountPath is another volume's", "Give it one of its own.")
        names.add(one.name)
        places.add(mount)
        if isinstance(one, EmptyDirVolume) and one.size_limit and quantity(one.size_limit) is None:
            yield _problem(f"{path}[{index}].sizeLimit", f"{one.size_limit!r} is no Kubernetes quantity", "Write 10Gi.")


def _check_environment(found: Mapping[str, str], path: str) -> Iterator[Problem]:
    for name, value in found.items():
        if secret := secret_in(f"{name}={value}") or secret_in(value):
            yield Problem(
                path=f"{path}.{name}",
                found=f"looks like {secret}",
                consequence="it would stand in the runner's ConfigMap, and every job could read it",
                fix="Make it a masked CI/CD variable in GitLab.",
            )
        elif not _VARIABLE.fullmatch(name):
            yield _problem(f"{path}.{name}", "no name of a variable", "Use letters, digits and '_'.")


def _check_metadata(jobs: JobPods, path: str) -> Iterator[Problem]:
    for kind, found in (("labels", jobs.labels), ("annotations", jobs.annotations)):
        for key, value in found.items():
            place = joined(f"{path}.{kind}", key)
            if secret := secret_in(key) or secret_in(value):
                yield _problem(place, f"looks like {secret}", "Drop it: whoever sees the pod would have it.")
            elif not META_KEY.fullmatch(key) or (kind == "labels" and not LABEL_VALUE.fullmatch(value)):
                yield _problem(place, "no label or annotation of Kubernetes", "Use letters, digits, '-', '_' and '.'.")
            elif key in _OURS or key.partition("/")[0].endswith(_RUNNERS):
                yield _problem(place, "a key that the runner or this package sets itself", "Drop it.")


def _check_hosts(jobs: JobPods, path: str) -> Iterator[Problem]:
    addresses = [(f"hostAliases[{index}].ip", one.ip) for index, one in enumerate(jobs.host_aliases)]
    if jobs.dns:
        addresses += [(f"dns.nameservers[{index}]", text) for index, text in enumerate(jobs.dns.nameservers)]
        if jobs.dns.policy == "none" and not jobs.dns.nameservers:
            yield _problem(f"{path}.dns.nameservers", "empty, with policy none", "Name a resolver.")
    for key, text in addresses:
        try:
            ip_address(text)
        except ValueError:
            yield _problem(f"{path}.{key}", f"{text!r} is no address", "Write 10.0.0.10: a name can't stand here.")
    for index, one in enumerate(jobs.host_aliases):
        for name in one.hostnames:
            if not OBJECT_NAME.fullmatch(name):
                yield _problem(f"{path}.hostAliases[{index}].hostnames", f"{name!r} is no host name", _NAMES)
    if jobs.runtime_class is not None and not OBJECT_NAME.fullmatch(jobs.runtime_class):
        yield _problem(f"{path}.runtimeClass", f"{jobs.runtime_class!r} is no Kubernetes name", _NAMES)


def _check_services(found: Sequence[Service], path: str) -> Iterator[Problem]:
    for index, one in enumerate(found):
        if not one.name.strip():
            yield _problem(f"{path}[{index}].name", "empty", "Name an image.")
        if one.alias and not DNS_LABEL.fullmatch(one.alias):
            yield _problem(f"{path}[{index}].alias", f"{one.alias!r} is no host name", _NAMES)
        yield from _check_environment(one.environment, f"{path}[{index}].environment")


def _check_flags(jobs: JobPods, path: str) -> Iterator[Problem]:
    for name, on in jobs.feature_flags.items():
        if not _FLAG.fullmatch(name):
            yield _problem(f"{path}.{name}", "no feature flag of GitLab Runner", "They are called FF_….")
        elif name == PATCHES and not on and jobs.pod_patches:
            yield _problem(f"{path}.{name}", "off, with podPatches", "Drop it: podPatches need it.")


def _check_patches(found: Sequence[PodPatch], path: str) -> Iterator[Problem]:
    for index, one in enumerate(found):
        if isinstance(one.patch, list) != (one.type == "json"):
            wanted = "a list of operations" if one.type == "json" else "a mapping"
            yield _problem(f"{path}[{index}].patch", f"not {wanted}", f"With type {one.type} write {wanted}.")
        if secret := secret_in(json.dumps(one.patch)):
            yield _problem(f"{path}[{index}].patch", f"looks like {secret}", "Name a Secret of the jobs' namespace.")


def _problem(path: str, found: str, fix: str) -> Problem:
    return Problem(path=path, found=found, consequence="no job could start, or not as it is meant", fix=fix)
