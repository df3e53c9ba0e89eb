"""One table of exit codes for all commands, and no doubt that hides what is wrong."""

import re
from itertools import permutations

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from multiarch import cli
from multiarch.core import ending
from multiarch.core.verdict import EXIT_CODES, fold

CODES = st.sampled_from([ending.WELL, ending.WRONG, ending.USAGE, ending.COULD_NOT_TELL])


@pytest.mark.parametrize("name", sorted(cli.COMMANDS))
def test_every_commands_help_lists_the_codes_and_which_of_them_wins(name: str) -> None:
    text = CliRunner().invoke(cli.multiarch, [name, "--help"]).output
    listed = re.findall(r"(?:^  Exit codes:|·) (\d) ", text, flags=re.MULTILINE)
    assert listed[:4] == ["0", "1", "2", "3"]
    assert "If both 1 and 3 apply: 1." in text


def test_what_is_wrong_wins_over_a_doubt_in_whatever_order() -> None:
    assert sorted(EXIT_CODES.values()) == [ending.WELL, ending.WRONG, ending.COULD_NOT_TELL]
    for verdicts in permutations(EXIT_CODES):
        assert EXIT_CODES[fold(verdicts)] == ending.WRONG == ending.worst(EXIT_CODES[verdict] for verdict in verdicts)


@given(st.lists(CODES))
def test_many_answers_are_well_only_where_each_is_and_no_doubt_hides_what_is_wrong(codes: list[int]) -> None:
    assert (ending.worst(codes) == ending.WELL) == (set(codes) <= {ending.WELL})
    assert (ending.worst(codes) == ending.WRONG) == (ending.WRONG in codes)
    assert ending.worst(codes) == ending.worst(reversed(codes))
