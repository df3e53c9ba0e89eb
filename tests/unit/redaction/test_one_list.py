"""One module says what secrets look like and are called: a second list forgets what the first has learned."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.secret_text import HINTS, NAME_HINTS, SECRET_NAME, SHAPES, blotted, secret_in
from multiarch.core.secrets import hide_tokens
from tests.unit.redaction.test_redaction import CORE, INNOCENT, SHAPED

ROOT = Path(__file__).resolve().parents[3]
LIST = "components/secret_text.py"
ELSEWHERE = {
    "multiarch/model/executor/metadata.py": "what gitlab-runner itself cuts off a token to name a pod",
    "multiarch/core/secrets.py": "how prose and headers say a value, around the list's own names",
}
"""Modules with such a pattern of their own, and why."""

MARKS = re.compile(
    r"gl(?:\(|\[|rt|pat|dt|oas|cbt|ptt|agent)|GR1348941|gh(?:\[|p_|o_|s_)|github_pat|pul-|AKIA|ASIA|k8s-aws|ya29|AIza"
    r"|GOCSPX|AccountKey=|sha256~|\beyJ|PRIVATE KEY|kubeconfig-[\[\\]|bearer|passw|pass\(|passphrase|api\[|private\[",
    re.IGNORECASE,
)
SYNTAX = re.compile(r"\(\?|\\[bwWsSdD]|\[[^\]]+\][*+{?]|\)[*+?{]|\([^()]*\|[^()]*\)")
"""What no text has that is no pattern: groups, classes, alternatives."""


def patterns(source: str) -> Iterator[str]:
    """List the texts of a module that are patterns of secrets; docstrings and comments are none."""
    tree = ast.parse(source)
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in prose and isinstance(node.value, str | bytes):
            text = node.value if isinstance(node.value, str) else node.value.decode(errors="replace")
            if MARKS.search(text) and SYNTAX.search(text):
                yield text


def test_no_other_module_has_a_pattern_of_secrets() -> None:
    modules = [path for folder in ("components", "multiarch") for path in sorted((ROOT / folder).rglob("*.py"))]
    found = {str(path.relative_to(ROOT)): [*patterns(path.read_text())] for path in modules}
    assert found.pop(LIST)
    assert {name: texts for name, texts in found.items() if texts and name not in ELSEWHERE} == {}
    assert [name for name in ELSEWHERE if not found.get(name)] == []  # no reason outlives its pattern


@pytest.mark.parametrize(
    "source",
    [
        r'X = re.compile(r"\bgl(?:rt|pat)-\w+")',
        r'X = re.compile(r"glrt-[A-Za-z0-9]+")',
        r'X = re.compile(rb"(?:AKIA|ASIA)[0-9A-Z]{16}")',
        r'X = re.search("-----BEGIN [A-Z ]*PRIVATE KEY-----", text)',
        r'X = re.compile(r"eyJ[\w-]{10,}")',
        r'X = re.compile(rf"(?i){A}|pass(word|wd)|token")',
        r'X = {"a login": r"(?i)bearer +\w+"}',
    ],
)
def test_a_second_pattern_would_be_found(source: str) -> None:
    assert [*patterns(source)]


def test_words_about_secrets_are_no_patterns() -> None:
    assert not [*patterns('"""glrt-[a-z]+"""\nX = "Use the glrt- token (asks for it), or existingSecret."')]


@pytest.mark.parametrize("secret", SHAPED[:-4])
def test_what_redaction_hides_checks_refuse_and_messages_blot(secret: str) -> None:
    assert secret_in(secret)
    assert CORE[:30].lower() not in blotted(secret).lower()
    assert hide_tokens(secret) != secret


@pytest.mark.parametrize("text", [*INNOCENT, f"https://{'0a' * 16}@sentry.example.com/1"])
def test_innocent_settings_are_no_secret(text: str) -> None:
    assert secret_in(text) is None


def test_every_kind_has_the_words_that_lead_to_it() -> None:
    assert all(shape.hints for shape in SHAPES.values())
    assert set(HINTS) == {hint for shape in SHAPES.values() for hint in shape.hints}
    for secret in SHAPED[:-2]:
        assert "PRIVATE KEY" in secret or any(hint in secret for hint in HINTS), secret


@pytest.mark.parametrize(
    "name", ["API_TOKEN", "TOKEN_2", "dbPassword", "client-key-data", "MY_JWT", "db_pwd", "GH_PAT"]
)
def test_a_secrets_name_is_known_everywhere(name: str) -> None:
    assert SECRET_NAME.search(name)


@pytest.mark.parametrize("name", ["tokenizer", "passenger", "keyboard", "compass", "imagePullSecrets", "monkey"])
def test_other_names_are_innocent(name: str) -> None:
    assert not SECRET_NAME.search(name)


def test_every_name_has_the_words_that_lead_to_it() -> None:
    for name in ("token", "passwd", "password", "passphrase", "secret", "credentials", "jwt", "accountKey"):
        assert any(hint in name.lower() for hint in NAME_HINTS), name
