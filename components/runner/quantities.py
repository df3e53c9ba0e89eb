"""Kubernetes quantities (`500m`, `2Gi`): what one is, read and compared."""

import re
from decimal import Decimal
from typing import Annotated, Final

from components.forms import Form

_QUANTITY: Final = r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?[0-9]+)?"
_SUFFIX: Final = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    **{suffix: Decimal(1000) ** power for power, suffix in enumerate(("k", "M", "G", "T", "P", "E"), start=1)},
    **{suffix: Decimal(1024) ** power for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), start=1)},
}

Quantity = Annotated[str, Form(_QUANTITY, "Kubernetes quantity", "500m, 2, 512Mi or 4Gi")]


def quantity(text: str) -> Decimal | None:
    """Return the value in base units (CPUs, bytes), or None for a text that is no quantity.

    >>> quantity("500m"), quantity("2Gi"), quantity("2 GB")
    (Decimal('0.500'), Decimal('2147483648'), None)
    """
    found = re.fullmatch(_QUANTITY, text)
    if found is None:
        return None
    number, suffix = Decimal(found[1]), found[2] or ""
    return number * _SUFFIX[suffix] if suffix in _SUFFIX else Decimal(found[1] + suffix)


def above(left: str | None, right: str | None) -> bool:
    """Tell whether both are stated, and the left one is more."""
    one, other = (None if text is None else quantity(text) for text in (left, right))
    return one is not None and other is not None and one > other
