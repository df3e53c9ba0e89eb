"""Each difference has its path, what was wanted and what was found: short, printable, and never guessed."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multiarch.drift.cloud.differences import CONTEXT, LIMIT, MOST
from multiarch.drift.cloud.judge import judge
from multiarch.drift.cloud.paths import Missing, differing, find, parse, write
from multiarch.drift.model import Change, Check, Difference, Finding
from tests.unit.drift_cloud.conftest import URN, document, result, step

UPDATE = {"kind": "update", "inputDiff": False}


def found_in(wanted: dict[str, Any], found: dict[str, Any], *paths: str, check: Check = Check.STATE) -> Finding:
    """Let the CLI say that `wanted` (keys of a state) became `found`, and name the paths."""
    old, new = (wanted, found) if check is Check.STATE else (found, wanted)
    sides: dict[str, Any] = {"oldState": {"urn": URN, "type": "t", **old}, "newState": {"urn": URN, "type": "t", **new}}
    diff = dict.fromkeys(paths, UPDATE) or None
    answer = document(step("refresh", URN + "2"), step("update", **sides, detailedDiff=diff))
    findings = judge(check, "gke", result(7, answer)).result.findings
    return next(one for one in findings if one.urn == URN)


def only(finding: Finding) -> Difference:
    assert len(finding.differences) == 1
    return finding.differences[0]


def inputs(**values: Any) -> dict[str, Any]:
    return {"inputs": values, "outputs": {}}


@pytest.mark.parametrize("check", [Check.STATE, Check.CODE])
def test_wanted_is_the_side_of_the_state_or_of_the_program(check: Check) -> None:
    one = only(found_in(inputs(a="1"), inputs(a="2"), "a", check=check))
    assert (one.path, one.change, one.wanted, one.found) == ("a", Change.CHANGED, "1", "2")


def test_added_and_gone_are_told_by_the_values_and_not_by_the_kind() -> None:
    added = only(found_in(inputs(a={}), inputs(a={"b": "x"}), 'a["b"]'))
    gone = only(found_in(inputs(a={"b": "x"}), inputs(a={}), 'a["b"]'))
    assert (added.change, added.wanted, added.found) == (Change.ADDED, None, "x")
    assert (gone.change, gone.wanted, gone.found) == (Change.GONE, "x", None)


def test_a_property_of_the_outputs_alone_is_found_there() -> None:
    wanted, found = ({"inputs": {}, "outputs": {"digest": value}} for value in ("sha256:a", "sha256:b"))
    one = only(found_in(wanted, found, "digest"))
    assert (one.wanted, one.found) == ("sha256:a", "sha256:b")


def test_what_a_preview_cannot_know_is_unknown_and_not_absent() -> None:
    one = only(found_in({"inputs": {}}, {"inputs": {}, "outputs": {"digest": "sha256:b"}}, "digest", check=Check.CODE))
    assert (one.change, one.wanted, one.found) == (Change.CHANGED, "[unknown]", "sha256:b")


def test_the_sentinel_of_an_unknown_value_is_never_shown() -> None:
    one = only(found_in(inputs(a="04da6b54-80e4-46f7-96ec-b56ff0331ba9"), inputs(a="x"), "a", check=Check.CODE))
    assert (one.wanted, one.found) == ("[unknown]", "x")


@pytest.mark.parametrize("path", ["nowhere.at.all", "a[", 'x["', "", "..", "a"])
def test_a_path_whose_values_are_not_there_is_listed_without_any(path: str) -> None:
    one = only(found_in(inputs(a="same"), inputs(a="same"), path))
    assert (one.change, one.wanted, one.found) == (Change.CHANGED, "[unknown]", "[unknown]")


def test_an_object_is_told_by_the_parts_that_differ() -> None:
    wanted = inputs(spec={"a": 1, "b": [{"x": 1}, {"x": 2}], "same": True})
    found = inputs(spec={"a": 2, "b": [{"x": 1}, {"x": 3}], "same": True, "new": "n"})
    told = {one.path: (one.wanted, one.found) for one in found_in(wanted, found, "spec").differences}
    assert told == {"spec.a": ("1", "2"), "spec.b[1].x": ("2", "3"), "spec.new": (None, "n")}


def test_without_a_detailed_diff_the_inputs_are_compared() -> None:
    finding = found_in(inputs(a="1", b="x"), inputs(a="2", b="x"))
    assert [(one.path, one.wanted, one.found) for one in finding.differences] == [("a", "1", "2")]


def test_where_nothing_can_be_told_it_is_said() -> None:
    finding = found_in(inputs(), inputs())
    assert finding.differences == ()
    assert "doesn't say which property" in finding.reason


def test_a_number_and_its_text_are_told_apart() -> None:
    one = only(found_in(inputs(a="1"), inputs(a=1), "a"))
    assert (one.wanted, one.found) == ('"1"', "1")
    empty = only(found_in(inputs(a="x"), inputs(a=""), "a"))
    assert (empty.wanted, empty.found) == ("x", '""')


def test_long_values_are_cut_where_they_part() -> None:
    one = only(found_in(inputs(a="x" * 5000 + "LEFT" + "y" * 5000), inputs(a="x" * 5000 + "RIGHT"), "a"))
    assert one.wanted is not None
    assert one.found is not None
    assert one.wanted.startswith("…" + "x" * CONTEXT + "LEFT")
    assert one.found == "…" + "x" * CONTEXT + "RIGHT"
    assert len(one.wanted) <= LIMIT + 2
    longer = only(found_in(inputs(a="x" * 500), inputs(a="x" * 600), "a"))
    assert longer.wanted != longer.found


def test_many_differences_are_bounded_and_the_rest_is_counted() -> None:
    wanted, found = ({str(number): value for number in range(500)} for value in ("a", "b"))
    finding = found_in(inputs(**wanted), inputs(**found))
    assert len(finding.differences) == MOST
    assert finding.more == 500 - MOST


def test_control_characters_are_seen_and_do_nothing() -> None:
    one = only(found_in(inputs(a="line\nnext"), inputs(a="\x1b[31mred"), "a"))
    assert (one.wanted, one.found) == ("line\\nnext", "\\x1b[31mred")


def test_an_asset_is_shown_by_its_hash() -> None:
    def asset(digest: str) -> dict[str, str]:
        return {"4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17", "hash": digest, "text": "body"}

    one = only(found_in(inputs(source=asset("a" * 64)), inputs(source=asset("b" * 64)), "source"))
    assert (one.wanted, one.found) == ("asset " + "a" * 12, "asset " + "b" * 12)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("data.a", ("data", "a")),
        ('metadata.labels["k8s.io/enforce"]', ("metadata", "labels", "k8s.io/enforce")),
        ("spec.containers[0].image", ("spec", "containers", 0, "image")),
        ('["a.b"][1]', ("a.b", 1)),
        ('a["q\\"uote"]', ("a", 'q"uote')),
        ("a[x]", None),
        ("", None),
        (".a", None),
    ],
)  # fmt: skip
def test_a_path_is_read_as_pulumi_writes_it(text: str, path: tuple[str | int, ...] | None) -> None:
    assert parse(text) == path
    if path is not None:
        assert write(path) == text


PARTS = st.text("ab.[]\"'\\0é", min_size=1, max_size=4) | st.integers(0, 9)


@given(st.lists(PARTS, min_size=1, max_size=5).map(tuple))
def test_every_path_survives_being_written(path: tuple[str | int, ...]) -> None:
    assert parse(write(path)) == path


TREES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(TREES, TREES)
def test_the_parts_that_differ_are_all_and_nothing_else(old: Any, new: Any) -> None:
    paths = differing(old, new)
    assert (paths == []) == (json.dumps(old, sort_keys=True) == json.dumps(new, sort_keys=True))
    for path in paths:
        sides = (find(old, path), find(new, path))
        assert Missing.UNTOLD not in sides
        assert json.dumps(sides[0], default=str) != json.dumps(sides[1], default=str)
