"""What the images say about themselves, and what of it must agree with the rest of the project."""

import json
import tarfile
import tomllib
from pathlib import Path
from typing import Any

import pytest

from archmerge import parse_platform
from ci.versions import BUILDKIT_IMAGE
from components.runner.classes import ROOTLESS_BUILDKIT, ROOTLESS_CAPABILITIES, ROOTLESS_USER
from multiarch.rehearse.control_plane.cache import Shelf
from multiarch.rehearse.control_plane.platform import this_machine
from multiarch.rehearse.control_plane.tools import pinned_versions
from multiarch.rehearse.images import have, recipes
from multiarch.rehearse.images.archive import Entry, packed, text
from multiarch.rehearse.images.model import DIFFERS, MADE_OF, Image, ImagesError, Layer, index_of, layer_of
from multiarch.rehearse.images.programs import BUILDCTL, BUILDKITD, TOOLS_MODULE
from multiarch.rehearse.images.push import push
from multiarch.rehearse.images.recipes import Images, images_of, taking_from
from multiarch.rehearse.mirror.registry import LocalRegistry


def layer(name: str) -> Layer:
    made = layer_of(packed([text(name, name)]))
    return Layer(digest=made.digest, size=made.size, content=made.content, made_of=f"Debian {name} 1")


@pytest.fixture(params=["amd64", "arm64"])
def native(request: pytest.FixtureRequest) -> str:
    arch: str = request.param
    return arch


@pytest.fixture
def images(native: str) -> Images:
    return images_of({name: layer(name) for name in have.layer_names(native)}, native)


def config(image: Image) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(image.config)
    return document


def test_every_image_is_there_for_both_architectures_and_says_which_it_is(images: Images) -> None:
    assert set(images) == {"pause", "base", "helper", "merge", "buildkit"}
    for kind in images.values():
        assert {str(entry.platform) for entry in index_of(kind).images} == {"linux/amd64", "linux/arm64"}
        for arch, image in kind.items():
            assert (config(image)["os"], config(image)["architecture"]) == ("linux", arch)
            assert config(image)["rootfs"]["diff_ids"] == [blob.digest for blob in image.manifest.layers]


def test_every_image_says_what_it_was_made_of_and_how_it_differs(images: Images) -> None:
    for name, kind in images.items():
        for image in kind.values():
            labels = config(image)["config"]["Labels"]
            assert "Debian" in labels[MADE_OF]
            assert labels.get(DIFFERS, "") == image.differs
            assert bool(image.differs) is (name != "base")


def test_the_other_architectures_buildkit_says_that_its_programs_are_not_of_it(images: Images, native: str) -> None:
    """Its daemon would take the machine's architecture for its own, so it is told; the machine's own is not."""
    for arch, image in images["buildkit"].items():
        told = f"BUILDKITD_FLAGS=--oci-worker-platform=linux/{arch}"
        assert (told in config(image)["config"]["Env"]) is (arch != native)
        assert (f"are {native} ones" in image.differs) is (arch != native)
        assert ("emulated" in image.differs) is (arch != native)


def test_buildkits_user_and_folder_are_those_of_its_jobs(images: Images) -> None:
    for image in images["buildkit"].values():
        assert image.run["User"] == f"{ROOTLESS_USER}:{ROOTLESS_USER}"
        assert list(image.run["Volumes"]) == list(ROOTLESS_BUILDKIT.scratch.values())


def test_newuidmap_needs_no_more_than_jobs_are_granted() -> None:
    numbers = {"SETGID": 6, "SETUID": 7}  # linux/capability.h
    assert sorted(recipes.MAPPERS.values()) == sorted(numbers[name] for name in ROOTLESS_CAPABILITIES)
    given = [Entry(path=path, content=b"x", mode=0o4755) for path in recipes.MAPPERS]
    for entry in recipes.without_setuid(given):
        assert entry.mode == 0o755
        assert entry.capability == recipes.MAPPERS[entry.path]


def test_the_buildkit_that_is_built_is_the_templates() -> None:
    (version,) = set(pinned_versions(TOOLS_MODULE, (BUILDKITD, BUILDCTL)).values())
    assert f"docker.io/moby/buildkit:v{version}-rootless" == BUILDKIT_IMAGE


def test_a_layer_more_changes_that_image_alone(images: Images) -> None:
    plain = images["helper"]["arm64"]
    more = plain.extended(packed([text("sources/Dockerfile", "FROM scratch\n")]), {"A": "b"})
    assert more.layers[:-1] == plain.layers
    assert config(more)["config"]["Env"] == [*config(plain)["config"]["Env"], "A=b"]
    assert config(more)["config"]["Labels"] == config(plain)["config"]["Labels"]
    assert more.manifest.digest != plain.manifest.digest


def test_a_builds_daemon_is_told_of_the_registry_and_of_no_other_without_tls(images: Images) -> None:
    """Strings of TOML: an address with a port would else be a nested key."""
    told = taking_from(images["buildkit"]["amd64"], "10.0.0.1:5000", ("docker.io", "quay.io"))
    with tarfile.open(fileobj=told.layers[-1].open()) as archive:
        file = archive.extractfile("home/user/.config/buildkit/buildkitd.toml")
        assert file is not None
        config = tomllib.loads(file.read().decode())
    assert config["registry"].pop("10.0.0.1:5000") == {"http": True}
    assert config["registry"] == {name: {"mirrors": ["10.0.0.1:5000"]} for name in ("docker.io", "quay.io")}


def test_what_is_pushed_is_what_a_client_reads(images: Images, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with LocalRegistry() as local, local.session() as session:
        registry = session.registry(local.host)
        digest = push(images["merge"], registry, "library/python", "3.13")
        index = registry.manifest("library/python", "3.13")
        assert index.digest == digest
        for entry in index.images:
            manifest = registry.manifest("library/python", entry.digest)
            assert manifest.config is not None
            read = json.loads(registry.small_blob("library/python", manifest.config))
            assert parse_platform(f"linux/{read['architecture']}") == entry.platform


def test_a_registry_that_is_gone_is_named(images: Images, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with LocalRegistry() as local:
        host, session = local.host, local.session()
    with session, pytest.raises(ImagesError, match=f"{host}/app:1 could not be stored"):
        push(images["base"], session.registry(host), "app", "1")


def test_layers_that_are_kept_are_not_made_again_and_a_damaged_one_is_no_layer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")  # whatever is made needs apt-get
    shelf = have.shelf_for(tmp_path)
    shelf.folder.mkdir(parents=True)
    for name in have.layer_names(this_machine().arch):
        keep(shelf, name)
    found = have.have_images(cache_root=tmp_path)
    assert found["base"]["arm64"].layers[0].made_of == "Debian base-arm64"
    (shelf.folder / "base-arm64").write_bytes(b"something else")
    with pytest.raises(ImagesError, match="apt-get and dpkg-deb not on PATH"):
        have.have_images(cache_root=tmp_path)


def keep(shelf: Shelf, name: str) -> None:
    made = shelf.folder / f"{name}.made"
    made.write_bytes(packed([text(name, name)]))
    shelf.install(name, made, version="1", source=f"Debian {name}")
