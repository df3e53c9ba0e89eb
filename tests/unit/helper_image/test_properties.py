"""Nothing is lost between the engine's values and plain ones, unknowns least of all."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime import rpc

from components.helper_image.properties import UNKNOWN, contains_unknown, path, read, write

leaves = st.none() | st.booleans() | st.floats(allow_nan=False) | st.text() | st.just(UNKNOWN)
values = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)


@given(st.dictionaries(st.text(), values))
def test_what_is_written_is_read_again_over_the_wire(given_values: dict[str, Any]) -> None:
    wire = PropertyValue.marshal_map(write(given_values))
    assert read(PropertyValue.unmarshal_map(wire)) == given_values


@pytest.mark.parametrize("nested", [UNKNOWN, [UNKNOWN], {"a": [{"b": UNKNOWN}]}])
def test_an_unknown_is_found_however_deep(nested: Any) -> None:
    assert contains_unknown(nested)
    assert not contains_unknown({"a": ["b", None, True]})


def test_a_secret_is_read_like_any_other_value() -> None:
    assert read({"a": PropertyValue("b").with_secret(True)}) == {"a": "b"}  # noqa: FBT003 - the SDK's own signature


def test_the_engines_own_sentinel_is_an_unknown() -> None:
    assert read({"a": PropertyValue(rpc.UNKNOWN)}) == {"a": UNKNOWN}


def test_paths_are_written_as_pulumi_reads_them() -> None:
    assert path("sources", "linux/arm64") == 'sources["linux/arm64"]'
    assert path("tags", 1) == "tags[1]"
    assert path("tagDigests", "latest") == "tagDigests.latest"
