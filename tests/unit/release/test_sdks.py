"""The SDKs: made by Pulumi alone, each archive the same bytes for the same files, and no doubt taken for a yes."""

from __future__ import annotations

import io
import sys
import tarfile
from pathlib import Path

import pytest

from ci import sdks

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def schema(tmp_path: Path) -> Path:
    made = tmp_path / "schema.json"
    made.write_text('{"name": "kit"}')
    return made


def stand_in(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir()
    (folder / "pulumi").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "pulumi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def test_there_is_an_archive_for_each_language_and_again_the_same(
    schema: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path / "bin", f'exec {sys.executable} -m tests.templates.fakes.pulumi "$@"', monkeypatch)
    for folder in ("one", "two"):
        assert sdks.main(["--schema", str(schema), "--into", str(tmp_path / folder)]) == 0
    for language in sdks.LANGUAGES:
        first, second = ((tmp_path / folder / f"sdk-{language}.tar").read_bytes() for folder in ("one", "two"))
        assert first == second
        with tarfile.open(fileobj=io.BytesIO(first)) as archive:
            assert archive.getnames() == ["README"]


@pytest.mark.parametrize("script", ["echo 'unknown type' >&2; exit 255", "exit 0"])
def test_pulumi_that_refuses_or_writes_nothing_is_a_no(
    schema: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], script: str
) -> None:
    stand_in(tmp_path / "bin", script, monkeypatch)
    assert sdks.main(["--schema", str(schema), "--into", str(tmp_path / "out")]) == 1
    assert "no SDK for nodejs" in capsys.readouterr().err


def test_a_plugin_that_can_not_be_downloaded_is_a_doubt(
    schema: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The words of Pulumi 3.272.0 without a network."""
    said = "Could not automatically download and install resource plugin 'pulumi-resource-azure-native'"
    stand_in(tmp_path / "bin", f'echo "{said}" >&2; exit 255', monkeypatch)
    assert sdks.main(["--schema", str(schema), "--into", str(tmp_path / "out")]) == 3


def test_without_pulumi_it_could_not_be_told(schema: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert sdks.main(["--schema", str(schema), "--into", str(tmp_path / "out")]) == 3


def test_without_a_schema_it_is_a_usage_error(tmp_path: Path) -> None:
    assert sdks.main(["--schema", str(tmp_path / "none"), "--into", str(tmp_path)]) == 2
