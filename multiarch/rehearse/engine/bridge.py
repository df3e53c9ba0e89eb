"""A rehearsal provider behind Pulumi's provider protocol, as the real engine speaks it."""

from collections.abc import Iterable, Mapping
from typing import Any

from pulumi.provider.experimental.property_value import Computed, PropertyValue, ResourceReference
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
    InvokeRequest,
    InvokeResponse,
    PropertyDiff,
    PropertyDiffKind,
    Provider,
    ReadRequest,
    ReadResponse,
    UpdateRequest,
    UpdateResponse,
)
from pulumi.runtime import rpc

from components.unknowns import UNKNOWN_STRINGS
from multiarch.model.providers.base import Diff, LookupRefusedError, Refusal, RehearsalProvider
from multiarch.model.providers.values import UNKNOWN, SecretValue, mark_secrets, plain
from multiarch.rehearse.engine.schema import minimal_schema

INPUTS = "__inputs"
"""Where the state keeps the inputs, so that a diff compares like with like; pulumi-kubernetes has the same key."""


def from_property(value: PropertyValue) -> Any:
    """Read a property value, keeping secret marks and unknowns. Whole numbers become int."""
    inner = _plain_property(value.value)
    return SecretValue(inner) if value.is_secret else inner


def _plain_property(value: Any) -> Any:
    # The SDK (3.272.0) hands unknowns on as the wire's sentinel strings, and can't write PropertyValue.computed().
    if isinstance(value, Computed) or (isinstance(value, str) and value in UNKNOWN_STRINGS):
        return UNKNOWN
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, Mapping):
        return {key: from_property(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [from_property(item) for item in value]
    if isinstance(value, ResourceReference):
        return {"urn": value.urn}
    return value


def to_property(value: Any) -> PropertyValue:
    """Write a property value. An unknown is only valid in a preview."""
    if isinstance(value, SecretValue):
        return to_property(value.value).with_secret(True)  # noqa: FBT003 - the SDK's own signature
    if value is UNKNOWN:
        return PropertyValue(rpc.UNKNOWN)
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return PropertyValue(value)
    if isinstance(value, int | float):
        return PropertyValue(float(value))
    if isinstance(value, Mapping):
        return PropertyValue({key: to_property(item) for key, item in value.items()})
    return PropertyValue([to_property(item) for item in value])


def read_map(values: Mapping[str, PropertyValue]) -> dict[str, Any]:
    """Read an object."""
    return {key: from_property(item) for key, item in values.items()}


def write_map(values: Mapping[str, Any]) -> dict[str, PropertyValue]:
    """Write an object."""
    return {key: to_property(item) for key, item in values.items()}


def token_of(urn: str) -> str:
    """Give the type token: a URN qualifies it with the parents' types."""
    return urn.split("::")[-2].rsplit("$", 1)[-1]


def _failures(refusals: Iterable[Refusal]) -> list[CheckFailure]:
    return [CheckFailure(one.path, f"{one.message} [{one.source}]") for one in refusals]


def _detailed(diff: Diff, olds: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, PropertyDiff]:
    def kind(path: str, *, replaces: bool) -> PropertyDiffKind:
        top = path.split(".", 1)[0].split("[", 1)[0]
        change = "ADD" if top not in olds else "DELETE" if top not in news else "UPDATE"
        return PropertyDiffKind[f"{change}_REPLACE" if replaces else change]

    updates = {
        path: PropertyDiff(kind(path, replaces=False), input_diff=True) for path in (*diff.updates, *diff.refused)
    }
    return updates | {path: PropertyDiff(kind(path, replaces=True), input_diff=True) for path in diff.replaces}


class RehearsalPlugin(Provider):
    """Serves one rehearsal provider. Nothing outside the process is ever touched; the state is the engine's own."""

    def __init__(self, provider: RehearsalProvider) -> None:
        self._provider = provider

    async def get_schema(self, request: GetSchemaRequest) -> GetSchemaResponse:
        """Give a schema that names the package and its version, and nothing else."""
        del request
        return GetSchemaResponse(schema=minimal_schema(self._provider.package, self._provider.version))

    async def check_config(self, request: CheckRequest) -> CheckResponse:
        """Refuse a provider configuration."""
        refusals = self._provider.check_config(plain(read_map(request.new_inputs)))
        return CheckResponse(inputs=request.new_inputs, failures=_failures(refusals))

    async def diff_config(self, request: DiffRequest) -> DiffResponse:
        """Take every new configuration in place: the rehearsal's clouds have no accounts to move between."""
        del request
        return DiffResponse(changes=False)

    async def configure(self, request: ConfigureRequest) -> ConfigureResponse:
        """Ask for secret marks and unknowns as they are."""
        del request
        return ConfigureResponse(accept_secrets=True, supports_preview=True, accept_outputs=True, accept_resources=True)

    async def check(self, request: CheckRequest) -> CheckResponse:
        """Put the provider's rules to the inputs."""
        inputs = plain(read_map(request.new_inputs))
        refusals = self._provider.check(token_of(request.urn), request.name, inputs)
        return CheckResponse(inputs=request.new_inputs, failures=_failures(refusals))

    async def diff(self, request: DiffRequest) -> DiffResponse:
        """Tell updates from replacements, by the inputs that made the state."""
        state = read_map(request.old_state)
        olds, news = plain(state.get(INPUTS, state)), plain(read_map(request.new_inputs))
        diff = self._provider.diff(token_of(request.urn), olds, news)
        paths = [*diff.updates, *diff.refused, *diff.replaces]
        return DiffResponse(
            changes=bool(paths),
            replaces=list(diff.replaces),
            diffs=sorted({path.split(".", 1)[0].split("[", 1)[0] for path in paths}),
            detailed_diff=_detailed(diff, olds, news),
            delete_before_replace=diff.delete_before_replace,
        )

    async def create(self, request: CreateRequest) -> CreateResponse:
        """Answer as the API would; in a preview only with what is known without asking it."""
        inputs = read_map(request.properties)
        if request.preview:
            return CreateResponse(resource_id="", properties=write_map(inputs))
        created = self._provider.create(token_of(request.urn), request.name, plain(inputs))
        return CreateResponse(resource_id=created.id, properties=self._state(created.outputs, inputs))

    async def update(self, request: UpdateRequest) -> UpdateResponse:
        """Answer an update in place, or refuse it where the cloud would."""
        inputs, state = read_map(request.news), plain(read_map(request.olds))
        diff = self._provider.diff(token_of(request.urn), state.get(INPUTS, state), plain(inputs))
        if diff.refused:
            raise ValueError(f"PropertyChangeNotAllowed: Changing {', '.join(diff.refused)} is not allowed.")
        outputs = self._provider.update(token_of(request.urn), request.name, state, plain(inputs))
        return UpdateResponse(properties=self._state(outputs, inputs))

    async def read(self, request: ReadRequest) -> ReadResponse:
        """Find the resource as it was left: nobody else reaches the rehearsal's clouds."""
        state = read_map(request.properties)
        inputs = write_map(state[INPUTS]) if isinstance(state.get(INPUTS), Mapping) else request.inputs
        return ReadResponse(resource_id=request.resource_id, properties=request.properties, inputs=inputs)

    async def delete(self, request: DeleteRequest) -> None:
        """Forget it; the engine drops it from the state."""

    async def invoke(self, request: InvokeRequest) -> InvokeResponse:
        """Answer a lookup, or say why not."""
        try:
            result = self._provider.invoke(request.tok, plain(read_map(request.args)))
        except LookupRefusedError as error:
            return InvokeResponse(failures=[CheckFailure(error.path, error.message)])
        return InvokeResponse(return_value=write_map(result))

    def _state(self, outputs: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, PropertyValue]:
        return write_map({**mark_secrets(outputs, inputs), INPUTS: inputs})
