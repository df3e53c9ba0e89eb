"""What registries hold against what was published and what is pinned, by a registry in this process."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from components.helper_image.inputs import read_inputs
from multiarch.core.verdict import Verdict
from multiarch.drift.live.images import IMAGE_TYPE, check_images
from multiarch.drift.live.request import StateResource
from multiarch.drift.model import Change, CheckResult, Finding
from multiarch.model.plan.model import PlannedResource
from multiarch.model.providers.values import SecretValue
from tests.unit.archmerge.fake_registry import FakeRegistry
from tests.unit.drift_live.stubs import planned, scene

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    made = FakeRegistry()
    yield made
    made.close()


def publish(registry: FakeRegistry, *tags: str, mark: str = "") -> str:
    """Put an index of two platforms there; its digest."""
    entries = []
    for arch in ("amd64", "arm64"):
        config = {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": registry.add_blob("x", b"{}"),
            "size": 2,
        }
        body = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": config,
                "layers": [],
                "annotations": {"a": arch + mark},
            }
        )
        digest = registry.add("x", body.encode(), MANIFEST)
        platform = {"os": "linux", "architecture": arch}
        entries.append({"mediaType": MANIFEST, "digest": digest, "size": len(body), "platform": platform})
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries})
    return registry.add("x", index.encode(), INDEX, *tags)


def image(registry: FakeRegistry) -> PlannedResource:
    inputs = {
        "target": f"{registry.host}/x:1",
        "tags": ["latest"],
        "sources": {"linux/amd64": "host/a@sha256:" + "a" * 64, "linux/arm64": "host/b@sha256:" + "b" * 64},
        "plainHttp": [registry.host],
        "credentials": SecretValue({registry.host: {"username": "ci", "password": "a-placeholder"}}),
    }
    assert read_inputs({**inputs, "credentials": None}).target.tag == "1"
    return planned(IMAGE_TYPE, inputs, "helper")


def ask(registry: FakeRegistry, digest: str | None, *more: PlannedResource, **scene_fields: Any) -> CheckResult:
    resource = image(registry)
    outputs = {"publishedDigest": digest, "platforms": {"linux/amd64": "sha256:1", "linux/arm64": "sha256:2"}}
    state = None if digest is None else (StateResource(urn=resource.urn, type=IMAGE_TYPE, outputs=outputs),)
    return check_images(scene(None, [resource, *more], state, **scene_fields))


def only(result: CheckResult) -> Finding:
    (finding,) = result.findings
    return finding


def test_an_image_as_it_was_published_is_clean(registry: FakeRegistry) -> None:
    digest = publish(registry, "1", "latest")
    assert only(ask(registry, digest)).verdict is Verdict.YES


def test_a_moved_tag_and_a_lost_one_are_drift(registry: FakeRegistry) -> None:
    digest = publish(registry, "1", "latest")
    other = publish(registry, "1", mark="!")
    del registry.tags["x"]["latest"]
    finding = only(ask(registry, digest))
    told = {one.path: (one.change, one.wanted, one.found) for one in finding.differences}
    assert told == {"digest": (Change.CHANGED, digest, other), "tags.latest": (Change.GONE, digest, None)}
    assert finding.urn.endswith("::helper")


def test_a_tag_that_is_gone_is_gone_even_without_a_state(registry: FakeRegistry) -> None:
    finding = only(ask(registry, None))
    assert (finding.verdict, finding.change) == (Verdict.NO, Change.GONE)


def test_a_platforms_image_that_was_cleaned_away_is_drift(registry: FakeRegistry) -> None:
    digest = publish(registry, "1", "latest")
    child = json.loads(registry.manifests["x"][digest][1])["manifests"][1]["digest"]
    del registry.manifests["x"][child]
    (difference,) = only(ask(registry, digest)).differences
    assert (difference.path, difference.change) == ('platforms["linux/arm64"]', Change.GONE)


def test_without_a_state_nobody_knows_which_digest_is_right(registry: FakeRegistry) -> None:
    digest = publish(registry, "1", "latest")
    finding = only(ask(registry, None, state_failure="the passphrase is wrong"))
    assert finding.verdict is Verdict.UNKNOWN
    assert digest in finding.reason
    assert "the passphrase is wrong" in finding.reason


def test_a_registry_that_wants_a_login_or_is_not_there_could_not_tell(
    registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", "/nonexistent")
    registry.basic = "Basic c29tZWJvZHk6ZWxzZQ=="
    finding = only(ask(registry, "sha256:" + "1" * 64))
    assert (finding.verdict, "401" in finding.reason) == (Verdict.UNKNOWN, True)
    # The plan's password is a placeholder: it goes nowhere, whoever asks for it.
    assert set(registry.authorizations) == {""}
    registry.close()
    finding = only(ask(registry, "sha256:" + "1" * 64, seconds=3))
    assert finding.verdict is Verdict.UNKNOWN


def test_pinned_images_are_looked_for_by_digest_and_by_tag(registry: FakeRegistry) -> None:
    digest = publish(registry, "1", "latest")
    pinned = f"{registry.host}/x:1@{digest}"
    lost = f"{registry.host}/x@sha256:{'9' * 64}"
    config = f'image = "{pinned}"\nallowed_images = ["{registry.host}/**"]\n'
    values = {"runners": {"config": config}, "image": lost, "again": pinned}
    release = planned("kubernetes:helm.sh/v3:Release", {"name": "r", "values": values})
    results = {item.resource: item for item in ask(registry, digest, release).findings}
    assert results[f"image {pinned}"].verdict is Verdict.YES
    (difference,) = results[f"image {lost}"].differences
    assert (difference.path, difference.change) == ("digest", Change.GONE)
    assert len(results) == 3
    publish(registry, "1", mark="!")
    results = {item.resource: item for item in ask(registry, digest, release).findings}
    (difference,) = results[f"image {pinned}"].differences
    assert (difference.path, difference.change, difference.wanted) == ("tag.1", Change.CHANGED, digest)


def test_a_stack_without_images_has_nothing_to_compare() -> None:
    assert check_images(scene()).skipped
