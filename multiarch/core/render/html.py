"""A report as one self-contained page.

The page fetches nothing and runs no script; its own Content-Security-Policy says so. Every value is escaped by Jinja2,
and its control characters are shown.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from multiarch.core.printable import printable, seconds
from multiarch.core.render.words import Lines, Table, Words
from multiarch.core.report import Check, Report, RunDetail, Section, SectionDetail, leaves, skipped, worst_first
from multiarch.core.verdict import Verdict

VERDICT_CLASSES: Final = {Verdict.YES: "proved", Verdict.NO: "failed", Verdict.UNKNOWN: "doubt"}
ARCH_CLASSES: Final = frozenset({"amd64", "arm64"})
"""Architectures with a colour and a shape of their own; every other is drawn neutral, by name."""
_BLANKS: Final = re.compile(r"(\s+)")
_BREAKABLE: Final = re.compile(r"[-/?|]\w|.{20}")
_SHORT: Final = 64
"""Characters of a word for which a card grows: the longest names of nodes have 63."""
_ORDER: Final = (Verdict.NO, Verdict.UNKNOWN, Verdict.YES)


def render(report: Report[RunDetail, SectionDetail], words: Words[RunDetail, SectionDetail]) -> str:
    """Return the page as text."""

    def drawn(section: Section[SectionDetail]) -> Markup:
        # Drawn by a template of `environment`, which has escaped every value.
        return Markup(words.drawing(section)) if words.drawing else Markup()  # noqa: S704

    template = environment(words=words).get_template("page.html.j2")
    return template.render(
        report=report,
        sections=worst_first(report.sections),
        drawn=drawn,
        shown=lambda section: _table_rows(section, brief=words.brief),
        asides=lambda section: list(_asides(section)),
    )


def environment(package: str = "", **values: Any) -> Environment:
    """Return what makes pages: templates of this package and of a command's `package`, every value escaped."""
    packages = [__package__ or "multiarch.core.render", *filter(None, [package])]
    made = Environment(
        loader=ChoiceLoader([PackageLoader(one, ".") for one in packages]),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: printable(value) if isinstance(value, str) and not hasattr(value, "__html__") else value,
    )
    made.filters.update(whole=whole, seconds=seconds, arch_class=_arch_class, verdict_class=VERDICT_CLASSES.__getitem__)
    made.tests.update(
        table=lambda block: isinstance(block, Table),
        lines=lambda block: isinstance(block, Lines),
    )
    made.globals.update(verdicts=Verdict, **values)
    return made


def whole(text: str) -> Markup:
    """Return a text as HTML in which no word is broken that has room in a line of its own.

    A browser breaks after hyphens and slashes, of which a node's name and an image reference consist.
    """
    long, short = Markup('<span class="whole">{}</span>'), Markup('<span class="whole short">{}</span>')
    parts = [
        (short if len(part) <= _SHORT else long).format(part) if _BREAKABLE.search(part) else escape(part)
        for part in _BLANKS.split(printable(text))
    ]
    return Markup("").join(parts)


def _table_rows(section: Section[SectionDetail], *, brief: bool) -> list[Check]:
    """Return the answers for the table: the worst first, and what is well only where it has something to say."""
    found = [leaf.check for leaf in leaves(section.checks)]
    listed = [check for check in found if not brief or check.verdict is not Verdict.YES or check.evidence]
    return sorted(listed, key=lambda check: _ORDER.index(check.verdict))


def _asides(section: Section[SectionDetail]) -> Iterator[str]:
    yield from (f"nothing to check: {check.title}: {check.evidence}" for check in skipped(section.checks))
    yield from section.notes


def _arch_class(arch: str) -> str:
    return arch if arch in ARCH_CLASSES else "other"
