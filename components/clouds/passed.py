"""Check of what a stack file passes through to an SDK: by the SDK's own classes, and that nobody else sets it.

The SDK is imported for that, which costs a second: only for pools that pass something through.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic.alias_generators import to_camel

from components.clouds.arguments import claimed, leaves
from components.clouds.contract import ResolvedPool, Subject
from components.clouds.sections import Passed, PoolBase
from components.keys import keys
from components.problems import Problem
from components.reading import joined
from components.secret_text import secret_under


def check_passed(subject: Subject[Any], *, resolvable: bool) -> list[Problem]:
    """Check the arguments that a pool passes through.

    What the program sets itself is only known of a pool that is `resolvable`: one without other problems.
    """
    found = ((field, getattr(subject.pool, field)) for field in subject.cloud.own)
    return [
        problem
        for field, passed in found
        if passed
        for problem in _check(subject, field, passed, resolvable=resolvable)
    ]


def passed_through(pool: ResolvedPool[PoolBase]) -> str:
    """Name the arguments that a pool passes through, for reports; empty where there are none."""
    found = (
        (key.name, getattr(pool.section, key.field)) for key in keys(type(pool.section)) if key.annotation == Passed
    )
    return ", ".join(joined(name, *way) for name, passed in found for way, _ in leaves(passed) if way)


def _check(subject: Subject[Any], field: str, passed: Mapping[str, Any], *, resolvable: bool) -> list[Problem]:
    from components.clouds import sdk  # noqa: PLC0415 - the pure part needs no pulumi

    path = f"{subject.path}.{to_camel(field)}"
    if secrets := list(_secrets(path, passed)):
        return secrets
    own = subject.cloud.own[field](subject.cloud.resolve(subject.pool), subject.location) if resolvable else {}
    taken = list(claimed(own, passed))
    return [
        *(
            Problem(
                path=joined(path, *way),
                found="already set by the program or by a key of the pool",
                fix="Remove it; docs/config.md lists the pool's keys.",
            )
            for way in taken
        ),
        *([] if taken else sdk.refused(subject.cloud.shell().ARGUMENTS[field], passed, path)),
    ]


def _secrets(path: str, passed: Mapping[str, Any]) -> Iterator[Problem]:
    for way, value in leaves(passed):
        named = next((step for step in reversed(way) if isinstance(step, str)), "")
        keys_alone = (secret_under(step, None) for step in way if isinstance(step, str))
        if secret := next(filter(None, keys_alone), None) or secret_under(named, value):
            yield Problem(
                path=joined(path, *way),
                found=secret,
                consequence="Git has the stack file, and the cloud shows the setting to everyone who can read the pool",
                fix="Keep it where nodes or jobs fetch it with an identity of their own.",
            )
