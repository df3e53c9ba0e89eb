"""Globs mean what Pulumi's users expect of them: steps of a path, whole names, and what is below a property."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiarch.drift.ignore.globs import name_pattern, path_matches, segments

KEYS = st.text(st.characters(exclude_characters='[]."\\*?', exclude_categories=("Cc", "Cs")), min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("glob", "path"),
    [
        ("nodeCount", "nodeCount"),
        ("scalingConfig", "scalingConfig.desiredSize"),
        ("data", 'data["a.b"]'),
        ("metadata.labels.*", 'metadata.labels["app.kubernetes.io/name"]'),
        ('metadata.labels["app.kubernetes.io/*"]', 'metadata.labels["app.kubernetes.io/name"]'),
        ("metadata.labels[team]", "metadata.labels.team"),
        ("spec.template.spec.containers[*].image", "spec.template.spec.containers[build].image"),
        ("spec.template.spec.containers[0].image", "spec.template.spec.containers[0].image"),
        ("**.image", "spec.template.spec.containers[0].image"),
        ("**.image", "image"),
        ("spec.**.image", "spec.image"),
        ("spec.**.args[?]", "spec.containers[0].args[3]"),
        ("**", "anything.at.all"),
        ("**", ""),
    ],
)
def test_a_glob_covers_what_it_names_and_what_is_below(glob: str, path: str) -> None:
    assert path_matches(glob, path)


@pytest.mark.parametrize(
    ("glob", "path"),
    [
        ("nodeCount", "initialNodeCount"),
        ("nodeCount", "nodeCounts"),
        ("scalingConfig.desiredSize", "scalingConfig"),
        ("*", ""),
        ("metadata.labels.a.b", 'metadata.labels["a.b"]'),
        ("metadata.*.team", "metadata.labels.deep.team"),
        ("**.image", "spec.images"),
        ("args[?]", "args[12]"),
        ("spec.replicas", "status.replicas"),
    ],
)
def test_a_glob_covers_nothing_else(glob: str, path: str) -> None:
    assert not path_matches(glob, path)


@given(st.lists(KEYS, min_size=1, max_size=6))
def test_a_path_comes_apart_into_the_keys_it_was_made_of(keys: list[str]) -> None:
    quoted = "".join(f'["{key}"]' for key in keys)
    assert segments(quoted) == tuple(keys)
    assert path_matches(quoted, quoted)


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_text_breaks_the_matching(glob: str, path: str) -> None:
    path_matches(glob, path)
    name_pattern(glob).fullmatch(path)


def test_a_name_glob_takes_everything_but_stars_and_marks_literally() -> None:
    pattern = name_pattern("urn:pulumi:*$gcp:container/nodePool:NodePool::a?[b]")
    assert pattern.fullmatch("urn:pulumi:gke::acme::GkeNodePool$gcp:container/nodePool:NodePool::aX[b]")
    assert not pattern.fullmatch("urn:pulumi:gke::acme::GkeNodePool$gcp:container/nodePool:NodePool::aXb")
    assert not pattern.fullmatch("x urn:pulumi:gke::acme::GkeNodePool$gcp:container/nodePool:NodePool::aX[b]")
