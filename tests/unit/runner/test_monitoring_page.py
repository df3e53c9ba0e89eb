from docs.monitoring_page import PAGE, page


def test_the_tables_of_alerts_and_panels_are_those_of_the_code() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text == page(text), "run: python -m docs.monitoring_page"
