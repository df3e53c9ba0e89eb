"""The project of a run is a folder, whoever brings it; what is archived of it is the same each time."""

import io
import tarfile
from pathlib import Path

import pytest

from components.problems import ConfigError
from multiarch.rehearse.live.project import MOST_MIB, OWN, archive, sources, with_buildkit


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
    assert names(archives[0]) == {"Dockerfile"}


def test_a_users_folder_is_taken_as_it_is_and_stays(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text("")
    (tmp_path / "Other.Dockerfile").write_text("FROM scratch\n")
    with sources(tmp_path / "Other.Dockerfile") as found:
        assert (found.folder, found.dockerfile) == (tmp_path.resolve(), "Other.Dockerfile")
        assert names(archive(found.folder)) == {"Other.Dockerfile"}
    assert (tmp_path / "Other.Dockerfile").exists()


def test_a_folder_without_a_dockerfile_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no file"), sources(tmp_path):
        pass


def test_a_dockerfile_that_links_to_another_one_of_its_folder_is_found_there(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile.web").write_text("FROM scratch\n")
    (tmp_path / "Dockerfile").symlink_to("Dockerfile.web")
    with sources(tmp_path) as found:
        assert (found.folder / found.dockerfile).is_file()
        assert found.folder == tmp_path.resolve()


def test_a_dockerfile_that_links_out_of_its_folder_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "web" / "Dockerfile").symlink_to("../Dockerfile")
    with pytest.raises(ConfigError, match="outside its folder"), sources(tmp_path / "web"):
        pass


@pytest.mark.parametrize("content", [b"config: [1, {", b"config:\n  name: \xff\n", b"- no mapping\n", b""])
def test_a_stack_file_that_can_not_be_read_is_left_to_the_plan(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.local.yaml"
    file.write_bytes(content)
    assert with_buildkit(file) is None


def test_what_gitignore_names_goes_into_no_image(tmp_path: Path) -> None:
    """As in a checkout: what is ignored is often a secret."""
    for name, text in {
        "Dockerfile": "FROM scratch\n",
        ".gitignore": ".env\n",
        ".env": "DB_PASSWORD=x",
        "a b/\u00e9": "",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert names(archive(tmp_path)) == {"Dockerfile", ".gitignore", "a b/\u00e9"}


def test_without_git_all_is_taken_but_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text("")
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    assert names(archive(tmp_path)) == {"Dockerfile"}


def test_a_folder_that_is_too_large_is_refused_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    with (tmp_path / "large").open("wb") as file:
        file.truncate((MOST_MIB + 1) * 1024**2)
    with pytest.raises(ConfigError, match="gitignore"):
        archive(tmp_path)
