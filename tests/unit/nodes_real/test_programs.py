"""Where a node's programs come from: the same ways, and the same pins, as the control plane's."""

from pathlib import Path

import pytest

from multiarch.rehearse.control_plane.binaries import Kit, prepare_binaries
from multiarch.rehearse.control_plane.build import replace_module, shelf_for
from multiarch.rehearse.control_plane.errors import BinariesError
from multiarch.rehearse.control_plane.platform import Platform
from multiarch.rehearse.control_plane.releases import Hosts
from multiarch.rehearse.control_plane.sources import Binaries, BinarySource, Origin
from multiarch.rehearse.control_plane.tools import Replaced, Tool, pinned_versions, version_in
from multiarch.rehearse.nodes.architectures import Arch
from multiarch.rehearse.nodes.programs import (
    CONTAINERD,
    KUBELET,
    NODES_MODULE,
    Cni,
    containerd_for,
    emulated_kit,
    kits,
    runc,
)
from multiarch.rehearse.nodes.real import program_paths
from tests.unit.nodes_real.test_files import NODES

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


@pytest.mark.parametrize("arch", list(Arch))
def test_the_emulated_nodes_containerd_is_the_others_but_for_one_function(arch: Arch, tmp_path: Path) -> None:
    kit = emulated_kit(arch)
    ((name, version),) = pinned_versions(NODES_MODULE, kit.tools).items()
    assert version == pinned_versions(NODES_MODULE, CONTAINERD)["containerd"]
    assert version_in(kit.tools[0], ANSWERS["containerd"]) == version
    assert kit.stamps({name: version})["github.com/containerd/platforms.architecture"] == arch
    others = {str(containerd_for(one).name) for one in Arch} | {tool.name for tool in CONTAINERD}
    assert len(others) == 4
    with pytest.raises(BinariesError, match="always built"):
        prepare_binaries("official", kit=kit, cache_root=tmp_path)


def test_a_module_is_replaced_by_a_copy_with_our_file_and_never_changed_itself(tmp_path: Path) -> None:
    source, module_dir, ours = tmp_path / "source", tmp_path / "module", tmp_path / "ours"
    for folder, content in ((source / "deep", "theirs"), (module_dir, "module m\n"), (ours, "our own")):
        folder.mkdir(parents=True)
        for name in ("a.go", "go.mod", "go.sum"):
            (folder / name).write_text(content)
    (source / "a.go").write_text("theirs")
    (ours / "go.mod").unlink()
    (ours / "go.sum").unlink()
    for path in (source / "deep", source):
        path.chmod(0o555)
    replaced = Replaced(module="example.com/m", files=ours)
    go_mod = replace_module(replaced, source, module_dir, tmp_path)
    copy = Path(go_mod.read_text().splitlines()[-1].removeprefix("replace example.com/m => "))
    assert (copy / "a.go").read_text() == "our own"
    assert (copy / "deep" / "a.go").read_text() == (source / "a.go").read_text() == "theirs"
    assert go_mod.with_suffix(".sum").read_text() == "module m\n"
    before = replaced.digest
    (ours / "a.go").rename(ours / "gone.go").write_text("changed")
    assert replaced.digest != before, "another function is another build"
    with pytest.raises(BinariesError, match=r"no gone\.go any more"):
        replace_module(replaced, source, module_dir, tmp_path / "again")
    for path in (source / "deep", source):
        path.chmod(0o755)


def test_an_emulated_node_has_its_own_containerd_and_the_other_has_none_of_it() -> None:
    names = ("kubelet", "containerd", "containerd-shim-runc-v2", "runc", *(containerd_for(arch).name for arch in Arch))
    had = Binaries(
        {name: BinarySource(name=name, path=Path("/had", name), version="1", origin=Origin.BUILD) for name in names}
    )
    for arch, node in NODES.items():
        found = program_paths(node, had)
        own = f"/had/containerd-for-{arch}" if node.emulated else "/had/containerd"
        assert found["containerd"] == own
        assert list(found) == ["kubelet", "containerd", "containerd-shim-runc-v2", "runc"]


def test_builds_that_differ_are_never_kept_under_one_key(tmp_path: Path) -> None:
    variants: tuple[Tool, ...] = (*CONTAINERD, containerd_for(Arch.ARM64), runc(seccomp=True), runc(seccomp=False))
    keys = {shelf_for(tmp_path, LINUX, {}, NODES_MODULE, tool.variant).folder for tool in variants}
    assert len(keys) == 4
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
