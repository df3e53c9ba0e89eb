"""Whole merges against a fake registry: what real ones could not be made to do in the registry tier."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest

from archmerge import (
    AuthError,
    MergeRequest,
    MismatchError,
    RefusedError,
    Session,
    Source,
    UnknownError,
    WrongContentError,
    binaries,
    merge,
)
from archmerge.inspection import inspect, verify
from archmerge.merging import UNCHANGED, WRITTEN
from archmerge.platforms import parse_platform
from tests.registry.lab.images import descriptor, image, index, layer
from tests.unit.archmerge.fake_registry import FakeRegistry, digest_of

if TYPE_CHECKING:
    from collections.abc import Callable


PLATFORMS = ("linux/amd64", "linux/arm64")


def request(fake: FakeRegistry, template: str, target: str = "app:1", **more: object) -> MergeRequest:
    sources = [Source(f"{fake.host}/{template}".replace("ARCH", p.rpartition("/")[2]), p) for p in PLATFORMS]
    return MergeRequest(f"{fake.host}/{target}", sources)._replace(**more)  # type: ignore[arg-type]  # a test's own fields


def writes(fake: FakeRegistry) -> list[str]:
    return [path for method, path in fake.seen if method == "PUT" and "/manifests/" in path]


def test_children_come_before_the_index_and_the_first_tag_before_the_moving_ones(
    fake: FakeRegistry, pair: str, open_session: Callable[..., Session]
) -> None:
    result = merge(request(fake, f"{pair}-ARCH:1", tags=["latest"]), open_session())
    paths = writes(fake)
    assert [path.rpartition("/")[2] for path in paths[-2:]] == ["1", "latest"]
    assert all("sha256:" in path for path in paths[:-2])
    assert fake.tags["app"]["1"] == fake.tags["app"]["latest"] == result.digest
    assert result.tags == {"1": WRITTEN, "latest": WRITTEN}


@pytest.mark.parametrize("status", [400, 403, 409, 412, 415, 416, 422, 500, 501, 503])
def test_whatever_a_mount_is_refused_with_the_blob_is_uploaded(
    fake: FakeRegistry, pair: str, open_session: Callable[..., Session], status: int
) -> None:
    fake.mount_status = status
    result = merge(request(fake, f"{pair}-ARCH:1"), open_session())
    assert fake.tags["app"]["1"] == result.digest


@pytest.mark.parametrize("status", [200, 201, 204])
def test_an_upload_has_ended_well_with_any_status_that_says_so(
    fake: FakeRegistry, pair: str, open_session: Callable[..., Session], status: int
) -> None:
    fake.mount_status, fake.upload_status = 405, status
    assert merge(request(fake, f"{pair}-ARCH:1"), open_session()).digest == fake.tags["app"]["1"]


@pytest.mark.parametrize("status", [401, 403, 405])
def test_a_refused_look_at_what_is_not_there_stops_nothing(
    fake: FakeRegistry, pair: str, open_session: Callable[..., Session], status: int
) -> None:
    fake.head_status, fake.mount_status = status, 405
    merge(request(fake, f"{pair}-ARCH:1", tags=["new"]), open_session())
    assert fake.tags["app"]["new"] == fake.tags["app"]["1"]


def test_the_order_of_sources_does_not_change_the_digest(
    fake: FakeRegistry, pair: str, open_session: Callable[..., Session]
) -> None:
    wanted = request(fake, f"{pair}-ARCH:1")
    first = merge(wanted, open_session())
    second = merge(wanted._replace(sources=list(reversed(wanted.sources)), target=f"{fake.host}/app:2"), open_session())
    assert first.digest == second.digest
    assert [child.platform for child in second.children] == list(PLATFORMS)


def test_an_immutable_tag_of_another_digest_is_refused_and_said(
    fake: FakeRegistry, pair: str, put: Callable[..., str], open_session: Callable[..., Session]
) -> None:
    old = put("app", image("amd64", seed="old", layers=1), "1")
    fake.immutable = True
    with pytest.raises(RefusedError, match="TAG_INVALID") as caught:
        merge(request(fake, f"{pair}-ARCH:1", tags=["latest"]), open_session())
    assert caught.value.notes == ["tags: 1 not written, latest not written"]
    assert fake.tags["app"]["1"] == old


def test_a_child_deleted_behind_an_unchanged_index_is_put_back(
    fake: FakeRegistry, pair: str, open_session: Callable[..., Session]
) -> None:
    wanted = request(fake, f"{pair}-ARCH:1")
    first = merge(wanted, open_session())
    child = first.children[0].digest
    del fake.manifests["app"][child]
    fake.seen.clear()
    assert merge(wanted, open_session()).tags == {"1": UNCHANGED}
    assert child in fake.manifests["app"]


def test_a_repeated_run_is_unchanged_and_writes_nothing(
    fake: FakeRegistry, pair: str, open_session: Callable[..., Session]
) -> None:
    wanted = request(fake, f"{pair}-ARCH:1", tags=["latest"])
    merge(wanted, open_session())
    fake.seen.clear()
    assert merge(wanted, open_session()).tags == {"1": UNCHANGED, "latest": UNCHANGED}
    assert {method for method, _ in fake.seen} == {"GET", "HEAD"}


def test_basic_only_registries_get_basic(fake: FakeRegistry, pair: str, open_session: Callable[..., Session]) -> None:
    fake.basic = "Basic " + base64.b64encode(b"me:pa:ss").decode()
    environ = {"HOME": "/nonexistent", "ARCHMERGE_USERNAME": "me", "ARCHMERGE_PASSWORD": "pa:ss"}
    merge(request(fake, f"{pair}-ARCH:1"), open_session(environ))
    assert fake.authorizations[0] == ""
    assert set(fake.authorizations[1:]) == {fake.basic}


def test_the_environment_pair_is_for_the_named_registry_only(
    fake: FakeRegistry, pair: str, open_session: Callable[..., Session]
) -> None:
    fake.basic = "Basic nobody"
    environ = {"HOME": "/nonexistent", "ARCHMERGE_PASSWORD": "secret", "ARCHMERGE_REGISTRY": "other.example.com"}
    with pytest.raises(AuthError, match="no credentials"):
        merge(request(fake, f"{pair}-ARCH:1"), open_session(environ))
    assert set(fake.authorizations) == {""}


def test_gitlabs_naming_trap_is_explained(fake: FakeRegistry, pair: str, open_session: Callable[..., Session]) -> None:
    fake.project = "app"
    environ = {"HOME": "/nonexistent", "CI_REGISTRY_IMAGE": f"{fake.host}/app"}
    with pytest.raises(AuthError, match="DENIED") as caught:
        merge(request(fake, f"{pair}-ARCH:1"), open_session(environ))
    assert "$CI_REGISTRY_IMAGE-amd64 names another GitLab project (app-amd64)" in caught.value.fix
    assert "$CI_REGISTRY_IMAGE/amd64" in caught.value.fix


def test_an_index_gives_only_the_claimed_platform(
    fake: FakeRegistry, put: Callable[..., str], open_session: Callable[..., Session]
) -> None:
    both = [(image(a, layers=1), {"platform": {"architecture": a, "os": "linux"}}) for a in ("amd64", "arm64")]
    put("app", index(both), "both")
    put("app", image("amd64", seed="own", layers=1), "amd64")
    sources = [Source(f"{fake.host}/app:amd64", "linux/amd64"), Source(f"{fake.host}/app:both", "linux/arm64")]
    result = merge(MergeRequest(f"{fake.host}/app:1", sources), open_session())
    assert [child.digest for child in result.children] == [
        image("amd64", seed="own", layers=1).digest,
        both[1][0].digest,
    ]


def test_an_index_that_lies_about_its_child_is_refused(
    fake: FakeRegistry, put: Callable[..., str], open_session: Callable[..., Session]
) -> None:
    put("app", index([(image("amd64", layers=1), {"platform": {"architecture": "arm64", "os": "linux"}})]), "lie")
    with pytest.raises(MismatchError, match="said to be linux/arm64, but its config says linux/amd64"):
        merge(MergeRequest(f"{fake.host}/app:1", [Source(f"{fake.host}/app:lie")]), open_session())


def test_verify_tells_a_missing_child_from_one_it_could_not_see(
    fake: FakeRegistry, pair: str, open_session: Callable[..., Session]
) -> None:
    result = merge(request(fake, f"{pair}-ARCH:1"), open_session())
    wanted = [parse_platform(platform) for platform in PLATFORMS]
    assert {check.answer for check in verify(f"{fake.host}/app:1", wanted, open_session())[1]} == {"yes"}
    del fake.manifests["app"][result.children[1].digest]
    answers = {check.claim: check.answer for check in verify(f"{fake.host}/app:1", wanted, open_session())[1]}
    assert answers["linux/arm64: manifest is there and whole"] == "no"
    assert answers["linux/amd64: manifest is there and whole"] == "yes"
    extra = verify(f"{fake.host}/app:1", wanted[:1], open_session())[1]
    assert next(check for check in extra if "no other" in check.claim).answer == "no"


def test_inspect_shows_a_single_images_platform_from_its_config(
    fake: FakeRegistry, pair: str, open_session: Callable[..., Session]
) -> None:
    report = inspect(f"{fake.host}/{pair}:1-arm64", open_session())
    assert [part.platform for part in report.parts] == ["linux/arm64"]


def test_mounted_blobs_that_are_declined_go_through_the_session_that_was_opened(
    fake: FakeRegistry, pair: str, open_session: Callable[..., Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    original = fake._upload

    def declining(*call: object) -> tuple[int, list[tuple[str, str]], bytes]:
        if call[0] == "POST":
            return 202, [("Location", f"/v2/{call[1]}/blobs/uploads/1?state=a%2Bb")], b""
        return original(*call)

    monkeypatch.setattr(fake, "_upload", declining)
    result = merge(request(fake, f"{pair}-ARCH:1", "fresh:1"), open_session())
    posts = [path for method, path in fake.seen if method == "POST"]
    assert all("mount=" in path for path in posts)  # no second session was opened
    assert result.copied_bytes == sum(len(blob) for blob in fake.blobs["fresh"].values()) > 0


def test_a_config_of_other_content_is_not_believed_though_it_says_the_right_platform(
    fake: FakeRegistry, pair: str, open_session: Callable[..., Session]
) -> None:
    config = image("arm64", layers=2).blobs[0]
    fake.blobs[f"{pair}-arm64"][digest_of(config)] = config + b"\n"
    with pytest.raises(WrongContentError, match="got content with digest"):
        merge(request(fake, f"{pair}-ARCH:1"), open_session())
    assert "1" not in fake.tags.get("app", {})


@pytest.mark.parametrize("damage", [lambda blob: b"x" + blob[1:], lambda blob: blob[:-1], lambda blob: blob + b"x"])
def test_a_damaged_layer_never_arrives_whole(
    fake: FakeRegistry, pair: str, open_session: Callable[..., Session], damage: Callable[[bytes], bytes]
) -> None:
    """The stream is checked on its way: the last piece of a wrong blob is held back, and nothing is published."""
    wanted = fake.blobs[f"{pair}-arm64"]
    good = image("arm64", layers=2).blobs[-1]  # the first is the config, which is checked by other means
    digest = digest_of(good)
    other = FakeRegistry()
    other.blobs[f"{pair}-arm64"], other.manifests = wanted | {digest: damage(good)}, fake.manifests
    other.tags = fake.tags
    session = open_session(plain_http=frozenset({fake.host, other.host}))
    sources = [Source(f"{other.host}/{pair}-arm64:1", "linux/arm64")]
    try:
        with pytest.raises(WrongContentError, match="the source sent other content"):
            merge(MergeRequest(f"{fake.host}/fresh:1", sources), session)
    finally:
        other.close()
    assert digest not in fake.blobs.get("fresh", {})
    assert "fresh" not in fake.tags or "1" not in fake.tags["fresh"]


@pytest.mark.parametrize("limit", ["in the middle of a layer", "at a layer's end"])
def test_programs_beyond_what_is_read_of_the_layers_are_neither_right_nor_wrong(
    fake: FakeRegistry, put: Callable[..., str], open_session: Callable[..., Session],
    monkeypatch: pytest.MonkeyPatch, limit: str,
) -> None:  # fmt: skip
    made, text = image("arm64", layers=1), layer({"etc/text": b"hello"}, padding=4000)
    body = json.loads(made.body)
    body["layers"].append(descriptor(text, body["layers"][0]["mediaType"]))
    put("app", made._replace(body=json.dumps(body).encode(), blobs=(*made.blobs, text)), "x")
    wanted = MergeRequest(f"{fake.host}/app:1", [Source(f"{fake.host}/app:x")], verify_binaries=True)
    assert [child.binaries for child in merge(wanted, open_session()).children] == ["yes"]
    monkeypatch.setattr(binaries, "READ_LIMIT", len(text) if limit == "at a layer's end" else len(text) // 2)
    with pytest.raises(UnknownError, match="could not tell: no program was found in its layers; "):
        merge(wanted._replace(target=f"{fake.host}/app:2"), open_session())
    assert "2" not in fake.tags["app"]
