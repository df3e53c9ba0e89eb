"""Text from outside is shown, and does nothing."""

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiarch.core.printable import one_line, printable, seconds


@given(st.text(alphabet=st.characters()))
def test_any_text_becomes_legal_xml_and_keeps_its_visible_characters(text: str) -> None:
    element = ET.Element("a")
    element.text = printable(text)
    parsed = ET.fromstring(ET.tostring(element, encoding="utf-8"))  # noqa: S314 - our own output
    assert (parsed.text or "") == printable(text)


def test_text_that_would_read_backwards_is_shown_as_an_escape() -> None:
    assert printable("a\u202eb") == r"a\u202eb"


def test_a_line_is_one_line() -> None:
    assert one_line(" a\n\tb\r c ") == "a b c"


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0.00 s"), (0.04, "0.04 s"), (6.28, "6.3 s"), (60, "1 min 00 s"), (119.9, "2 min 00 s")]
)
def test_durations_read_as_a_person_says_them(value: float, text: str) -> None:
    assert seconds(value) == text
