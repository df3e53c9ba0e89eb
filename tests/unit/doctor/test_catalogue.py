"""The catalogue of causes: whole, in order, and the same in the documentation."""

import re
from pathlib import Path

from multiarch.doctor.catalogue import CATALOGUE, Reach
from multiarch.doctor.docs import table, with_table

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "doctor.md"


def test_ids_are_unique_and_stable_in_form() -> None:
    ids = [kind.id for kind in CATALOGUE]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)+", one) for one in ids)


def test_every_cause_that_the_code_names_is_in_the_catalogue() -> None:
    known = {kind.id for kind in CATALOGUE}
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "multiarch" / "doctor").rglob("*.py"))
    named = set(re.findall(r'cause\(\s*"([a-z-]+)"', text))
    assert named
    assert named <= known
    assert known <= set(re.findall(r'"([a-z]+(?:-[a-z]+)+)"', text.replace("\n", " ")))


def test_the_page_has_the_catalogue_as_it_is() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_table(page), "stale: run `python -m multiarch.doctor.docs docs/doctor.md`"


def test_the_table_has_a_row_for_every_cause() -> None:
    rows = table()
    assert all(f"`{kind.id}`" in rows for kind in CATALOGUE)
    assert "| " in rows
    assert {kind.reach for kind in CATALOGUE} == set(Reach)
