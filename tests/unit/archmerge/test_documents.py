"""Manifests, configs and indexes: what is read, what is refused, what is written."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archmerge import MismatchError, UsageError, WrongContentError
from archmerge.errors import ArchmergeError
from archmerge.index import build_index, decide_platform
from archmerge.manifests import (
    ATTESTATION_OF,
    ATTESTATION_TYPE,
    DOCKER_IMAGE,
    DOCKER_LIST,
    OCI_IMAGE,
    OCI_INDEX,
    Descriptor,
    digest_of,
    parse_config,
    parse_manifest,
)
from archmerge.platforms import Platform, parse_platform
from archmerge.reference import Digest
from tests.registry.lab.images import attested, image

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)
KEYS = ("schemaVersion", "mediaType", "manifests", "config", "layers", "annotations", "digest", "size", "platform",
        "os", "architecture", "fsLayers", "Entrypoint", "Cmd", "Env", "os.features")  # fmt: skip
manifest_like = st.recursive(
    json_values | st.sampled_from([2, OCI_IMAGE, OCI_INDEX, "sha256:" + "0" * 64]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=30,
)


def read(document: dict[str, Any], content_type: str = "") -> Any:
    return parse_manifest(json.dumps(document).encode(), content_type, "tag", "h/app:1")


@given(manifest_like, st.sampled_from(["", OCI_IMAGE, OCI_INDEX, "text/html"]))
def test_any_json_is_a_manifest_or_an_archmerge_error(document: Any, content_type: str) -> None:
    for parse in (lambda body: parse_manifest(body, content_type, "t", "w"), lambda body: parse_config(body, "w")):
        with contextlib.suppress(MismatchError, WrongContentError):  # and nothing else
            parse(json.dumps(document).encode())


@given(st.binary(max_size=200))
def test_any_bytes_are_a_manifest_or_an_archmerge_error(body: bytes) -> None:
    with pytest.raises((WrongContentError, MismatchError)):
        parse_manifest(body, OCI_IMAGE, "t", "w")


def test_the_deepest_json_is_an_error_not_a_crash() -> None:
    with pytest.raises(WrongContentError):
        parse_manifest(b"[" * 100_000, OCI_IMAGE, "t", "w")


def test_exact_bytes_and_sha512_are_kept() -> None:
    body = json.dumps(json.loads(image("amd64").body), indent=3).encode()
    parsed = parse_manifest(body, OCI_IMAGE, digest_of(body, "sha512:"), "w")
    assert parsed.body == body
    assert parsed.digest.startswith("sha512:")


def test_a_digest_asked_for_is_the_digest_read() -> None:
    with pytest.raises(WrongContentError, match="asked for"):
        parse_manifest(image("amd64").body, OCI_IMAGE, "sha256:" + "0" * 64, "w")


def test_without_media_type_the_content_type_and_then_the_shape_tell() -> None:
    bare = json.loads(image("amd64", media_type=False).body)
    assert read(bare, DOCKER_IMAGE).media_type == DOCKER_IMAGE
    assert read(bare, "application/json; charset=utf-8").media_type == OCI_IMAGE


def test_the_bodys_media_type_wins_over_a_header_of_the_same_kind() -> None:
    body = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}).encode()
    served = "application/vnd.docker.distribution.manifest.list.v2+json"
    assert parse_manifest(body, served, "1", "h/app:1").media_type == OCI_INDEX


@pytest.mark.parametrize(
    ("document", "content_type", "error"),
    [
        pytest.param({"schemaVersion": 1, "fsLayers": []}, "", "schema 1", id="schema 1"),
        pytest.param({"schemaVersion": 2, "manifests": [], "layers": []}, "", "both 'manifests'", id="ambiguous"),
        pytest.param({"schemaVersion": 2, "mediaType": "application/x", "layers": []}, "", "media type", id="type"),
        pytest.param({"schemaVersion": 2, "mediaType": OCI_IMAGE}, OCI_INDEX, "media type", id="image served as index"),
        pytest.param({"schemaVersion": 3}, "", "schemaVersion", id="schema 3"),
        pytest.param({"schemaVersion": 2, "manifests": [{"size": 1}]}, "", r"manifests\[0\]: .*'digest'", id="none"),
        pytest.param(
            {"schemaVersion": 2, "manifests": [{"digest": "sha256:" + "0" * 64, "size": "1"}]}, "",
            r"manifests\[0\]: unexpected type str in 'size'", id="size is text",
        ),
        pytest.param({"schemaVersion": 2, "config": [], "layers": []}, "", "type list in 'config'", id="config list"),
    ],
)  # fmt: skip
def test_errors_name_the_path(document: dict[str, Any], content_type: str, error: str) -> None:
    with pytest.raises(ArchmergeError, match=error):
        read(document, content_type)


def test_foreign_layers_are_no_blobs_to_copy() -> None:
    body = json.loads(image("amd64", layers=2).body)
    body["layers"][0]["mediaType"] = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
    body["layers"][0]["urls"] = ["https://example.com/layer"]
    parsed = read(body)
    assert len(parsed.layers) == 2
    assert len(parsed.blobs) == 2  # config and the one own layer


def test_a_blob_that_is_named_twice_is_copied_once() -> None:
    body = json.loads(image("amd64", layers=2).body)
    body["layers"].append(body["layers"][0])
    assert len(read(body).blobs) == 3


def test_buildkits_attestations_are_recognised() -> None:
    parsed = parse_manifest(attested("amd64").body, OCI_INDEX, "t", "w")
    assert [entry.is_attestation for entry in parsed.manifests] == [False, True]


def child(platform: str, number: int, media_type: str = OCI_IMAGE, **annotations: str) -> Descriptor:
    digest = Digest("sha256:" + f"{number:064x}")
    return Descriptor(media_type, digest, 100, parse_platform(platform), annotations, origin=f"h/app:{number}")


def proof(of: Descriptor, number: int) -> Descriptor:
    marks = {ATTESTATION_TYPE: "attestation-manifest", ATTESTATION_OF: of.digest}
    digest = Digest("sha256:" + f"{number:064x}")
    return Descriptor(OCI_IMAGE, digest, 50, Platform("unknown", "unknown"), marks, origin="h/app")


PLATFORMS = [
    "linux/riscv64",
    "linux/amd64",
    "linux/arm/v6",
    "windows/amd64",
    "linux/arm64",
    "linux/386",
    "linux/arm/v7",
]


@given(st.permutations(range(len(PLATFORMS))))
def test_any_order_of_children_gives_the_same_bytes_amd64_first(order: list[int]) -> None:
    children = [child(PLATFORMS[n], n) for n in order]
    index = build_index([*children, *(proof(c, 100 + int(c.digest[-2:], 16)) for c in children)])
    ordered = build_index(sorted(children) + [proof(child(p, n), 100 + n) for n, p in enumerate(PLATFORMS)])
    assert index.body == ordered.body
    assert str(index.manifests[0].platform) == "linux/amd64"
    assert str(index.manifests[1].platform) == "linux/arm64"
    assert digest_of(index.body) == index.digest


def test_two_images_for_one_platform_are_refused_however_it_is_spelled() -> None:
    with pytest.raises(MismatchError, match="would only ever get the first"):
        build_index([child("linux/arm64", 1), child("linux/arm64/v8", 2)])


def test_the_same_image_twice_is_refused() -> None:
    with pytest.raises(MismatchError, match="are the same image"):
        build_index([child("linux/arm64", 1), child("linux/amd64", 1)])


def test_an_empty_index_is_refused() -> None:
    with pytest.raises(MismatchError):
        build_index([])


def test_an_attestation_of_an_absent_child_is_dropped() -> None:
    here, gone = child("linux/amd64", 1), child("linux/arm64", 2)
    assert len(build_index([here, proof(here, 3), proof(gone, 4)]).manifests) == 2


@pytest.mark.parametrize(
    ("kind", "first", "second", "expected"),
    [
        ("oci", DOCKER_IMAGE, DOCKER_IMAGE, OCI_INDEX),
        ("auto", DOCKER_IMAGE, DOCKER_IMAGE, DOCKER_LIST),
        ("auto", DOCKER_IMAGE, OCI_IMAGE, OCI_INDEX),
        ("docker", DOCKER_IMAGE, DOCKER_IMAGE, DOCKER_LIST),
    ],
)
def test_the_kind_of_index(kind: str, first: str, second: str, expected: str) -> None:
    children = [child("linux/amd64", 1, first), child("linux/arm64", 2, second)]
    assert build_index(children, kind=kind).media_type == expected


def test_annotations_are_never_lost_without_a_word() -> None:
    docker = [child("linux/amd64", 1, DOCKER_IMAGE)]
    with pytest.raises(UsageError, match="can't carry annotations"):
        build_index(docker, kind="docker", annotations={"a": "b"})
    assert build_index(docker, kind="auto", annotations={"a": "b"}).media_type == OCI_INDEX
    written = json.loads(build_index([child("linux/amd64", 1, x="y")], annotations={"b": "2", "a": "1"}).body)
    assert list(written["annotations"]) == ["a", "b"]
    assert written["manifests"][0]["annotations"] == {"x": "y"}


def test_the_configs_own_platform_is_written_never_the_wrong_claim() -> None:
    claim, v8, v7 = map(parse_platform, ("linux/arm64", "linux/arm64/v8", "linux/arm/v7"))
    assert decide_platform(claim, v8, "x", allow=False)[0] == v8
    assert decide_platform(v7, parse_platform("linux/arm"), "x", allow=False)[0].variant == "v7"
    with pytest.raises(MismatchError, match="said to be linux/arm64, but its config says linux/amd64"):
        decide_platform(claim, parse_platform("linux/amd64"), "x", allow=False)
    platform, note = decide_platform(claim, parse_platform("linux/amd64"), "x", allow=True)
    assert platform == parse_platform("linux/amd64")
    assert "published as linux/amd64" in note


def test_a_config_without_platform_is_refused_even_when_mismatches_are_allowed() -> None:
    nothing = Platform("", "")
    with pytest.raises(MismatchError, match="names no platform"):
        decide_platform(None, nothing, "x", allow=True)
