"""The tier `nodes`: real kubelets on this machine, one cluster at a time on it."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from components.problems import ConfigError
from multiarch.rehearse.control_plane.errors import BinariesError
from multiarch.rehearse.control_plane.plane import ControlPlane
from multiarch.rehearse.control_plane.progress import PlainLines
from multiarch.rehearse.control_plane.sources import Binaries
from multiarch.rehearse.mirror.registry import LocalRegistry
from multiarch.rehearse.nodes import host
from multiarch.rehearse.nodes.architectures import Arch
from multiarch.rehearse.nodes.programs import have_programs
from multiarch.rehearse.nodes.real import RealNodes
from tests.nodes.lab import images
from tests.nodes.lab.asked import ASKED_FOR
from tests.nodes.lab.pods import Kubectl

HERE = Path(__file__).parent
PLANNED = {
    Arch.ARM64: {
        "metadata": {"labels": {"pool.example/name": "builds", "kubernetes.io/hostname": "of-the-cloud"}},
        "spec": {"taints": [{"key": "kubernetes.io/arch", "value": "arm64", "effect": "NoSchedule"}]},
    }
}
"""What a stack's arm64 pool brings along."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.nodes)
            if not os.environ.get("MULTIARCH_NODES") and not item.get_closest_marker("always"):
                item.add_marker(pytest.mark.skip(reason=ASKED_FOR))


@pytest.fixture(scope="session")
def turn() -> Iterator[None]:
    """This machine, which can have one pair of nodes at a time. A skip says what it lacks."""
    try:
        with FileLock(Path(tempfile.gettempdir(), "multiarch-tests-of-nodes.lock"), timeout=900):
            host.check()
            yield
    except ConfigError as error:
        pytest.skip(f"no real nodes here: {error}")


@pytest.fixture(scope="session")
def programs(turn: None) -> Binaries:
    del turn
    try:
        return have_programs("auto", PlainLines())
    except BinariesError as error:
        pytest.skip(f"no real nodes here: {error}")


@pytest.fixture(scope="session")
def registry(turn: None) -> Iterator[LocalRegistry]:
    del turn
    if why := images.lacking():
        pytest.skip(f"no images for real nodes: {why}")
    with LocalRegistry() as running:
        yield running


@pytest.fixture(scope="session")
def says(registry: LocalRegistry, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The digest of the lab's index, which the registry holds from now on."""
    return images.fill(registry, tmp_path_factory.mktemp("programs"))


@pytest.fixture(scope="session")
def mirror(registry: LocalRegistry, says: str) -> str:
    """Where nodes take all images from."""
    assert says
    return f"http://{registry.host}"


@pytest.fixture(scope="session")
def plane(turn: None, binaries: Binaries) -> Iterator[ControlPlane]:
    del turn
    with ControlPlane(binaries, beside_real_nodes=True) as started:
        yield started


@pytest.fixture
def make_nodes(plane: ControlPlane, programs: Binaries, mirror: str) -> RealNodes:
    """Nodes that are not started yet."""
    return RealNodes(plane, programs=programs, registry=mirror, planned=PLANNED)


@pytest.fixture
def kubectl(plane: ControlPlane) -> Kubectl:
    return Kubectl(plane.binary("kubectl"), plane.kubeconfig)
