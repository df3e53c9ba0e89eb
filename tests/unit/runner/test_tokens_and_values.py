"""What must never get into messages, values or files."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.runner.guards import REFUSED_KEYS
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


@given(SECRET_TAIL, SECRET_TAIL)
def test_the_checksum_tells_tokens_apart_without_telling_them(one: str, other: str) -> None:
    assert (token_checksum(one) == token_checksum(other)) == (one == other)
    assert one not in token_checksum(one)


def test_every_refused_key_says_why_and_is_no_real_key(runner: Callable[..., RunnerConfig]) -> None:
    fields = {
        "".join(part.title() if index else part for index, part in enumerate(name.split("_")))
        for name in vars(runner())
    }
    assert not fields & set(REFUSED_KEYS)
    assert all(REFUSED_KEYS.values())
