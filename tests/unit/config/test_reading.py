"""The strict reader: nothing converted, nothing ignored, every mistake located."""

from dataclasses import field
from enum import StrEnum
from typing import Annotated, Literal

import pytest
from pydantic import Field, TypeAdapter
from pydantic.dataclasses import dataclass

from components.forms import Form
from components.keys import CONFIG, keys
from components.problems import ConfigError
from components.reading import Kin, did_you_mean, joined, kind, parse, section_of, shown


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


Code = Annotated[str, Form("[0-9]+", "code", "digits, for example 12")]
Word = Annotated[str, Form("[a-z]+", "word", "letters")]


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Leaf:
    name: str
    """The leaf's name. Any text."""

    shades: list[Colour] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Disk:
    type: Literal["disk"] = "disk"
    size_gb: int


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Tape:
    type: Literal["tape"] = "tape"
    label: str


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Tree:
    leaves: list[Leaf] = field(default_factory=list)
    by_name: dict[str, Leaf] = field(default_factory=dict)
    store: Annotated[Disk | Tape, Field(discriminator="type")] | None = None
    height: float | None = None
    count: int = 1
    bounded: Annotated[int, Field(le=9)] = 1
    some: Annotated[list[str], Field(min_length=1, max_length=2)] = field(default_factory=lambda: ["x"])
    code: Code = "1"
    codes: dict[Word, Code] = field(default_factory=dict)
    api_token: Code = "1"


def told(value: object, kin: Kin | None = None) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        parse(Tree, value, "tree", kin=kin)
    return [str(problem) for problem in raised.value.problems]


def test_yaml_shapes_are_read_into_the_dataclass() -> None:
    value = {
        "leaves": [{"name": "a", "shades": ["red"]}],
        "byName": {"x/y": {"name": "b"}},
        "store": {"type": "tape", "label": "t"},
        "height": 3,
    }
    assert parse(Tree, value, "tree") == Tree(
        leaves=[Leaf(name="a", shades=[Colour.RED])],
        by_name={"x/y": Leaf(name="b")},
        store=Tape(label="t"),
        height=3.0,
    )


@pytest.mark.parametrize("value", ["5", 5.5, True, None, [], {}])
def test_nothing_becomes_a_whole_number(value: object) -> None:
    [problem] = told({"count": value})
    assert problem.startswith("tree.count: ")
    assert "count takes a whole number" in problem


@pytest.mark.parametrize("value", [5, 5.5, True, None, [], {}])
def test_nothing_becomes_text(value: object) -> None:
    [problem] = told({"leaves": [{"name": value}]})
    assert problem.startswith("tree.leaves[0].name: ")
    assert "name takes text" in problem


def test_paths_lead_through_lists_mappings_and_unions() -> None:
    value = {
        "leaves": [{"name": "a"}, {"name": "b", "shades": ["red", "green"]}],
        "byName": {"x/y": {"nam": "c"}},
        "store": {"type": "disk", "sizeGb": "1", "label": "l", "siz": 1},
    }
    assert [problem.partition(": ")[0] for problem in told(value)] == [
        "tree.leaves[1].shades[1]",
        "tree.byName[x/y].name",
        "tree.byName[x/y].nam",
        "tree.store.sizeGb",
        "tree.store.label",
        "tree.store.siz",
    ]


def test_a_missing_key_is_explained_by_its_own_docstring() -> None:
    assert told({"leaves": [{}]}) == [
        "tree.leaves[0].name: required, but not set. Add `name: ...` (text): the leaf's name."
    ]


def test_the_type_of_a_union_is_asked_for() -> None:
    assert "Add `type:`, one of disk, tape." in told({"store": {"label": "x"}})[0]
    assert "Did you mean tape?" in told({"store": {"type": "tapes"}})[0]


def test_a_key_of_a_sibling_is_not_just_unknown() -> None:
    [problem] = told({"store": {"type": "disk", "sizeGb": 1, "label": "x"}})
    assert "'label' is a key of type tape, but its type is disk" in problem


def test_a_bound_is_told_with_what_is_there() -> None:
    assert told({"bounded": 10}) == ["tree.bounded: 10 is too large. Use 9 or less."]
    assert told({"some": []}) == ["tree.some: empty. Give it a value, or remove the key if it has a default."]
    assert told({"some": ["a", "b", "c"]}) == ["tree.some: [...] has too many entries. List at most 2."]


def test_a_text_of_another_form_is_told_with_how_it_is_written() -> None:
    assert told({"code": "A1"}) == ["tree.code: 'A1' is not a valid code. Write digits, for example 12."]
    assert told({"codes": {"x y": "1", "ok": "1\n"}}) == [
        "tree.codes[x y]: 'x y' is not a valid word. Write letters.",
        "tree.codes.ok: '1\\n' is not a valid code. Write digits, for example 12.",
    ]


def test_a_text_of_another_form_is_not_repeated_under_the_name_of_a_secret() -> None:
    assert told({"apiToken": "hunter2"}) == [
        "tree.apiToken: (not shown) is not a valid code. Write digits, for example 12."
    ]
    assert told({"apiToken": ""}) == ["tree.apiToken: empty. Write digits, for example 12."]


def test_editors_learn_a_texts_form() -> None:
    assert TypeAdapter(Tree).json_schema()["properties"]["code"]["pattern"] == "^([0-9]+)$"


def test_kin_tells_of_refused_and_foreign_keys() -> None:
    kin = Kin(
        own="oaks",
        because="this is an oak",
        others={"firs": Leaf},
        refused={"axe": "Leave it: it would fall."},
    )
    foreign, refused = told({"name": "x", "axe": 1}, kin)
    assert foreign.startswith("tree.name: 'name' is a key of firs, but this is an oak. ")
    assert foreign.endswith("Remove it: it has no effect here.")
    assert refused == "tree.axe: not offered. Leave it: it would fall."


def test_pythons_spelling_is_no_key() -> None:
    [problem] = told({"by_name": {}})
    assert "Did you mean byName?" in problem


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (object(), "tree"),
        (float("nan"), "tree"),
        ({"leaves": {1, 2}}, "tree.leaves"),
        ({"leaves": [{"name": "a"}, {"name": object()}]}, "tree.leaves[1].name"),
        ({"count": float("inf")}, "tree.count"),
        ("\ud800", "tree"),
    ],
)
def test_what_is_no_plain_data_is_told_where_it_is(value: object, path: str) -> None:
    [problem] = told(value)
    assert problem.startswith(f"{path}: ")


def test_what_holds_itself_is_told_and_not_followed_for_ever() -> None:
    value: dict[str, object] = {}
    value["leaves"] = [value]
    assert len(told(value)) == 1


@pytest.mark.parametrize("key", ["\n", "a\nb", "\x1b[31m", "\u2028", "'\r"])
def test_a_key_that_is_no_printable_text_is_told_on_one_line(key: str) -> None:
    [problem] = told({key: 1})
    assert problem.isprintable()


@pytest.mark.parametrize("value", [None, [], "text", 5])
def test_what_is_no_mapping_is_told(value: object) -> None:
    [problem] = told(value)
    assert "tree takes a mapping" in problem


@pytest.mark.parametrize(
    "token",
    [
        *("glrt-abc_1234567", "glpat-a.b.c45678", "GR1348941abcdef78", "prefix glrtr-abc45678 suffix"),
        *("gldt-xyz45678", "glcbt-1_abc678"),
    ],
)
def test_gitlab_tokens_are_never_shown(token: str) -> None:
    assert "(not shown)" in shown(token)
    for part in ("abc", "a.b.c", "xyz"):
        assert part not in shown(token)
        assert part not in shown({"k": [token]})


def test_long_values_are_cut() -> None:
    assert len(shown("x" * 1000)) < 70
    assert len(shown(["x"] * 1000)) < 70


@pytest.mark.parametrize(
    ("word", "meant"),
    [("machine_type", "machineType"), ("MACHINETYPE", "machineType"), ("maxNode", "maxNodes"), ("zzz", None)],
)
def test_near_misses_are_recognised(word: str, meant: str | None) -> None:
    assert did_you_mean(word, ["machineType", "maxNodes", "minNodes"]) == meant


@pytest.mark.parametrize(
    ("word", "meant"),
    [("patchType", "type"), ("patch_type", "type"), ("patchName", "name"), ("ptach", "patch"), ("patches", "patch")],
)
def test_a_longer_name_is_taken_for_its_last_part_before_its_first(word: str, meant: str) -> None:
    assert did_you_mean(word, ["name", "patch", "type"]) == meant


def test_a_slip_of_the_keys_comes_before_the_last_part_of_a_name() -> None:
    assert did_you_mean("poodLabels", ["labels", "podLabels"]) == "podLabels"


def test_paths_are_spelled_as_the_stack_file_spells_them() -> None:
    assert joined("pools", 1, "labels", "a/b", "7") == "pools[1].labels[a/b][7]"
    assert joined("", "pools") == "pools"


def test_kinds_have_plain_names() -> None:
    values: list[object] = [True, 1, 1.5, "a", [], (), {}, None]
    assert [kind(value) for value in values] == [
        "true or false",
        "a whole number",
        "a number",
        "text",
        "a list",
        "a list",
        "a mapping",
        "empty",
    ]


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Twig(Leaf):
    shades: list[Colour] = field(default_factory=lambda: [Colour.RED])
    """Shades of the twig."""


def test_a_key_of_a_base_has_its_description_in_the_reference_and_in_the_schema() -> None:
    assert [key.description for key in keys(Twig)] == ["The leaf's name. Any text.", "Shades of the twig."]
    described = TypeAdapter(Twig).json_schema()["properties"]
    assert [entry["description"] for entry in described.values()] == [key.description for key in keys(Twig)]


class TestWhatAComponentIsGiven:
    def test_a_section_is_taken_as_it_is(self) -> None:
        tree = Tree(count=2)
        assert section_of(Tree, tree, "tree") is tree

    def test_fields_names_and_whole_floats_are_read_however_deep_and_a_mappings_own_keys_are_kept(self) -> None:
        value = {
            "leaves": ({"name": "a", "shades": [Colour.RED]},),
            "by_name": {"size_gb": {"name": "b"}},
            "store": {"type": "disk", "size_gb": 7.0},
            "count": 2.0,
        }
        assert section_of(Tree, value, "tree") == Tree(
            leaves=[Leaf(name="a", shades=[Colour.RED])],
            by_name={"size_gb": Leaf(name="b")},
            store=Disk(size_gb=7),
            count=2,
        )

    @pytest.mark.parametrize(
        ("value", "path"),
        [
            ({"store": {"type": "disk", "size_gb": 7.5}}, "tree.store.sizeGb"),
            ({"by_nam": {}}, "tree.by_nam"),
            ({"count": "2"}, "tree.count"),
            ({"leaves": [{"name": object()}]}, "tree.leaves[0].name"),
            (None, "tree"),
        ],
    )
    def test_it_is_as_strict_as_a_stack_file_and_speaks_of_its_keys(self, value: object, path: str) -> None:
        with pytest.raises(ConfigError) as refused:
            section_of(Tree, value, "tree")
        assert [problem.path for problem in refused.value.problems] == [path]
