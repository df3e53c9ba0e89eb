"""The helper mirror's password: there exactly where a user name is, always a secret, never shown."""

import json
from typing import Any

import pytest

from components.config import load_config
from components.problems import ConfigError
from components.stack_keys import MIRROR_PASSWORD, NAMESPACE
from multiarch.model.placeholders import with_placeholder_token
from multiarch.model.stack_file import SECRET_PLACEHOLDERS

KEY = f"{NAMESPACE}:{MIRROR_PASSWORD}"
PASSWORD = "not-to-be-shown"
MIRROR = {"repository": "registry.example.com/ci/helper"}
RUNNER: dict[str, Any] = {"gitlabUrl": "https://gitlab.com", "token": {"existingSecret": "t"}, "helperImage": "mirror"}


def values(*, username: bool, password: str | None = None) -> dict[str, str]:
    mirror = {**MIRROR, "username": "ci"} if username else MIRROR
    config: dict[str, Any] = {
        "cluster": {"type": "existing", "name": "c", "access": {"context": "x"}},
        "pools": [{"name": arch, "arch": arch, "labels": {"pool": arch}} for arch in ("amd64", "arm64")],
        "runner": {**RUNNER, "helperMirror": mirror},
    }
    found = {f"{NAMESPACE}:{key}": json.dumps(value) for key, value in config.items()}
    return found if password is None else {**found, KEY: password}


def problems(given: dict[str, str], *secret: str) -> list[tuple[str, str]]:
    with pytest.raises(ConfigError) as caught:
        load_config(given, secret)
    assert PASSWORD not in str(caught.value)
    return [(problem.path, problem.found) for problem in caught.value.problems]


def test_a_password_with_its_user_name_is_kept_and_never_shown() -> None:
    config = load_config(values(username=True, password=PASSWORD), [KEY])
    assert config.mirror_password == PASSWORD
    assert PASSWORD not in repr(config)


def test_without_both_the_docker_config_is_meant() -> None:
    assert load_config(values(username=False), []).mirror_password is None


def test_a_user_name_without_a_password_is_refused() -> None:
    assert problems(values(username=True)) == [(MIRROR_PASSWORD, "not set, with runner.helperMirror.username")]


def test_a_password_without_a_user_name_is_refused() -> None:
    found = problems(values(username=False, password=PASSWORD), KEY)
    assert found == [(MIRROR_PASSWORD, "set, but runner.helperMirror has no username")]


def test_a_password_in_plain_text_is_refused() -> None:
    assert problems(values(username=True, password=PASSWORD)) == [(MIRROR_PASSWORD, "given in plain text")]


@pytest.mark.parametrize(("username", "added"), [(True, (MIRROR_PASSWORD,)), (False, ())])
def test_a_rehearsal_adds_a_placeholder_exactly_where_one_is_needed(username: bool, added: tuple[str, ...]) -> None:  # noqa: FBT001 - a column of the table
    given, secret, keys = with_placeholder_token(values(username=username), [])
    assert keys == added
    assert (KEY in secret) == bool(added)
    assert given.get(KEY) == (SECRET_PLACEHOLDERS[MIRROR_PASSWORD] if added else None)
    load_config(given, secret)
