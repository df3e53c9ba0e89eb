"""What is built is the folder of what was named, and a stack file that can't be read is the plan's to tell of."""

from pathlib import Path

import pytest

from components.problems import ConfigError
from multiarch.rehearse.live import project


def test_a_dockerfile_that_links_to_another_one_of_its_folder_is_found_there(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile.web").write_text("FROM scratch\n")
    (tmp_path / "Dockerfile").symlink_to("Dockerfile.web")
    with project.sources(tmp_path) as found:
        assert (found.folder / found.dockerfile).is_file()
        assert found.folder == tmp_path.resolve()


def test_a_dockerfile_that_links_out_of_its_folder_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "web" / "Dockerfile").symlink_to("../Dockerfile")
    with pytest.raises(ConfigError, match="outside its folder"), project.sources(tmp_path / "web"):
        pass


def test_a_folder_without_a_dockerfile_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no file"), project.sources(tmp_path):
        pass


@pytest.mark.parametrize("content", [b"config: [1, {", b"config:\n  name: \xff\n", b"- no mapping\n", b""])
def test_a_stack_file_that_can_not_be_read_is_left_to_the_plan(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.local.yaml"
    file.write_bytes(content)
    assert project.with_buildkit(file) is None
