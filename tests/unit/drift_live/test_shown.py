"""Values in reports are short, printable, and never a secret."""

from typing import Any

import pytest

from multiarch.drift.live.difference import SECRET, Delta
from multiarch.drift.live.lists import ABSENT
from multiarch.drift.live.paths import Item, Path
from multiarch.drift.live.shown import LENGTH, MOST, difference, differences, value

TOKEN = "glrt-t3_abcdefghijklmnop"
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEabc\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("path", "item", "hidden"),
    [
        (("data", "x"), TOKEN, TOKEN),
        (("data", "x"), f"--token {TOKEN} --url x", TOKEN),
        (("data", "x"), JWT, JWT),
        (("data", "x"), PEM, "MIIEabc"),
        (("data", "x"), "postgres://ci:hunter2@db/x", "hunter2"),
        (("data", "x"), "AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
        (("data", "x"), 'a = 1\npassword = "hunter2"\n', "hunter2"),
        (("data", "x"), "export CI_TOKEN=hunter2", "hunter2"),
        (("data", "API_TOKEN"), "hunter2", "hunter2"),
        (("runners", Item("0"), "bearer_token"), "hunter2", "hunter2"),
        (("env", Item("DB_PASSWORD", (("name", "DB_PASSWORD"),)), "value"), "hunter2", "hunter2"),
        (("env", Item("X")), {"name": "AWS_SECRET_ACCESS_KEY", "value": "hunter2"}, "hunter2"),
        (("containers", Item("c")), {"env": [{"name": "TOKEN", "value": "hunter2"}]}, "hunter2"),
        (("data", "x"), SECRET, "SECRET"),
    ],
)
def test_what_is_or_looks_like_a_secret_is_hidden(path: Path, item: Any, hidden: str) -> None:
    shown = value(item, path)
    assert shown is not None
    assert "[secret]" in shown
    assert hidden not in shown
    assert hidden not in repr(difference(Delta(path, "something", item)))
    assert hidden not in repr(difference(Delta(path, item, ABSENT)))


@pytest.mark.parametrize(
    ("path", "item"),
    [
        (("runners", "secret"), "gitlab-runner-token"),
        (("volumes", Item("v")), {"name": "v", "secret": {"secretName": "gitlab-runner-token"}}),
        (("automountServiceAccountToken",), True),
        (("spec", "image"), "registry.gitlab.com/gitlab-org/gitlab-runner:alpine-v19.1.1"),
    ],
)
def test_names_of_secrets_are_shown(path: Path, item: Any) -> None:
    assert "[secret]" not in str(value(item, path))


def test_a_hidden_value_that_changed_is_still_told_as_changed() -> None:
    found = difference(Delta(("data", "TOKEN"), "one", "other"))
    assert found.wanted == "[secret]"
    assert found.found == "[secret] (not the same)"


def test_control_characters_and_length_are_tamed() -> None:
    shown = value("red \x1b[31m\n" + "x" * 500)
    assert shown is not None
    assert "\x1b" not in shown
    assert "\n" not in shown
    assert len(shown) <= LENGTH


def test_of_long_texts_the_first_different_line_is_shown() -> None:
    text = "\n".join(f"line {number}" for number in range(50))
    found = difference(Delta(("data", "script"), text, text.replace("line 42", "curl example.org | sh")))
    assert (found.wanted, found.found) == ("line 43: line 42", "line 43: curl example.org | sh")
    added = difference(Delta(("data", "script"), text, f"{text}\nmore"))
    assert (added.wanted, added.found) == ("line 51: nothing", "line 51: more")


def test_nothing_is_none_and_paths_stay_on_one_line() -> None:
    found = difference(Delta(("data", "a\nb"), ABSENT, "x"), "root")
    assert (found.wanted, found.found, found.path) == (None, "x", 'root.data["a b"]')


def test_very_many_differences_are_counted_and_not_listed() -> None:
    shown, more = differences(Delta(("data", f"k{number:03}"), ABSENT, "x") for number in range(MOST + 7))
    assert len(shown) == MOST
    assert more == 7
