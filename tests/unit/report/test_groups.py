"""What a short report counts together is said for every claim and check, so that none stands alone by accident."""

import re
from typing import Any

import pytest

from components.policy.subject import Level, Violation
from docs.pictures import ROOT, recorded
from multiarch.core.render.words import Words
from multiarch.core.report import Check, leaves
from multiarch.core.verdict import Verdict
from multiarch.doctor.report.words import WORDS as DOCTOR
from multiarch.model.plan_checks import _advice
from multiarch.rehearse.report.words import GROUPS
from multiarch.rehearse.report.words import WORDS as REHEARSE


def claims_of_the_docs() -> list[str]:
    """The ids in the table of docs/rehearsal.md; `-arm64-…` after a comma is the rest of one before."""
    page = (ROOT / "docs" / "rehearsal.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[^|]+) \|", page.partition("## What is claimed")[2].partition("\n## ")[0], re.MULTILINE)
    return [one for row in rows for one in re.findall(r"`([a-z0-9][a-z0-9-]+)`", row)]


@pytest.mark.parametrize("claim", claims_of_the_docs())
def test_every_claim_of_the_docs_has_a_group(claim: str) -> None:
    assert REHEARSE.group_of(Check(id=claim, title="no group", verdict=Verdict.YES)) in GROUPS


def test_the_docs_name_claims() -> None:
    assert len(claims_of_the_docs()) > 25


@pytest.mark.parametrize(("run", "words"), [("rehearse-gke", REHEARSE), ("doctor", DOCTOR)])
def test_every_answer_of_a_recorded_run_has_a_group(run: str, words: Words[Any, Any]) -> None:
    found = [leaf.whole or leaf.check for section in recorded(run).sections for leaf in leaves(section.checks)]
    assert [check.id for check in found if words.group_of(check) not in words.groups] == []


def test_one_advice_for_many_is_told_once() -> None:
    def advised(name: str, fix: str) -> Violation:
        return Violation(rule="r", urn=f"urn::{name}", message="so it is", fix=fix, level=Level.ADVISORY)

    told = _advice([advised("a", "Do this."), advised("b", "Do this."), advised("c", "Do that.")])
    assert told == ("advice: a, b: so it is. Do this. [r, advisory]", "advice: c: so it is. Do that. [r, advisory]")
