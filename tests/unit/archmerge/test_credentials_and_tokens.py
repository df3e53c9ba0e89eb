"""Where credentials come from, and what is done with a challenge."""

from __future__ import annotations

import base64
import contextlib
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archmerge import AuthError
from archmerge.credentials import Credential, Credentials, best_entry, read_entry
from archmerge.errors import ArchmergeError
from archmerge.tokens import (
    Challenge,
    known_challenge,
    parse_challenge,
    parse_token,
    scopes,
    token_request,
)
from archmerge.transport.client import public_url

if TYPE_CHECKING:
    from pathlib import Path


def auth(user: str, password: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def auths(host: str, user: str) -> str:
    return json.dumps({"auths": {host: auth(user, "p")}})


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_sources_are_asked_in_the_documented_order(tmp_path: Path) -> None:
    """Each source is taken away in turn, and the next one answers."""
    home, given_config = tmp_path / "home", tmp_path / "given"
    environ = {
        "HOME": str(home), "ARCHMERGE_USERNAME": "pair", "ARCHMERGE_PASSWORD": "p",
        "DOCKER_AUTH_CONFIG": auths("h", "inline"), "REGISTRY_AUTH_FILE": str(tmp_path / "auth.json"),
        "DOCKER_CONFIG": str(tmp_path / "docker"), "XDG_RUNTIME_DIR": str(tmp_path / "run"),
        "CI_REGISTRY": "h", "CI_REGISTRY_USER": "ci", "CI_REGISTRY_PASSWORD": "p",
    }  # fmt: skip
    files = {
        "flag": given_config / "config.json", "file": tmp_path / "auth.json", "docker": tmp_path / "docker/config.json",
        "home": home / ".docker/config.json", "run": tmp_path / "run/containers/auth.json",
        "config": home / ".config/containers/auth.json",
    }  # fmt: skip
    for user, path in files.items():
        write(path, auths("h", user))
    found = []
    for step in ("ARCHMERGE_PASSWORD", "flag", "DOCKER_AUTH_CONFIG", *list(files)[1:], "CI_REGISTRY", ""):
        credential = Credentials(environ, primary="h", docker_cfg=str(given_config)).find("h", "app")
        found.append(credential.username if credential else None)
        if step in files:
            files[step].unlink()
        environ.pop(step, None)
    assert found == ["pair", "flag", "inline", *list(files)[1:], "ci", None]


def test_the_pair_is_not_sent_to_another_host() -> None:
    environ = {"HOME": "/nonexistent", "ARCHMERGE_USERNAME": "me", "ARCHMERGE_PASSWORD": "p"}
    assert Credentials(environ, primary="h").find("evil.example", "app") is None


@pytest.mark.parametrize(
    ("key", "host", "repository", "fits"),
    [
        ("h:5000", "h:5000", "a/b", True),
        ("https://h:5000", "h:5000", "a/b", True),
        ("https://h/v1/", "h", "a", True),
        ("h/v2", "h", "a", True),
        ("https://index.docker.io/v1/", "docker.io", "library/x", True),
        ("registry-1.docker.io", "docker.io", "library/x", True),
        ("h/a", "h", "a/b", True),
        ("h/a", "h", "ab", False),
        ("h/a/b", "h", "a", False),
        ("h", "h:5000", "a", False),
        ("evil-h", "h", "a", False),
    ],
)
def test_keys_match_hosts_and_paths(key: str, host: str, repository: str, fits: bool) -> None:  # noqa: FBT001 - the table
    assert (best_entry({key: auth("u", "p")}, host, repository) is not None) is fits


def test_the_longest_path_wins() -> None:
    entries = {"h": {"username": "host"}, "h/a/b": {"username": "deep"}, "h/a": {"username": "path"}}
    chosen = best_entry(entries, "h", "a/b/c")
    assert chosen == {"username": "deep"}


@pytest.mark.parametrize(
    ("entry", "user", "password"),
    [
        (auth("u", "p"), "u", "p"),
        (auth("u", "p:q"), "u", "p:q"),
        ({"auth": base64.encodebytes(b"u:" + b"p" * 100).decode()}, "u", "p" * 100),
        ({"auth": base64.b64encode(b"u:p\n").decode()}, "u", "p"),
        ({"username": "u", "password": "p"}, "u", "p"),
        (auth("_json_key", '{"type": "service_account"}'), "_json_key", '{"type": "service_account"}'),
    ],
)
def test_entries_as_people_really_write_them(entry: dict[str, Any], user: str, password: str) -> None:
    credential = read_entry(entry, "x")
    assert credential is not None
    assert (credential.username, credential.password) == (user, password)


def test_a_secret_is_never_shown() -> None:
    secret = Credential("me", "hunter2", "idtok", "regtok", "file")
    assert not any(word in f"{secret!r} {secret}" for word in ("hunter2", "idtok", "regtok"))
    assert "hunter2" not in public_url("https://u:hunter2@h/v2/?X-Amz-Signature=hunter2&_state=hunter2")
    with pytest.raises(AuthError) as caught:
        read_entry({"auth": "aHVudGVyMg=="}, "file")  # base64 of hunter2, without a colon
    assert "hunter2" not in str(caught.value)
    assert "aHVudGVyMg" not in str(caught.value)


def test_helpers_before_auths_and_a_missing_helper_is_no_failure(tmp_path: Path) -> None:
    document = {"credHelpers": {"h": "special"}, "credsStore": "store", "auths": {"h": auth("file", "p")}}
    write(tmp_path / ".docker/config.json", json.dumps(document))
    answers: dict[str, dict[str, Any] | Exception] = {"special": {"Username": "<token>", "Secret": "refresh"}}

    def helper(program: str, _server: str) -> dict[str, Any] | None:
        answer = answers.get(program, FileNotFoundError(program))
        if isinstance(answer, Exception):
            raise answer
        return answer

    def find() -> tuple[Credential | None, list[str]]:
        credentials = Credentials({"HOME": str(tmp_path)}, helper=helper)
        return credentials.find("h", "app"), credentials.notes

    first, _ = find()
    assert first is not None
    assert first.identity_token == "refresh"
    answers["special"] = {}
    answers["store"] = {"Username": "stored", "Secret": "p"}
    second, _ = find()
    assert second is not None
    assert second.username == "stored"
    answers.clear()
    third, notes = find()
    assert third is not None
    assert third.username == "file"
    assert [note.partition(":")[0] for note in notes] == ["docker-credential-special", "docker-credential-store"]


@pytest.mark.parametrize(
    ("key", "host"),
    [("https://index.docker.io/v1/", "docker.io"), ("https://h", "h"), ("h/v2/", "h"), ("h", "h"), ("other", None)],
)
def test_helpers_are_found_by_the_same_keys_as_auths(key: str, host: str | None) -> None:
    asked: list[str] = []

    def helper(program: str, _server: str) -> dict[str, Any]:
        asked.append(program)
        return {"Username": "me", "Secret": "p"}

    environ = {"HOME": "/nonexistent", "DOCKER_AUTH_CONFIG": json.dumps({"credHelpers": {key: "special"}})}
    found = Credentials(environ, helper=helper).find(host or "h", "app")
    assert (found is not None) is (host is not None)
    assert asked == (["special"] if host else [])


def test_a_real_helper_is_run_from_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / ".docker/config.json", json.dumps({"credsStore": "lab"}))
    helper = tmp_path / "docker-credential-lab"
    helper.write_text('#!/bin/sh\nread server\nprintf \'{"Username":"for-%s","Secret":"s"}\' "$server"\n')
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    credential = Credentials({"HOME": str(tmp_path)}).find("h:5000", "app")
    assert credential is not None
    assert credential.username == "for-h:5000"


def test_broken_json_is_named_but_not_shown(tmp_path: Path) -> None:
    write(tmp_path / ".docker/config.json", '{"auths": hunter2')
    with pytest.raises(AuthError, match=r"config\.json is not a JSON object") as caught:
        Credentials({"HOME": str(tmp_path)}).find("h", "app")
    assert "hunter2" not in str(caught.value)


def test_docker_auth_config_may_be_a_variable_of_type_file(tmp_path: Path) -> None:
    write(tmp_path / "config", auths("h", "file"))
    environ = {"HOME": "/nonexistent", "DOCKER_AUTH_CONFIG": f"{tmp_path}/config\n"}
    found = Credentials(environ).find("h", "app")
    assert found is not None
    assert found.username == "file"


def test_a_missing_file_of_credentials_is_noted_and_the_next_source_asked() -> None:
    environ = {"HOME": "/nonexistent", "DOCKER_AUTH_CONFIG": "/builds/x.tmp/DOCKER_AUTH_CONFIG"}
    environ |= {"CI_REGISTRY": "h", "CI_REGISTRY_USER": "ci", "CI_REGISTRY_PASSWORD": "p"}
    credentials = Credentials(environ)
    found = credentials.find("h", "app")
    assert found is not None
    assert found.username == "ci"
    assert credentials.notes == ["DOCKER_AUTH_CONFIG names /builds/x.tmp/DOCKER_AUTH_CONFIG, which does not exist"]


@given(st.text(max_size=200))
def test_any_docker_config_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(AuthError):  # and nothing else
        Credentials({"HOME": "/nonexistent", "DOCKER_AUTH_CONFIG": text}).find("h", "app")


config_values = st.recursive(
    st.none() | st.booleans() | st.text(max_size=9) | st.integers(),
    lambda inner: st.dictionaries(st.sampled_from(["h", "https://h/v1/", "auth", "username", "password"]), inner),
)


@given(st.dictionaries(st.sampled_from(["auths", "credHelpers", "credsStore", "x"]), config_values))
def test_any_shape_of_docker_config_is_read_or_refused(document: dict[str, Any]) -> None:
    def helper(_program: str, _server: str) -> None:
        return None

    environ = {"HOME": "/nonexistent", "DOCKER_AUTH_CONFIG": json.dumps(document)}
    with contextlib.suppress(AuthError):  # and nothing else
        Credentials(environ, helper=helper).find("h", "app")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (['Bearer realm="https://a/t",service="s",scope="x:y:z"'], Challenge("bearer", "https://a/t", "s", "x:y:z")),
        (["bearer  Realm = https://a/t , service=s"], Challenge("bearer", "https://a/t", "s")),
        (['Basic realm="r"', 'Bearer realm="https://a/t"'], Challenge("bearer", "https://a/t")),
        (['Basic realm="a \\"quoted\\" one"'], Challenge("basic", 'a "quoted" one')),
        (["Basic"], Challenge("basic")),
        # Several in one value (RFC 9110, 11.6.1): as Artifactory, Nexus and Azure DevOps have them.
        (['Basic realm="r", Bearer realm="https://a/t",service="s"'], Challenge("bearer", "https://a/t", "s")),
        (['Bearer realm="https://a/t",service="s", Basic realm="r"'], Challenge("bearer", "https://a/t", "s")),
        (['Negotiate, Bearer realm="https://a/t"'], Challenge("bearer", "https://a/t")),
        (['Negotiate YII==, Basic realm="r", charset="UTF-8"'], Challenge("basic", "r")),
        (['Bearer realm="https://a/t", realm="https://thief/t"'], Challenge("bearer", "https://a/t")),
        (['Bearer realm="https://a/t, Basic realm=x"'], Challenge("bearer", "https://a/t, Basic realm=x")),
        (["Bearer", 'realm="https://a/t"'], None),
        (["Negotiate"], None),
        (["Bearer service=s"], None),
        ([], None),
    ],
)
def test_challenges(values: list[str], expected: Challenge | None) -> None:
    assert parse_challenge(values) == expected


def test_basic_is_better_than_a_bearer_realm_that_cannot_be_used() -> None:
    values = ['Bearer realm="https://thief/t"', 'Basic realm="r"', 'Bearer realm="https://a/t"']
    assert parse_challenge(values, lambda realm: "//a/" in realm) == Challenge("bearer", "https://a/t")
    assert parse_challenge(values[:2], lambda realm: "//a/" in realm) == Challenge("basic", "r")
    assert parse_challenge(values[:1], lambda _realm: False) == Challenge("bearer", "https://thief/t")


@given(st.lists(st.text(max_size=120), max_size=3))
def test_any_challenge_header_is_read(values: list[str]) -> None:
    parse_challenge(values)


@given(st.text(alphabet='Bearr realm="htps:/,\\= ', max_size=200))
def test_challenge_like_headers_are_read_in_no_time(value: str) -> None:
    began = time.monotonic()
    parse_challenge([value * 50])
    assert time.monotonic() - began < 1


def test_actions_are_merged_per_repository() -> None:
    assert scopes({"b": {"pull"}, "a": {"push", "pull"}}) == ["repository:a:pull,push", "repository:b:pull"]


def test_a_get_repeats_scopes_and_a_post_joins_them() -> None:
    challenge = Challenge("bearer", "https://a/t?x=1", "s", "aws")
    wanted = ["repository:a:pull,push", "repository:b:pull"]
    _, url, headers, _ = token_request(challenge, wanted, Credential("u", "p"), post=False)
    assert url == ("https://a/t?x=1&service=s&account=u&scope=repository:a:pull,push&scope=repository:b:pull&scope=aws")
    assert headers["Authorization"].startswith("Basic ")
    method, url, _, body = token_request(challenge, wanted, Credential(identity_token="i"), post=True)
    assert (method, url) == ("POST", "https://a/t?x=1")
    assert b"scope=repository%3Aa%3Apull%2Cpush+repository%3Ab%3Apull+aws&refresh_token=i" in (body or b"")


def test_tokens_by_either_name_with_sixty_seconds_where_none_are_said() -> None:
    now = time.monotonic()
    assert 50 < parse_token(b'{"access_token": "t"}', "x").expires - now < 60
    assert 290 < parse_token(b'{"token": "t", "expires_in": 300}', "x").expires - now < 300


@pytest.mark.parametrize(
    "body", [b"{}", b'{"token": 1}', b'{"token": ""}', b'{"token": "a\\r\\nX: y"}', b"<html>", b"[]"]
)
def test_what_is_no_token_is_an_error(body: bytes) -> None:
    with pytest.raises(ArchmergeError):
        parse_token(body, "x")


def test_known_endpoints() -> None:
    environ = {"CI_REGISTRY": "registry.example.com", "CI_SERVER_URL": "https://gitlab.example.com/"}
    known = known_challenge("registry.example.com", environ)
    assert known == Challenge("bearer", "https://gitlab.example.com/jwt/auth", "container_registry")
    assert known_challenge("registry.example.org", environ) is None
    assert known_challenge("1.dkr.ecr.eu-west-1.amazonaws.com", {}) == Challenge("basic")
    assert known_challenge("1.dkr.ecr.evil.example.com", {}) is None


@pytest.mark.parametrize("broken", ["{", "[]", "hunter2"])
def test_a_broken_source_is_an_error_only_where_no_other_knows_the_host(broken: str) -> None:
    environ = {"HOME": "/nonexistent", "DOCKER_AUTH_CONFIG": broken}
    environ |= {"CI_REGISTRY": "h", "CI_REGISTRY_USER": "ci", "CI_REGISTRY_PASSWORD": "p"}
    credentials = Credentials(environ)
    found = credentials.find("h", "app")
    assert found is not None
    assert found.username == "ci"
    assert credentials.notes == ["DOCKER_AUTH_CONFIG is not a JSON object"]
    with pytest.raises(AuthError, match="DOCKER_AUTH_CONFIG is not a JSON object"):
        credentials.find("other", "app")
