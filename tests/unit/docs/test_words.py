"""Options, targets of make and files that the docs name are there. For keys of stack files: config/test_docs.py."""

import pytest

from tests.repository import ROOT
from tests.unit.docs.pages import Page, pages, read
from tests.unit.docs.words import is_there, made, paths, targets, typed, unknown

# CHANGELOG.md tells what was: its files and options may be gone.
PAGES = [page for page in pages() if page.name != "CHANGELOG.md"]
ELSEWHERE = {
    "components/clouds/nimbus/": "the made-up cloud that the tests add to a copy of the repository",
    "multiarch/model/clouds/nimbus/": "the same",
    "NOTES.md": "the notes of a release, which `make release` leaves in dist/",
    "dist/": "what `make release` makes",
    "aws-node-termination-handler/": "the prefix of taints",
    "docs/rootless.md": "BuildKit's own page, and named as that",
}
OF_THE_READER = {"image": "a target of the reader's own Makefile, in the example of a job"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_option_that_a_page_shows_is_one_of_its_command(page: Page) -> None:
    assert list(unknown(page)) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_target_of_make_on_a_page_is_in_the_makefile(page: Page) -> None:
    assert made(page) - targets() - set(OF_THE_READER) == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_of_ours_on_a_page_is_there(page: Page) -> None:
    assert [path for path in paths(page) if path not in ELSEWHERE and not is_there(page, path)] == []


def test_what_is_not_there_is_seen() -> None:
    text = """
`multiarch drift --nonsense`, `make nowhere`, `components/nowhere.py`, `docs/*.md`, `nowhere.py`,
`make bench bench-nothing`, `images/`, `images/*/base/`, `eks.amazonaws.com/`.
```sh
make rehearse ARGS="--stack gke --engnie"
archmerge push --from x \\
  --tgas y | sort --unique
true && make lnit   # make no mistake
```
"""
    page = read(ROOT / "page.md", text)
    assert set(unknown(page)) == {"multiarch drift --nonsense", "multiarch rehearse --engnie", "archmerge push --tgas"}
    assert made(page) - targets() == {"nowhere", "bench-nothing", "lnit"}
    assert [path for path in paths(page) if not is_there(page, path)] == [
        "components/nowhere.py",
        "nowhere.py",
        "images/",
        "images/*/base/",
    ]


def test_the_pages_are_read() -> None:
    assert sum(len(list(typed(page))) for page in PAGES) > 50
    assert sum(len(list(paths(page))) for page in PAGES) > 50
