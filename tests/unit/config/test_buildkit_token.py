"""The second runner's token: needed when there is one, never the first's, never in the open."""

import json
from pathlib import Path
from typing import Any

import pytest

from components.config import load_config
from components.problems import ConfigError
from multiarch.model.placeholders import with_placeholder_token
from multiarch.model.stack_file import TOKEN_PLACEHOLDER, load_stack_file

ROOT = Path(__file__).resolve().parents[3]
KEY, FIRST, RUNNER = (f"multiarch-runner:{key}" for key in ("buildkitToken", "runnerToken", "runner"))
TOKEN = "glrt-the-second-one_0123456789"


def values(stack: str = "gke", **buildkit: Any) -> dict[str, str]:
    found, _ = load_stack_file(ROOT / "stacks" / f"Pulumi.{stack}.yaml")
    runner = {**json.loads(found[RUNNER]), **buildkit}
    return {**found, RUNNER: json.dumps(runner), FIRST: "glrt-the-first-one_0123456789"}


def problems(config: dict[str, str], *secret: str) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        load_config(config, {FIRST, *secret})
    return {problem.path: str(problem) for problem in caught.value.problems}


def test_with_its_own_secret_token_the_stack_is_good_and_the_token_is_not_shown() -> None:
    config = load_config({**values(buildkit={}), KEY: TOKEN}, {FIRST, KEY})
    assert config.buildkit_token == TOKEN
    assert TOKEN not in repr(config)


@pytest.mark.parametrize(
    ("config", "secret", "said"),
    [
        (values(buildkit={}), (), "not set, and runner.buildkit.token names no other source"),
        ({**values(buildkit={}), KEY: TOKEN}, (), "given in plain text"),
        ({**values(buildkit={}), KEY: "glrt-the-first-one_0123456789"}, (KEY,), "the same token as runnerToken"),
        ({**values(buildkit={}), KEY: f"{TOKEN}\n"}, (KEY,), "has white space or a newline"),
        ({**values(), KEY: TOKEN}, (KEY,), "set, but runner.buildkit is not"),
        (
            {**values(buildkit={"token": {"existingSecret": "b"}}), KEY: TOKEN},
            (KEY,),
            "set together with runner.buildkit.token.existingSecret",
        ),
    ],
)
def test_a_token_that_could_not_work_is_refused_and_never_quoted(
    config: dict[str, str], secret: tuple[str, ...], said: str
) -> None:
    found = problems(config, *secret)
    assert list(found) == ["buildkitToken"]
    assert said in found["buildkitToken"]
    assert "pulumi config" in found["buildkitToken"]
    assert TOKEN not in found["buildkitToken"]


def test_a_rehearsal_stands_in_for_each_token_that_is_needed_and_they_differ() -> None:
    config = {key: value for key, value in values(buildkit={}).items() if key != FIRST}
    added, marked, keys = with_placeholder_token(config, ())
    assert keys == ("runnerToken", "buildkitToken")
    assert added[FIRST] != added[KEY]
    assert all(added[key].startswith(TOKEN_PLACEHOLDER) for key in (FIRST, KEY))
    assert marked == {FIRST, KEY}
    load_config(added, marked)
    named = {key: value for key, value in values(buildkit={"token": {"existingSecret": "b"}}).items() if key != FIRST}
    assert with_placeholder_token(named, ())[2] == ("runnerToken",)


def test_an_encrypted_token_is_never_decrypted(tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.x.yaml"
    path.write_text("config:\n  multiarch-runner:buildkitToken: {secure: AAAB}\n")
    found, secret = load_stack_file(path)
    assert found[KEY].startswith(TOKEN_PLACEHOLDER)
    assert secret == {KEY}
