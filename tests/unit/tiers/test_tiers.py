"""The lanes of `make test`: no test is in none of them, and no failure in one is hidden by the other."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests import tiers
from tests.tiers import LANES, Lane, code_of, lanes, merge_junit


def test_every_test_is_in_exactly_one_lane() -> None:
    folders = [folder for named in LANES.values() for folder in named]
    tests = {path.relative_to(tiers.ROOT) for path in Path(tiers.ROOT, "tests").rglob("test_*.py")}
    assert len(tests) > 100
    assert {str(path) for path in tests if sum(path.is_relative_to(folder) for folder in folders) != 1} == set()


@pytest.mark.parametrize(
    ("codes", "code"),
    [((0, 0), 0), ((1, 0), 1), ((0, 1), 1), ((5, 0), 0), ((5, 1), 1), ((5, 5), 5), ((0, -9), -9), ((2, 0), 2)],
)
def test_all_passed_only_where_each_lane_passed(codes: tuple[int, int], code: int) -> None:
    assert code_of(codes) == code


def test_each_lane_gets_the_arguments_and_a_junit_file_of_its_own() -> None:
    for lane in lanes(["-k", "x", "--junitxml=junit.xml"]):
        assert list(lane.arguments) == [*LANES[lane.name], "-k", "x", f"--junitxml=junit.xml.{lane.name}"]


def test_the_junit_files_of_the_lanes_become_one(tmp_path: Path) -> None:
    for name in LANES:
        suite = f'<testsuites><testsuite name="{name}"><testcase name="one"/></testsuite></testsuites>'
        (tmp_path / f"junit.xml.{name}").write_text(suite)
    merge_junit(tmp_path / "junit.xml")
    suites = ET.parse(tmp_path / "junit.xml").getroot().findall("testsuite")  # noqa: S314 - written a moment ago
    assert [suite.get("name") for suite in suites] == list(LANES)
    assert [path.name for path in tmp_path.iterdir()] == ["junit.xml"]


def test_a_lane_tells_its_failure_its_skips_and_its_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "test_it.py").write_text(
        "import pytest\ndef test_no(): assert False\ndef test_yes(): pass\n"
        "def test_skipped(): pytest.skip('no registry')\n"
    )
    lane = Lane("made", [str(tmp_path), "-q", "-ra"])
    lane.run()
    assert lane.code == 1
    told = "\n".join(lane.summary)
    assert all(words in told for words in ("FAILED", "no registry", "1 failed, 1 passed, 1 skipped"))
    assert "[made] " in capsys.readouterr().out


def test_a_lane_that_does_not_come_to_its_summary_shows_what_it_said(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("raise SystemExit('broken')\n")
    lane = Lane("made", [str(tmp_path)])
    lane.run()
    assert lane.code != 0
    assert "broken" in "\n".join(lane.summary)
