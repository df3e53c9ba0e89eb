"""Whether a selector may select pods of the stack's. A label whose value varies may have any. Pure.

Facts: labels.Requirement.Matches (k8s.io/apimachinery), NotIn and DoesNotExist hold for a label that is not there.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from multiarch.cluster.selectors import LABEL_OPERATORS, Varies, expression, requirements
from multiarch.drift.live.beside.widening import Raw


def may_select(selector: Raw | None, labels: Mapping[str, str], varies: Varies = lambda _: False) -> bool:
    """Tell whether a LabelSelector may match; an empty one matches everything."""
    return all(varies(rule["key"]) or _holds(rule, labels) for rule in requirements(selector))


def _holds(rule: Raw, labels: Mapping[str, str]) -> bool:
    """Tell it of one rule; one of an operator that nobody knows yet may hold."""
    return rule["operator"] not in LABEL_OPERATORS or expression(rule, labels)


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
