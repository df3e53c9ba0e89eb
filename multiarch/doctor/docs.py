"""Writes the catalogue of causes into docs/doctor.md: `python -m multiarch.doctor.docs docs/doctor.md`."""

import sys
from collections.abc import Mapping
from pathlib import Path

from multiarch.doctor.catalogue import CATALOGUE, Kind, Reach

BEGIN, END = "<!-- causes: begin -->", "<!-- causes: end -->"
HEADINGS: Mapping[Reach, str] = {
    Reach.EVERY_JOB: "No job can start",
    Reach.SOME_JOBS: "Some jobs can't start",
    Reach.SOME_DAY: "Jobs start today",
}


def table() -> str:
    """Return the tables, one for each reach, in Markdown."""
    parts = []
    for reach, heading in HEADINGS.items():
        rows = [_row(kind) for kind in CATALOGUE if kind.reach is reach]
        parts += [f"### {heading}", "", "| cause | what it looks like | fix |", "| --- | --- | --- |", *rows, ""]
    return "\n".join(parts).rstrip()


def with_table(page: str) -> str:
    """Return a page with the tables between its marks. Raises ValueError for a page without them."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no {BEGIN} … {END}")
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def _row(kind: Kind) -> str:
    cells = (f"{kind.title}<br>`{kind.id}`", kind.looks, kind.fix)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def main() -> None:
    """Rewrite the named page."""
    path = Path(sys.argv[1])
    path.write_text(with_table(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
