"""docs/drift.md shows what the command prints and which rules are built in, today."""

from docs import record_drift


def test_the_page_shows_what_the_command_prints() -> None:
    assert record_drift.PAGE.read_text(encoding="utf-8") == record_drift.page(), "run `make docs`"
