"""Kubernetes quantities and the `*_overwrite_max_allowed` rule."""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

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


_WHOLE: Final = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[+-]?[0-9]*)")
_EXPONENT: Final = re.compile(r"[eE]([+-]?[0-9]+)")
_SUFFIXES: Final[Mapping[str, Decimal]] = {
    **{
        suffix: Decimal(1000) ** power
        for power, suffix in enumerate(("n", "u", "m", "", "k", "M", "G", "T", "P", "E"), -3)
    },
    **{f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", 1)},
}
_FORMAT = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
_SUFFIX = "unable to parse quantity's suffix"


def quantity(text: str) -> Decimal:
    """Parse `500m`, `2Gi`. Raises RefusedError with upstream's words when it is none.

    As k8s.io/apimachinery pkg/api/resource/quantity.go reads them, which takes a text without digits (`.`, `M`) for 0.
    """
    found = _WHOLE.fullmatch(text) if text else None
    if found is None:
        raise RefusedError(f"parsing resource limit: {json.dumps(_FORMAT)}")
    sign, whole, fraction, suffix = found.groups()
    number = Decimal(f"{sign}{whole or 0}.{fraction or 0}")
    if suffix in _SUFFIXES:
        return number * _SUFFIXES[suffix]
    if exponent := _EXPONENT.fullmatch(suffix):
        return number.scaleb(int(exponent[1]))
    raise RefusedError(f"parsing resource limit: {json.dumps(_SUFFIX)}")


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
