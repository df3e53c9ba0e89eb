"""The tiers of `make test`: no test is in none of them, and no failure in one is hidden by another."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests import tiers
from tests.tiers import TIERS, Tier, code_of, merge_junit


def test_every_test_is_in_exactly_one_tier() -> None:
    folders = [folder for named in TIERS.values() for folder in named]
    tests = {path.relative_to(tiers.ROOT) for path in Path(tiers.ROOT, "tests").rglob("test_*.py")}
    assert len(tests) > 100
    assert {str(path) for path in tests if sum(path.is_relative_to(folder) for folder in folders) != 1} == set()


@pytest.mark.parametrize(
    ("codes", "code"),
    [((0, 0), 0), ((1, 0), 1), ((0, 1), 1), ((5, 0), 0), ((5, 1), 1), ((5, 5), 5), ((0, -9), -9), ((2, 0), 2)],
)
def test_all_passed_only_where_each_tier_passed(codes: tuple[int, int], code: int) -> None:
    assert code_of(codes) == code


def test_each_tier_gets_the_arguments_and_a_junit_file_of_its_own() -> None:
    for tier in tiers.tiers(["-k", "x", "--junitxml=junit.xml"]):
        assert list(tier.arguments) == [*TIERS[tier.name], "-k", "x", f"--junitxml=junit.xml.{tier.name}"]


def test_the_junit_files_of_the_tiers_become_one(tmp_path: Path) -> None:
    for name in TIERS:
        suite = f'<testsuites><testsuite name="{name}"><testcase name="one"/></testsuite></testsuites>'
        (tmp_path / f"junit.xml.{name}").write_text(suite)
    merge_junit(tmp_path / "junit.xml")
    suites = ET.parse(tmp_path / "junit.xml").getroot().findall("testsuite")  # noqa: S314 - written a moment ago
    assert [suite.get("name") for suite in suites] == list(TIERS)
    assert [path.name for path in tmp_path.iterdir()] == ["junit.xml"]


def test_a_tier_tells_its_failure_its_skips_and_its_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "test_it.py").write_text(
        "import pytest\ndef test_no(): assert False\ndef test_yes(): pass\n"
        "def test_skipped(): pytest.skip('no registry')\n"
    )
    tier = Tier("made", [str(tmp_path), "-q", "-ra"])
    tier.run()
    assert tier.code == 1
    told = "\n".join(tier.summary)
    assert all(words in told for words in ("FAILED", "no registry", "1 failed, 1 passed, 1 skipped"))
    assert "[made] " in capsys.readouterr().out


def test_the_counts_of_all_tiers_are_added_up_and_what_failed_comes_first() -> None:
    said = [["x", "= 2 failed, 10 passed, 1 error in 3.00s ="], ["SKIPPED", "1 passed, 3 skipped in 2s"], ["no word"]]
    assert tiers.total(said, 5.0).strip("= ") == "2 failed, 1 error, 11 passed, 3 skipped in 5.00s"


def test_a_tier_that_does_not_come_to_its_summary_shows_what_it_said(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("raise SystemExit('broken')\n")
    tier = Tier("made", [str(tmp_path)])
    tier.run()
    assert tier.code != 0
    assert "broken" in "\n".join(tier.summary)


@pytest.mark.parametrize("broken", [False, True])
def test_one_failure_in_any_tier_is_the_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, broken: bool
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        fails = broken and name == "two"
        (tmp_path / name / f"test_{name}.py").write_text(f"def test_it(): assert {not fails}\n")
    monkeypatch.setattr(tiers, "TIERS", {name: (str(tmp_path / name),) for name in ("one", "two")})
    assert tiers.main(["-q", f"--junitxml={tmp_path}/junit.xml"]) == int(broken)
    summaries = capsys.readouterr().out.partition("\n━━ one")[2]
    assert "━━ two" in summaries
    assert ("1 failed" in summaries) == broken
    assert len(ET.parse(tmp_path / "junit.xml").getroot().findall(".//testcase")) == 2  # noqa: S314 - written a moment ago


def test_a_file_that_is_named_runs_as_one_plain_pytest(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "test_it.py").write_text("def test_it(): assert False\n")
    assert tiers.main([f"{tmp_path}/test_it.py::test_it", "-q"]) == 1
    assert "━━" not in capfd.readouterr().out
