"""What is a quantity, and which is the larger: all readers of ours, and the API server's validation of pods."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import strategies as st

from components.runner.quantities import quantity as of_the_program
from multiarch.cluster.api import Api
from multiarch.drift.live.difference import same_meaning
from multiarch.model.executor.job import RefusedError
from multiarch.model.executor.quantities import quantity as of_the_executor
from tests.differential.lab import NAMESPACE, Tally, accepted, generated, side_by_side

PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
SUFFIXES = [
    *("", "n", "u", "m", "k", "K", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "ki", "Ei"),
    *("e3", "E-1", "e+2", "e", "ee1", "mi"),
]
NUMBERS = st.sampled_from(
    ["0", "1", "2", "10", "007", "1.", ".5", "0.5", "1.25", "1000", "1024", "1536", ".", "-1", "+1"]
)
ODD = st.text("0159.eEmkKiM_+-x", min_size=1, max_size=4)
TEXTS = st.one_of(
    st.builds(str.__add__, NUMBERS, st.sampled_from(SUFFIXES)), ODD, st.sampled_from(["NaN", "inf", "1_0"])
)
VALID = st.builds(
    str.__add__,
    st.sampled_from(["1", "2", "1000", "1024", "0.5", "1.5", "1.", "1048576"]),
    st.sampled_from(["", "k", "Ki", "M", "Mi", "e3", "E+3", "000m"]),
).filter(lambda text: not (text.endswith("m") and "." in text))
"""Whole thousandths: the API server rounds others up to them."""
NOBODY_MEANS = re.compile(r"[+-].*|.*[nu]|\.?[eE].*")
"""Quantities that the program refuses though they are some: signed, of millionths, or an exponent alone."""


def pod(**resources: Any) -> dict[str, Any]:
    container = {"name": "c", "image": "x", "resources": resources}
    return {"metadata": {"name": "quantities"}, "spec": {"containers": [container]}}


def program(text: str) -> Decimal | None:
    return of_the_program(text)


def executor(text: str) -> Decimal | None:
    try:
        return of_the_executor(text)
    except RefusedError:
        return None


READERS: dict[str, Callable[[str], Decimal | None]] = {"the program": program, "the executor model": executor}


@pytest.mark.parametrize("reader", READERS)
def test_a_text_is_a_quantity_where_the_api_server_takes_it(reader: str, api: Api, tally: Tally) -> None:
    read = READERS[reader]
    # Without a digit it depends on the suffix: Go reads `M` as 0, and refuses `Ei`.
    texts = [text for text in generated(TEXTS, 620) if re.search("[0-9]", text)]
    if reader == "the program":
        assert [text for text in texts if NOBODY_MEANS.fullmatch(text) and read(text) is not None] == []
        texts = [text for text in texts if not NOBODY_MEANS.fullmatch(text)]
    real = side_by_side(lambda text: accepted(api, PODS, pod(limits={"memory": text})), texts)
    ours = [(value := read(text)) is not None and value >= 0 for text in texts]
    tally.compare(f"quantities of {reader}", zip(map(repr, texts), ours, real, strict=True))


@pytest.mark.parametrize("reader", READERS)
def test_a_request_is_above_its_limit_where_the_api_server_refuses_it(reader: str, api: Api, tally: Tally) -> None:
    read = READERS[reader]
    pairs = generated(st.tuples(VALID, VALID))

    def refused(pair: tuple[str, str]) -> bool:
        return not accepted(api, PODS, pod(requests={"memory": pair[0]}, limits={"memory": pair[1]}))

    def above(pair: tuple[str, str]) -> bool:
        request, limit = map(read, pair)
        assert request is not None
        assert limit is not None
        return request > limit

    tally.compare(
        f"requests above limits by {reader}", zip(pairs, map(above, pairs), side_by_side(refused, pairs), strict=True)
    )


def test_drift_takes_for_equal_what_the_api_server_does(api: Api, tally: Tally) -> None:
    pairs = generated(st.tuples(VALID, VALID))
    alike = [(one, other) for one, other in pairs if executor(one) == executor(other)]
    pairs += alike * 2  # the interesting ones are few

    def equal(pair: tuple[str, str]) -> bool:
        both = (pair, pair[::-1])
        return all(accepted(api, PODS, pod(requests={"memory": one}, limits={"memory": two})) for one, two in both)

    ours = [same_meaning(("spec", "limits", "memory"), *pair) for pair in pairs]
    tally.compare("equal quantities in drift", zip(pairs, ours, side_by_side(equal, pairs), strict=True))
