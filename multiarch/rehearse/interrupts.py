"""Ctrl-C and its like while something is put on a cluster: the first one ends the work, none ends the cleaning up."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """While it is entered, the first signal does what it would have done; from then on they are held back.

    `hold()` holds back the first one too, once there is only cleaning up left. Of those held back the first is
    delivered at the end; the second is delivered at once, for a user who will not wait. Signals whose handling is not
    Python's (nobody asked for it) are left alone, and so are all in another thread than the main one.
    """

    def __init__(self) -> None:
        self._before: dict[int, Any] = {}
        self._held = False
        self._waiting: int | None = None

    def __enter__(self) -> Self:
        """Take the signals over."""
        if threading.current_thread() is threading.main_thread():
            handlers = {number: signal.getsignal(number) for number in _SIGNALS}
            self._before = {number: handler for number, handler in handlers.items() if callable(handler)}
            for number in self._before:
                signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the signals back, and deliver the one that waits, unless an interrupt is what ended the work."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self._waiting is not None and not isinstance(error, (KeyboardInterrupt, SystemExit)):
            self._before[self._waiting](self._waiting, None)

    def hold(self) -> None:
        """Hold every signal back from now on."""
        self._held = True

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._held and self._waiting is None:
            self._waiting = number
            return
        self._held = True
        self._before[number](number, frame)
