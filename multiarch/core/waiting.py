"""Waiting for what somebody else does, by looking again and again: tenacity does the rounds."""

from collections.abc import Callable
from typing import TypeVar

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

T = TypeVar("T")


def wait_while(look: Callable[[], T], seconds: float, *, every: float = 0.1) -> T:
    """Look until there is nothing left (an empty list, False, None), and return what the last look saw.

    What is returned is empty unless the `seconds` were over. Errors of `look` are raised as they are.
    """
    rounds = Retrying(
        retry=retry_if_result(bool),
        stop=stop_after_delay(seconds),
        wait=wait_fixed(every),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
    )
    return rounds(look)
