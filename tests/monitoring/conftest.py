"""The monitoring tier: alert rules and queries in Prometheus' own engine. Skipped with the reason without promtool."""

from pathlib import Path

import pytest

from multiarch.rehearse.control_plane.errors import BinariesError
from multiarch.rehearse.control_plane.progress import PlainLines
from tests.monitoring.promtool import Promtool, have_promtool

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.monitoring)


@pytest.fixture(scope="session")
def promtool() -> Promtool:
    try:
        return have_promtool(PlainLines())
    except BinariesError as error:
        pytest.skip(f"no promtool: {error}")
