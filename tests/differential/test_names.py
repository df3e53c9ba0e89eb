"""What names, label keys and label values may be: our patterns and the API server's own validation."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import strategies as st

from components.kubernetes_names import (
    DNS_LABEL,
    LABEL_VALUE,
    META_KEY,
    OBJECT_NAME,
    QUALIFIED_NAME,
    is_annotation_key,
)
from multiarch.cluster.api import Api
from multiarch.model.providers import names
from tests.differential.lab import NAMESPACE, Tally, accepted, generated, side_by_side

CONFIG_MAPS = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
LENGTHS = (61, 62, 63, 64, 65, 252, 253, 254)


def texts(alphabet: str) -> st.SearchStrategy[str]:
    """Short ones with every kind of character at every place, and long ones around the bounds."""
    short = st.text(alphabet, max_size=6)
    long = st.builds(lambda length, end: "a" * (length - len(end)) + end, st.sampled_from(LENGTHS), short)
    return st.one_of(short, long, st.builds(lambda one, two: f"{one}/{two}", short | long, short | long))


def matches(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: pattern.fullmatch(text) is not None


def faultless(fault: Callable[[str], str | None]) -> Callable[[str], bool]:
    return lambda text: fault(text) is None


def config_map(**metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": "one", **metadata}}


RULES: dict[str, tuple[str, str, Callable[[str], dict[str, Any]], tuple[Callable[[str], bool], ...]]] = {
    "namespaces' names": (
        "ab0-.A_",
        "/api/v1/namespaces",
        lambda text: {"metadata": {"name": text}},
        (matches(DNS_LABEL), faultless(names.dns_label_fault)),
    ),
    "objects' names": (
        "ab0-.A_",
        CONFIG_MAPS,
        lambda text: config_map(name=text),
        (matches(OBJECT_NAME), faultless(names.dns_subdomain_fault)),
    ),
    "keys of labels": (
        "aB0-._é",
        CONFIG_MAPS,
        lambda text: config_map(labels={text: ""}),
        (matches(META_KEY), faultless(names.qualified_name_fault)),
    ),
    "keys of labels behind their prefix": (
        "aB0-._é",
        CONFIG_MAPS,
        lambda text: config_map(labels={f"example.org/{text}": ""}),
        (matches(QUALIFIED_NAME),),
    ),
    "keys of annotations": (
        "aBK0-._\u212a",
        CONFIG_MAPS,
        lambda text: config_map(annotations={text: ""}),
        (is_annotation_key, lambda text: names.qualified_name_fault(text.lower()) is None),
    ),
    "values of labels": (
        "aB0-._é\n",
        CONFIG_MAPS,
        lambda text: config_map(labels={"key": text}),
        (matches(LABEL_VALUE), faultless(names.label_value_fault)),
    ),
}
"""Alphabet, where such a thing is made and how, and who of us judges it: the program, and the rehearsal's stand-ins."""


@pytest.mark.parametrize("rule", RULES)
def test_we_take_exactly_what_the_api_server_takes(rule: str, api: Api, tally: Tally) -> None:
    alphabet, collection, manifest, judges = RULES[rule]
    inputs = [text for text in generated(texts(alphabet), 305) if text or rule != "objects' names"]
    real = side_by_side(lambda text: accepted(api, collection, manifest(text)), inputs)
    ours = [tuple(judge(text) for judge in judges) for text in inputs]
    tally.compare(rule, zip(inputs, ours, [(taken,) * len(judges) for taken in real], strict=True))
