"""The same input to our code and to the real thing: inputs are generated, asked in batches, and counted."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

from multiarch.cluster.api import Api, ApiRefused

T = TypeVar("T")
R = TypeVar("R")
AT_LEAST = 300
"""Inputs a rule."""
NAMESPACE = "differential"
SEED = os.environ.get("MULTIARCH_DIFFERENTIAL_SEED", "")
"""A number gives other inputs than the ones that every run has."""
_AT_ONCE = 8


def generated(strategy: SearchStrategy[T], count: int = AT_LEAST) -> list[T]:
    """Return so many different inputs, the same in every run.

    A rule is asked of a cluster for all of them at once, so that there is no shrinking: the inputs are small.
    """
    found: dict[str, T] = {}

    def collect(one: T) -> None:
        found.setdefault(repr(one), one)

    run = given(strategy)(collect)
    run = seed(int(SEED))(run) if SEED else run
    settings(
        max_examples=count * 2,
        derandomize=not SEED,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )(run)()
    assert len(found) >= count, f"only {len(found)} different inputs"
    # The first ones are the smallest: take them evenly.
    step = len(found) / count
    values = list(found.values())
    return [values[int(index * step)] for index in range(count)]


def side_by_side(act: Callable[[T], R], items: Iterable[T]) -> list[R]:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(act, items))


def accepted(api: Api, collection: str, manifest: dict[str, Any]) -> bool:
    """Ask the API server whether it would take an object."""
    try:
        api.create(collection, manifest, dry_run=True)
    except ApiRefused as refusal:
        if refusal.status not in {400, 422}:
            raise
        return False
    return True


@dataclass
class Tally:
    """What was compared, for the end of the run."""

    rules: dict[str, tuple[int, int]] = field(default_factory=dict)

    def compare(self, rule: str, cases: Iterable[tuple[Any, Any, Any]], least: int = AT_LEAST) -> None:
        """Fail for inputs (the first of each three) whose answers, ours and the real one, are not equal."""
        cases = list(cases)
        differ = [f"  {given}\n    ours: {ours}\n    real: {real}" for given, ours, real in cases if ours != real]
        self.rules[rule] = (len(cases), len(differ))
        assert len(cases) >= least, f"{rule}: only {len(cases)} cases"
        answers = {repr(real) for _, _, real in cases}
        assert len(answers) > 1, f"{rule}: every real answer is {answers}: nothing is told apart"
        assert not differ, f"{rule}: {len(differ)} of {len(cases)} differ\n" + "\n".join(differ[:20])
