"""Images that are really made, and a registry that really serves them. Skipped where they can't be."""

from __future__ import annotations

import ctypes
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from multiarch.rehearse.control_plane.cache import default_root
from multiarch.rehearse.control_plane.progress import PlainLines
from multiarch.rehearse.images import debian, have_images, programs
from multiarch.rehearse.images.model import UnreachedError
from multiarch.rehearse.mirror.registry import LocalRegistry
from tests.images.lab import why_no_containers
from tests.nodes.lab.asked import ASKED_FOR

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from multiarch.rehearse.images.recipes import Images

_CHILD_SUBREAPER = 36


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/images" in str(item.path):
            item.add_marker(pytest.mark.images)
            if not os.environ.get("MULTIARCH_NODES"):
                item.add_marker(pytest.mark.skip(reason=ASKED_FOR))


@pytest.fixture(scope="session")
def images() -> Images:
    if why := debian.missing():
        pytest.skip(why)
    if programs.lacking_for_c():
        pytest.skip(programs.lacking_for_c())
    try:
        return have_images(PlainLines())
    except UnreachedError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def runc(images: Images) -> Iterator[Path]:
    """The runc of the BuildKit image, with this process as the parent of what it leaves: so it hears how that ended."""
    if why := why_no_containers():
        pytest.skip(why)
    assert images
    ctypes.CDLL(None).prctl(_CHILD_SUBREAPER, 1, 0, 0, 0)
    yield programs.have_program(programs.RUNC, default_root(), PlainLines())[0]
    ctypes.CDLL(None).prctl(_CHILD_SUBREAPER, 0, 0, 0, 0)


@pytest.fixture(scope="session")
def registry() -> Iterator[LocalRegistry]:
    if shutil.which("docker-registry") is None:
        pytest.skip("docker-registry is not installed (apt-get install docker-registry)")
    with LocalRegistry() as running:
        yield running
