"""Quantities, where the differential tier found us to read otherwise than the runner does."""

from decimal import Decimal

import pytest

from multiarch.model.executor.job import RefusedError
from multiarch.model.executor.quantities import quantity


@pytest.mark.parametrize("text", ["", "NaN", "inf", "1_0", "٣", "1 ", "1,5", "1.2.3"])
def test_what_has_no_form_of_a_quantity_is_refused_in_upstreams_words(text: str) -> None:
    with pytest.raises(RefusedError, match="quantities must match the regular expression"):
        quantity(text)


@pytest.mark.parametrize("text", ["1K", "1ki", "1mi", "1ee1", "1e", "1Ei3"])
def test_an_unknown_suffix_is_refused_in_upstreams_words(text: str) -> None:
    with pytest.raises(RefusedError, match="unable to parse quantity's suffix"):
        quantity(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [("500m", "0.5"), ("2Gi", "2147483648"), ("1e3", "1000"), ("1E-1", "0.1"), ("2E", "2e18"), ("1.", "1"),
     (".5k", "500"), ("-1", "-1"), ("1500u", "0.0015"), ("2n", "2e-9"), (".", "0")],
)  # fmt: skip
def test_a_quantity_has_upstreams_value(text: str, value: str) -> None:
    assert quantity(text) == Decimal(value)
