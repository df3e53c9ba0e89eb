"""A file of ignore rules is read strictly: a mistake in it must not let drift pass."""

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.problems import ConfigError
from multiarch.drift.ignore import Rule, load_rules
from multiarch.drift.ignore.file import MOST_RULES

GOOD = """
- resource: "urn:pulumi:gke::*kubernetes:apps/v1:Deployment::web"
  path: spec.replicas
  reason: the autoscaler of the web team scales it
  expires: 2027-01-31
- {resource: "*", path: "metadata.annotations.*", reason: noise, expires: never}
"""
HEAD = "- resource: a\n  path: b\n  reason: c\n"


@pytest.fixture
def rules_file(tmp_path: Path) -> Path:
    return tmp_path / "drift-ignore.yaml"


def problems(file: Path, text: str) -> list[str]:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_rules(file)
    return str(caught.value).splitlines()


def test_rules_are_read_in_their_order(rules_file: Path) -> None:
    rules_file.write_text(GOOD)
    assert load_rules(rules_file) == (
        Rule(
            id="drift-ignore.yaml, rule 1",
            resource="urn:pulumi:gke::*kubernetes:apps/v1:Deployment::web",
            path="spec.replicas",
            reason="the autoscaler of the web team scales it",
            expires=dt.date(2027, 1, 31),
        ),
        Rule(id="drift-ignore.yaml, rule 2", resource="*", path="metadata.annotations.*", reason="noise"),
    )


@pytest.mark.parametrize("text", ["", "# no rules yet\n", "[]"])
def test_a_file_without_rules_has_none(rules_file: Path, text: str) -> None:
    rules_file.write_text(text)
    assert load_rules(rules_file) == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: b", "the file: a mapping, not a list"),
        ("- text", "[0]: 'text' is text: a rule is a mapping"),
        ("- ", "[0]: empty"),
        (HEAD, "[0].expires: required, but not set"),
        (HEAD + "  expires: 2027-02-30", "[0].expires: '2027-02-30' is not a date"),
        (HEAD + "  expires: 20270131", "[0].expires: 20270131 is a whole number"),
        (HEAD + "  expires: '20270131'", "[0].expires: '20270131' is not a date"),
        (HEAD + "  expires: tomorrow", "[0].expires: 'tomorrow' is not a date"),
        (HEAD + "  expires: never\n  path_: c", "[0].path_: unknown key 'path_'"),
        (HEAD + "  expires: never\n  path: c", "the key 'path' is written twice"),
        ("- {resource: a, path: ' ', reason: c, expires: never}", "[0].path: empty"),
        ("- {resource: a, path: b, reason: '', expires: never}", "[0].reason: empty"),
        ("- {resource: '*', path: '**', reason: c, expires: never}", "[0]: every property of every resource"),
        ("- {resource: '**', path: '*', reason: c, expires: never}", "[0]: every property of every resource"),
        ("- {resource: a, path: b, reason: c, expires: never}\n- 5", "[1]: 5 is a whole number"),
        ("- [", "line 1, column 4"),
        ("- " + "[" * 5000, "nested too deeply"),
        ("- {}\n" * (MOST_RULES + 1), f"{MOST_RULES + 1} rules"),
    ],
)
def test_a_mistake_is_told_with_its_place(rules_file: Path, text: str, told: str) -> None:
    assert told in "\n".join(problems(rules_file, text))


def test_every_mistake_is_told_at_once(rules_file: Path) -> None:
    assert len(problems(rules_file, "- 1\n- 2\n" + HEAD)) == 3


def test_a_message_names_the_file(rules_file: Path) -> None:
    assert problems(rules_file, "- 1")[0].startswith(f"{rules_file}: ")


def test_a_missing_file_is_no_empty_one(rules_file: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load_rules(rules_file)


def test_bytes_that_are_no_text_are_told(rules_file: Path) -> None:
    rules_file.write_bytes(b"- \xff")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_rules(rules_file)


@given(
    st.binary(max_size=200) | st.text(alphabet="-{}[]:,'\" \n*&!abcresourcepathexpires20", max_size=120).map(str.encode)
)
def test_whatever_the_file_holds_it_is_rules_or_a_told_mistake(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    file = tmp_path_factory.mktemp("rules") / "drift-ignore.yaml"
    file.write_bytes(data)
    try:
        assert isinstance(load_rules(file), tuple)
    except ConfigError:
        return  # told; any other exception fails
