"""The verdict of a run: a doubt is never a success, and a failure outweighs it."""

import dataclasses

import pytest

from multiarch.core.verdict import EXIT_CODES, Verdict, fold
from multiarch.rehearse.report.words import WORDS
from tests.unit.report import sample


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([], Verdict.UNKNOWN),
        ([Verdict.YES], Verdict.YES),
        ([Verdict.YES, Verdict.UNKNOWN], Verdict.UNKNOWN),
        ([Verdict.UNKNOWN, Verdict.NO, Verdict.YES], Verdict.NO),
    ],
)
def test_a_failure_outweighs_a_doubt_and_a_doubt_outweighs_a_proof(verdicts: list[Verdict], expected: Verdict) -> None:
    assert fold(verdicts) is expected


def test_a_stack_without_claims_makes_the_run_a_doubt() -> None:
    empty = dataclasses.replace(sample.local(), checks=())
    assert empty.verdict is Verdict.UNKNOWN
    assert sample.report(sample.gke(), empty).verdict is Verdict.UNKNOWN


def test_a_run_without_stacks_is_a_doubt() -> None:
    assert dataclasses.replace(sample.report(), sections=()).verdict is Verdict.UNKNOWN


def test_every_verdict_has_its_own_exit_code_and_meaning_and_none_is_the_usage_code() -> None:
    assert len(set(EXIT_CODES.values())) == len(Verdict)
    assert set(EXIT_CODES) == set(WORDS.meanings) == set(Verdict)
    assert 2 not in EXIT_CODES.values()
