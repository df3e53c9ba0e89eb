"""What differs is told, and nothing else: the heart of the drift that can be seen."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.helper_image.properties import UNKNOWN
from components.helper_image.state import COMPUTED, Difference, Found, differences, planned, published, refreshed

D1, D2, D3 = ("sha256:" + digit * 64 for digit in "123")
INPUTS: dict[str, Any] = {
    "target": "registry.example.com/ci/helper:1",
    "sources": {"linux/amd64": "a.example/helper:x86_64-1", "linux/arm64": "a.example/helper:arm64-1"},
    "tags": ["latest"],
    "credentials": {"registry.example.com": {"username": "u", "password": "p"}},
}
FOUND = Found(digest=D1, platforms={"linux/amd64": D2, "linux/arm64": D3}, tags={"latest": D1})
STATE = published(INPUTS, FOUND)

tags = st.lists(st.sampled_from(["a", "b", "c"]), unique=True)
sources = st.dictionaries(
    st.sampled_from(["linux/amd64", "linux/arm64", "linux/arm/v7"]),
    st.sampled_from(["a.example/x:1", "a.example/x:2", f"a.example/x@{D1}", f"b.example/y@{D1}", f"a.example/x@{D2}"]),
    min_size=1,
)


def paths(state: dict[str, Any], inputs: dict[str, Any]) -> list[str]:
    return [one.path for one in differences(state, inputs)]


def found_for(inputs: dict[str, Any]) -> Found:
    return Found(digest=D1, platforms=dict.fromkeys(inputs["sources"], D2), tags=dict.fromkeys(inputs["tags"], D1))


def test_credentials_are_in_no_state() -> None:
    assert "credentials" not in STATE
    assert "credentials" not in planned(INPUTS)


@given(sources, tags, st.booleans())
def test_what_was_just_published_has_no_difference(chosen: dict[str, str], more: list[str], delete: bool) -> None:  # noqa: FBT001 - hypothesis passes by position
    inputs = {"target": INPUTS["target"], "sources": chosen, "tags": more, "deleteRemote": delete}
    assert differences(published(inputs, found_for(inputs)), inputs) == []


@given(sources, sources)
def test_sources_differ_exactly_where_another_image_is_named(old: dict[str, str], new: dict[str, str]) -> None:
    def image(reference: str | None) -> str | None:
        return reference.partition("@")[2] or reference if reference else None

    before, after = ({**INPUTS, "sources": one} for one in (old, new))
    state = published(before, found_for(before))
    expected = {f'sources["{name}"]' for name in {*old, *new} if image(old.get(name)) != image(new.get(name))}
    assert set(paths(state, after)) == expected


@given(st.sampled_from([D1, D2, D3]), st.dictionaries(st.just("latest"), st.sampled_from([D1, D2])))
def test_any_digest_but_the_published_one_is_drift(digest: str, seen: dict[str, str]) -> None:
    state = refreshed(STATE, Found(digest=digest, platforms=FOUND.platforms, tags=seen))
    found = differences(state, INPUTS)
    assert all(one.drift and not one.replace for one in found)
    assert ("digest" in paths(state, INPUTS)) == (digest != D1)
    assert ("tagDigests.latest" in paths(state, INPUTS)) == (seen.get("latest") != D1)


def test_a_missing_image_of_one_platform_is_drift() -> None:
    state = refreshed(STATE, Found(digest=D1, platforms={"linux/arm64": D3}, tags=FOUND.tags))
    assert differences(state, INPUTS) == [Difference(path='platforms["linux/amd64"]', kind="add", drift=True)]


def test_a_tag_that_is_new_in_the_program_is_no_drift() -> None:
    assert differences(STATE, {**INPUTS, "tags": ["latest", "v1"]}) == [Difference(path="tags", kind="update")]


@pytest.mark.parametrize(
    ("target", "replaced"),
    [("registry.example.com/ci/helper:2", True), ("other.example.com/ci/helper:1", True), (UNKNOWN, True)],
)
def test_a_target_that_is_not_certainly_the_same_replaces(target: Any, replaced: bool) -> None:  # noqa: FBT001 - a column of the table
    found = differences(STATE, {**INPUTS, "target": target})
    assert any(one.replace for one in found) == replaced
    assert [one.path for one in found] == ["target"]


def test_the_same_target_in_other_words_does_not_replace() -> None:
    old = published({**INPUTS, "target": "docker.io/library/app:1"}, FOUND)
    assert differences(old, {**INPUTS, "target": "app:1"}) == []


def test_a_preview_promises_a_digest_only_where_every_source_is_one() -> None:
    pinned = {**INPUTS, "sources": {"linux/amd64": f"a.example/x@{D2}", "linux/arm64": f"a.example/x@{D3}"}}
    moved = refreshed(published(pinned, FOUND), Found(digest=D2, platforms={}, tags={}))
    assert planned(pinned, moved)["digest"] == D1
    assert planned(pinned, moved)["tagDigests"] == {"latest": D1}
    assert planned(INPUTS, STATE)["digest"] is UNKNOWN
    other = {**pinned, "sources": {**pinned["sources"], "linux/arm64": f"a.example/x@{D1}"}}
    assert planned(other, moved)["digest"] is UNKNOWN
    assert planned({**pinned, "target": "registry.example.com/ci/helper:2"}, moved)["reference"] is UNKNOWN
    assert all(planned(pinned)[key] is UNKNOWN for key in COMPUTED)
