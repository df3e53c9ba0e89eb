"""Sizes that the docs name are those of what is made."""

import re
from collections.abc import Callable
from typing import Final

import pytest

from archmerge.packaging import make_zipapp
from ci import render
from tests.repository import ROOT

SIZES: Final[dict[str, tuple[str, str, Callable[[], int]]]] = {
    "the zipapp": ("docs/merge.md", r"one file \((\d+) KB\)", lambda: len(make_zipapp.content())),
    "what a template carries": ("docs/ci.md", r"(\d+) KB of base64", lambda: len(render.carried()["@ARCHMERGE@"])),
    "the largest template": (
        "docs/ci.md",
        r"A template is (\d+) KB at most",
        lambda: max(len(text) for name, text in render.render().items() if name.startswith("templates/")),
    ),
}


@pytest.mark.parametrize("what", SIZES)
def test_a_size_on_a_page_is_the_files(what: str) -> None:
    page, pattern, size = SIZES[what]
    (said,) = re.findall(pattern, (ROOT / page).read_text(encoding="utf-8"))
    assert int(said) * 1000 == pytest.approx(size(), rel=0.05)
