"""Every key of every pool and of the runner: what an edit of it does is computed, and shown in docs/config.md."""

import pytest

from docs.edits_table import RECORD, Row, as_text, table


@pytest.fixture(scope="module")
def rows() -> tuple[Row, ...]:
    return table()


def test_no_key_is_without_an_answer(rows: tuple[Row, ...]) -> None:
    unanswered = [f"{row.section}.{row.key}: {row.problem}" for row in rows if row.problem]
    assert not unanswered, "docs/edit_values.py says how a key is edited, and why nothing may change: " + "\n".join(
        unanswered
    )


def test_no_edit_ends_in_the_clouds_refusal(rows: tuple[Row, ...]) -> None:
    assert [f"{row.section}.{row.key}" for row in rows if "refused by the cloud" in row.effects] == []


def test_the_record_is_the_table(rows: tuple[Row, ...]) -> None:
    assert as_text(rows) == RECORD.read_text(encoding="utf-8"), "stale: python -m docs.edits_table"
