"""Every picture is what today's renderers make of the run that is recorded beside it; no page shows another one."""

import re
import struct
from pathlib import Path

import pytest

from docs import pictures
from docs.pictures import FOLDER, PICTURES, ROOT, RUNS, Picture

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SHOWN = re.compile(r"!\[([^\]]*)\]\((?!https?:)([^)]+)\)")
TERMINALS = [picture for picture in PICTURES if picture.file.suffix == ".svg"]
PHOTOGRAPHS = [picture for picture in PICTURES if picture.file.suffix == ".png"]


def shown() -> dict[Path, list[str]]:
    """Picture to the texts that stand for it where it cannot be seen."""
    found: dict[Path, list[str]] = {}
    for page in PAGES:
        for text, target in SHOWN.findall(page.read_text(encoding="utf-8")):
            found.setdefault((page.parent / target).resolve(), []).append(text)
    return found


@pytest.mark.parametrize("picture", TERMINALS, ids=lambda picture: picture.name)
def test_a_terminals_picture_is_what_the_renderer_makes_of_its_run(picture: Picture) -> None:
    assert picture.file.read_text(encoding="utf-8") == pictures.terminal(picture), "run `make pictures`"


@pytest.mark.parametrize("picture", PHOTOGRAPHS, ids=lambda picture: picture.name)
def test_a_pages_picture_was_taken_of_the_page_that_the_renderer_makes_of_its_run(picture: Picture) -> None:
    png = picture.file.read_bytes()
    assert pictures.taken_of(png) == pictures.digest(pictures.page(picture)), "run `make pictures`"
    assert struct.unpack(">II", png[16:24]) == picture.size


def test_a_picture_of_another_page_is_found_out() -> None:
    (picture, *_) = PHOTOGRAPHS
    png = picture.file.read_bytes()
    assert pictures.taken_of(pictures._named(png[:33] + png[33:], "another page")) == pictures.digest("another page")
    assert pictures.taken_of(png[:33]) == ""


def test_every_picture_of_the_docs_is_there_and_has_a_text_and_every_picture_is_shown() -> None:
    found = shown()
    assert set(found) == {picture.file for picture in PICTURES}
    assert [texts for texts in found.values() if not all(len(text) > 30 for text in texts)] == []


def test_no_file_lies_in_the_folder_that_nothing_makes() -> None:
    made = {picture.file.name for picture in PICTURES} | {f"{run}.json" for run in RUNS}
    assert {path.name for path in FOLDER.iterdir()} == made
    assert {picture.run for picture in PICTURES} == set(RUNS)


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_a_picture_is_small(picture: Picture) -> None:
    assert picture.file.stat().st_size < {".svg": 150_000, ".png": 300_000}[picture.file.suffix]


@pytest.mark.parametrize("picture", TERMINALS, ids=lambda picture: picture.name)
def test_a_terminals_picture_fetches_nothing_and_stands_on_a_ground_of_its_own(picture: Picture) -> None:
    text = picture.file.read_text(encoding="utf-8")
    assert re.findall(r"url\((?!#)|href=|@font-face|<image|<script", text) == []
    assert re.search(r'<rect fill="#[0-9a-f]{6}"', text), "readable on light and on dark pages"


@pytest.mark.parametrize("run", RUNS)
def test_a_recorded_run_names_no_folder_of_the_machine_that_ran_it(run: str) -> None:
    text = (FOLDER / f"{run}.json").read_text(encoding="utf-8")
    assert re.findall(r"/(?:tmp|root|home|work|Users|var/folders)/[^\"\s]*", text) == []
