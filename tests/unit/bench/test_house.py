"""The measures of the house count what they say, in code that is made for it."""

from pathlib import Path

import pytest

from bench.house import COUNTED, GOALS, measured

CODE = {
    "verdict vocabularies": (
        "class Answer(StrEnum):\n    YES = 'yes'\n    NO = 'no'\n    DOUBT = 'could not tell'\n",
        1,
    ),
    "report models": ("class DriftReport:\n    stacks: int\nclass Narrower(DriftReport): ...\n", 1),
    "exit tables": (
        "EXIT_CODES = {Verdict.YES: 0, Verdict.NO: WRONG}\nEXIT_MEANINGS = {Verdict.YES: 'all', Verdict.NO: 'x'}\n",
        1,
    ),
    "access-review functions": (
        "def may(api):\n    'Send a SubjectAccessReview.'\n    api.send('SubjectAccessReview')\n",
        1,
    ),
    "secret-shape lists": ("A = 'glpat-|ghp_|AKIA'\n", 1),
    "imports between commands": ("from multiarch.drift import run\nfrom multiarch.core import verdict\n", 1),
}
INNOCENT = '''
"""A glpat- and an AKIA in a docstring are no list, nor is one SubjectAccessReview."""
class State(StrEnum):
    DONE = "done"
    FAILED = "failed"
def function():
    """Return a SubjectAccessReview."""
'''


def counts(root: Path, text: str) -> dict[str, int]:
    folder = root / "multiarch" / "doctor"
    folder.mkdir(parents=True)
    (folder / "made.py").write_text(text)
    return {name: len(found) for name, found in measured(root, "multiarch")["counted"].items()}


@pytest.mark.parametrize("name", COUNTED)
def test_each_measure_counts_what_it_is_named_after_and_nothing_else(name: str, tmp_path: Path) -> None:
    code, number = CODE[name]
    made = counts(tmp_path, f"{code}\ndef other() -> None: ...\n")
    assert made == {other: number if other == name else 0 for other in COUNTED}


def test_what_is_none_of_them_is_not_counted(tmp_path: Path) -> None:
    assert set(counts(tmp_path, INNOCENT).values()) == {0}


def test_every_measure_has_a_goal() -> None:
    assert set(GOALS) == set(COUNTED)


def test_lines_and_functions_are_those_of_the_files(tmp_path: Path) -> None:
    counts(tmp_path, "def one():\n    return 1\n\n\nasync def two():\n    a = 1\n    b = 2\n    return a + b\n")
    measures = measured(tmp_path, "multiarch")
    assert measures["lines"] == 8
    assert measures["functions"] == {
        "count": 2,
        "median": 3.0,
        "p90": 4,
        "max": 4,
        "longest": "multiarch/doctor/made.py:5 two",
    }
    assert measures["files"] == {"multiarch/doctor": 1}
