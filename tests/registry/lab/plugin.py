"""MultiArchImage's provider, spoken to as the engine does: a process, its port on stdout, gRPC."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc  # type: ignore[import-untyped]  # grpcio ships no types
from google.protobuf import empty_pb2  # type: ignore[import-untyped]  # protobuf ships no types
from pulumi.runtime.proto import provider_pb2 as messages
from pulumi.runtime.proto import provider_pb2_grpc

from multiarch.model.plan.wire import struct_from_wire, struct_to_wire

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = Path(__file__).resolve().parents[3] / "components/helper_image"
URN = "urn:pulumi:test::project::multiarch:index:MultiArchImage::helper"


class Plugin:
    """One provider process. `environ` is all of its environment."""

    def __init__(self, environ: Mapping[str, str], cwd: Path) -> None:
        command = [sys.executable, str(FOLDER), "127.0.0.1:1"]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd, env=dict(environ)
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.port}")
        self.stub = provider_pb2_grpc.ResourceProviderStub(self.channel)

    def check(self, inputs: dict[str, Any]) -> Any:
        return self.stub.Check(messages.CheckRequest(urn=URN, news=struct_to_wire(inputs)))

    def failures(self, inputs: dict[str, Any]) -> dict[str, str]:
        return {failure.property: failure.reason for failure in self.check(inputs).failures}

    def create(self, inputs: dict[str, Any], *, preview: bool = False) -> tuple[str, dict[str, Any]]:
        done = self.stub.Create(
            messages.CreateRequest(urn=URN, properties=struct_to_wire(inputs), preview=preview, timeout=60)
        )
        return done.id, struct_from_wire(done.properties)

    def update(
        self, state: dict[str, Any], inputs: dict[str, Any], identity: str = "id", *, preview: bool = False
    ) -> dict[str, Any]:
        olds, news = struct_to_wire(state), struct_to_wire(inputs)
        request = messages.UpdateRequest(urn=URN, id=identity, olds=olds, news=news, preview=preview, timeout=60)
        return struct_from_wire(self.stub.Update(request).properties)

    def read(
        self, identity: str, state: dict[str, Any] | None = None, inputs: dict[str, Any] | None = None
    ) -> tuple[str, dict[str, Any], dict[str, Any]]:
        request = messages.ReadRequest(
            urn=URN, id=identity, properties=struct_to_wire(state or {}), inputs=struct_to_wire(inputs or {})
        )
        found = self.stub.Read(request)
        return found.id, struct_from_wire(found.properties), struct_from_wire(found.inputs)

    def diff(self, state: dict[str, Any], inputs: dict[str, Any], ignore: tuple[str, ...] = ()) -> Any:
        request = messages.DiffRequest(
            urn=URN, id="id", olds=struct_to_wire(state), news=struct_to_wire(inputs), ignoreChanges=ignore
        )
        return self.stub.Diff(request)

    def delete(self, identity: str, state: dict[str, Any], inputs: dict[str, Any]) -> None:
        request = messages.DeleteRequest(
            urn=URN, id=identity, properties=struct_to_wire(state), old_inputs=struct_to_wire(inputs), timeout=60
        )
        self.stub.Delete(request)

    def configure(self) -> Any:
        return self.stub.Configure(messages.ConfigureRequest(acceptSecrets=True, acceptResources=True))

    def schema(self) -> str:
        return str(self.stub.GetSchema(messages.GetSchemaRequest()).schema)

    def version(self) -> str:
        return str(self.stub.GetPluginInfo(empty_pb2.Empty()).version)

    def stop(self) -> str:
        """End it; what it wrote to stderr."""
        self.channel.close()
        self.process.terminate()
        return self.process.communicate(timeout=10)[1]


def kinds(answer: Any) -> dict[str, str]:
    """A diff's paths and what happens to each."""
    names = {number: name for name, number in messages.PropertyDiff.Kind.items()}
    return {path: names[one.kind] for path, one in answer.detailedDiff.items()}
