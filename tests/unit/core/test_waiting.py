"""Waiting ends when nothing is left, and says what was left when time is over."""

import pytest

from multiarch.core.waiting import wait_while


def test_it_ends_at_the_look_that_sees_nothing_left() -> None:
    looks = [["a", "b"], ["b"], [], ["never looked at"]]
    assert wait_while(lambda: looks.pop(0), 5.0, every=0.0) == []
    assert looks == [["never looked at"]]


def test_when_time_is_over_it_returns_what_is_left() -> None:
    assert wait_while(lambda: ["still there"], 0.05, every=0.01) == ["still there"]


def test_it_looks_once_even_without_any_time() -> None:
    assert wait_while(list, -1.0) == []


def test_an_error_of_the_look_is_raised_as_it_is() -> None:
    def broken() -> bool:
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError, match="gone"):
        wait_while(broken, 5.0)
