"""The project of a run is a folder, whoever brings it; what is archived of it is the same each time."""

import io
import tarfile
from pathlib import Path

import pytest

from components.problems import ConfigError
from multiarch.rehearse.live.project import OWN, archive, sources


def names(content: bytes) -> set[str]:
    with tarfile.open(fileobj=io.BytesIO(content)) as archived:
        return set(archived.getnames())


def test_the_dockerfile_of_ours_is_in_a_folder_that_goes_and_is_the_same_commit_each_time() -> None:
    archives = []
    for _ in range(2):
        with sources(None) as found:
            assert (found.folder / found.dockerfile).read_text() == OWN
            archives.append(archive(found.folder))
        assert not found.folder.exists()
    assert archives[0] == archives[1]
    assert names(archives[0]) == {".", "./Dockerfile"}


def test_a_users_folder_is_taken_as_it_is_and_stays(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text("")
    (tmp_path / "Other.Dockerfile").write_text("FROM scratch\n")
    with sources(tmp_path / "Other.Dockerfile") as found:
        assert (found.folder, found.dockerfile) == (tmp_path.resolve(), "Other.Dockerfile")
        assert names(archive(found.folder)) == {".", "./Other.Dockerfile"}
    assert (tmp_path / "Other.Dockerfile").exists()


def test_a_folder_without_a_dockerfile_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no file"), sources(tmp_path):
        pass
