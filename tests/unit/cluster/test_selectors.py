"""Selectors, where the differential tier found us to judge otherwise than the API server."""

import pytest

from multiarch.cluster.selectors import expression, is_number

LARGEST = 2**63 - 1


@pytest.mark.parametrize(
    ("text", "number"),
    [(str(LARGEST), True), (str(LARGEST + 1), False), (str(-LARGEST - 1), True), ("+5", True), ("05", True),
     ("5.0", False), ("", False), ("-", False), ("٣", False)],
)  # fmt: skip
def test_a_number_is_what_go_reads_into_64_bits(text: str, number: bool) -> None:  # noqa: FBT001 - a table
    assert is_number(text) is number


def test_a_label_too_large_for_a_number_is_neither_above_nor_below() -> None:
    for operator in ("Gt", "Lt"):
        assert not expression({"key": "a", "operator": operator, "values": ["0"]}, {"a": str(LARGEST + 1)})
