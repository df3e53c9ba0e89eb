"""One embedded control plane for the whole run of pytest, whichever folders use it. Imported by `tests/conftest.py`."""

import os
import typing
from collections.abc import Iterator

import pytest

from multiarch.cluster.connection import Connection
from multiarch.rehearse.control_plane.binaries import Mode, prepare_binaries
from multiarch.rehearse.control_plane.errors import BinariesError
from multiarch.rehearse.control_plane.plane import ControlPlane
from multiarch.rehearse.control_plane.progress import PlainLines
from multiarch.rehearse.control_plane.sources import Binaries

MODES: tuple[Mode, ...] = typing.get_args(Mode)


@pytest.fixture(scope="session")
def binaries(request: pytest.FixtureRequest) -> Binaries:
    mode = request.config.getoption("--binaries", None) or os.environ.get("MULTIARCH_BINARIES", "auto")
    if mode not in MODES:
        pytest.fail(f"MULTIARCH_BINARIES={mode}: use one of {', '.join(MODES)}")
    try:
        return prepare_binaries(mode, PlainLines())
    except BinariesError as error:
        pytest.skip(f"no control plane: {error}")


@pytest.fixture(scope="session")
def control_plane(binaries: Binaries) -> Iterator[ControlPlane]:
    # A plane that has its programs but does not start is an error, never a skip.
    with ControlPlane(binaries) as plane:
        yield plane


@pytest.fixture(scope="session")
def connection(control_plane: ControlPlane) -> Iterator[Connection]:
    with Connection(control_plane.kubeconfig, control_plane.context) as made:
        yield made
