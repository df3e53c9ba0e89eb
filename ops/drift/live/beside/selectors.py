"""Whether a selector may select pods of the stack's. A label whose value varies may have any. Pure.

Facts: labels.Requirement.Matches (k8s.io/apimachinery), NotIn and DoesNotExist hold for a label that is not there.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from ops.drift.live.beside.widening import Raw

Varies = Callable[[str], bool]
"""Whether the label of a key has some value that is not known."""


def may_select(selector: Raw | None, labels: Mapping[str, str], varies: Varies = lambda _: False) -> bool:
    """Tell whether a LabelSelector may match; an empty one matches everything."""
    wanted = (selector or {}).get("matchLabels") or {}
    rules = [{"key": key, "operator": "In", "values": [value]} for key, value in wanted.items()]
    rules += (selector or {}).get("matchExpressions") or []
    return all(varies(rule["key"]) or _holds(rule, labels) for rule in rules)


def _holds(rule: Raw, labels: Mapping[str, str]) -> bool:
    key, values = rule["key"], rule.get("values") or []
    answers: Mapping[str, bool] = {
        "In": labels.get(key) in values,
        "NotIn": labels.get(key) not in values,
        "Exists": key in labels,
        "DoesNotExist": key not in labels,
    }
    return answers.get(str(rule["operator"]), True)


_CALICO_TERM: Final = re.compile(
    r"""(?P<all>all\(\)|global\(\))$|(?P<not>!\s*)?has\((?P<has>[^()\s]+)\)$
    |(?P<key>[A-Za-z0-9._/-]+)\s*(?P<equal>==|!=)\s*(?P<value>'[^']*'|"[^"]*")$
    |(?P<member>[A-Za-z0-9._/-]+)\s+(?P<in>in|not\s+in)\s*\{(?P<values>[^{}]*)\}$""",
    re.VERBOSE,
)


def calico_may_select(selector: str, labels: Mapping[str, str], varies: Varies = lambda _: False) -> bool | None:
    """Tell it of a Calico selector; None for one that is more than terms joined by `&&`.

    Facts: "Selectors" of Calico's reference of NetworkPolicy.
    """
    answers = [_calico_term(term.strip(), labels, varies) for term in selector.split("&&")] if selector else [True]
    return False if False in answers else None if None in answers else True


def _calico_term(term: str, labels: Mapping[str, str], varies: Varies) -> bool | None:
    found = _CALICO_TERM.match(term)
    if found is None:
        return None
    if found["all"]:
        return True
    rule: dict[str, Any]
    if found["has"]:
        rule = {"key": found["has"], "operator": "DoesNotExist" if found["not"] else "Exists"}
    elif found["key"]:
        operator = "In" if found["equal"] == "==" else "NotIn"
        rule = {"key": found["key"], "operator": operator, "values": [found["value"][1:-1]]}
    else:
        values = [value.strip().strip("'\"") for value in found["values"].split(",")]
        rule = {"key": found["member"], "operator": "In" if found["in"] == "in" else "NotIn", "values": values}
    return varies(rule["key"]) or _holds(rule, labels)
