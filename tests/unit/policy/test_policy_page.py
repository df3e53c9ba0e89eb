"""docs/policy.md says what the rules say."""

from docs.policy_page import PAGE, page


def test_the_page_is_not_stale() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m docs.policy_page"


def test_no_line_of_prose_is_too_long() -> None:
    assert [line for line in page().splitlines() if len(line) > 120 and not line.startswith("|")] == []
