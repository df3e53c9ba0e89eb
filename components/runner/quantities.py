"""Kubernetes quantities (`500m`, `2Gi`): read, compared, and the mistakes in requests and limits named."""

import re
from decimal import Decimal

from components.problems import Problem
from components.runner.resources import Ceiling, JobResources, Requirements

_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?[0-9]+)?")
_SUFFIX = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    **{suffix: Decimal(1000) ** power for power, suffix in enumerate(("k", "M", "G", "T", "P", "E"), start=1)},
    **{suffix: Decimal(1024) ** power for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), start=1)},
}
_KINDS = (("cpu", "cpu"), ("memory", "memory"), ("ephemeral_storage", "ephemeralStorage"))


def quantity(text: str) -> Decimal | None:
    """Return the value in base units (CPUs, bytes), or None for a text that is no quantity.

    >>> quantity("500m"), quantity("2Gi"), quantity("2 GB")
    (Decimal('0.500'), Decimal('2147483648'), None)
    """
    found = _QUANTITY.fullmatch(text)
    if found is None:
        return None
    number, suffix = Decimal(found[1]), found[2] or ""
    return number * _SUFFIX[suffix] if suffix in _SUFFIX else Decimal(found[1] + suffix)


def check_resources(resources: JobResources) -> list[Problem]:
    """Return what is wrong with the jobs' requests, limits and ceilings."""
    problems = [
        problem
        for name in ("build", "helper", "service")
        for problem in check_requirements(f"runner.resources.{name}", getattr(resources, name))
    ]
    return problems or _check_ceiling(resources.build, resources.ceiling)


def check_requirements(path: str, required: Requirements) -> list[Problem]:
    """Return what is wrong with one container's requests and limits."""
    problems = []
    for field, key in _KINDS:
        request, limit = getattr(required, f"{field}_request"), getattr(required, f"{field}_limit")
        bad = [
            _not_a_quantity(f"{path}.{key}{kind}", text)
            for kind, text in (("Request", request), ("Limit", limit))
            if text is not None and quantity(text) is None
        ]
        problems += bad
        if not bad and request is not None and limit is not None and _above(request, limit):
            problems.append(
                Problem(
                    path=f"{path}.{key}Request",
                    found=f"{request} is above {key}Limit {limit}",
                    consequence="the API server refuses such pods, so that every job would fail",
                    fix="Lower the request, or raise the limit.",
                )
            )
    return problems


def _check_ceiling(build: Requirements, ceiling: Ceiling) -> list[Problem]:
    problems = []
    for field, key in _KINDS:
        path, most = f"runner.resources.ceiling.{key}", getattr(ceiling, field)
        if most is None:
            continue
        if quantity(most) is None:
            problems.append(_not_a_quantity(path, most))
            continue
        # The greatest of both: a ceiling between request and limit would let a job lower its limit, never keep it.
        usual = [text for end in ("request", "limit") if (text := getattr(build, f"{field}_{end}")) is not None]
        over = next((text for text in usual if _above(text, most)), None)
        if over is not None:
            problems.append(
                Problem(
                    path=path,
                    found=f"{most} is below the build container's own {over}",
                    consequence="a job that states what it gets anyway would be refused",
                    fix="Raise the ceiling, or set it to null to forbid such variables.",
                )
            )
    return problems


def _above(left: str, right: str) -> bool:
    one, other = quantity(left), quantity(right)
    return one is not None and other is not None and one > other


def _not_a_quantity(path: str, text: str) -> Problem:
    return Problem(
        path=path,
        found=f"{text!r} is no Kubernetes quantity",
        consequence="GitLab Runner could not make a pod of it, so that every job would fail",
        fix="Write 500m, 2, 512Mi or 4Gi.",
    )
