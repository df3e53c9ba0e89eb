"""The provider's process: gRPC as Pulumi's SDK serves it, but with errors told plainly, and the inputs of a deletion.

`pulumi.provider.experimental.server.main` puts a traceback into every error, and drops the inputs that the engine
sends with Delete (SDK 3.272.0).
"""

import argparse
import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import grpc  # type: ignore[import-untyped]  # grpcio ships no types
import grpc.aio  # type: ignore[import-untyped]  # as above
from pulumi.provider.experimental.provider import Provider
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime.proto import provider_pb2_grpc

from components.helper_image.errors import PlainError

_OPTIONS = [("grpc.max_receive_message_length", 400 * 1024 * 1024)]  # the engine's own limit


class _Servicer(ProviderServicer):
    async def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Delete with the credentials of the last update: the state has none, and an older state could be stale."""
        if "credentials" in request.old_inputs.fields:
            request.properties.fields["credentials"].CopyFrom(request.old_inputs.fields["credentials"])
        return await super().Delete(request, context)


class _PlainErrors(grpc.aio.ServerInterceptor):  # type: ignore[misc]  # grpcio ships no types
    """Answers a PlainError with its text. What else is raised is a bug, and keeps its traceback."""

    async def intercept_service(self, continuation: Callable[[Any], Awaitable[Any]], details: Any) -> Any:
        handler = await continuation(details)
        if handler is None or handler.unary_unary is None:
            return handler

        async def call(request: Any, context: Any) -> Any:
            try:
                return await handler.unary_unary(request, context)
            except Exception as error:
                found = _find(error)
                if found is None:
                    raise
            await context.abort(grpc.StatusCode.UNKNOWN, str(found))
            return None

        return grpc.unary_unary_rpc_method_handler(
            call, request_deserializer=handler.request_deserializer, response_serializer=handler.response_serializer
        )


def _find(error: BaseException | None) -> PlainError | None:
    """Find it below the exception that the SDK has wrapped it in."""
    while error is not None and not isinstance(error, PlainError):
        error = error.__context__
    return error


def serve(arguments: list[str], version: str, provider: Provider) -> None:
    """Serve until the engine ends the process; the port is the first line on stdout."""
    parser = argparse.ArgumentParser(description="Pulumi resource provider for MultiArchImage")
    parser.add_argument("engine", help="address of the Pulumi engine")
    engine = parser.parse_known_args(arguments)[0].engine
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(_Servicer(arguments, version, provider, engine)))


async def _serve(servicer: ProviderServicer) -> None:
    server = grpc.aio.server(interceptors=[_PlainErrors()], options=_OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await server.wait_for_termination()
