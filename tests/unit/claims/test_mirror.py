"""What a mirrored helper image proves of the jobs, and what it leaves open."""

import contextlib

import pytest

from archmerge import RefusedError
from components.helper_image.schema import TYPE
from multiarch.core.verdict import Verdict
from multiarch.model.providers.multiarch import MultiArchProvider
from multiarch.model.providers.stand_in_image import image_for, index_of
from multiarch.rehearse.claims.jobs import judge_helper
from multiarch.rehearse.mirror.proof import Answer, Mirrored, local, make
from multiarch.rehearse.mirror.registry import LocalRegistry, push_image

DIGEST = "sha256:" + "1" * 64
IMAGE = f"mirror.example/helper:alpine-latest-v19.1.1@{DIGEST}"


def mirrored(verdict: Verdict) -> Mirrored:
    answer = Answer(verdict, "as it was")
    platforms = ("linux/amd64", "linux/arm64")
    return Mirrored(target="t", digest=DIGEST, platforms=platforms, published=answer, repaired=answer)


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_helper_by_digest_is_as_good_as_what_came_of_publishing_it(verdict: Verdict) -> None:
    assert judge_helper(IMAGE, "arm64", "19.1.1", [mirrored(verdict)]).verdict is verdict


def test_a_helper_of_another_digest_version_or_architecture_is_not_proved_by_a_mirror() -> None:
    mirrors = [mirrored(Verdict.YES)]
    assert judge_helper(IMAGE.replace("1" * 64, "2" * 64), "arm64", "19.1.1", mirrors).verdict is Verdict.UNKNOWN
    assert judge_helper(IMAGE, "arm64", "19.1.2", mirrors).verdict is Verdict.NO
    assert judge_helper(IMAGE, "s390x", "19.1.1", mirrors).verdict is Verdict.NO
    assert judge_helper(f"mirror.example/helper@{DIGEST}", "arm64", "19.1.1", mirrors).verdict is Verdict.UNKNOWN


INPUTS = {
    "target": "a.example/b:1",
    "sources": {"linux/amd64": "a.example/c:1-amd64", "linux/arm64": "a.example/c:1-arm64"},
    "tags": ["latest"],
}


def test_without_docker_registry_the_rehearsals_own_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    made = make(INPUTS, MultiArchProvider().create(TYPE, "helper", INPUTS).outputs)
    assert (made.published.verdict, made.repaired.verdict) == (Verdict.YES, Verdict.YES), made
    assert "the rehearsal's own small registry" in made.published.evidence


def test_the_own_registry_takes_no_manifest_without_its_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    image = image_for("linux/amd64")
    with LocalRegistry() as local_registry, contextlib.closing(local_registry.session()) as session:
        registry = session.registry(local_registry.host)
        with pytest.raises(RefusedError, match="MANIFEST_BLOB_UNKNOWN"):
            registry.put_manifest("app", "1", image.manifest)
        with pytest.raises(RefusedError, match="MANIFEST_BLOB_UNKNOWN"):
            registry.put_manifest("app", "1", index_of([image]))
        push_image(registry, "other", image, "1")
        with pytest.raises(RefusedError, match="MANIFEST_BLOB_UNKNOWN"):
            registry.put_manifest("app", "1", image.manifest)
        assert registry.tag_digest("app", "1") is None
        assert registry.tag_digest("other", "1") == image.manifest.digest


@pytest.mark.parametrize(
    ("reference", "there"),
    [
        ("registry.example.com:5000/ci/helper:1", "h:1/registry.example.com-5000/ci/helper:1"),
        ("alpine:3", "h:1/docker.io/library/alpine:3"),
        (f"a.example/b:1@{DIGEST}", "h:1/a.example/b:1"),
        (f"a.example/b@{DIGEST}", "h:1/a.example/b:by-digest"),
        ("[::1]:5000/app:1", "h:1/1-5000/app:1"),
    ],
)
def test_images_keep_apart_on_the_local_registry(reference: str, there: str) -> None:
    assert local(reference, "h:1") == there
