"""A Python language host for a `pulumi` that has none: the engine's way to start programs and plugins in Python.

The CLI's own host, `pulumi-language-python`, comes with its installer and not with its Go module. This one speaks the
same protocol by the SDK's stubs, and does what a rehearsal needs: it runs the program, and plugins written in Python.
It installs nothing. `have.py` writes the executable that ends in `main` here.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any

import grpc  # type: ignore[import-untyped]  # grpcio ships no types
from google.protobuf import empty_pb2, json_format  # type: ignore[import-untyped]  # protobuf ships no types
from pulumi.runtime.proto import language_pb2 as messages
from pulumi.runtime.proto import plugin_pb2
from pulumi.runtime.proto.language_pb2_grpc import LanguageRuntimeServicer, add_LanguageRuntimeServicer_to_server

from multiarch.rehearse.control_plane.tied import tied
from multiarch.rehearse.engine.program import SHOWN

PROGRAM = Path(__file__).with_name("program.py")
_CALLS = 64
"""Calls at a time: each plugin is one for as long as it lives."""
_CHUNK = 65536
_LARGEST = 400 * 1024 * 1024
"""Bytes of one message; the engine's own limit."""


def python_of(info: Any) -> str:
    """Give the Python of a program or plugin: its `virtualenv`, relative to its root, else the one that runs this."""
    named = json_format.MessageToDict(info.options).get("virtualenv")
    return str(Path(info.root_directory, named, "bin", "python")) if named else sys.executable


def _started(
    request: Any, arguments: list[str], given: Mapping[str, str], *, stdin: int, out: int | None = None
) -> subprocess.Popen[bytes]:
    """Start the request's Python. Its environment is the engine's, which was chosen when that was started."""
    command = tied([python_of(request.info), *arguments])
    return subprocess.Popen(command, env=dict(given), cwd=request.pwd, stdin=stdin, stdout=out, stderr=out)


class LanguageHost(LanguageRuntimeServicer):
    """What the engine asks of a language host."""

    def __init__(self, engine: str) -> None:
        self._engine = engine

    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        """Agree to everything."""
        del request, context
        return messages.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        """Tell no version: the host is as old as the package it comes with."""
        del request, context
        return plugin_pb2.PluginInfo()

    def About(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        """Tell which Python it is."""
        del context
        version = ".".join(map(str, sys.version_info[:3]))
        return messages.AboutResponse(executable=python_of(request.info), version=version)

    def GetRequiredPackages(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        """Name none: the project file lists the plugins, and others are refused when the program asks for them."""
        del request, context
        return messages.GetRequiredPackagesResponse()

    def GetProgramDependencies(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        """Name none: they are listed for people only."""
        del request, context
        return messages.GetProgramDependenciesResponse()

    def Run(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        """Run the program to its end. What it logged as an error itself is `bail`."""
        with _started(request, ["-u", str(PROGRAM)], os.environ, stdin=subprocess.PIPE) as process:
            context.add_callback(process.terminate)
            process.communicate(json.dumps(run_request(request, self._engine)).encode())
        if process.returncode in (0, SHOWN):
            return messages.RunResponse(bail=process.returncode == SHOWN)
        return messages.RunResponse(error=f"the program ended with exit code {process.returncode}")

    def RunPlugin(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: N802 - the protocol's name
        """Run a plugin until it ends or the engine has had enough of it; what it writes is passed on."""
        given = dict(one.split("=", 1) for one in request.env)  # the engine's own environment, and its additions
        arguments, pipe = [request.info.program_directory, *request.args], subprocess.PIPE
        with _started(request, arguments, given, stdin=subprocess.DEVNULL, out=pipe) as process:
            context.add_callback(process.terminate)
            for name, data in written_by(process):
                output = name == "stdout"
                yield messages.RunPluginResponse(stdout=data) if output else messages.RunPluginResponse(stderr=data)
        yield messages.RunPluginResponse(exitcode=process.returncode)

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        """Leave it to the end of the calls, which ends their processes."""
        del request, context
        return empty_pb2.Empty()


def run_request(request: Any, engine: str) -> Mapping[str, Any]:
    """Give what the program's process is told, as JSON: secrets in it go by its standard input."""
    settings = {
        "project": request.project,
        "stack": request.stack,
        "organization": request.organization or "organization",
        "monitor": request.monitor_address,
        "engine": engine,
        "parallel": request.parallel,
        "dry_run": request.dryRun,
        "root_directory": request.info.root_directory,
    }
    return {
        "settings": settings,
        "program": str(Path(request.info.program_directory, request.info.entry_point)),
        "arguments": list(request.args),
        "config": dict(request.config),
        "secret_keys": list(request.configSecretKeys),
    }


def written_by(process: subprocess.Popen[bytes]) -> Iterator[tuple[str, bytes]]:
    """Give what a process writes, as it comes, until it closed both streams: `stdout` or `stderr`, and the bytes."""
    queue: SimpleQueue[tuple[str, bytes]] = SimpleQueue()

    def read(name: str, stream: IO[bytes]) -> None:
        while data := os.read(stream.fileno(), _CHUNK):
            queue.put((name, data))
        queue.put((name, b""))

    streams = {name: stream for name in ("stdout", "stderr") if (stream := getattr(process, name)) is not None}
    for name, stream in streams.items():
        threading.Thread(target=read, args=(name, stream), daemon=True).start()
    open_streams = len(streams)
    while open_streams:
        name, data = queue.get()
        if data:
            yield name, data
        else:
            open_streams -= 1


def main(host: type[LanguageHost] = LanguageHost) -> None:
    """Serve on a free port of 127.0.0.1, tell it on standard output, and go on until the process is ended."""
    # Set anew, because a shell's background job inherits it ignored; and no exception, which could come anywhere below.
    ended = threading.Event()
    signal.signal(signal.SIGINT, lambda _number, _frame: ended.set())
    sizes = [("grpc.max_send_message_length", _LARGEST), ("grpc.max_receive_message_length", _LARGEST)]
    server = grpc.server(ThreadPoolExecutor(_CALLS), options=sizes)
    add_LanguageRuntimeServicer_to_server(host(sys.argv[-1]), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    ended.wait()
    server.stop(grace=None)
