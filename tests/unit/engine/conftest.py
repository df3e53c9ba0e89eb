"""Recorded answers of the real CLI (3.260.0), and a stub `pulumi` that replays them."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]  # grpcio ships no types
import pytest
from pulumi.runtime.proto import provider_pb2_grpc

from multiarch.model.pulumi_answers import CliResult
from multiarch.rehearse.engine.workspace import write_plugin
from tests.recorded.answers import recorded, recorded_result

Connect = Callable[[str], Any]

STUB = '''#!{python}
"""A stub `pulumi`: replays recorded answers and writes down how it was called."""
import json, os, sys
from pathlib import Path

here = Path(__file__).parent
arguments = sys.argv[1:]
if arguments == ["version"]:
    print("v3.260.0")
    sys.exit(0)
stdin = sys.stdin.read() if arguments[:2] == ["config", "set"] else ""
kept = {{key: value for key, value in os.environ.items() if key.startswith("PULUMI_")}}
call = {{"arguments": arguments, "stdin": stdin, "environment": kept, "cwd": os.getcwd(), "files": {{
    str(path.relative_to(os.getcwd())): path.read_text()
    for path in Path(os.getcwd()).rglob("Pulumi*.yaml") if not path.is_symlink()}}}}
with here.joinpath("calls.jsonl").open("a") as log:
    log.write(json.dumps(call) + "\\n")
answers = json.loads(here.joinpath("answers.json").read_text())
key = " ".join(arguments[:1]) + (" --expect-no-changes" if "--expect-no-changes" in arguments else "")
queue = answers.get(key, [])
answer = queue.pop(0) if queue else {{"exit": 0, "stdout": "", "stderr": ""}}
here.joinpath("answers.json").write_text(json.dumps(answers))
print(answer["stdout"], end="")
print(answer["stderr"], end="", file=sys.stderr)
sys.exit(answer["exit"])
'''


@pytest.fixture
def answer() -> Callable[[str], CliResult]:
    """Give a recorded answer as the engine module sees it."""
    return recorded_result


class StubPulumi:
    """The stub on PATH: what it shall answer, and how it was called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def answers(self, **queues: list[str]) -> None:
        """Set the recorded answers by command; `preview_again` stands for one that expects no changes."""
        keys = {"preview_again": "preview --expect-no-changes", "refresh": "refresh --expect-no-changes"}
        table = {keys.get(key, key): [recorded(name) for name in names] for key, names in queues.items()}
        self.folder.joinpath("answers.json").write_text(json.dumps(table))

    @property
    def calls(self) -> list[dict[str, Any]]:
        """List the calls so far."""
        log = self.folder / "calls.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


@pytest.fixture
def stub_pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StubPulumi:
    """Put the stub first on PATH."""
    folder = tmp_path / "stub-bin"
    folder.mkdir()
    program = folder / "pulumi"
    program.write_text(STUB.format(python=sys.executable))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    stub = StubPulumi(folder)
    stub.answers()
    return stub


@pytest.fixture(scope="session")
def connect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connect]:
    """Start a package's plugin as the engine would, once per package."""
    folder, started, stubs = tmp_path_factory.mktemp("plugins"), [], {}

    def start(package: str) -> Any:
        if package not in stubs:
            write_plugin(package, folder / package)
            command = [sys.executable, str(folder / package), "127.0.0.1:1"]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder)
            started.append(process)
            assert process.stdout is not None
            port = int(process.stdout.readline())
            stubs[package] = provider_pb2_grpc.ResourceProviderStub(grpc.insecure_channel(f"127.0.0.1:{port}"))
        return stubs[package]

    yield start
    for process in started:
        process.terminate()
        process.communicate(timeout=10)
