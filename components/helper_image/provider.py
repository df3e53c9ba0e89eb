"""MultiArchImage behind Pulumi's provider protocol: a thin shell around inputs, state and what is done remotely."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.provider import (
    CheckFailure,
    CheckRequest,
    CheckResponse,
    ConfigureRequest,
    ConfigureResponse,
    CreateRequest,
    CreateResponse,
    DeleteRequest,
    DiffRequest,
    DiffResponse,
    GetSchemaRequest,
    GetSchemaResponse,
    PropertyDiff,
    PropertyDiffKind,
    Provider,
    ReadRequest,
    ReadResponse,
    UpdateRequest,
    UpdateResponse,
)

from archmerge import ArchmergeError
from components.helper_image.errors import plain_error
from components.helper_image.importing import find_image
from components.helper_image.inputs import check_inputs, read_inputs
from components.helper_image.properties import read, write
from components.helper_image.remote import TIME_LIMIT, look, publish, remove
from components.helper_image.schema import package_schema
from components.helper_image.state import Difference, Found, differences, identity, planned, published, refreshed

T = TypeVar("T")
Properties = dict[str, PropertyValue]


class ImageProvider(Provider):
    """Serves `multiarch:index:MultiArchImage`."""

    async def get_schema(self, request: GetSchemaRequest) -> GetSchemaResponse:
        """Give the package's schema."""
        del request
        return GetSchemaResponse(schema=package_schema())

    async def configure(self, request: ConfigureRequest) -> ConfigureResponse:
        """Ask for secret marks, and for previews of Create and Update."""
        del request
        return ConfigureResponse(accept_secrets=True, supports_preview=True, accept_outputs=True)

    async def check(self, request: CheckRequest) -> CheckResponse:
        """Validate without any network. Credentials are secret from here on, marked by the program or not."""
        problems = check_inputs(read(request.new_inputs))
        failures = [CheckFailure(p.path, p.text) for p in problems]
        return CheckResponse(inputs=_secret(request.new_inputs), failures=failures)

    async def diff(self, request: DiffRequest) -> DiffResponse:
        """Compare program, publication and registry, as last seen. Nothing is sent."""
        state = read(request.old_state)
        found = [one for one in differences(state, read(request.new_inputs)) if not _ignored(one, request)]
        return DiffResponse(
            changes=bool(found),
            replaces=[one.path for one in found if one.replace],
            diffs=sorted({_top(one.path) for one in found}),
            detailed_diff={one.path: _property_diff(one) for one in found},
            # The old tags would be removed last, and by digest that may take the new ones along.
            delete_before_replace=bool(state.get("deleteRemote")),
        )

    async def create(self, request: CreateRequest) -> CreateResponse:
        """Merge and verify; in a preview say only what is certain."""
        values = read(request.properties)
        if request.preview:
            return CreateResponse(resource_id="", properties=write(planned(values)))
        found = await _publish(values, request.timeout)
        return CreateResponse(resource_id=identity(values["target"]), properties=write(published(values, found)))

    async def update(self, request: UpdateRequest) -> UpdateResponse:
        """Merge again: that also brings a moved tag back."""
        values = read(request.news)
        if request.preview:
            return UpdateResponse(properties=write(planned(values, read(request.olds))))
        return UpdateResponse(properties=write(published(values, await _publish(values, request.timeout))))

    async def read(self, request: ReadRequest) -> ReadResponse:
        """Ask the registry. An image that can't be looked at is an error; only a vanished tag is gone."""
        state, given = read(request.properties), read(request.inputs)
        if not state:
            return await _import(request.resource_id)
        access: dict[str, Any] = {key: given[key] for key in ("credentials", "plainHttp") if key in given}
        inputs = read_inputs({**state, **access})
        found = await _ask(f"looking at {inputs.target}", lambda: look(inputs))
        if found is None:
            return ReadResponse(resource_id="")
        return ReadResponse(request.resource_id, write(refreshed(state, found)), request.inputs)

    async def delete(self, request: DeleteRequest) -> None:
        """Leave the image in the registry, unless `deleteRemote` was set."""
        state = read(request.properties)
        if state.get("deleteRemote"):
            inputs, digest = read_inputs(state), state["publishedDigest"]
            await _ask(f"deleting {inputs.target}", lambda: remove(inputs, digest, request.timeout or TIME_LIMIT))


async def _publish(values: Mapping[str, Any], seconds: float) -> Found:
    inputs = read_inputs(values)
    return await _ask(f"publishing {inputs.target}", lambda: publish(inputs, seconds or TIME_LIMIT))


async def _import(text: str) -> ReadResponse:
    """Read an index that no state tells of."""
    found = await _ask(f"importing {text}", lambda: find_image(text))
    if found is None:
        return ReadResponse(resource_id="")
    return ReadResponse(
        identity(found.inputs["target"]), write(published(found.inputs, found.found)), write(found.inputs)
    )


async def _ask(doing: str, act: Callable[[], T]) -> T:
    """Do what waits for a registry in a thread of its own: the engine speaks to one process about many images."""
    try:
        return await asyncio.to_thread(act)
    except ArchmergeError as error:
        raise plain_error(error, doing) from None


def _secret(inputs: Properties) -> Properties:
    return {key: value.with_secret(True) if key == "credentials" else value for key, value in inputs.items()}  # noqa: FBT003 - the SDK's own signature


def _top(path: str) -> str:
    return path.partition("[")[0]


def _ignored(one: Difference, request: DiffRequest) -> bool:
    return bool({one.path, _top(one.path)} & set(request.ignore_changes))


def _property_diff(one: Difference) -> PropertyDiff:
    kind = PropertyDiffKind[f"{one.kind.upper()}{'_REPLACE' if one.replace else ''}"]
    return PropertyDiff(kind, input_diff=not one.drift)
