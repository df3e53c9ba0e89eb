"""The documentation as a reader has it: pages with headings, links, pictures and code."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.repository import ROOT, files

_HTML_LINK: Final = re.compile(r"<(?:a|img)\b[^>]*?\b(?:href|src)=\"([^\"]+)\"")
_HTML_ANCHOR: Final = re.compile(r"<[a-z]+\b[^>]*?\b(?:id|name)=\"([^\"]+)\"")


@dataclass(frozen=True, slots=True)
class Page:
    """One Markdown file."""

    path: Path
    headings: tuple[str, ...]
    links: tuple[str, ...]
    spans: tuple[str, ...]
    """Code within a line."""
    blocks: tuple[tuple[str, str], ...]
    """Fenced code, each with its language."""
    anchors: frozenset[str]
    """Those that HTML in the page gives."""

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()


@cache
def pages() -> tuple[Page, ...]:
    """Return all pages of the repository."""
    return tuple(read(path, path.read_text(encoding="utf-8")) for path in files(".md"))


def read(path: Path, text: str) -> Page:
    """Read one page."""
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    flat = [child for token in tokens for child in (token, *(token.children or ()))]
    html = [token.content for token in flat if token.type.startswith("html")]
    return Page(
        path=path,
        headings=tuple(_heading(tokens)),
        links=(*_links(flat), *(link for part in html for link in _HTML_LINK.findall(part))),
        spans=tuple(token.content for token in flat if token.type == "code_inline"),
        blocks=tuple((token.info.strip(), token.content) for token in flat if token.type == "fence"),
        anchors=frozenset(anchor for part in html for anchor in _HTML_ANCHOR.findall(part)),
    )


def anchors(page: Page) -> set[str]:
    """Return the anchors that lead into a page on GitLab *and* on GitHub."""
    return (slugs(page.headings, gitlab=True) & slugs(page.headings, gitlab=False)) | page.anchors


def slugs(headings: tuple[str, ...], *, gitlab: bool) -> set[str]:
    """Return the anchors of headings; a second one of a name gets a number."""
    seen: Counter[str] = Counter()
    found = set()
    for heading in headings:
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        slug = re.sub("-{2,}", "-", slug) if gitlab else slug
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found


def broken(page: Page) -> Iterator[str]:
    """Say of each link into the repository what is wrong with it."""
    for link in page.links:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = (page.path.parent / unquote(parts.path)).resolve() if parts.path else page.path
        if parts.path and (not target.is_relative_to(ROOT) or not target.exists()):
            yield f"{link}: there is no such file"
        elif (
            parts.fragment
            and target.suffix == ".md"
            and unquote(parts.fragment) not in anchors(page if target == page.path else of(target))
        ):
            yield f"{link}: there is no such heading"


def of(path: Path) -> Page:
    """Return the page that stands in a file."""
    return next((page for page in pages() if page.path == path), None) or read(path, path.read_text(encoding="utf-8"))


def reached(start: Path) -> set[Path]:
    """Return the pages to which links lead from one, however many lie between."""
    found, ahead = set(), [start]
    while ahead:
        path = ahead.pop()
        if path not in found:
            found.add(path)
            links = [
                (path.parent / unquote(urlsplit(link).path)).resolve() for link in of(path).links if ":" not in link
            ]
            ahead += [target for target in links if target.suffix == ".md" and target.is_file()]
    return found


def _heading(tokens: list[Token]) -> Iterator[str]:
    for token, inside in pairwise(tokens):
        if token.type == "heading_open":
            yield "".join(part.content for part in inside.children or () if part.type in {"text", "code_inline"})


def _links(tokens: list[Token]) -> Iterator[str]:
    for token in tokens:
        if token.type in {"link_open", "image"}:
            yield str(token.attrs.get("href") or token.attrs.get("src") or "")
