"""How text stands in a terminal: a line breaks between words, never within one.

An image reference, a node's name, a URN and a URL are words, however long: broken in two they can be neither searched
nor copied. So what has no room beside something else stands below it, what has no room behind its indent stands before
it, and a word that is longer than the screen has a line of its own, which the terminal itself wraps. `show` prints
them: rich's own `print` cuts off what is longer than the screen.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.rule import Rule
from rich.segment import Segment
from rich.text import Text

from multiarch.core.output import redacted
from multiarch.core.printable import printable
from multiarch.core.signs import ascii_only

WIDE: Final = 100
"""Columns from which on texts that must be wrapped stand side by side."""
GAP: Final = 2
"""Blanks between two columns."""
Line = list[Segment]


def show(console: Console, parts: Iterable[RenderableType]) -> None:
    """Print each part, uncut."""
    for part in parts:
        console.print(part, overflow="ignore", crop=False)


def longest_word(text: Text) -> int:
    """Return how many columns the longest word takes."""
    return max(map(cell_len, text.plain.split()), default=0)


def longest_line(text: Text) -> int:
    """Return how many columns the text takes where nothing is wrapped."""
    return max(map(cell_len, text.plain.splitlines()), default=0)


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A text behind an indent, in which a sign or a short name may stand."""

    text: Text
    indent: int = 0
    lead: Text | None = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield its lines. One that has no room behind the indent gives up as much of the indent as it must."""
        lead = [] if self.lead is None else list(console.render(self.lead, options.update(no_wrap=True)))
        lead = [segment for segment in lead if segment.text != "\n"]
        for line in _lines(console, options, self.text, options.max_width - self.indent):
            left = min(self.indent, max(0, options.max_width - Segment.get_line_length(line)))
            if lead and Segment.get_line_length(_stripped(lead)) >= left:
                yield from (*lead, Segment.line())
                lead = []
            yield from _padded(lead, left)
            yield from (*line, Segment.line())
            lead = []


@dataclass(frozen=True, slots=True)
class Columns:
    """Rows of cells side by side where every word has room; else each row is a paragraph, a cell below the other."""

    rows: Sequence[Sequence[Text]]
    heads: Sequence[Text] = ()
    indent: int = 0

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the rows; heads stand above columns alone."""
        widths = self._widths(options.max_width)
        if widths is None:
            for row in self.rows:
                yield from stacked([cell for cell in row if cell.plain], self.indent)
            return
        for row in (self.heads, *self.rows) if self.heads else self.rows:
            yield Beside(list(zip(row, widths, strict=True)), self.indent)

    def _widths(self, screen: int) -> list[int] | None:
        """Share the room out; None where there is too little of it."""
        columns = list(zip(*((self.heads, *self.rows) if self.heads else self.rows), strict=True))
        room = screen - self.indent - GAP * (len(columns) - 1)
        most = [max(map(longest_line, column)) for column in columns]
        if sum(most) <= room:
            return most
        least = [max(map(longest_word, column)) for column in columns]
        if sum(least) > room or (screen < WIDE and sum(most) > 2 * room):
            return None
        wanted = [full - needed for full, needed in zip(most, least, strict=True)]
        spare = room - sum(least)
        return [needed + spare * want // sum(wanted) for needed, want in zip(least, wanted, strict=True)]


@dataclass(frozen=True, slots=True)
class Beside:
    """Texts beside each other, each in a column as wide as is said; each word has room in its column."""

    cells: Sequence[tuple[Text, int]]
    indent: int = 0

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield its lines, without blanks at their ends."""
        columns = [_lines(console, options, text, width) for text, width in self.cells]
        for parts in zip_longest(*columns, fillvalue=[]):
            line: Line = [Segment(" " * self.indent)] if self.indent else []
            start = self.indent
            for part, (_, width) in zip(parts, self.cells, strict=True):
                if part:
                    line = [*_padded(line, start), *part]
                start += width + GAP
            yield from (*line, Segment.line())


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading with a line after it where there is room, and wrapped where there is none: a rule would cut it off."""

    title: Text
    style: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the rule, or the title alone."""
        if self.title.cell_len + 4 <= options.max_width:
            yield Rule(self.title, align="left", style=self.style, characters="-" if ascii_only(console) else "─")
        else:
            yield Paragraph(self.title)


@dataclass(frozen=True, slots=True)
class Verbatim:
    """Lines to be copied, or a file: each stays one line, which the terminal itself wraps."""

    lines: Sequence[str]
    indent: int = 0
    style: str = "cyan"

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the lines as they are."""
        for line in self.lines:
            text = Text(f"{' ' * self.indent}{printable(line)}", style=self.style)
            yield from console.render(text, options.update(no_wrap=True, overflow="ignore"))


def stacked(cells: Sequence[Text], indent: int) -> Iterator[Paragraph]:
    """Yield the cells of a row below each other, all but the first a little to the right."""
    yield from (Paragraph(cell, indent + (GAP if number else 0)) for number, cell in enumerate(cells))


def _lines(console: Console, options: ConsoleOptions, text: Text, width: int) -> list[Line]:
    """Wrap a text between its words; rich's own wrapping breaks a word that is longer than a line, or does not wrap."""
    whole = options.update(overflow="ignore", no_wrap=True)
    lines = []
    for line in redacted(text).split(allow_blank=True):
        for part in line.divide(_breaks(line.plain, width)):
            part.rstrip()
            lines.append([segment for segment in console.render(part, whole) if segment.text != "\n"])
    return lines


def _breaks(line: str, width: int) -> list[int]:
    """Return where lines begin, as many words in each as have room."""
    breaks, begin = [], 0
    for word in re.finditer(r"\S+", line):
        if cell_len(line[begin : word.end()]) > width and line[begin : word.start()].strip():
            begin = word.start()
            breaks.append(begin)
    return breaks


def _stripped(line: Line) -> Line:
    return [*line[:-1], line[-1]._replace(text=line[-1].text.rstrip())]


def _padded(line: Line, width: int) -> Line:
    missing = width - Segment.get_line_length(line)
    return [*line, Segment(" " * missing)] if missing > 0 else line
