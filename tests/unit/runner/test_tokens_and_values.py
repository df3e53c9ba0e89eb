"""What must never get into messages, values or files."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.problems import Problem
from components.runner.guards import REFUSED_KEYS, check_values
from components.runner.settings import RunnerConfig
from components.runner.tokens import check_token
from components.runner.values import token_checksum

SECRET_TAIL = st.text(alphabet="abcdefghijkmnpqrstuvwxyzABCDEFGH0123456789_-", min_size=12, max_size=30)


@pytest.mark.parametrize("token", ["glrt-abcdefghij0123456789", "glrt-t3_abc-DEF.01.0w1x2y3z4"])
def test_an_authentication_token_is_taken(token: str) -> None:
    assert check_token(token) == []


@pytest.mark.parametrize(
    ("token", "found"),
    [
        ("glrt-abcdefghij0123456789\n", "white space or a newline"),
        (" glrt-abcdefghij0123456789", "white space or a newline"),
        ("glrt-abc\ndef", "white space or a newline"),
        ("", "empty"),
        ("GR1348941abcdefghij", "a registration token"),
        ("glrtr-abcdefghij", "glrtr-"),
        ("glpat-abcdefghij0123456789", "begin with glrt-"),
        ("glrt-", "begin with glrt-"),
    ],
)
def test_what_is_no_authentication_token_is_refused(token: str, found: str) -> None:
    (problem,) = check_token(token)
    assert problem.path == "runnerToken"
    assert found in problem.found


@given(
    tail=SECRET_TAIL,
    prefix=st.sampled_from(["glrt-", "glrtr-", "GR1348941", "", " glrt-"]),
    end=st.sampled_from(["", "\n"]),
)
def test_no_message_ever_holds_the_token(tail: str, prefix: str, end: str) -> None:
    for problem in check_token(prefix + tail + end):
        assert tail not in str(problem)


@given(SECRET_TAIL)
def test_a_token_in_extra_values_is_found_wherever_it_is_and_not_repeated(tail: str) -> None:
    token = f"glrt-{tail}"
    tried: tuple[dict[str, Any], ...] = (
        {"configMaps": {"x": f"token = '{token}'"}},
        {"volumes": [{"name": token}]},
        {"extraEnv": {"HARMLESS": token}},
    )
    for values in tried:
        problems = check_values(values)
        assert len(problems) == 1
        assert token not in str(problems[0])


@given(SECRET_TAIL, SECRET_TAIL)
def test_the_checksum_tells_tokens_apart_without_telling_them(one: str, other: str) -> None:
    assert (token_checksum(one) == token_checksum(other)) == (one == other)
    assert one not in token_checksum(one)


GUARDED: list[tuple[dict[str, Any], str, str]] = [
    ({"runnerToken": "x"}, "runner.values.runnerToken", "existingSecret"),
    ({"runnerRegistrationToken": "x"}, "runner.values.runnerRegistrationToken", "glrt-"),
    ({"runners": {"tags": "a"}}, "runner.values.runners.tags", "reserved"),
    ({"runners": {"runUntagged": True}}, "runner.values.runners.runUntagged", "reserved"),
    ({"runners": {"maximumTimeout": 1}}, "runner.values.runners.maximumTimeout", "reserved"),
    ({"runners": {"privileged": True}}, "runner.values.runners.privileged", "owns its node"),
    ({"runners": {"config": ""}}, "runner.values.runners.config", "undo it"),
    ({"runners": {"configOverride": ""}}, "runner.values.runners.configOverride", "undo it"),
    ({"runners": {"cache": {"secretName": "s"}}}, "runner.values.runners.cache", "static keys"),
    ({"rbac": {"rules": [{"resources": ["pods"]}]}}, "runner.values.rbac", "wildcard"),
    ({"rbac": {"clusterWideAccess": True}}, "runner.values.rbac", "wildcard"),
    ({"podSecurityContext": {}}, "runner.values.podSecurityContext", "restricted"),
    ({"securityContext": {"privileged": True}}, "runner.values.securityContext", "restricted"),
    (
        {"extraContainers": [{"securityContext": {"privileged": True}}]},
        "runner.values.extraContainers[0]",
        "owns its node",
    ),
    ({"deploymentLifecycle": {}}, "runner.values.deploymentLifecycle", "lets jobs finish"),
    ({"sessionServer": {"enabled": True}}, "runner.values.sessionServer.enabled", "public LoadBalancer"),
    ({"extraEnv": {"MY_SECRET": "s"}}, "runner.values.extraEnv.MY_SECRET", "extraEnvFrom"),
    ({"extraObjects": []}, "runner.values.extraObjects", "drift"),
]


@pytest.mark.parametrize(("values", "path", "words"), GUARDED, ids=[path for _, path, _ in GUARDED])
def test_values_that_undo_a_guarantee_are_refused(values: dict[str, Any], path: str, words: str) -> None:
    (problem,) = check_values(values)
    assert problem.path.startswith(path)
    assert words in str(problem)


def test_harmless_values_pass() -> None:
    values: dict[str, Any] = {
        "image": {"registry": "registry.example.com"},
        "priorityClassName": "high",
        "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["gitlab.internal"]}],
        "podLabels": {"team": "ci"},
        "extraEnv": {"HTTPS_PROXY": "http://proxy:3128"},
        "extraEnvFrom": {"CACHE_TOKEN": {"secretKeyRef": {"name": "s", "key": "k"}}},
        "certsSecretName": "gitlab-ca",
        "sessionServer": {"enabled": False},
    }
    assert check_values(values) == []


def test_every_refused_key_says_why_and_is_no_real_key(runner: Callable[..., RunnerConfig]) -> None:
    fields = {
        "".join(part.title() if index else part for index, part in enumerate(name.split("_")))
        for name in vars(runner())
    }
    assert not fields & set(REFUSED_KEYS)
    for key, (consequence, fix) in REFUSED_KEYS.items():
        assert consequence, key
        assert fix, key
        assert str(Problem(path=key, found="x", consequence=consequence, fix=fix))
