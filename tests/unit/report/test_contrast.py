"""The page's colours: readable in both schemes (WCAG 2.2 AA), and never alone in carrying a meaning."""

import re
from functools import cache

import pytest

from multiarch.core.render import html as page
from multiarch.rehearse.report.words import WORDS
from tests.unit.report import sample

PAIRS = [
    ("ink", "bg"),
    ("ink", "card"),
    ("ink", "amd-bg"),
    ("ink", "arm-bg"),
    ("ink", "no-bg"),
    ("soft", "bg"),
    ("soft", "card"),
    ("soft", "sunk"),
    ("soft", "no-bg"),
    ("ink", "sunk"),
    *((sign, ground) for sign in ("ok", "no") for ground in ("amd-bg", "arm-bg")),
    ("doubt", "sunk"),
    ("amd", "amd-bg"),
    ("arm", "arm-bg"),
    ("ok", "ok-bg"),
    ("no", "no-bg"),
    ("no", "sunk"),
    ("doubt", "doubt-bg"),
    ("doubt", "card"),
]
SCHEMES = ("light", "dark", "print")


@cache
def colours(scheme: str) -> dict[str, str]:
    css = page.render(sample.report(), WORDS)
    blocks = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    assert len(blocks) == len(SCHEMES)
    chosen: dict[str, str] = {}
    for block in (blocks[0], blocks[SCHEMES.index(scheme)]):
        chosen.update(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{3,6})", block))
    return chosen


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    channels = [int(digits[index : index + 2], 16) / 255 for index in (0, 2, 4)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_stands_out_from_its_ground(scheme: str, text: str, ground: str) -> None:
    named = colours(scheme)
    light, dark = sorted((luminance(named[text]), luminance(named[ground])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_architecture_and_verdict_have_a_word_and_a_shape_beside_the_colour() -> None:
    text = page.render(sample.report(), WORDS)
    for kind, word in (("amd64", "amd64"), ("arm64", "arm64")):
        assert re.search(rf'class="arch {kind}"><svg[^>]*><use href="#i-{kind}"/></svg>{word}<', text)
    for kind, word in (("proved", "proved"), ("failed", "failed"), ("doubt", "could not tell")):
        assert re.search(rf'class="verdict {kind}"><svg[^>]*><use href="#i-{kind}"/></svg>{word}<', text)
