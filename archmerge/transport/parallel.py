"""Doing several requests at once. Plain threads: those of `concurrent.futures` hold up a Ctrl-C until they end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

T = TypeVar("T")


def settle(tasks: Sequence[Callable[[], T]], workers: int = 64) -> list[T | Exception]:
    """Run all tasks, at most `workers` at once; each result or the exception raised, in the tasks' order."""
    results: list[T | Exception] = [RuntimeError("not run")] * len(tasks)
    upcoming = iter(range(len(tasks)))
    guard = threading.Lock()

    def work() -> None:
        while True:
            with guard:
                number = next(upcoming, None)
            if number is None:
                return
            try:
                results[number] = tasks[number]()
            except Exception as error:  # noqa: BLE001 - handed to the caller, who raises it
                results[number] = error

    others = [threading.Thread(target=work, daemon=True) for _ in range(min(workers, len(tasks)) - 1)]
    started = []
    for thread in others:
        try:
            thread.start()
        except RuntimeError:
            break  # no more threads to be had (a container's limit)
        started.append(thread)
    work()
    for thread in started:
        thread.join()
    return results


def gather(tasks: Sequence[Callable[[], T]], workers: int = 64) -> list[T]:
    """Like `settle`, but raises the first failed task's error once all tasks have ended."""
    done: list[T] = []
    for result in settle(tasks, workers):
        if isinstance(result, Exception):
            raise result
        done.append(result)
    return done


class Once:
    """Does each thing once, however many threads want it: the others wait, and get the same result.

    After a failure the next one tries again.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: dict[object, threading.Lock] = {}
        self._results: dict[object, Any] = {}

    def do(self, key: object, act: Callable[[], T]) -> T:
        """Return `act()`, or what it returned when `key` was done before."""
        with self._guard:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._results:
                self._results[key] = act()
            result: T = self._results[key]
            return result
