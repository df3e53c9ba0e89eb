"""The formats of every command's report. A new one is a module beside this one, and a line of `FORMATS`."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multiarch.core.render.words import Words
    from multiarch.core.report import Report, RunDetail, SectionDetail


@dataclass(frozen=True, slots=True)
class Format:
    """One file that a report can be written as. Its module has `render(report, words)`, which returns the text."""

    module: str
    help: str

    def render(self, report: "Report[RunDetail, SectionDetail]", words: "Words[RunDetail, SectionDetail]") -> str:
        """Return the report's text. The module is imported only now: `--help` needs none of them."""
        text: str = importlib.import_module(f"{__name__}.{self.module}").render(report, words)
        return text


FORMATS: Mapping[str, Format] = {
    "--json": Format("json", "Write the report as JSON; - is standard output."),
    "--junit": Format("junit", "Write it as JUnit XML, a case for each answer."),
    "--markdown": Format("markdown", "Write it as Markdown, for a note or an issue."),
    "--html": Format("html", "Write it as one self-contained page."),
}
"""Option to format. Every command has all of them."""
