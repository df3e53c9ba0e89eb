"""Many clusters by one file: side by side, each with an outcome of its own."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import click

from components.problems import ConfigError, Problem
from components.reading import did_you_mean, kind
from multiarch.core.progress import ProgressDisplay
from multiarch.onboard.answers.file import checked, load_mapping
from multiarch.onboard.answers.model import Value
from multiarch.onboard.outcome import Outcome
from multiarch.onboard.request import Onboarding, Request
from multiarch.onboard.run import Stage, onboard
from multiarch.onboard.write.place import place_of

AT_ONCE: Final = 4
"""Clusters at a time; a plan takes a process and two seconds of a processor."""
_SECTIONS: Final = ("defaults", "clusters")
_CONSEQUENCE: Final = "no cluster was looked at"


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetMember:
    """One cluster of a fleet file: where it is, and its answers with the defaults put in."""

    context: str
    kubeconfig: str
    given: Mapping[str, Value]


def read_fleet(path: Path) -> tuple[FleetMember, ...]:
    """Read a fleet file. Raises ConfigError with every problem found."""
    document = load_mapping(path)
    problems = [_unknown(str(key)) for key in document if key not in _SECTIONS]
    defaults: dict[str, Value] = {}
    members: list[FleetMember] = []
    entries = document.get("clusters")
    if not isinstance(entries, list) or not entries:
        found = "not set" if entries is None else f"it is {kind(entries)}" if not isinstance(entries, list) else "empty"
        fix = "Write a list, each with `context:` and what differs from `defaults:`."
        problems.append(Problem(path="clusters", found=found, consequence=_CONSEQUENCE, fix=fix))
        entries = []
    try:
        defaults = _mapping(document.get("defaults") or {}, "defaults")
    except ConfigError as error:
        problems += error.problems
    for index, entry in enumerate(entries):
        try:
            members.append(_member(entry, f"clusters[{index}]", defaults))
        except ConfigError as error:
            problems += error.problems
    problems += _twice(members)
    if problems:
        raise ConfigError(problems, str(path))
    return tuple(members)


def _mapping(value: Any, path: str) -> dict[str, Value]:
    if not isinstance(value, dict):
        found = f"it is {kind(value)}, not a mapping"
        raise ConfigError([Problem(path=path, found=found, consequence=_CONSEQUENCE, fix="Write `key: value` lines.")])
    return checked(value, "", path)


def _member(entry: Any, path: str, defaults: Mapping[str, Value]) -> FleetMember:
    own = _mapping(entry, path)
    said = {**defaults, **own}
    context = said.pop("context", None)
    if not isinstance(context, str) or not context or "context" not in own:
        fix = "Name the cluster's kubeconfig context; the current one is never used."
        raise ConfigError([Problem(path=f"{path}.context", found="not set", consequence=_CONSEQUENCE, fix=fix)])
    return FleetMember(context=context, kubeconfig=str(said.pop("kubeconfig", "")), given=said)


def _twice(members: Sequence[FleetMember]) -> list[Problem]:
    """Refuse two clusters that say the same stack name: the second would replace the first one's file."""
    seen: dict[str, str] = {}
    problems = []
    for member in members:
        name = member.given.get("stack")
        if isinstance(name, str):
            if name in seen:
                found = f"{name!r} is the stack of {seen[name]} and of {member.context}"
                fix = "Give each cluster a stack name of its own, or leave `stack` out: it is named after the cluster."
                consequence = "one stack file would replace the other"
                problems.append(Problem(path="clusters.stack", found=found, consequence=consequence, fix=fix))
            seen.setdefault(name, member.context)
    return problems


def _unknown(key: str) -> Problem:
    meant = did_you_mean(key, _SECTIONS)
    fix = f"Did you mean {meant}?" if meant else "A fleet file has `defaults:` and `clusters:`."
    return Problem(path=key, found="unknown section of a fleet file", consequence=_CONSEQUENCE, fix=fix)


def onboard_fleet(members: Sequence[FleetMember], base: Request, display: ProgressDisplay) -> tuple[Onboarding, ...]:
    """Onboard every cluster, side by side; what goes wrong with one is its own outcome. In the file's order.

    Files are written one after the other, once all clusters are checked: two that come to one name are both told.
    """
    checks = [_request(member, base) for member in members]
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="fleet") as pool:
        futures = [pool.submit(_one, replace(request, dry_run=True), display) for request in checks]
        found = [future.result() for future in futures]
    names = [one.answers.stack for one in found if one.answers is not None]
    results = []
    for request, one in zip(checks, found, strict=True):
        result = _placed(request, one, names.count(one.answers.stack) if one.answers else 0)
        results.append(result)
    return tuple(results)


def _request(member: FleetMember, base: Request) -> Request:
    own = member.kubeconfig
    return replace(
        base,
        context=member.context,
        kubeconfig=Path(own).expanduser() if own else base.kubeconfig,
        written_kubeconfig=own or base.written_kubeconfig,
        given={**member.given, **base.given},
    )


def _one(request: Request, display: ProgressDisplay) -> Onboarding:
    try:
        return onboard(request, Stage(display=display, label=f"{request.context}: "))
    except (ConfigError, click.UsageError) as error:
        message = error.format_message() if isinstance(error, click.UsageError) else str(error)
        return Onboarding(context=request.context, outcome=Outcome.USAGE, message=message)


def _placed(request: Request, found: Onboarding, same_name: int) -> Onboarding:
    """Write a checked stack file, unless another cluster of the fleet came to the same name."""
    if found.outcome is not Outcome.WRITTEN or not found.text or found.answers is None or request.dry_run:
        return found
    if same_name > 1:
        message = f"another cluster of this fleet is named {found.answers.stack} too: give each its own `stack`"
        return replace(found, outcome=Outcome.USAGE, message=message)
    try:
        place = place_of(request.project, found.answers.stack)
        place.check(found.text, force=request.force)
        if place.before == found.text:
            return replace(found, file=place.path, message=f"{place.path.name} says this already")
        place.write(found.text)
    except ConfigError as error:
        return replace(found, outcome=Outcome.USAGE, message=str(error))
    return replace(found, file=place.path, message=f"wrote {place.path.name}")
