"""docs/extending.md holds: what is added in the places that it names arrives everywhere."""

from __future__ import annotations

import sys
import types
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from multiarch import cli
from multiarch.core import render
from multiarch.core.report import Check, leaves
from multiarch.core.verdict import Verdict
from multiarch.doctor import catalogue
from multiarch.rehearse.claims import prove
from multiarch.rehearse.claims.scene import Promise, proved
from tests.unit.report import sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from multiarch.core.render.words import Words
    from multiarch.core.report import Report


def tap(report: Report[Any, Any], words: Words[Any, Any]) -> str:
    del words
    found = [leaf.check for section in report.sections for leaf in leaves(section.checks)]
    said = {True: "ok", False: "not ok"}
    lines = [f"{said[one.verdict is Verdict.YES]} {number} {one.title}" for number, one in enumerate(found, 1)]
    return "\n".join(["TAP version 14", f"1..{len(found)}", *lines]) + "\n"


@pytest.fixture
def with_tap(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    module = types.ModuleType("multiarch.core.render.tap")
    module.__dict__["render"] = tap
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(render.FORMATS, "--tap", render.Format("tap", "Write it as TAP, a line for each answer."))
    commands = [name for name in sys.modules if name.startswith("multiarch.") and name.endswith(".command")]
    kept = {name: sys.modules.pop(name) for name in commands}
    yield
    for name in [name for name in sys.modules if name.startswith("multiarch.") and name.endswith(".command")]:
        del sys.modules[name]
    sys.modules.update(kept)


@pytest.mark.parametrize("name", sorted(cli.COMMANDS))
def test_a_format_is_a_module_and_a_line(with_tap: None, name: str) -> None:
    del with_tap
    assert "--tap FILE" in CliRunner().invoke(cli.multiarch, [name, "--help"]).output


def test_a_format_takes_any_report(with_tap: None) -> None:
    del with_tap
    from multiarch.rehearse.report.words import WORDS  # noqa: PLC0415 - after the format is there

    text = render.FORMATS["--tap"].render(sample.report(), WORDS)
    assert text.startswith("TAP version 14\n1..36\nok 1 ")
    assert "\nnot ok " in text


def test_a_claim_is_a_promise_in_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    added = Promise("manager-one", "one manager runs", lambda _: proved("replicas: 1"))
    monkeypatch.setattr(prove, "promises", lambda _: [added])
    (claim,), jobs = prove.prove_all(None)  # type: ignore[arg-type]  # this promise looks at no scene
    assert claim.evidence.startswith("replicas: 1")
    assert (claim.id, claim.verdict, jobs) == ("manager-one", Verdict.YES, [])
    assert isinstance(claim, Check)


def test_a_cause_has_one_entry_in_the_catalogue_and_its_order_from_there() -> None:
    assert len(catalogue.BY_ID) == len({kind.id for kind in catalogue.BY_ID.values()})
    assert all(kind.title and kind.looks and kind.fix for kind in catalogue.BY_ID.values())
