"""The cluster tier: its marker, and the choice of the control plane's programs."""

from pathlib import Path

import pytest

from tests.planes import MODES

HERE = Path(__file__).parent


def pytest_addoption(parser: pytest.Parser) -> None:
    # Known only when pytest is given this folder; MULTIARCH_BINARIES works from anywhere.
    parser.addoption("--binaries", choices=MODES, help="how the cluster tests get the control plane's programs")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.cluster)
