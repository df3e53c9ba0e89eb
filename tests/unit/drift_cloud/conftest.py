"""Documents as the CLI writes them, made up where none was recorded; and the stub that answers with them."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from multiarch.drift.cloud.check import CloudAnswer, CloudRequest, check_cloud
from multiarch.drift.cloud.processes import Children
from multiarch.drift.model import Check
from multiarch.model.pulumi_answers import CliResult
from tests.recorded.stub_pulumi import StubPulumi

URN = "urn:pulumi:gke::p::kubernetes:core/v1:ConfigMap::settings"
BOTH = frozenset({Check.STATE, Check.CODE})
Ask = Callable[..., CloudAnswer]


def state(urn: str = URN, **more: Any) -> dict[str, Any]:
    return {"urn": urn, "type": urn.split("::")[-2], "id": "x", "inputs": {}, "outputs": {}, **more}


def step(op: str, urn: str = URN, **more: Any) -> dict[str, Any]:
    return {"op": op, "urn": urn, "oldState": state(urn), "newState": state(urn), "detailedDiff": None, **more}


def document(*steps: Mapping[str, Any], **more: Any) -> str:
    return json.dumps({"config": {}, "steps": list(steps), "duration": 1, **more})


def result(exit_: int | None, stdout: str = "", stderr: str = "") -> CliResult:
    return CliResult(command=("pulumi",), exit=exit_, stdout=stdout, stderr=stderr)


@pytest.fixture
def stub(tmp_path: Path) -> StubPulumi:
    return StubPulumi(tmp_path / "bin")


@pytest.fixture
def ask(stub: StubPulumi, tmp_path: Path) -> Ask:
    """Ask the stub about the stack `gke`, with 20 s time."""

    def run(checks: frozenset[Check] = BOTH, *, children: Children | None = None, **more: Any) -> CloudAnswer:
        values = {"stack": "gke", "pulumi": stub.program, "limit": 20, **more}
        request = CloudRequest(project=tmp_path, checks=checks, **values)
        return check_cloud(request, children or Children(), lambda _: None)

    return run
