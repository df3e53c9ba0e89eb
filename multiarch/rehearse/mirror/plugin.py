"""The real MultiArchImage provider in a process of its own, spoken to as the engine speaks to it."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Final, Self

import grpc  # type: ignore[import-untyped]  # grpcio ships no types
from pulumi.runtime.proto import provider_pb2 as messages
from pulumi.runtime.proto import provider_pb2_grpc

from components.helper_image.schema import TYPE
from multiarch.core.environment import Child, environment
from multiarch.core.secrets import hide
from multiarch.model.plan.wire import struct_from_wire, struct_to_wire

FOLDER: Final = Path(__file__).resolve().parents[3] / "components" / "helper_image"
SECONDS: Final = 120.0
_URN: Final = f"urn:pulumi:rehearsal::multiarch-runner::{TYPE}::helper"


class PluginError(Exception):
    """What the provider answered instead, in its own words; or that it did not start."""


class ImagePlugin:
    """The provider's process. It sees no credentials and no proxies of this machine."""

    def __init__(self) -> None:
        self._home = TemporaryDirectory(prefix="multiarch-plugin-")
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        """Start it. Raises PluginError."""
        self._process = subprocess.Popen(
            [sys.executable, str(FOLDER), "127.0.0.1:1"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(Child.OWN, {"HOME": self._home.name, "PYTHONDONTWRITEBYTECODE": "1"}),
            cwd=self._home.name,
        )
        said = self._process.stdout.readline().strip() if self._process.stdout else ""
        if not said.isdecimal():
            words = self._process.communicate(timeout=SECONDS)[1].strip()
            raise PluginError(f"the provider did not start: {hide(words)[-300:] or 'it said nothing'}")
        self._channel = grpc.insecure_channel(f"127.0.0.1:{said}")
        self._stub = provider_pb2_grpc.ResourceProviderStub(self._channel)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End it."""
        if self._process is not None:
            self._channel.close()
            self._process.kill()
            self._process.communicate()
        self._home.cleanup()

    def refusals(self, inputs: Mapping[str, Any]) -> list[str]:
        """Return what Check refuses."""
        answer = self._call("Check", messages.CheckRequest(urn=_URN, news=struct_to_wire(inputs)))
        return [f"{failure.property}: {failure.reason}" for failure in answer.failures]

    def create(self, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Publish; id and state."""
        request = messages.CreateRequest(urn=_URN, properties=struct_to_wire(inputs), timeout=SECONDS)
        answer = self._call("Create", request)
        return answer.id, struct_from_wire(answer.properties)

    def read(self, identity: str, state: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Look at the registry; the state with what is there, empty when it is gone."""
        request = messages.ReadRequest(
            urn=_URN, id=identity, properties=struct_to_wire(state), inputs=struct_to_wire(inputs)
        )
        return struct_from_wire(self._call("Read", request).properties)

    def diff(self, identity: str, state: Mapping[str, Any], inputs: Mapping[str, Any]) -> list[str]:
        """Return the paths that differ."""
        request = messages.DiffRequest(urn=_URN, id=identity, olds=struct_to_wire(state), news=struct_to_wire(inputs))
        return sorted(self._call("Diff", request).detailedDiff)

    def update(self, identity: str, state: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Publish again; the state."""
        request = messages.UpdateRequest(
            urn=_URN, id=identity, olds=struct_to_wire(state), news=struct_to_wire(inputs), timeout=SECONDS
        )
        return struct_from_wire(self._call("Update", request).properties)

    def _call(self, verb: str, request: Any) -> Any:
        try:
            return getattr(self._stub, verb)(request, timeout=SECONDS)
        except grpc.RpcError as error:
            raise PluginError(f"{verb}: {error.details()}") from None
