"""Reading stack files without the CLI: what the program would be given, and where the mistake is."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.problems import ConfigError
from multiarch.model.stack_file import PLACEHOLDER, TOKEN_PLACEHOLDER, load_stack_file


def load(folder: Path, text: str) -> tuple[dict[str, str], frozenset[str]]:
    path = folder / "Pulumi.x.yaml"
    path.write_text(text)
    return load_stack_file(path)


def mistake(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as raised:
        load(folder, text)
    [problem] = raised.value.problems
    assert raised.value.source == str(folder / "Pulumi.x.yaml")
    assert problem.consequence
    assert problem.fix
    return str(problem)


def test_text_stays_text_and_everything_else_becomes_json(tmp_path: Path) -> None:
    values, secrets = load(tmp_path, "config:\n  aws:region: eu-central-1\n  a:n: 5\n  a:b: true\n  a:l: [1, {x: y}]\n")
    assert values == {"aws:region": "eu-central-1", "a:n": "5", "a:b": "true", "a:l": '[1, {"x": "y"}]'}
    assert secrets == frozenset()


def test_a_bare_key_gets_the_programs_namespace(tmp_path: Path) -> None:
    assert load(tmp_path, "config:\n  pools: []\n")[0] == {"multiarch-runner:pools": "[]"}


def test_a_key_in_both_spellings_is_refused(tmp_path: Path) -> None:
    assert "would silently replace" in mistake(tmp_path, "config:\n  pools: []\n  multiarch-runner:pools: []\n")


def test_secrets_become_placeholders_and_are_marked(tmp_path: Path) -> None:
    text = (
        "config:\n  multiarch-runner:runnerToken: {secure: AAAB}\n  gitlab:token: {secure: AAAC}\n"
        "  a:nested: {plain: x, deep: [{key: {secure: AAAD}}]}\n  a:open: {secure: [not, ciphertext]}\n"
    )
    values, secrets = load(tmp_path, text)
    assert values["multiarch-runner:runnerToken"] == TOKEN_PLACEHOLDER
    assert values["gitlab:token"] == PLACEHOLDER
    assert json.loads(values["a:nested"]) == {"plain": "x", "deep": [{"key": PLACEHOLDER}]}
    assert secrets == {"multiarch-runner:runnerToken", "gitlab:token", "a:nested"}
    assert "AAA" not in str(values)


@pytest.mark.parametrize("word", ["yes", "no", "on", "off", "2026-11-23", "12:30:45", "1_000"])
def test_words_that_only_old_yaml_converts_stay_text(word: str, tmp_path: Path) -> None:
    assert json.loads(load(tmp_path, f"config:\n  a:x: {{k: {word}}}\n")[0]["a:x"]) == {"k": word}


def test_keys_are_text_even_if_they_look_like_numbers(tmp_path: Path) -> None:
    assert load(tmp_path, "config:\n  a:x: {1: one, true: yes}\n")[0]["a:x"] == '{"1": "one", "true": "yes"}'


def test_anchors_and_merge_keys_work_and_may_be_overridden(tmp_path: Path) -> None:
    text = "config:\n  a:base: &base {n: 1, m: 2}\n  a:other: {<<: *base, n: 3}\n"
    assert json.loads(load(tmp_path, text)[0]["a:other"]) == {"n": 3, "m": 2}


@pytest.mark.parametrize(
    ("text", "where", "found"),
    [
        ("config:\n  a:b: [1, 2\n", "line 3, column 1", "expected ',' or ']'"),
        ("config:\n\ta: b\n", "line 2, column 1", "'\\t'"),
        ("config:\n  a:b: \x07\n", "line 2, column 8", "special characters"),
        ("config: !!python/object:os.system {}\n", "line 1, column 9", "could not determine a constructor"),
        ("config:\n  a:b: 1\n  a:c: 2\n  a:b: 3\n", "line 4, column 3", "the key 'a:b' is written twice"),
        ("config:\n  p:\n    - {name: a, name: b}\n", "line 3, column 17", "the key 'name' is written twice"),
        ("config: {[1, 2]: x}\n", "line 1, column 10", "a key is a list or a mapping"),
        ("config:\n  a:b: *nowhere\n", "line 2, column 8", "undefined alias"),
        ("a: b\n---\nc: d\n", "line 2, column 1", "another document"),
        ("config:\n  a:b: &x [*x]\n", "line 2, column 8", "recursive"),
        ("config:\n  a:b: [1e999]\n", "a:b", "a number too large to write down"),
        ("config:\n  a:b: &x {k: *x}\n", "line 2, column 8", "recursive"),
    ],
)
def test_what_is_no_yaml_is_told_with_line_and_column(text: str, where: str, found: str, tmp_path: Path) -> None:
    told = mistake(tmp_path, text)
    assert told.startswith(f"{where}: ")
    assert found in told


@pytest.mark.parametrize(
    ("text", "path", "found"),
    [
        ("", "the file", "empty, not a mapping"),
        ("- a\n", "the file", "a list, not a mapping"),
        ("{}", "config", "required, but not set"),
        ("config:\n", "config", "empty, not a mapping"),
        ("config: [a]\n", "config", "a list, not a mapping"),
    ],
)
def test_a_file_that_is_no_stack_file_is_told(text: str, path: str, found: str, tmp_path: Path) -> None:
    assert mistake(tmp_path, text).startswith(f"{path}: {found}: only keys below `config:` are read")


@pytest.mark.parametrize(
    ("key", "fix"),
    [("confg", "Did you mean config?"), ("pools", "Indent it below `config:`."), ("zzz", "Remove it.")],
)
def test_an_unknown_key_beside_config_is_told(key: str, fix: str, tmp_path: Path) -> None:
    told = mistake(tmp_path, f"config: {{}}\n{key}: []\n")
    assert told == f"{key}: unknown key at the top level of a stack file: Pulumi would silently ignore it. {fix}"


def test_a_missing_file_is_told_with_the_stacks_that_there_are(tmp_path: Path) -> None:
    load(tmp_path, "config: {}\n")
    with pytest.raises(ConfigError, match=r"no such file.*Stacks here: x\."):
        load_stack_file(tmp_path / "Pulumi.y.yaml")


def test_a_folder_in_the_files_place_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a directory"):
        load_stack_file(tmp_path)


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.x.yaml").write_bytes(b"config: \xff\n")
    with pytest.raises(ConfigError, match="byte 8: the file is not UTF-8 text"):
        load_stack_file(tmp_path / "Pulumi.x.yaml")


def test_nesting_without_end_is_told(tmp_path: Path) -> None:
    assert "nested too deeply" in mistake(tmp_path, "config: " + "[" * 5000 + "]" * 5000)


@given(st.text(max_size=200))
def test_any_text_is_read_or_told(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "Pulumi.any.yaml"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    try:
        values, secrets = load_stack_file(path)
    except ConfigError:
        return
    assert secrets <= set(values)
