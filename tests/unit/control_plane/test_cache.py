import fcntl
import threading
from pathlib import Path

import pytest

from multiarch.rehearse.control_plane.build import FLAGS, shelf_for, stamps
from multiarch.rehearse.control_plane.cache import Shelf, key
from multiarch.rehearse.control_plane.errors import BinariesError
from multiarch.rehearse.control_plane.platform import Platform
from multiarch.rehearse.control_plane.tools import TOOLS_MODULE, pinned_versions
from tests.unit.control_plane.release_server import PLATFORM, put

VERSIONS = pinned_versions()


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    made = Shelf(tmp_path / "shelf")
    with made.locked(lambda _: None) as scratch:
        made.install("etcd", put(scratch, "etcd", b"program"), version="3.6.8", source="test")
    return made


def test_what_was_installed_is_found_whole_and_executable(shelf: Shelf) -> None:
    found = shelf.find("etcd")
    assert found is not None
    path, receipt = found
    assert path.read_bytes() == b"program"
    assert path.stat().st_mode & 0o111
    assert (receipt.version, receipt.source) == ("3.6.8", "test")


@pytest.mark.parametrize("content", [b"", b"progra", b"programs", b"Program"])
def test_a_program_that_was_changed_or_cut_is_not_found(shelf: Shelf, content: bytes) -> None:
    (shelf.folder / "etcd").write_bytes(content)
    assert shelf.find("etcd") is None
    assert shelf.holds("etcd")


@pytest.mark.parametrize("receipt", ["", "{}", "[]", '{"sha256": "1", "version": "2"}'])
def test_a_program_without_a_whole_receipt_is_not_found(shelf: Shelf, receipt: str) -> None:
    (shelf.folder / "etcd.json").write_text(receipt)
    assert shelf.find("etcd") is None


def test_a_program_whose_install_broke_off_is_not_found(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("multiarch.rehearse.control_plane.cache.write_whole", broken)
    with shelf.locked(lambda _: None) as scratch, pytest.raises(KeyboardInterrupt):
        shelf.install("etcd", put(scratch, "etcd", b"newer"), version="3.6.9", source="test")
    assert shelf.find("etcd") is None


def test_what_a_killed_build_left_is_swept_away(shelf: Shelf) -> None:
    (shelf.folder / ".scratch").mkdir()
    (shelf.folder / ".scratch" / "kube-apiserver").write_bytes(b"half")
    with shelf.locked(lambda _: None) as scratch:
        assert list(scratch.iterdir()) == []
    assert not scratch.exists()


def test_two_rehearsals_do_not_build_at_once(shelf: Shelf) -> None:
    order = []
    with (shelf.folder / ".lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)

        def second() -> None:
            with shelf.locked(lambda _: order.append("waits")):
                order.append("has it")

        thread = threading.Thread(target=second)
        thread.start()
        while not order:
            pass
        order.append("released")
    thread.join()
    assert order[:2] == ["waits", "released"]
    assert order[-1] == "has it"


def test_a_cache_that_cannot_be_written_is_told_by_its_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BinariesError, match="cannot be written"), Shelf(tmp_path / "file" / "x").locked(lambda _: None):
        pass


def test_the_key_changes_with_each_thing_that_decides_over_the_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / "module"
    module.mkdir()
    for name in ("go.mod", "go.sum"):
        (module / name).write_bytes((TOOLS_MODULE / name).read_bytes())

    def folder(platform: Platform = PLATFORM, **versions: str) -> Path:
        return shelf_for(tmp_path, platform, stamps({**VERSIONS, **versions}), module).folder

    first = folder()
    assert first == shelf_for(tmp_path, PLATFORM, stamps(VERSIONS)).folder
    seen = {first, folder(Platform("linux", "arm64")), folder(kwok="9.9.9")}
    with (module / "go.sum").open("a") as file:
        file.write("x")
    seen.add(folder())
    with (module / "go.mod").open("a") as file:
        file.write("// x")
    seen.add(folder())
    monkeypatch.setattr("multiarch.rehearse.control_plane.build.FLAGS", (*FLAGS, "-race"))
    seen.add(folder())
    assert len(seen) == 6


def test_parts_of_a_key_do_not_run_together() -> None:
    assert key("ab", "c") != key("a", "bc")
    assert key("a") == key(b"a")
