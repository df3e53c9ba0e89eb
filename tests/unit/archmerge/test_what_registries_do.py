"""What registries really do (the rows of docs/merge.md, "Registries"), each as a server that behaves like that."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archmerge import AuthError, MergeRequest, MismatchError, MissingError, RefusedError, Session, Source, merge
from archmerge.index import amended, build_index, decide_platform
from archmerge.inspection import verify
from archmerge.manifests import DOCKER_IMAGE, DOCKER_LIST, OCI_IMAGE, Descriptor
from archmerge.platforms import parse_platform
from archmerge.reference import Digest
from tests.registry.lab.images import attested, descriptor, digest, image
from tests.unit.archmerge.fake_registry import FakeRegistry, TokenService

if TYPE_CHECKING:
    from collections.abc import Callable

PLATFORMS = ("linux/amd64", "linux/arm64")
LOGIN = {"HOME": "/nonexistent", "ARCHMERGE_USERNAME": "me", "ARCHMERGE_PASSWORD": "p"}


def request(fake: FakeRegistry, template: str, target: str = "app:1", **more: object) -> MergeRequest:
    sources = [Source(f"{fake.host}/{template}".replace("ARCH", p.rpartition("/")[2]), p) for p in PLATFORMS]
    return MergeRequest(f"{fake.host}/{target}", sources)._replace(**more)  # type: ignore[arg-type]  # a test's own fields


# 5: the token endpoint answers 200 to several scopes, and honours one


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_is_good_for_one_repository_only_is_asked_for_alone(
    fake: FakeRegistry, pair: str, open_session: Callable[..., Session], status: int
) -> None:
    service = TokenService(fake, honours_one=True, refuses_with=status)
    result = merge(request(fake, f"{pair}-ARCH:1"), open_session(LOGIN))
    assert fake.tags["app"]["1"] == result.digest
    assert service.asked[0] == ["app", "app-amd64", "app-arm64"]
    assert ["app"] in service.asked


def test_a_token_that_is_refused_for_one_repository_alone_ends_it(
    fake: FakeRegistry, pair: str, open_session: Callable[..., Session]
) -> None:
    service = TokenService(fake, honours_one=False, refuses_with=403, refused="app-arm64")
    with pytest.raises(AuthError, match="app-arm64"):
        merge(request(fake, f"{pair}-ARCH:1"), open_session(LOGIN))
    assert len(service.asked) <= 3


def test_a_look_that_is_refused_whatever_the_token_does_not_cost_the_mounts(
    fake: FakeRegistry, pair: str, open_session: Callable[..., Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Quay answers 401 to a look at a repository that is not there yet."""
    service = TokenService(fake, honours_one=False, refuses_with=401)
    answer = fake.answer

    def shy(method: str, target: str, headers: dict[str, str], body: bytes) -> object:
        if method in ("GET", "HEAD") and target.startswith("/v2/new/manifests/") and not fake.manifests.get("new"):
            return 401, [("WWW-Authenticate", f'Bearer realm="http://{fake.host}/token",service="s"')], b""
        return answer(method, target, headers, body)

    monkeypatch.setattr(fake, "answer", shy)
    merge(request(fake, f"{pair}-ARCH:1", "new:1"), open_session(LOGIN))
    assert {len(scopes) for scopes in service.asked} == {3}
    assert {method for method, path in fake.seen if "/uploads/" in path} == {"POST"}  # mounted, and nothing uploaded


# 9: 307 and 308 for requests with a body


@pytest.mark.parametrize("status", [307, 308])
def test_redirects_are_followed_with_the_body_and_without_credentials_for_others(
    fake: FakeRegistry, pair: str, open_session: Callable[..., Session], status: int
) -> None:
    other = FakeRegistry()
    other.blobs, other.manifests, other.tags = fake.blobs, fake.manifests, fake.tags
    fake.basic = "Basic bWU6cA=="
    fake.moved = (status, other.host)
    fake.mount_status = 405
    try:
        session = open_session(LOGIN, plain_http=frozenset({fake.host, other.host}))
        result = merge(request(fake, f"{pair}-ARCH:1"), session)
    finally:
        other.close()
    assert fake.tags["app"]["1"] == result.digest
    assert {method for method, _ in other.seen} == {"POST", "PUT"}
    assert set(other.authorizations) == {""}


# 11: silence about the variant


@pytest.mark.parametrize("claim", ["linux/arm/v5", "linux/arm/v6", "linux/arm/v7", "linux/amd64/v3"])
def test_a_config_without_a_variant_contradicts_no_claim(claim: str) -> None:
    silent = claim.rpartition("/")[0]
    assert decide_platform(parse_platform(claim), parse_platform(silent), "x", allow=False)[0] == parse_platform(claim)


def test_a_config_with_another_variant_does() -> None:
    with pytest.raises(MismatchError, match="said to be linux/arm/v6"):
        decide_platform(parse_platform("linux/arm/v6"), parse_platform("linux/arm/v7"), "x", allow=False)
    with pytest.raises(MismatchError, match="said to be linux/arm64"):
        decide_platform(parse_platform("linux/arm64"), parse_platform("linux/arm"), "x", allow=False)


def test_arm_v6_beside_arm_v7_is_published_from_configs_that_name_neither(
    fake: FakeRegistry, put: Callable[..., str], open_session: Callable[..., Session]
) -> None:
    wanted = [f"linux/arm/{variant}" for variant in ("v6", "v7")]
    for platform in wanted:
        put("app", image("arm", seed=platform[-2:], layers=1), platform[-2:])
    sources = [Source(f"{fake.host}/app:{platform[-2:]}", platform) for platform in wanted]
    result = merge(MergeRequest(f"{fake.host}/app:1", sources), open_session())
    assert sorted(child.platform for child in result.children) == wanted
    checks = verify(f"{fake.host}/app:1", [parse_platform(platform) for platform in wanted], open_session())[1]
    assert {check.answer for check in checks} == {"yes"}


# 12: layers of a type that is not for distribution


def test_a_nondistributable_layer_without_an_address_of_its_own_is_copied(
    fake: FakeRegistry, put: Callable[..., str], open_session: Callable[..., Session]
) -> None:
    body = json.loads(image("amd64", layers=2).body)
    body["layers"][0]["mediaType"] = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
    put("app-amd64", image("amd64", layers=2)._replace(body=json.dumps(body).encode()), "1")
    merge(MergeRequest(f"{fake.host}/app:1", [Source(f"{fake.host}/app-amd64:1")]), open_session())
    assert body["layers"][0]["digest"] in fake.blobs["app"]


# 15: 413 for a whole blob


def test_what_is_too_large_for_one_request_is_sent_in_parts(
    fake: FakeRegistry, open_session: Callable[..., Session], put: Callable[..., str]
) -> None:
    fake.too_large, fake.mount_status = 1 << 20, 405
    blob, made = bytes(range(256)) * (3 << 12) + b"x" * 17, image("amd64", layers=1)
    body = json.loads(made.body)
    body["layers"].append(descriptor(blob, "application/vnd.oci.image.layer.v1.tar"))
    put("big", made._replace(body=json.dumps(body).encode(), blobs=(*made.blobs, blob)), "1")
    merge(MergeRequest(f"{fake.host}/app:1", [Source(f"{fake.host}/big:1")]), open_session())
    assert fake.blobs["app"][digest(blob)] == blob
    assert [method for method, _ in fake.seen].count("PATCH") == 7


def test_what_is_too_large_even_in_parts_is_refused_with_the_status(
    fake: FakeRegistry, pair: str, open_session: Callable[..., Session]
) -> None:
    fake.too_large, fake.mount_status = 1, 405
    with pytest.raises(RefusedError, match="answered 413"):
        merge(request(fake, f"{pair}-ARCH:1", "fresh:1"), open_session())


# 16: what was uploaded is not known yet


def test_a_store_that_knows_uploads_only_later_is_asked_again(
    fake: FakeRegistry, pair: str, open_session: Callable[..., Session]
) -> None:
    fake.forgetful = 2
    result = merge(request(fake, f"{pair}-ARCH:1"), open_session())
    assert fake.tags["app"]["1"] == result.digest


def test_what_stays_unknown_is_refused(fake: FakeRegistry, pair: str, open_session: Callable[..., Session]) -> None:
    fake.forgetful = 1000
    with pytest.raises(RefusedError, match="MANIFEST_BLOB_UNKNOWN"):
        merge(request(fake, f"{pair}-ARCH:1"), open_session())
    assert "1" not in fake.tags["app"]


# 17: replacing one platform of an index that is there


def test_amending_replaces_one_platform_and_leaves_the_others_and_the_annotations(
    fake: FakeRegistry, pair: str, put: Callable[..., str], open_session: Callable[..., Session]
) -> None:
    first = merge(request(fake, f"{pair}-ARCH:1", annotations={"a": "1", "b": "1"}), open_session())
    new = put("new-arm64", image("arm64", seed="new", layers=1), "1")
    more = MergeRequest(f"{fake.host}/app:1", [Source(f"{fake.host}/new-arm64:1", "linux/arm64")])
    fake.seen.clear()
    result = merge(more._replace(amend=True, annotations={"b": "2"}), open_session())
    assert [child.digest for child in result.children] == [first.children[0].digest, new]
    assert json.loads(result.body)["annotations"] == {"a": "1", "b": "2"}
    assert not any(first.children[0].digest in path for method, path in fake.seen if method == "PUT")
    added = put("app", image("386", layers=1), "x86")
    again = more._replace(amend=True, sources=[Source(f"{fake.host}/app:x86")])
    assert [child.digest for child in merge(again, open_session()).children][-1] == added


def test_what_moved_meanwhile_is_not_amended(
    fake: FakeRegistry, pair: str, put: Callable[..., str], open_session: Callable[..., Session],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    merge(request(fake, f"{pair}-ARCH:1"), open_session())
    put("app", image("arm64", seed="new", layers=1), "new")
    other = put("app", image("amd64", seed="other", layers=1), "other")
    answer = fake.answer

    def moving(method: str, target: str, *rest: object) -> object:
        if method == "HEAD" and target.endswith("/manifests/1"):
            fake.tags["app"]["1"] = other
        return answer(method, target, *rest)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(fake, "answer", moving)
    more = MergeRequest(f"{fake.host}/app:1", [Source(f"{fake.host}/app:new", "linux/arm64")], amend=True)
    with pytest.raises(RefusedError, match=f"to {other} since it was read"):
        merge(more, open_session())
    assert fake.tags["app"]["1"] == other


def test_only_an_index_that_is_there_can_be_amended(
    fake: FakeRegistry, pair: str, open_session: Callable[..., Session]
) -> None:
    with pytest.raises(MissingError):
        merge(request(fake, f"{pair}-ARCH:1", "app:none", amend=True), open_session())
    with pytest.raises(MismatchError, match="single image"):
        merge(request(fake, f"{pair}-ARCH:1", "app:1-amd64", amend=True), open_session())


names = st.sampled_from(["linux/amd64", "linux/arm64", "linux/arm/v6", "linux/arm/v7", "linux/386", "windows/amd64"])


def child(platform: str, number: int, media_type: str) -> Descriptor:
    made = Digest("sha256:" + f"{number:064x}")
    return Descriptor(media_type, made, 100, parse_platform(platform), origin=f"h/app:{number}")


@given(st.sets(names, min_size=1), st.sets(names, min_size=1), st.sampled_from([DOCKER_IMAGE, OCI_IMAGE]))
def test_an_amended_index_is_the_new_ones_and_all_others_as_they_were(
    old: set[str], new: set[str], media_type: str
) -> None:
    before = build_index([child(name, n, media_type) for n, name in enumerate(sorted(old))], kind="auto")
    fresh = [child(name, 50 + n, media_type) for n, name in enumerate(sorted(new))]
    after = build_index(amended(before, fresh, "h/app"), kind="auto")
    by_name = {str(entry.platform): entry.to_json() for entry in after.manifests}
    assert set(by_name) == old | new
    assert all(by_name[str(e.platform)] == e.to_json() for e in before.manifests if str(e.platform) not in new)
    assert after.media_type == before.media_type


# 18: attestations unwanted


def test_attestations_can_be_left_out_and_a_docker_list_be_made_then(
    fake: FakeRegistry, put: Callable[..., str], open_session: Callable[..., Session]
) -> None:
    for arch in ("amd64", "arm64"):
        put(f"app-{arch}", attested(arch), "1")
    wanted = request(fake, "app-ARCH:1")
    assert [child.attestation for child in merge(wanted, open_session()).children] == [False, False, True, True]
    without = merge(wanted._replace(attestations=False, target=f"{fake.host}/app:2"), open_session())
    assert [child.platform for child in without.children] == list(PLATFORMS)
    docker = wanted._replace(kind="docker", target=f"{fake.host}/app:3")
    with pytest.raises(Exception, match="--no-attestations"):
        merge(docker, open_session())
    assert merge(docker._replace(attestations=False), open_session()).media_type == DOCKER_LIST


def test_a_host_that_bears_one_request_at_a_time_is_copied_within(
    fake: FakeRegistry, pair: str, open_session: Callable[..., Session]
) -> None:
    """The blob is read from where it is written to: neither may wait for the other's turn."""
    fake.mount_status = 405
    merge(request(fake, f"{pair}-ARCH:1", "fresh:1"), open_session(per_host=1))
    assert fake.tags["fresh"]["1"]
