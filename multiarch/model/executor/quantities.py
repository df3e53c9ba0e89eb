"""Kubernetes quantities and the `*_overwrite_max_allowed` rule."""

import json
from collections.abc import Mapping
from decimal import Decimal

from kubernetes.utils.quantity import parse_quantity

from multiarch.model.executor.job import RefusedError
from multiarch.model.executor.table import Table
from multiarch.model.executor.variables import Variables, lookup

ResourceList = Mapping[str, str]

_RESOURCES: Mapping[str, tuple[str, str]] = {
    # Kubernetes' name: the config's, and the one in upstream's messages
    "cpu": ("cpu", "CPU"),
    "memory": ("memory", "Memory"),
    "ephemeral-storage": ("ephemeral_storage", "EphemeralStorage"),
}


def quantity(text: str) -> Decimal:
    """Parse `500m`, `2Gi`. Raises RefusedError with upstream's beginning when it is none."""
    try:
        return Decimal(parse_quantity(text))  # type: ignore[no-untyped-call]  # the client has no types
    except ValueError as error:
        raise RefusedError(f"parsing resource limit: {json.dumps(str(error))}") from error


def overwritten(field: str, value: str, maximum: str, wanted: str) -> str:
    """Apply one resource overwrite: ignored without a maximum, refused above it (evaluateMaxResourceOverwrite)."""
    if not maximum or not wanted:
        return value
    if quantity(wanted) > quantity(maximum):
        # Upstream's wording, overwriteTooHighError.
        raise RefusedError(
            f"the resource {json.dumps(field)} requested {json.dumps(wanted)} is higher than limit allowed "
            f"{json.dumps(maximum)}"
        )
    return wanted


def resource_list(
    settings: Table, container: str, bound: str, variables: Variables, current: ResourceList | None = None
) -> ResourceList:
    """Return the requests or limits of a container after overwrites.

    `container` is ``""`` (build), ``service``, ``helper`` or ``pod``; `bound` is ``request`` or ``limit``. `current`
    replaces the config's values (a service's own variables start from what the job's variables made of them).
    """
    result: dict[str, str] = {}
    prefix = f"{container}_" if container else ""
    for kubernetes_name, (key, word) in _RESOURCES.items():
        if container == "pod" and key == "ephemeral_storage":
            continue
        name = f"{prefix}{key}_{bound}"
        value = settings.text(name) if current is None else current.get(kubernetes_name, "")
        maximum = settings.text(f"{name}_overwrite_max_allowed")
        wanted = lookup(variables, f"KUBERNETES_{name.upper()}")
        try:
            value = overwritten(f"{container.capitalize()}{word}{bound.capitalize()}", value, maximum, wanted)
            if value:
                quantity(value)
        except RefusedError as error:
            what = {"": "build", "pod": "Pod"}.get(container, container)
            raise RefusedError(f"invalid {what} {bound}s specified: {error}") from error
        if value:
            result[kubernetes_name] = value
    return result
