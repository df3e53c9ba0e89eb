"""One table of exit codes for all commands, and no doubt that hides what is wrong."""

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import permutations
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from multiarch import cli
from multiarch.core import ending
from multiarch.doctor import model as doctor
from multiarch.drift import model as drift
from multiarch.rehearse.report import model as rehearsal

FOLDS: list[tuple[Callable[[Iterable[Any]], Any], Mapping[Any, int]]] = [
    (drift.fold, drift.EXIT_CODES),
    (doctor.fold, doctor.EXIT_CODES),
    (rehearsal.fold, rehearsal.EXIT_CODES),
]
CODES = st.sampled_from([ending.WELL, ending.WRONG, ending.USAGE, ending.COULD_NOT_TELL])


@pytest.mark.parametrize("name", sorted(cli.COMMANDS))
def test_every_commands_help_lists_the_codes_and_which_of_them_wins(name: str) -> None:
    text = CliRunner().invoke(cli.multiarch, [name, "--help"]).output
    listed = re.findall(r"(?:^  Exit codes:|·) (\d) ", text, flags=re.MULTILINE)
    assert listed[:4] == ["0", "1", "2", "3"]
    assert "Where 1 and 3 both happened: 1." in text


@pytest.mark.parametrize(("fold", "codes"), FOLDS)
def test_a_verdict_has_the_same_code_in_every_command_and_what_is_wrong_wins(
    fold: Callable[[Iterable[Any]], Any], codes: Mapping[Any, int]
) -> None:
    assert sorted(codes.values()) == [ending.WELL, ending.WRONG, ending.COULD_NOT_TELL]
    for verdicts in permutations(codes):
        assert codes[fold(verdicts)] == ending.WRONG == ending.worst(codes[verdict] for verdict in verdicts)


@given(st.lists(CODES))
def test_many_answers_are_well_only_where_each_is_and_no_doubt_hides_what_is_wrong(codes: list[int]) -> None:
    assert (ending.worst(codes) == ending.WELL) == (set(codes) <= {ending.WELL})
    assert (ending.worst(codes) == ending.WRONG) == (ending.WRONG in codes)
    assert ending.worst(codes) == ending.worst(reversed(codes))
