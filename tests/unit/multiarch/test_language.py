"""Plain words: no text that a person reads has a phrase that only its author would write.

A small vale: a list of patterns, each with what to write instead, over every message in the sources and over the
documentation. Add a pattern when a reader stumbles over one.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
INSTEAD = {
    r"(?<![Tt]here )\b(?:is|are|was) no (?!longer\b|more\b|need\b)": "is not a ...; unknown key ...; there is no ...",
    r"\b(?:is|are) none of\b": "is not one of",
    r"\btells? the truth\b|\ba lie\b": "say what is wrong or right",
    r"\bwhat of it\b": "name the thing",
    r"\b(?:could not|cannot|can't) be told\b": "could not tell whether; could not be checked",
    r"\bnobody (?:could|can) tell\b": "is not known",
    r"\bfor ever\b": "forever",
    r"\banew\b": "again; newly",
    r"\b[Mm]end(?:s|ed|ing)?\b": "fix, correct, repair",
    r"\bin vain\b": "say what happens",
    r"\bwithout a word\b": "silently",
    r"\bput to the proof\b": "proved, checked, tested",
    r"\bis wanted\b|\b(?:wanted|needed) is\b": "expected; this needs",
    r"(?:'s|who \w+ it|registry) to say\b": "only X knows; X decides",
    r"\b(?:is|are) not there\b": "does not exist",
    r"\bis there already\b": "already exists",
    r"\bhappens to be\b": "say which one",
    r"\bsaid aloud\b": "explicit",
    r"\bgo(?:es)? as a whole\b": "is deleted as a whole",
    r"\bhas no meaning with\b": "cannot be used with",
    r"\b(?:to )?hold(?:s)? it to (?:that|it)\b": "checks this",
    r"(?:^|[.:;] )State (?=[a-z`])": "Set",
    r"(?:^|[.:;] )Drop (?=[a-z`])": "Remove",
    r"\bnot yet known (?:is|are)\b|\b[Ff]rom it (?:comes|follows)\b": "subject, verb, object",
    r"\bwhether .{3,60} is (?:for )?\w+(?:'s)? to\b": "could not tell whether",
}
"""A pattern, and what to write instead."""
SOURCES = ("components", "multiarch")
OF_OTHERS = ("model/providers/", "model/clouds/", "model/executor/")
"""Messages there are those of clouds, Kubernetes and GitLab Runner, in their words."""
PAGES = sorted(path for path in (ROOT / "docs").glob("*.md"))
LATER = {"ci.md", "merge.md", "rehearsal.md"}
"""Pages that were being rewritten when this list was made: take each out when its words are plain."""


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield every text of a module with its line, f-strings in one piece; no docstrings (docs/config.md has those)."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = (part.value if isinstance(part, ast.Constant) else "X" for part in node.values)
            yield node.lineno, "".join(str(part) for part in parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner | docs:
            yield node.lineno, node.value


def faults(text: str) -> list[str]:
    return [
        f"{found[0]!r}: write {instead!r}"
        for pattern, instead in INSTEAD.items()
        for found in re.finditer(pattern, text)
    ]


@pytest.mark.parametrize("folder", SOURCES)
def test_no_message_has_a_phrase_of_our_dialect(folder: str) -> None:
    modules = [path for path in sorted((ROOT / folder).rglob("*.py")) if not any(one in str(path) for one in OF_OTHERS)]
    said = [(path.relative_to(ROOT), line, text) for path in modules for line, text in texts(path)]
    assert len(said) > 1000, "the texts are read"
    assert [f"{path}:{line}: {fault}" for path, line, text in said for fault in faults(text)] == []


@pytest.mark.parametrize("page", [page for page in PAGES if page.name not in LATER], ids=lambda page: page.name)
def test_no_page_has_a_phrase_of_our_dialect(page: Path) -> None:
    lines = enumerate(page.read_text(encoding="utf-8").splitlines(), 1)
    assert [f"{page.name}:{number}: {fault}" for number, line in lines for fault in faults(line)] == []


@pytest.mark.parametrize(
    "text",
    [
        "'x' is no key of gke pools",
        "whether it is there could not be told",
        "Mend that line.",
        "an exact version is wanted",
        "State the version",
        "the helper's version is for its registry to say",
    ],
)
def test_the_list_catches_what_readers_stumbled_over(text: str) -> None:
    assert faults(text) != []


@pytest.mark.parametrize(
    "text", ["there is no cluster", "it is no longer in the program", "the State of it", "Dropped"]
)
def test_the_list_lets_plain_words_pass(text: str) -> None:
    assert faults(text) == []
