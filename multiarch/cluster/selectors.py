"""Whether labels satisfy a selector, as Kubernetes judges it. Pure.

Source: k8s.io/apimachinery pkg/labels/selector.go; for `Gt` and `Lt`, which only nodes are selected by,
k8s.io/component-helpers scheduling/corev1/nodeaffinity.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

Raw = Mapping[str, Any]
Varies = Callable[[str], bool]
"""Whether the label of a key has some value that is not known."""
LABEL_OPERATORS: Final = frozenset({"In", "NotIn", "Exists", "DoesNotExist"})
"""All that a LabelSelector has."""
_INTEGER: Final = re.compile(r"[+-]?[0-9]+")
_TOO_LARGE: Final = 1 << 63


def expression(entry: Raw, labels: Mapping[str, str]) -> bool:  # noqa: PLR0911 - one answer for each operator
    """Tell whether labels satisfy one `matchExpressions` entry."""
    key, values, value = entry["key"], entry.get("values") or [], labels.get(entry["key"])
    match entry["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case "Gt" | "Lt" as operator:
            if value is None or len(values) != 1 or not is_number(value) or not is_number(values[0]):
                return False
            return int(value) > int(values[0]) if operator == "Gt" else int(value) < int(values[0])
        case _:
            return False


def is_number(text: str) -> bool:
    """Tell whether `Gt` and `Lt` can compare a value: whether Go's ParseInt reads it, 64 bits wide."""
    return _INTEGER.fullmatch(text) is not None and -_TOO_LARGE <= int(text) < _TOO_LARGE


def requirements(selector: Raw | None) -> list[Raw]:
    """Return what a LabelSelector asks, each as a `matchExpressions` entry; an empty one asks nothing."""
    wanted = (selector or {}).get("matchLabels") or {}
    rules: list[Raw] = [{"key": key, "operator": "In", "values": [value]} for key, value in wanted.items()]
    return [*rules, *((selector or {}).get("matchExpressions") or [])]


def label_selector(selector: Raw | None, labels: Mapping[str, str]) -> bool:
    """Tell whether a LabelSelector matches; an empty one matches everything."""
    return all(expression(rule, labels) for rule in requirements(selector))
