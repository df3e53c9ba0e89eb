"""What is wrong with patches of the jobs' pods: what Pod Security `baseline` refuses, and keys that no pod has.

A patch is judged as the part of a spec that it would put there. What depends on the rest of the pod, or on the order of
a list, is the API server's to judge.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from components.problems import Problem
from components.reading import joined, shown, unknown
from components.runner.admission import HANDLERS, HOST_NAMESPACES, SELINUX_TYPES, UNCONFINED
from components.runner.job_pods import PodPatch

# What `baseline` v1.34 lets a container add; the second runner's own policy is closer.
_CAPABILITIES: Final = (
    *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP"),
    *("SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
)
_CONTAINERS: Final = ("containers", "initContainers", "ephemeralContainers")
_OPERATIONS: Final = ("add", "remove", "replace", "move", "copy", "test")
_PUTS: Final = ("add", "replace")
_DIRECTIVES: Final = ("replace", "delete", "merge")
_REFUSED: Final = "Pod Security baseline, which the jobs' namespace enforces, refuses it: no job would start"

_Found = tuple[tuple[str | int, ...], object]


def check_patch(one: PodPatch, path: str) -> Iterator[Problem]:
    """Yield what is wrong with a patch whose shape goes with its type."""
    if isinstance(one.patch, Mapping):
        yield from _check_part(one.patch, path)
        yield from _check_directives(one.patch, path)
        return
    for index, operation in enumerate(one.patch):
        yield from _check_operation(operation, joined(path, index))


def _check_operation(operation: object, path: str) -> Iterator[Problem]:
    if not isinstance(operation, Mapping) or not str(operation.get("path", "")).startswith("/"):
        yield Problem(path=path, found="no operation", fix="Write {op: add, path: /a/key/of/the/spec, value: ...}.")
        return
    name = operation.get("op")
    if name not in _OPERATIONS:
        fix = f"Use one of {', '.join(_OPERATIONS)}."
        yield Problem(path=joined(path, "op"), found=f"{shown(name)} is not a JSON patch operation", fix=fix)
        return
    steps = str(operation["path"]).split("/")[1:]
    part = _part(steps, operation.get("value") if name in _PUTS else None)
    yield from _check_part(part if isinstance(part, Mapping) else {}, path)


def _part(steps: Sequence[str], value: object) -> object:
    """Return the part of a spec that has a value at a JSON pointer."""
    if not steps:
        return value
    inner, step = _part(steps[1:], value), steps[0].replace("~1", "/").replace("~0", "~")
    return [inner] if step == "-" or step.isdecimal() else {step: inner}


def _check_part(part: Mapping[str, Any], path: str) -> Iterator[Problem]:
    yield from _check_keys(part, path)
    for way, found in _refused(part):
        yield Problem(
            path=joined(path, *way),
            found=f"{shown(found)} opens the sandbox",
            consequence=_REFUSED,
            fix="Remove it; builds that need more have runner.buildkit.",
        )


def _check_keys(part: Mapping[str, Any], path: str) -> Iterator[Problem]:
    from pulumi import _types  # noqa: PLC0415 - the pure part needs no pulumi; no public function tells a class's keys
    from pulumi_kubernetes.core.v1 import PodSpecArgs  # noqa: PLC0415 - likewise

    known = sorted(_types.input_type_types(PodSpecArgs))
    for key in part:
        if key not in known and not key.startswith("$"):
            yield unknown(path, key, known, "a pod's spec")


def _check_directives(value: object, path: str) -> Iterator[Problem]:
    if isinstance(value, Mapping):
        told = value.get("$patch", "merge")
        if told not in _DIRECTIVES:
            fix = f"Use one of {', '.join(_DIRECTIVES)}."
            yield Problem(path=joined(path, "$patch"), found=f"{shown(told)} is not a patch directive", fix=fix)
    entries = value.items() if isinstance(value, Mapping) else enumerate(value if isinstance(value, list) else ())
    for step, inner in entries:
        yield from _check_directives(inner, joined(path, step))


def _refused(part: Mapping[str, Any]) -> Iterator[_Found]:
    """Yield what `baseline` refuses, with the way to it: the controls of components/runner/admission.py."""
    yield from (((name,), True) for name in HOST_NAMESPACES if _at(part, name))
    for index, volume in enumerate(_listed(part, "volumes")):
        if _at(volume, "hostPath") is not None:
            yield ("volumes", index, "hostPath"), _at(volume, "hostPath")
    yield from _refused_context(part)
    for kind in _CONTAINERS:
        for index, container in enumerate(_listed(part, kind)):
            for way, found in _refused_container(container):
                yield (kind, index, *way), found


def _refused_container(container: object) -> Iterator[_Found]:
    context = ("securityContext",)
    if _at(container, *context, "privileged"):
        yield (*context, "privileged"), True
    added = _at(container, *context, "capabilities", "add")
    for index, name in enumerate(added if isinstance(added, list) else ()):
        if name not in _CAPABILITIES:
            yield (*context, "capabilities", "add", index), name
    if (mount := _at(container, *context, "procMount")) not in (None, "Default"):
        yield (*context, "procMount"), mount
    for index, port in enumerate(_listed(container, "ports")):
        if _at(port, "hostPort"):
            yield ("ports", index, "hostPort"), _at(port, "hostPort")
    for handler in HANDLERS:
        if host := _at(container, *handler, "host"):
            yield (*handler, "host"), host
    yield from _refused_context(container)


def _refused_context(holder: object) -> Iterator[_Found]:
    """Yield what neither a pod's security context nor a container's may say."""
    context = "securityContext"
    for profile in UNCONFINED:
        if _at(holder, context, profile, "type") == "Unconfined":
            yield (context, profile, "type"), "Unconfined"
    if _at(holder, context, "windowsOptions", "hostProcess"):
        yield (context, "windowsOptions", "hostProcess"), True
    options = (context, "seLinuxOptions")
    if (kind := _at(holder, *options, "type")) not in (None, *SELINUX_TYPES):
        yield (*options, "type"), kind
    for key in ("user", "role"):
        if found := _at(holder, *options, key):
            yield (*options, key), found


def _listed(holder: object, key: str) -> Sequence[object]:
    found = _at(holder, key)
    return found if isinstance(found, list) else ()


def _at(holder: object, *way: str) -> Any:
    for step in way:
        holder = holder.get(step) if isinstance(holder, Mapping) else None
    return holder
