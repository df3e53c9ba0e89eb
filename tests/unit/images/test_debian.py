"""Apt works in folders of its own, and what it does not do is said."""

import os
import stat
from pathlib import Path

import pytest

from multiarch.rehearse.images import debian
from multiarch.rehearse.images.debian import Debian, read_name
from multiarch.rehearse.images.model import ImagesError, UnreachedError

OWN = ("Dir::State=", "Dir::State::status=", "Dir::Cache=", "Dir::Log=", "Dir::Etc::sourcelist=")
NONE = ("Dir::Etc::sourceparts=", "Dir::Etc::preferences=", "Dir::Etc::preferencesparts=")


@pytest.fixture
def apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An apt-get that writes down how it was called, does what `then` says, and ends as it says."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("apt-get", "dpkg-deb"):
        program = tools / name
        program.write_text(
            f'#!/bin/sh\nprintf "%s\\n" "$@" >"{tools}/called"\n[ ! -f {tools}/then ] || . {tools}/then\n'
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    keyring = tools / "keyring.gpg"
    keyring.write_bytes(b"")
    monkeypatch.setattr(debian, "KEYRING", keyring)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    return tools


def test_nothing_of_the_machines_own_packages_is_read_or_written(apt: Path, tmp_path: Path) -> None:
    Debian("arm64", tmp_path / "own").update()
    called = (apt / "called").read_text().splitlines()
    options = [called[number + 1] for number, word in enumerate(called) if word == "-o"]
    for begin in OWN:
        (place,) = [option.removeprefix(begin) for option in options if option.startswith(begin)]
        assert Path(place).is_relative_to(tmp_path / "own")
    for begin in NONE:
        assert f"{begin}/dev/null" in options
    assert "APT::Architecture=arm64" in options
    assert "--error-on=any" in called, "an old list would be taken for a new one"


def test_packages_are_only_verified_ones(apt: Path, tmp_path: Path) -> None:
    Debian("amd64", tmp_path / "own").update()
    sources = (tmp_path / "own" / "etc" / "debian.sources").read_text()
    assert sources.count("URIs:") == sources.count("Signed-By:") == 2
    called = (apt / "called").read_text().casefold()
    assert "unauthenticated" not in called
    assert "insecure" not in called
    assert "trusted" not in sources.casefold()


def test_lists_that_are_not_reached_are_told_from_other_failures(apt: Path, tmp_path: Path) -> None:
    (apt / "then").write_text("echo 'E: Could not resolve host' >&2; exit 100\n")
    with pytest.raises(UnreachedError, match=r"lists of packages: apt-get failed: E: Could not resolve host"):
        Debian("amd64", tmp_path / "own").update()
    with pytest.raises(ImagesError, match=r"fetching tini for amd64: apt-get failed") as other:
        Debian("amd64", tmp_path / "own").packages(["tini"], "x")
    assert not isinstance(other.value, UnreachedError)


@pytest.mark.usefixtures("apt")
def test_a_package_that_was_not_fetched_is_missed_whatever_apt_says(tmp_path: Path) -> None:
    with pytest.raises(ImagesError, match="did not fetch it"):
        Debian("amd64", tmp_path / "own").packages(["tini"], "x")


def test_what_a_machine_lacks_is_said_with_the_fix(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(ImagesError, match="apt-get and dpkg-deb not on PATH: the images are made of Debian's packages"):
        Debian("amd64", tmp_path / "own").update()


def test_a_packages_file_tells_its_name_and_version() -> None:
    package = read_name(Path("busybox-static_1%3a1.35.0-4+deb12u1+b1_arm64.deb"))
    assert package.named == "busybox-static 1:1.35.0-4+deb12u1+b1"
    with pytest.raises(ImagesError, match="not named as a Debian package"):
        read_name(Path("lock.deb"))
