"""A run's images from where they really come from, and made here where that is not reached."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from archmerge import Options, parse_reference
from ci.versions import BUILDKIT_IMAGE, PYTHON_IMAGE
from multiarch.rehearse.images import taking_from
from multiarch.rehearse.images.model import DIFFERS
from multiarch.rehearse.live.supply import Had, supply, why_not_reached
from multiarch.rehearse.nodes.files import SANDBOX
from tests.images.lab import pulled

if TYPE_CHECKING:
    from multiarch.rehearse.images.recipes import Images
    from multiarch.rehearse.mirror.registry import LocalRegistry


@pytest.mark.parametrize("reference", [SANDBOX, "docker.io/library/busybox:1.37.0"])
def test_an_image_is_pulled_from_its_own_registry(reference: str, registry: LocalRegistry) -> None:
    host = parse_reference(reference).host
    if why := why_not_reached(host, Options()):
        pytest.skip(f"{host} is not reached from here: {why}")
    one = supply({reference: None}, registry)[reference]
    assert (one.had, one.detail) == (Had.PULLED, ""), one.reason
    assert architectures(registry, reference) == ["amd64", "arm64"]


def test_a_pipelines_images_are_all_had_here_and_say_what_they_are(images: Images, registry: LocalRegistry) -> None:
    assert images, "they are in the cache"
    wanted: dict[str, Any] = {SANDBOX: "pause", BUILDKIT_IMAGE: "buildkit", PYTHON_IMAGE: "merge"}
    change: dict[Any, Any] = {"buildkit": lambda image: taking_from(image, registry.host)}
    for reference, one in supply(wanted, registry, change=change).items():
        assert one.had is not Had.NOT
        assert architectures(registry, reference) == ["amd64", "arm64"]
        if one.had is Had.MADE:
            assert all(text in str(one) for text in differences(registry, reference))


def architectures(registry: LocalRegistry, reference: str) -> list[str]:
    named = parse_reference(reference)
    with registry.session() as session:
        index = session.registry(registry.host).manifest(named.repository, named.version)
        return [pulled(session, registry.host, named.repository, entry.digest).arch for entry in index.images]


def differences(registry: LocalRegistry, reference: str) -> list[str]:
    named = parse_reference(reference)
    with registry.session() as session:
        store = session.registry(registry.host)
        entries = store.manifest(named.repository, named.version).images
        configs = [store.manifest(named.repository, entry.digest).config for entry in entries]
        read = [json.loads(store.small_blob(named.repository, config)) for config in configs if config]
    return [one["config"]["Labels"][DIFFERS] for one in read]
