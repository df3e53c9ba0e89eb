"""PrometheusRules: what the Prometheus Operator's CRD makes an API server check. Nobody parses PromQL there."""

import re
from collections.abc import Iterator
from typing import Any, Final

from multiarch.model.providers.base import Refusal
from multiarch.model.providers.kinds import Inputs, entries, get, items, refusal
from multiarch.model.providers.values import UNKNOWN, join

SOURCE: Final = "prometheus-operator pkg/apis/monitoring/v1 prometheusrule_types.go"
DURATION: Final = r"^(0|(([0-9]+)y)?(([0-9]+)w)?(([0-9]+)d)?(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?(([0-9]+)ms)?)$"
OBJECT: Final = frozenset({"apiVersion", "kind", "metadata", "spec"})
SPEC: Final = frozenset({"groups"})
GROUP: Final = frozenset({"name", "labels", "interval", "query_offset", "rules", "partial_response_strategy", "limit"})
RULE: Final = frozenset({"record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations"})


def rule_groups(inputs: Inputs) -> Iterator[Refusal]:
    """Want groups with names of their own, rules with an expression, and no key that the server would drop."""
    yield from _check_keys(inputs, OBJECT, "")
    if inputs.get("spec") is None:
        yield refusal("spec", "Required value", SOURCE)
    yield from _check_keys(inputs.get("spec"), SPEC, "spec")
    seen: set[str] = set()
    for index, group in enumerate(items(get(inputs, "spec", "groups"))):
        path, name = f"spec.groups[{index}]", get(group, "name")
        yield from _check_keys(group, GROUP, path)
        if not name:
            yield refusal(f"{path}.name", "Required value", SOURCE)
        elif isinstance(name, str):
            if name in seen:
                yield refusal(path, f"Duplicate value: {name!r}", SOURCE)
            seen.add(name)
        for number, rule in enumerate(items(get(group, "rules"))):
            yield from _check_rule(rule, f"{path}.rules[{number}]")


def _check_rule(rule: Any, path: str) -> Iterator[Refusal]:
    yield from _check_keys(rule, RULE, path)
    expression = get(rule, "expr")
    if expression is None:
        yield refusal(f"{path}.expr", "Required value", SOURCE)
    elif expression is not UNKNOWN and (isinstance(expression, bool) or not isinstance(expression, int | str)):
        yield refusal(f"{path}.expr", f"Invalid value: {expression!r}: must be a string", SOURCE)
    for key in ("for", "keep_firing_for"):
        given = get(rule, key)
        if given not in (None, UNKNOWN) and not (isinstance(given, str) and re.match(DURATION, given)):
            yield refusal(f"{path}.{key}", f"Invalid value: {given!r}: no duration of Prometheus", SOURCE)
    for key in ("labels", "annotations"):
        for name, value in entries(get(rule, key)):
            if not isinstance(value, str) and value is not UNKNOWN:
                yield refusal(join(f"{path}.{key}", name), f"Invalid value: {value!r}: must be a string", SOURCE)


def _check_keys(value: Any, known: frozenset[str], path: str) -> Iterator[Refusal]:
    for key, _ in entries(value):
        if key not in known:
            yield refusal(join(path, key), "unknown field: the API server would drop it", SOURCE)
