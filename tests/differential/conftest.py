"""The differential tier: what we compute ourselves and the embedded control plane get the same input."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from multiarch.cluster.api import Api
from multiarch.cluster.connection import Connection
from multiarch.model.nodes.marks import Mark
from multiarch.rehearse.install.removal import Remains, Remover, take_off
from tests.differential.lab import NAMESPACE, SEED, Tally

HERE = Path(__file__).parent
MARK = Mark("differential", "tier")
TALLY = pytest.StashKey[Tally]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TALLY] = Tally()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.cluster)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    rules = config.stash[TALLY].rules
    if rules:
        terminalreporter.section(f"differential tier{f', seed {SEED}' if SEED else ''}")
    for rule, (cases, differ) in rules.items():
        terminalreporter.write_line(f"{rule}: {cases} inputs, {differ} answers differ")


@pytest.fixture(scope="session")
def tally(request: pytest.FixtureRequest) -> Tally:
    return request.config.stash[TALLY]


@pytest.fixture(scope="session")
def api(connection: Connection) -> Iterator[Api]:
    """Give the API with a namespace for what the tier makes; all of it goes at the end."""
    api = Api.of(connection)
    api.create("/api/v1/namespaces", {"metadata": {"name": NAMESPACE, "labels": MARK.labels}})
    while api.find(f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/default") is None:
        pass
    yield api
    assert take_off(Remover(api, None, MARK, own_plane=True).steps(Remains(namespaces=(NAMESPACE,)))) == []
