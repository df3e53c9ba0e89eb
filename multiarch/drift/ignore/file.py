"""The user's own ignore rules: a YAML file, read strictly.

- resource: "urn:pulumi:gke::*kubernetes:apps/v1:Deployment::web"
  path: spec.replicas
  reason: the autoscaler of the web team scales it
  expires: 2027-01-31
"""

import datetime as dt
import re
from pathlib import Path
from typing import Final

from pydantic.dataclasses import dataclass

from components.keys import CONFIG
from components.problems import ConfigError, Problem
from components.reading import joined, kind, parse, shown
from multiarch.core.plain_yaml import YamlMistakeError, parse_yaml
from multiarch.drift.ignore.globs import ANY_DEPTH, segments
from multiarch.drift.ignore.rule import Rule

NEVER: Final = "never"
MOST_RULES: Final = 1000
"""More would be a generated file, and a check that ignores by default."""
_EXAMPLE: Final = "`- resource: <URN glob>`, and below it `path:`, `reason:` and `expires:`"


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class _Entry:
    resource: str
    """Glob over URNs, or over names as the report has them."""

    path: str
    """Glob over the property's path; what is below the property is covered too."""

    reason: str
    """Why this is no drift, for whoever reads the report."""

    expires: str
    """The last day on which the rule holds (2027-01-31), or `never`."""


def load_rules(path: Path) -> tuple[Rule, ...]:
    """Read the file's rules, in its order. Raises ConfigError with every mistake in it."""
    try:
        read = parse_yaml(path.read_bytes())
    except OSError as error:
        raise ConfigError([_unreadable(error)], str(path)) from None
    except YamlMistakeError as mistake:
        raise ConfigError([_not_yaml(mistake)], str(path)) from None
    if read is None:
        return ()
    if not isinstance(read, list):
        raise ConfigError([_no_list(read)], str(path))
    if len(read) > MOST_RULES:
        raise ConfigError([_too_many(len(read))], str(path))
    rules: list[Rule] = []
    problems: list[Problem] = []
    for number, value in enumerate(read):
        try:
            rules.append(_rule(value, number, path.name))
        except ConfigError as error:
            problems.extend(error.problems)
    if problems:
        raise ConfigError(problems, str(path))
    return tuple(rules)


def _rule(value: object, number: int, file: str) -> Rule:
    place = f"[{number}]"
    if not isinstance(value, dict):
        raise ConfigError([_no_rule(place, value)])
    entry = parse(_Entry, value, place)
    texts = {"resource": entry.resource, "path": entry.path, "reason": entry.reason}
    problems = [_empty(joined(place, key)) for key, text in texts.items() if not text.strip()]
    if not problems and _everything(entry):
        problems.append(_too_wide(place))
    expires = None
    if entry.expires != NEVER:
        try:
            expires = _date(entry.expires)
        except ValueError:
            problems.append(_no_date(joined(place, "expires"), entry.expires))
    if problems:
        raise ConfigError(problems)
    name = f"{file}, rule {number + 1}"
    return Rule(id=name, resource=entry.resource, path=entry.path, reason=entry.reason, expires=expires)


def _date(text: str) -> dt.date:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):  # fromisoformat reads 20270131 and 2027-W04, too
        raise ValueError(text)
    return dt.date.fromisoformat(text)


def _everything(entry: _Entry) -> bool:
    widest = all(set(step) == {"*"} for step in segments(entry.path)) and ANY_DEPTH in entry.path
    return (widest or entry.path == "*") and not entry.resource.strip("*")


def _unreadable(error: OSError) -> Problem:
    return Problem(
        path="the file",
        found=(error.strerror or str(error)).lower(),
        consequence="without its rules, the check would report known differences",
        fix="Name another file with --ignore, or make this one readable.",
    )


def _not_yaml(mistake: YamlMistakeError) -> Problem:
    return Problem(
        path=mistake.where,
        found=mistake.reason,
        consequence="the ignore rules are not valid YAML, so nothing was checked",
        fix="Correct that line.",
    )


def _no_list(read: object) -> Problem:
    return Problem(
        path="the file",
        found=f"{kind(read)}, not a list",
        consequence="ignore rules are a list",
        fix=f"Write each rule as {_EXAMPLE}.",
    )


def _too_many(count: int) -> Problem:
    return Problem(
        path="the file",
        found=f"{count} rules",
        consequence=f"at most {MOST_RULES} are read",
        fix="Cover several resources or properties by one rule, with `*`.",
    )


def _no_rule(place: str, value: object) -> Problem:
    return Problem(
        path=place,
        found=f"{shown(value)} is {kind(value)}" if value is not None else "empty",
        consequence="a rule is a mapping",
        fix=f"Write it as {_EXAMPLE}.",
    )


def _empty(path: str) -> Problem:
    return Problem(
        path=path,
        found="empty",
        consequence="a rule without it looks like a mistake",
        fix="Give it a value.",
    )


def _too_wide(place: str) -> Problem:
    return Problem(
        path=place,
        found="every property of every resource",
        consequence="the check would ignore everything, and report it as clean",
        fix="Name the resource or the property.",
    )


def _no_date(path: str, value: str) -> Problem:
    return Problem(
        path=path,
        found=f"{shown(value)} is not a date",
        consequence="the rule might never end",
        fix=f"Write the last day on which it holds as 2027-01-31, or `{NEVER}`.",
    )
