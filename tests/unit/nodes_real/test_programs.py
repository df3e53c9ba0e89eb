"""Where a node's programs come from: the same ways, and the same pins, as the control plane's."""

from pathlib import Path

import pytest

from multiarch.rehearse.control_plane.binaries import Kit
from multiarch.rehearse.control_plane.build import shelf_for
from multiarch.rehearse.control_plane.platform import Platform
from multiarch.rehearse.control_plane.releases import Hosts
from multiarch.rehearse.control_plane.tools import Tool, pinned_versions, version_in
from multiarch.rehearse.nodes.programs import CONTAINERD, KUBELET, NODES_MODULE, Cni, kits, runc

LINUX = Platform("linux", "arm64")
ANSWERS = {
    "kubelet": "Kubernetes v1.36.3\n",
    "containerd": "containerd github.com/containerd/containerd/v2 v2.2.1 dea7da592f5d1d2b7755e3a161be07f43fad8f75\n",
    "containerd-shim-runc-v2": "containerd-shim-runc-v2:\n  Version:  v2.2.1\n  Go version: go1.26.8\n",
    "runc": "runc version 1.5.3\nspec: 1.3.0\nlibseccomp: 2.5.4\n",
}


def tools() -> list[Tool]:
    return [tool for kit in kits(seccomp=True) for tool in kit.tools]


def test_every_program_tells_the_version_that_is_pinned_for_it() -> None:
    assert {tool.name for tool in tools()} == set(ANSWERS)
    for kit in kits(seccomp=True):
        for name, version in pinned_versions(kit.module_dir, kit.tools).items():
            (tool,) = (one for one in kit.tools if one.name == name)
            assert version_in(tool, ANSWERS[name]) == version


def test_the_kubelet_is_of_the_control_planes_own_version() -> None:
    assert pinned_versions(tools=(KUBELET,))["kubelet"] == pinned_versions()["kube-apiserver"]


def test_a_programs_official_file_is_that_of_its_version_and_platform() -> None:
    for kit in kits(seccomp=False):
        versions = pinned_versions(kit.module_dir, kit.tools)
        found = kit.releases(versions, LINUX, Hosts())
        assert set(found) == set(versions)
        assert all(f"v{versions[name]}" in one.url and "arm64" in one.url for name, one in found.items())
        assert all("sha256" in one.sums_url for one in found.values())


def test_builds_that_differ_are_never_kept_under_one_key(tmp_path: Path) -> None:
    variants: tuple[Tool, ...] = (*CONTAINERD, runc(seccomp=True), runc(seccomp=False))
    keys = {shelf_for(tmp_path, LINUX, {}, NODES_MODULE, tool.variant).folder for tool in variants}
    assert len(keys) == 3
    with pytest.raises(ValueError, match="not built alike"):
        Kit(tools=(*CONTAINERD, runc(seccomp=True)), module_dir=NODES_MODULE, stamps=dict, releases=lambda *_: {})


def test_cni_plugins_are_a_folder_that_has_all_of_them(tmp_path: Path) -> None:
    half, whole = tmp_path / "half", tmp_path / "whole"
    for folder, names in ((half, Cni.NEEDED[:1]), (whole, Cni.NEEDED)):
        folder.mkdir()
        for name in names:
            (folder / name).touch()
    assert Cni.find([half, whole]) == Cni(whole)
    assert Cni.find([half]) is None
