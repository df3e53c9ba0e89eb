"""No link of the documentation leads nowhere, and every page can be found."""

import pytest

from tests.repository import ROOT
from tests.unit.docs.pages import Page, anchors, broken, pages, reached, read, slugs


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_every_link_leads_to_a_file_and_a_heading(page: Page) -> None:
    assert list(broken(page)) == []


def test_every_page_is_reached_from_the_readme() -> None:
    found = reached(ROOT / "README.md")
    for_readers = [page.path for page in pages() if page.name.split("/")[0] not in {"tests", ".gitlab"}]
    assert len(for_readers) > 15
    assert [path.relative_to(ROOT).as_posix() for path in for_readers if path not in found] == []


def test_a_broken_link_is_seen() -> None:
    text = (
        '# One two\n[a](docs/nowhere.md) [b](#three) [c](#one-two) ![d](docs/no.png) [e](README.md) <img src="x.png">'
    )
    said = list(broken(read(ROOT / "page.md", text)))
    assert [line.partition(":")[0] for line in said] == ["docs/nowhere.md", "#three", "docs/no.png", "x.png"]


def test_an_anchor_has_to_work_on_gitlab_and_on_github() -> None:
    headings = ("What is `this`?", "Scan & sign", "Twice", "Twice")
    assert slugs(headings, gitlab=True) == {"what-is-this", "scan-sign", "twice", "twice-1"}
    assert slugs(headings, gitlab=False) == {"what-is-this", "scan--sign", "twice", "twice-1"}
    page = read(ROOT / "page.md", "\n".join(f"# {heading}" for heading in headings))
    assert anchors(page) == {"what-is-this", "twice", "twice-1"}
