"""What a mirrored helper image proves of the jobs, and what it leaves open."""

import pytest

from ops.rehearse.claims.jobs import judge_helper
from ops.rehearse.mirror.proof import Answer, Mirrored, local, make
from ops.rehearse.report.model import Verdict

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
    mirrors = [mirrored(Verdict.PROVED)]
    assert judge_helper(IMAGE.replace("1" * 64, "2" * 64), "arm64", "19.1.1", mirrors).verdict is Verdict.UNKNOWN
    assert judge_helper(IMAGE, "arm64", "19.1.2", mirrors).verdict is Verdict.FAILED
    assert judge_helper(IMAGE, "s390x", "19.1.1", mirrors).verdict is Verdict.FAILED


def test_without_a_registry_program_nothing_can_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    made = make({"target": "a.example/b:1", "sources": {"linux/amd64": "a.example/c:1"}}, {"publishedDigest": DIGEST})
    assert (made.published.verdict, made.repaired.verdict) == (Verdict.UNKNOWN, Verdict.UNKNOWN)
    assert "there is no docker-registry on PATH" in made.published.evidence


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
