"""The rehearsal's proof of a mirrored image, with a real registry and the real provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from components.helper_image.schema import TYPE
from multiarch.core.verdict import Verdict
from multiarch.model.providers.multiarch import MultiArchProvider
from multiarch.model.providers.stand_in_image import image_for
from multiarch.model.providers.values import SecretValue
from multiarch.rehearse.mirror import proof
from multiarch.rehearse.mirror.plugin import ImagePlugin
from tests.registry.lab.daemon import debian_registry

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.skipif(debian_registry() is None, reason="docker-registry is not installed")
PIN = "sha256:" + "0" * 64
INPUTS: dict[str, Any] = {
    "target": "registry.example.com:5000/ci/helper:alpine-latest-v19.1.1",
    "sources": {"linux/amd64": "a.example/h:x86_64-v19.1.1", "linux/arm64": f"a.example/h:arm64-v19.1.1@{PIN}"},
    "tags": ["latest"],
    "credentials": SecretValue({"registry.example.com:5000": {"username": "u", "password": "never-sent"}}),
}


def planned(inputs: Mapping[str, Any] = INPUTS) -> Mapping[str, Any]:
    return MultiArchProvider().create(TYPE, "helper", {**inputs, "credentials": {}}).outputs


def test_a_planned_image_is_published_as_planned_and_repaired() -> None:
    made = proof.make(INPUTS, planned())
    assert (made.published.verdict, made.repaired.verdict) == (Verdict.YES, Verdict.YES), made
    assert "for linux/amd64 and linux/arm64" in made.published.evidence


def test_another_digest_than_the_planned_one_fails() -> None:
    made = proof.make(INPUTS, {**planned(), "publishedDigest": PIN})
    assert (made.published.verdict, made.repaired.verdict) == (Verdict.NO, Verdict.UNKNOWN)
    assert f"but the plan (and the runner's config) says {PIN}" in made.published.evidence


def test_a_mislabelled_source_fails_in_the_providers_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "image_for", lambda _platform: image_for("linux/amd64"))
    made = proof.make(INPUTS, planned())
    assert made.published.verdict is Verdict.NO
    assert "said to be linux/arm64, but its config says linux/amd64" in made.published.evidence


def test_a_provider_that_sees_no_drift_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImagePlugin, "read", lambda _self, _identity, state, _inputs: dict(state))
    made = proof.make(INPUTS, planned())
    assert (made.published.verdict, made.repaired.verdict) == (Verdict.YES, Verdict.NO)
    assert "a refresh shows nothing" in made.repaired.evidence


def test_a_provider_that_repairs_nothing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImagePlugin, "update", lambda _self, _identity, state, _inputs: dict(state))
    made = proof.make(INPUTS, planned())
    assert made.repaired.verdict is Verdict.NO
    assert "after an update, the moved tag is" in made.repaired.evidence


def test_a_registry_that_does_not_start_leaves_it_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("multiarch.rehearse.mirror.registry.PROGRAMS", ("false",))
    made = proof.make(INPUTS, planned())
    assert made.published.verdict is Verdict.UNKNOWN
    assert "did not start" in made.published.evidence
