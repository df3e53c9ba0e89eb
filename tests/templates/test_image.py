"""The image of archmerge: a layer on Python's own image, for both architectures, with nothing run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from archmerge.packaging import make_zipapp
from ci import image as made
from tests.registry.lab import images
from tests.registry.lab.tokens import PASSWORD, USER

if TYPE_CHECKING:
    from tests.registry.lab.workbench import Workbench


@pytest.fixture
def zipapp(tmp_path: Path) -> Path:
    return make_zipapp.build(tmp_path / "archmerge.pyz")


@pytest.fixture(autouse=True)
def login(monkeypatch: pytest.MonkeyPatch, lab: Workbench) -> None:
    lab.reset()
    for name, value in {"CI_REGISTRY": lab.host, "CI_REGISTRY_USER": USER, "CI_REGISTRY_PASSWORD": PASSWORD}.items():
        monkeypatch.setenv(name, value)


def base(lab: Workbench, *arches: str, docker: bool = False) -> str:
    repository = lab.name("python")
    children = [
        (images.image(arch, seed="base", docker=docker), {"platform": {"os": "linux", "architecture": arch}})
        for arch in arches
    ]
    kind = images.DOCKER_LIST if docker else images.OCI_INDEX
    lab.push(repository, images.index(children, kind), "3.13")
    return f"{lab.host}/{repository}:3.13"


def assemble(lab: Workbench, reference: str, zipapp: Path, into: Path) -> int:
    return made.main(["--base", reference, "--zipapp", str(zipapp), "--into", str(into), "--plain-http", lab.host])


@pytest.mark.parametrize("docker", [False, True], ids=["OCI", "Docker"])
def test_it_is_the_base_with_one_layer_more_as_nobody_with_a_shell_for_gitlab(
    lab: Workbench, zipapp: Path, tmp_path: Path, *, docker: bool
) -> None:
    assert assemble(lab, base(lab, "amd64", "arm64", "arm", docker=docker), zipapp, tmp_path / "layout") == 0
    index = json.loads((tmp_path / "layout/index.json").read_text())
    assert [entry["platform"]["architecture"] for entry in index["manifests"]] == ["amd64", "arm64"]
    for entry in index["manifests"]:
        manifest = blob(tmp_path, entry["digest"])
        config = blob(tmp_path, manifest["config"]["digest"])
        assert {layer["mediaType"].partition(".layer")[0] for layer in manifest["layers"]} == {
            "application/vnd.oci.image"
        }
        assert len(manifest["layers"]) == len(config["rootfs"]["diff_ids"]) == 5
        assert config["architecture"] == entry["platform"]["architecture"]
        assert config["config"]["User"] == "65532:65532"
        assert "Entrypoint" not in config["config"]


def test_the_same_commit_and_base_give_the_same_image(lab: Workbench, zipapp: Path, tmp_path: Path) -> None:
    reference = base(lab, "amd64", "arm64")
    for folder in ("one", "two"):
        assert assemble(lab, reference, zipapp, tmp_path / folder) == 0
    assert (tmp_path / "one/index.json").read_bytes() == (tmp_path / "two/index.json").read_bytes()


def test_a_base_that_lacks_an_architecture_is_refused(
    lab: Workbench, zipapp: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert assemble(lab, base(lab, "amd64"), zipapp, tmp_path / "layout") == 4
    assert "linux/arm64" in capsys.readouterr().err
    assert not (tmp_path / "layout/index.json").exists()


def test_a_registry_that_is_not_reached_and_a_zipapp_that_is_not_there_have_their_own_codes(
    lab: Workbench, zipapp: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert assemble(lab, f"{lab.host}/nothing/here:1", zipapp, tmp_path / "layout") == 3
    assert assemble(lab, base(lab, "amd64", "arm64"), Path("none.pyz"), tmp_path / "layout") == 2
    assert "none.pyz" in capsys.readouterr().err


def blob(folder: Path, digest: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "layout/blobs" / digest.replace(":", "/")).read_text())
    return document
