"""The rehearsal's view of MultiArchImage: the provider's own rules, and digests that a real merge will give."""

from typing import Any

import pytest

from archmerge import parse_platform
from components.helper_image.schema import OUTPUTS, TYPE
from multiarch.model.providers.base import LookupRefusedError
from multiarch.model.providers.multiarch import MultiArchProvider
from multiarch.model.providers.registry import provider_for
from multiarch.model.providers.stand_in_image import image_for, index_of
from multiarch.model.providers.values import UNKNOWN

INPUTS: dict[str, Any] = {
    "target": "registry.example.com/ci/helper:1",
    "sources": {"linux/amd64": "a.example/h:x86_64-1", "linux/arm64": "a.example/h:arm64-1"},
    "tags": ["latest"],
    "credentials": {"registry.example.com": {"username": "u", "password": "p"}},
}
# The stand-ins' bytes are the same on every machine, so that plans are.
DIGEST = "sha256:4feac0e2e594118ce3c66646d44a571c6e96f87a8b2eaf2be822f22e2c54e656"


@pytest.fixture
def provider() -> MultiArchProvider:
    return MultiArchProvider()


def test_the_package_has_a_rehearsal_provider() -> None:
    assert isinstance(provider_for("multiarch"), MultiArchProvider)


def test_sound_and_unknown_inputs_pass(provider: MultiArchProvider) -> None:
    assert provider.check(TYPE, "helper", INPUTS) == []
    assert provider.check(TYPE, "helper", {**INPUTS, "target": UNKNOWN, "sources": UNKNOWN, "tags": [UNKNOWN]}) == []


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"target": "registry.example.com/ci/helper"}, "target"),
        ({"tag": ["latest"]}, "tag"),
        ({"tags": [1]}, "tags[0]"),
    ],
)
def test_what_the_provider_refuses_the_rehearsal_refuses(
    provider: MultiArchProvider, change: dict[str, Any], path: str
) -> None:
    assert [one.path for one in provider.check(TYPE, "helper", {**INPUTS, **change})] == [path]


def test_another_type_of_the_package_is_refused(provider: MultiArchProvider) -> None:
    (refusal,) = provider.check("multiarch:index:MultiArchImages", "helper", INPUTS)
    assert "has no multiarch:index:MultiArchImages" in refusal.message
    with pytest.raises(LookupRefusedError):
        provider.invoke("multiarch:index:getImage", {})


def test_the_answer_has_every_output_and_no_credentials(provider: MultiArchProvider) -> None:
    created = provider.create(TYPE, "helper", INPUTS)
    assert set(created.outputs) == {*OUTPUTS, "target", "sources", "tags"}
    assert created.id == INPUTS["target"]
    assert created.outputs["digest"] == created.outputs["tagDigests"]["latest"] == DIGEST
    assert provider.update(TYPE, "helper", {}, INPUTS) == created.outputs


def test_the_digest_is_that_of_an_index_over_the_stand_ins() -> None:
    index = index_of(image_for(platform) for platform in INPUTS["sources"])
    assert index.digest == DIGEST
    assert [entry.platform for entry in index.manifests] == [parse_platform(name) for name in INPUTS["sources"]]
    assert index_of([image_for("linux/amd64", edition="x")]).digest != index_of([image_for("linux/amd64")]).digest


def test_only_another_target_replaces(provider: MultiArchProvider) -> None:
    state = provider.create(TYPE, "helper", INPUTS).outputs
    assert not provider.diff(TYPE, state, INPUTS).updates
    changed = provider.diff(TYPE, state, {**INPUTS, "target": "registry.example.com/ci/helper:2", "tags": []})
    assert (changed.replaces, changed.updates) == (("target",), ("tags",))
    assert provider.diff(TYPE, INPUTS, {**INPUTS, "deleteRemote": True}).updates == ("deleteRemote",)
