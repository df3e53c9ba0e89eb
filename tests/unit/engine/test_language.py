"""Our Python language host, spoken to as the engine speaks: plugins and programs run as it wants, and end with it."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]  # grpcio ships no types
import pytest
from google.protobuf import empty_pb2  # type: ignore[import-untyped]  # protobuf ships no types
from pulumi.runtime.proto import (
    engine_pb2,
    engine_pb2_grpc,
    language_pb2_grpc,
    resource_pb2,
    resource_pb2_grpc,
)
from pulumi.runtime.proto import language_pb2 as messages

from multiarch.rehearse.engine.have import write_language_host

PATIENCE = 20.0


@pytest.fixture
def host(tmp_path: Path, engine: "Engine") -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [write_language_host(tmp_path), engine.address], stdout=subprocess.PIPE, text=True, cwd="/"
    ) as process:
        yield process
        process.send_signal(signal.SIGINT)


@pytest.fixture
def language(host: subprocess.Popen[str]) -> Any:
    assert host.stdout is not None
    port = int(host.stdout.readline())
    return language_pb2_grpc.LanguageRuntimeStub(grpc.insecure_channel(f"127.0.0.1:{port}"))


def plugin(folder: Path, text: str, *arguments: str, environment: tuple[str, ...] = ()) -> messages.RunPluginRequest:
    (folder / "plugin").mkdir()
    (folder / "plugin" / "__main__.py").write_text(text)
    where = str(folder / "plugin")
    info = messages.ProgramInfo(root_directory=where, program_directory=where, entry_point=".")
    return messages.RunPluginRequest(pwd=str(folder), args=arguments, env=environment, info=info)


def test_what_a_plugin_writes_is_passed_on_by_stream_and_its_exit_code_last(language: Any, tmp_path: Path) -> None:
    text = "import sys; print(sys.argv[1:]); print('trouble', file=sys.stderr); sys.exit(3)"
    answers = list(language.RunPlugin(plugin(tmp_path, text, "127.0.0.1:7")))
    assert b"".join(one.stdout for one in answers) == b"['127.0.0.1:7']\n"
    assert b"".join(one.stderr for one in answers) == b"trouble\n"
    assert answers[-1].WhichOneof("output") == "exitcode"
    assert answers[-1].exitcode == 3


def test_a_plugin_gets_the_environment_that_the_engine_gives_and_no_other(language: Any, tmp_path: Path) -> None:
    text = "import json, os; print(json.dumps(dict(os.environ)))"
    answers = language.RunPlugin(plugin(tmp_path, text, environment=("FROM_ENGINE=a=b",)))
    got = json.loads(b"".join(one.stdout for one in answers))
    assert got.pop("FROM_ENGINE") == "a=b"
    assert set(got) <= {"LC_CTYPE"}, "Python's own"


def test_a_plugin_ends_when_the_engine_lets_go_of_it_and_when_the_host_is_killed(
    language: Any, tmp_path: Path, host: subprocess.Popen[str]
) -> None:
    request = plugin(tmp_path, "import os, time; print(os.getpid(), flush=True); time.sleep(600)")
    call = language.RunPlugin(request)
    first = int(next(call).stdout)
    call.cancel()
    assert ends(first)
    second = int(next(language.RunPlugin(request)).stdout)
    host.kill()
    assert ends(second)


def ends(process: int) -> bool:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


class Engine(engine_pb2_grpc.EngineServicer, resource_pb2_grpc.ResourceMonitorServicer):
    """As much of the engine as a program needs that registers nothing but its stack."""

    def __init__(self) -> None:
        self.logged: list[str] = []
        self.outputs: dict[str, Any] = {}
        self._server = grpc.server(ThreadPoolExecutor(4))
        engine_pb2_grpc.add_EngineServicer_to_server(self, self._server)
        resource_pb2_grpc.add_ResourceMonitorServicer_to_server(self, self._server)
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def stop(self) -> None:
        self._server.stop(grace=None)

    def Log(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        del context
        if request.severity == engine_pb2.ERROR:
            self.logged.append(request.message)
        return empty_pb2.Empty()

    def SetRootResource(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        del request, context
        return engine_pb2.SetRootResourceResponse()

    def SupportsFeature(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        del request, context
        return resource_pb2.SupportsFeatureResponse(hasSupport=False)

    def RegisterResource(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        del context
        return resource_pb2.RegisterResourceResponse(urn=f"urn:pulumi:s::p::{request.type}::{request.name}")

    def RegisterResourceOutputs(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        del context
        self.outputs = dict(request.outputs)
        return empty_pb2.Empty()

    def SignalAndWaitForShutdown(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        del request, context
        return empty_pb2.Empty()


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = Engine()
    yield made
    made.stop()


def run(language: Any, engine: Engine, folder: Path, program: str) -> Any:
    (folder / "beside.py").write_text("NAME = 'a module beside the program'")
    (folder / "__main__.py").write_text(f"import pulumi, json, os, sys\nfrom beside import NAME\n{program}")
    where = str(folder)
    return language.Run(
        messages.RunRequest(
            project="p",
            stack="s",
            pwd=where,
            parallel=4,
            dryRun=True,
            monitor_address=engine.address,
            config={"p:token": "hunter2", "p:size": "3"},
            configSecretKeys=["p:token"],
            info=messages.ProgramInfo(root_directory=where, program_directory=where, entry_point="."),
        )
    )


def test_a_program_gets_the_stack_and_its_configuration_and_no_secret_by_environment_or_arguments(
    language: Any, engine: Engine, tmp_path: Path
) -> None:
    program = """
config = pulumi.Config()
seen = json.dumps([dict(os.environ), sys.argv, open("/proc/self/cmdline").read()])
pulumi.export("told", [pulumi.get_stack(), pulumi.runtime.is_dry_run(), config.require_int("size"), NAME])
pulumi.export("secret", "hunter2" in seen)
pulumi.export("token", config.require("token") == "hunter2")
"""
    answer = run(language, engine, tmp_path, program)
    assert (answer.error, answer.bail) == ("", False), engine.logged
    assert list(engine.outputs["told"]) == ["s", True, 3.0, "a module beside the program"]
    assert (engine.outputs["secret"], engine.outputs["token"]) == (False, True)


def test_a_users_mistake_is_shown_as_its_text_alone_and_a_crash_with_its_traceback(
    language: Any, engine: Engine, tmp_path: Path
) -> None:
    assert run(language, engine, tmp_path, "raise pulumi.RunError('config: name is missing')").bail
    assert engine.logged == ["config: name is missing"]
    assert run(language, engine, tmp_path, "1 / 0").bail
    assert "ZeroDivisionError" in engine.logged[-1]
    assert "__main__.py" in engine.logged[-1]


def test_a_program_that_ends_itself_is_an_error_and_no_success(language: Any, engine: Engine, tmp_path: Path) -> None:
    answer = run(language, engine, tmp_path, "os._exit(5)")
    assert answer.error == "the program ended with exit code 5"


@pytest.mark.parametrize("later", [0.0, 0.001, 0.3], ids=["at once", "soon", "later"])
def test_the_engines_signal_ends_in_good_order_a_host_that_inherited_it_ignored(
    tmp_path: Path, engine: "Engine", later: float
) -> None:
    """As a shell's background job does; whenever the signal comes after the port was told."""
    command = [str(write_language_host(tmp_path)), str(engine.address)]
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd="/")
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        assert process.stdout is not None
        assert int(process.stdout.readline())
        time.sleep(later)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0
