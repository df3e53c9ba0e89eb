"""`--from`: the files of build tools, in the forms that these tools document."""

from __future__ import annotations

import contextlib
import json
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archmerge import MergeRequest, MismatchError, MissingError, Session, Source, UsageError, WrongContentError, merge
from archmerge.arguments import parse
from archmerge.built import digest_sources, read_batch
from archmerge.cli import push_request
from archmerge.errors import ArchmergeError
from archmerge.layout import Layout
from tests.registry.lab.images import Image, attested, digest, image

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.archmerge.fake_registry import FakeRegistry

ONE, TWO = ("sha256:" + char * 64 for char in "12")
# As `docker buildx build --metadata-file` writes it (docs.docker.com/reference/cli/docker/buildx/build).
BUILDX: dict[str, Any] = {
    "buildx.build.ref": "mybuilder/mybuilder0/0fjb6ubs52xx3vygf6fgdl611",
    "containerimage.config.digest": TWO,
    "containerimage.descriptor": {
        "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": ONE, "size": 506,
        "platform": {"architecture": "arm64", "os": "linux"},
    },
    "containerimage.digest": ONE,
    "image.name": "docker.io/me/app:1,docker.io/me/app:latest",
}  # fmt: skip
SPEC = """\
image: h.io/app:1.2
tags: ['1', latest]
manifests:
  - image: h.io/app:amd64
    platform: {architecture: amd64, os: linux}
  - image: h.io/app:arm
    platform:
      architecture: arm
      os: linux
      variant: v6
"""


def written(folder: Path, text: object) -> str:
    path = folder / "file"
    path.write_text(text if isinstance(text, str) else json.dumps(text))
    return str(path)


def pairs(sources: list[Source]) -> list[tuple[str, str | None]]:
    return [(source.reference, source.platform) for source in sources]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (BUILDX, [(f"docker.io/me/app@{ONE}", "linux/arm64")]),
        ({"app": BUILDX, "other": {**BUILDX, "image.name": "h.io/x"}},
         [(f"docker.io/me/app@{ONE}", "linux/arm64"), (f"h.io/x@{ONE}", "linux/arm64")]),
        ({"containerimage.digest": ONE}, [(f"h.io/app@{ONE}", None)]),
        (f"{ONE}\n", [(f"h.io/app@{ONE}", None)]),
        (f"h.io/x@{ONE}", [(f"h.io/x@{ONE}", None)]),
        (f"h.io/x:1@{ONE}\nh.io/x:latest@{ONE}\n", [(f"h.io/x@{ONE}", None)]),
        (SPEC, [("h.io/app:amd64", "linux/amd64"), ("h.io/app:arm", "linux/arm/v6")]),
        ([{"platform": "linux/386", "image": "h.io/x", "digest": ONE}], [(f"h.io/x@{ONE}", "linux/386")]),
    ],
    ids=["buildx", "bake", "buildx without a name", "kaniko --digest-file", "kaniko with name",
         "kaniko with name and tag", "manifest-tool", "ours"],
)  # fmt: skip
def test_files_are_told_by_their_content(tmp_path: Path, content: object, expected: list[tuple[str, str]]) -> None:
    assert pairs(digest_sources([written(tmp_path, content)], [], "h.io/app")) == expected


def test_a_platform_can_stand_before_a_file_that_names_none(tmp_path: Path) -> None:
    name = written(tmp_path, ONE)
    assert pairs(digest_sources([f"linux/arm/v7={name}"], ["linux/arm/v7"], "h.io/app")) == [
        (f"h.io/app@{ONE}", "linux/arm/v7")
    ]
    with pytest.raises(MissingError, match="no digest for linux/amd64"):
        digest_sources([f"linux/arm64={name}"], ["linux/amd64", "linux/arm64"], "h.io/app")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "nothing that archmerge knows"),
        ("hello", "nothing that archmerge knows"),
        ("{", "can't be read as JSON"),
        ("a: [", "can't be read"),
        ({"containerimage.digest": "sha256:1"}, "neither sha256"),
        (f"Not/Valid@{ONE}", "repository name"),
        ("image: h.io/a:1\nmanifests:\n- platform: {}\n", r"manifests\[0\]: 'image' is missing"),
        ("image: h.io/a:1\nmanifests: []\nregistry: x\n", "unknown key 'registry'"),
    ],
)
def test_what_is_none_of_them_is_named(tmp_path: Path, content: object, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        digest_sources([written(tmp_path, content)], [], "h.io/app")


texts = st.text(max_size=80)
buildx_like = st.dictionaries(st.sampled_from(sorted(BUILDX)), texts | st.integers())


@given(texts | buildx_like.map(json.dumps))
def test_any_text_is_read_or_refused(text: str) -> None:
    path = Path("/dev/shm" if Path("/dev/shm").is_dir() else "/tmp") / "archmerge-fuzz-from"  # noqa: S108 - overwritten
    path.write_text(text, "utf-8", errors="replace")
    with contextlib.suppress(ArchmergeError):  # and nothing else
        digest_sources([str(path)], [], "h.io/app")


def test_manifest_tools_spec_is_pushed_as_it_is(tmp_path: Path) -> None:
    request = push_request(parse(["--debug", "push", "--type", "docker", "from-spec", written(tmp_path, SPEC)]))
    assert (request.target, request.tags, request.kind) == ("h.io/app:1.2", ["1", "latest"], "docker")
    assert [source.platform for source in request.sources] == ["linux/amd64", "linux/arm/v6"]


def test_expected_platforms_are_held_against_the_configs_where_no_file_names_one(
    fake: FakeRegistry, pair: str, open_session: Callable[..., Session]
) -> None:
    found = [fake.tags[pair][f"1-{arch}"] for arch in ("amd64", "arm64")]
    sources = [Source(f"{fake.host}/{pair}@{one}") for one in found]
    wanted = MergeRequest(f"{fake.host}/app:1", sources, platforms=["linux/amd64", "linux/386"])
    with pytest.raises(MissingError, match="linux/386"):
        merge(wanted, open_session())
    with pytest.raises(MismatchError, match="not in --platforms"):
        merge(wanted._replace(platforms=["linux/amd64"]), open_session())
    assert merge(wanted._replace(platforms=["linux/amd64", "linux/arm64"]), open_session()).tags


def layout(folder: Path, *images: Image) -> Path:
    """An OCI layout, as buildx, skopeo and ko write it."""
    (folder / "blobs/sha256").mkdir(parents=True)
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')

    def place(made: Image) -> None:
        for content in (made.body, *made.blobs):
            (folder / "blobs/sha256" / digest(content)[7:]).write_bytes(content)
        for child in made.children:
            place(child)

    for made in images:
        place(made)
    entries = [{"mediaType": i.media_type, "digest": i.digest, "size": len(i.body)} for i in images]
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": entries}))
    return folder


def tarred(folder: Path) -> Path:
    name = folder.with_suffix(".tar")
    with tarfile.open(name, "w") as archive:
        archive.add(folder, arcname=".")
    return name


@pytest.mark.parametrize("as_tar", [False, True], ids=["folder", "tar file"])
def test_layouts_are_pushed_from_disk_and_verified_alike(
    fake: FakeRegistry, open_session: Callable[..., Session], tmp_path: Path, *, as_tar: bool
) -> None:
    places = [layout(tmp_path / "a", attested("amd64")), layout(tmp_path / "b", image("arm64", layers=2))]
    names = [str(tarred(place) if as_tar else place) for place in places]
    sources = digest_sources(names, ["linux/amd64", "linux/arm64"], "h.io/app")
    result = merge(MergeRequest(f"{fake.host}/app:1", sources, verify_binaries=True), open_session())
    assert [child.platform for child in result.children] == ["linux/amd64", "linux/arm64", "attestation"]
    assert {child.digest for child in result.children} <= set(fake.manifests["app"])
    assert {digest(blob) for blob in image("arm64", layers=2).blobs} <= set(fake.blobs["app"])
    lie = [source._replace(platform="linux/s390x") for source in sources[1:]]
    with pytest.raises(MismatchError, match="said to be linux/s390x"):
        merge(MergeRequest(f"{fake.host}/app:2", lie), open_session())


@pytest.mark.parametrize("which", [0, 1, -1], ids=["manifest", "config", "layer"])
def test_a_layout_with_other_content_than_its_names_is_refused(
    fake: FakeRegistry, open_session: Callable[..., Session], tmp_path: Path, which: int
) -> None:
    made = image("arm64", layers=2)
    folder = layout(tmp_path / "a", made)
    content = (made.body, *made.blobs)[which]
    (folder / "blobs/sha256" / digest(content)[7:]).write_bytes(content[:-1] + b"x")
    with pytest.raises(WrongContentError):
        merge(MergeRequest(f"{fake.host}/app:1", digest_sources([str(folder)], [], "h.io/app")), open_session())
    assert "1" not in fake.tags.get("app", {})


def test_a_folder_or_tar_file_that_is_no_layout_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in (tmp_path / "empty", tarred(tmp_path / "empty")):
        with pytest.raises(MissingError, match=r"holds no index\.json"):
            digest_sources([str(name)], [], "h.io/app")
    (tmp_path / "x.bin").write_bytes(b"\0" * 10)
    with pytest.raises(UsageError, match="neither a folder nor a tar file"):
        Layout(f"oci-layout://{tmp_path}/x.bin")


def test_a_batch_reads_the_same_files_for_its_target(tmp_path: Path) -> None:
    entry = {"target": "h.io/team/app:1", "from": [written(tmp_path, ONE)]}
    (tmp_path / "batch.json").write_text(json.dumps([entry]))
    (request,) = read_batch(str(tmp_path / "batch.json"))
    assert [source.reference for source in request.sources] == [f"h.io/team/app@{ONE}"]
