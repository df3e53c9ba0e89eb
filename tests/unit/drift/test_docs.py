"""docs/drift.md shows what the command prints and which rules are built in, today."""

from docs import record_drift


def test_the_page_shows_what_the_command_prints() -> None:
    assert record_drift.PAGE.read_text(encoding="utf-8") == record_drift.page(), "run `make docs`"


def test_the_run_that_the_picture_shows_is_what_the_command_does() -> None:
    recorded = (record_drift.ROOT / "docs" / "images" / "drift.json").read_text(encoding="utf-8")
    assert recorded == record_drift.report(), "run `make pictures ARGS='--record drift'`"
