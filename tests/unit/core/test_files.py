"""A file is whole or not there, and a failure leaves nothing behind."""

import os
from pathlib import Path

import pytest

from multiarch.core.files import write_whole


def test_a_file_is_replaced_as_a_whole_with_the_given_mode(tmp_path: Path) -> None:
    place = tmp_path / "f"
    place.write_text("old")
    write_whole(place, "new\n", mode=0o640)
    assert (place.read_text(), place.stat().st_mode & 0o777, [one.name for one in tmp_path.iterdir()]) == (
        "new\n",
        0o640,
        ["f"],
    )


def test_a_failure_keeps_the_old_file_and_leaves_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "f"
    place.write_text("old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(place, "new")
    assert (place.read_text(), [one.name for one in tmp_path.iterdir()]) == ("old", ["f"])
