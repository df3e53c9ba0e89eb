"""What goes into the package registry: all of it as it is, or a word on what is in the way and how to mend it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from archmerge import __version__
from ci import upload
from tests.templates.lab.package_registry import PackageRegistry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def registry() -> Iterator[PackageRegistry]:
    made = PackageRegistry()
    yield made
    made.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "archmerge.pyz"
    made.write_bytes(b"content")
    return made


def test_a_file_is_there_afterwards_under_package_version_and_name(registry: PackageRegistry, file: Path) -> None:
    assert upload.main([str(file)], registry.variables) == 0
    assert registry.files == {f"multiarch-runner/{__version__}/archmerge.pyz": b"content"}


@pytest.mark.parametrize("status", sorted(upload.FIXES))
def test_a_refusal_names_the_address_and_the_fix_and_never_the_token(
    registry: PackageRegistry, file: Path, capsys: pytest.CaptureFixture[str], status: int
) -> None:
    registry.refuse = status
    assert upload.main([str(file)], registry.variables) == 1
    said = capsys.readouterr().err
    assert f"answered {status}" in said
    assert upload.FIXES[status] in said
    assert registry.token not in said


def test_other_content_than_was_sent_is_no_success(
    registry: PackageRegistry, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    registry.spoil = True
    assert upload.main([str(file)], registry.variables) == 1
    assert "other content" in capsys.readouterr().err


def test_a_gitlab_that_is_not_reached_is_a_doubt(registry: PackageRegistry, file: Path) -> None:
    variables = registry.variables
    registry.close()
    assert upload.main([str(file)], variables) == 3


def test_outside_of_a_job_it_says_what_is_missing(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert upload.main([str(file)], {"CI_PROJECT_ID": "1"}) == 2
    assert "CI_API_V4_URL, CI_JOB_TOKEN" in capsys.readouterr().err
