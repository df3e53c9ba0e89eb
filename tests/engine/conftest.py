"""The engine tier: the real Pulumi CLI, where there is one. Skipped with the reason where there is none."""

from pathlib import Path

import pytest

from multiarch.model.pulumi_cli import PulumiCliError, find_pulumi

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.engine)


@pytest.fixture(scope="session", autouse=True)
def pulumi() -> None:
    try:
        find_pulumi()
    except PulumiCliError as error:
        pytest.skip(str(error))
