"""When to try again, and after how long. Pure, but for the deadline's clock."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from archmerge.errors import NetworkError

RETRIED_STATUS = frozenset({408, 429, 500, 502, 503, 504})
SLOW_DOWN_STATUS = frozenset({429, 503})
_DIGITS_MAX = 9


class RetryPolicy(NamedTuple):
    """Exponential waits with jitter: `base * 2^n` seconds, at most `cap`, of which a random half is taken off."""

    attempts: int = 5
    base: float = 0.5
    cap: float = 15.0

    def delay(self, attempt: int, asked: float | None) -> float:
        """Seconds to wait after attempt number `attempt` (from 0); `asked` is the registry's Retry-After."""
        import random  # noqa: PLC0415 - 2 ms, and most runs never wait

        spread = random.uniform(0.5, 1.0)  # noqa: S311 - spreads clients in time, protects nothing
        if asked is not None:
            return asked + spread * self.base
        return spread * min(self.cap, self.base * 2.0**attempt)


def parse_retry_after(value: str | None, now: float | None = None) -> float | None:
    """Seconds from a Retry-After header: digits, or an HTTP date. None when there is none or it can't be read."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:_DIGITS_MAX])
    try:
        then = parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError, TypeError):
        return None
    return max(0.0, then - (time.time() if now is None else now))


class Deadline:
    """The moment by which the whole command must be done."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self._end - time.monotonic())

    def cap(self, seconds: float, doing: str) -> float:
        """`seconds`, or what is left of the deadline; NetworkError when nothing is."""
        left = self.left
        if left <= 0:
            raise NetworkError(
                f"{doing}: the deadline of {self.seconds:g} s for the whole command is over",
                fix="give it more with --deadline SECONDS, or find out with --debug what takes so long",
            )
        return min(seconds, left)
