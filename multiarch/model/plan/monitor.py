"""The resource monitor of the rehearsal: records every request, and asks the rehearsal providers for the answers."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from google.protobuf import empty_pb2  # type: ignore[import-untyped]  # protobuf ships no types
from pulumi.resource import CustomResource
from pulumi.runtime import mocks
from pulumi.runtime.proto import provider_pb2, resource_pb2
from pulumi.runtime.settings import get_project, get_stack

from multiarch.model.plan import schema
from multiarch.model.plan.model import PlannedInvoke, PlannedResource
from multiarch.model.plan.wire import struct_from_wire, struct_to_wire
from multiarch.model.providers.base import Created, LookupRefusedError, Refusal, RehearsalProvider
from multiarch.model.providers.values import mark_secrets, plain, secret_strings, unmarked_strings

STACK_TYPE = "pulumi:pulumi:Stack"
PROVIDER_PREFIX = "pulumi:providers:"


class NoMocks(mocks.Mocks):
    """The abstract methods that MockMonitor wants; the recording monitor overrides every caller of them."""

    def call(self, args: mocks.MockCallArgs) -> Any:
        """Refuse: a call that the monitor did not record must not pass silently."""
        raise NotImplementedError(f"The rehearsal does not answer the call {args.token}")

    def new_resource(self, args: mocks.MockResourceArgs) -> Any:
        """Refuse, as above."""
        raise NotImplementedError(f"The rehearsal does not read the resource {args.typ} {args.name}")


@dataclass
class Recording:
    """What the monitor has seen so far, in the order of registration."""

    resources: dict[str, PlannedResource] = field(default_factory=dict)
    invokes: list[PlannedInvoke] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    stack_outputs: Mapping[str, Any] = field(default_factory=dict)


def unknown_package(package: str, what: str) -> str:
    """Word the refusal of a package that has no rehearsal provider."""
    return f"the rehearsal has no provider for {package!r}, so nothing is known about {what}"


class RecordingMonitor(mocks.MockMonitor):
    """Answers the program as an engine would, with rehearsal providers behind it.

    Urns are the engine's, not the mock's. With `preview`, computed outputs stay unknown, as in a first preview.
    """

    def __init__(
        self,
        provider_of: Callable[[str], RehearsalProvider | None],
        *,
        secrets: tuple[str, ...] = (),
        preview: bool = False,
    ) -> None:
        super().__init__(NoMocks())
        self.recording = Recording()
        self._provider_of = provider_of
        self._secrets = secrets
        self._preview = preview
        self._lock = threading.Lock()

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """Build the urn as the engine does: the stack is nobody's qualified parent type."""
        if parent:
            parent_type = parent.split("::")[2]
            if parent_type != STACK_TYPE:
                type_ = f"{parent_type}${type_}"
        return f"urn:pulumi:{get_stack()}::{get_project()}::{type_}::{name}"

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the gRPC method's name
        """Record the request, check it, and answer with the provider's outputs."""
        urn = self.make_urn(request.parent, request.type, request.name)
        resource = read_request(urn, request)
        with self._lock:
            if urn in self.recording.resources:
                self._refuse(urn, "", f"Duplicate resource URN '{urn}'; try giving it a unique name", "pulumi/pulumi")
            self.recording.resources[urn] = resource
        if request.remote:
            message = unknown_package(request.type, "a component of another package")
            self._refuse(urn, "", message, "rehearsal")
        if not request.custom:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        created = self._answer(urn, request.type, request.name, resource.inputs)
        outputs = mark_secrets(created.outputs, resource.inputs, resource.additional_secret_outputs)
        with self._lock:
            self.recording.resources[urn] = replace(resource, outputs=outputs, id=created.id)
            self.resources[urn] = mocks.MockMonitor.ResourceRegistration(urn, created.id, dict(plain(outputs)))
        return resource_pb2.RegisterResourceResponse(urn=urn, id=created.id, object=struct_to_wire(outputs))

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 - the gRPC method's name
        """Record a component's or the stack's outputs, which the state holds as readable as any input."""
        outputs = struct_from_wire(request.outputs)
        with self._lock:
            self._find_unmarked(request.urn, {"outputs": outputs})
            known = self.recording.resources.get(request.urn)
            if known is not None:
                self.recording.resources[request.urn] = replace(known, outputs=outputs)
                if known.type == STACK_TYPE:
                    self.recording.stack_outputs = outputs
        return empty_pb2.Empty()

    def Invoke(self, request: Any) -> Any:  # noqa: N802 - the gRPC method's name
        """Answer a lookup, or fail it with the provider's reason."""
        args = struct_from_wire(request.args)
        package = request.tok.split(":", 1)[0]
        provider = self._provider_of(package)
        try:
            if provider is None:
                raise LookupRefusedError(unknown_package(package, request.tok), "rehearsal")  # noqa: TRY301 - one exit for both refusals
            result = provider.invoke(request.tok, plain(args))
        except LookupRefusedError as error:
            self._refuse(request.tok, error.path, error.message, error.source)
            failure = provider_pb2.CheckFailure(property=error.path, reason=error.message)
            return resource_pb2.ResourceInvokeResponse(failures=[failure])
        with self._lock:
            reference = request.provider.rsplit("::", 1)[0] or None
            self.recording.invokes.append(
                PlannedInvoke(token=request.tok, args=args, result=result, provider=reference)
            )
        return resource_pb2.ResourceInvokeResponse(**{"return": struct_to_wire(result)})

    def ReadResource(self, request: Any) -> Any:  # noqa: N802 - the gRPC method's name
        """Refuse: reading an existing resource needs the cloud itself."""
        urn = self.make_urn(request.parent, request.type, request.name)
        message = f"the rehearsal cannot read the existing resource {request.type} {request.id!r}"
        self._refuse(urn, "id", message, "rehearsal")
        return resource_pb2.ReadResourceResponse(urn=urn, properties=request.properties)

    def _answer(self, urn: str, token: str, name: str, inputs: Mapping[str, Any]) -> Created:
        values = plain(inputs)
        package = token.removeprefix(PROVIDER_PREFIX) if token.startswith(PROVIDER_PREFIX) else token.split(":", 1)[0]
        provider = self._provider_of(package)
        self._find_unmarked(urn, inputs)
        if provider is None:
            self._refuse(urn, "", unknown_package(package, token), "rehearsal")
            return Created(id=f"{name}-id", outputs=values)
        if token.startswith(PROVIDER_PREFIX):
            self._collect(urn, provider.check_config(values))
            return Created(id=f"{package}-{name}", outputs=values)
        if not provider.judges_schema(token):
            self._collect(urn, schema.check(sdk_class(token), inputs))
        self._collect(urn, provider.check(token, name, values))
        created = provider.create(token, name, values)
        with self._lock:
            self._secrets = (*self._secrets, *secret_strings(created.outputs))
        if self._preview:
            return Created(id="", outputs=values)
        return created

    def _find_unmarked(self, urn: str, inputs: Mapping[str, Any]) -> None:
        for path, text in unmarked_strings(inputs):
            if any(secret in text for secret in self._secrets):
                message = "a secret of the stack is sent without a secret mark: it would be readable in the state"
                self._refuse(urn, path, message, "pulumi.com/docs/concepts/secrets")

    def _collect(self, urn: str, refusals: list[Refusal]) -> None:
        with self._lock:
            self.recording.refusals.extend(replace(refusal, resource=urn) for refusal in refusals)

    def _refuse(self, resource: str, path: str, message: str, source: str) -> None:
        self.recording.refusals.append(Refusal(resource=resource, path=path, message=message, source=source))


def sdk_class(token: str) -> type[CustomResource] | None:
    """Find the SDK class that declares `token`, among the imported ones: the program must have imported it."""
    waiting: list[type[Any]] = [CustomResource]
    while waiting:
        candidate = waiting.pop()
        if getattr(candidate, "pulumi_type", None) == token:
            return candidate
        waiting.extend(candidate.__subclasses__())
    return None


def _aliases(request: Any) -> tuple[str, ...]:
    specs = [alias.urn or alias.spec.name or alias.spec.type or str(alias.spec) for alias in request.aliases]
    return (*request.aliasURNs, *(text.strip() for text in specs))


def read_request(urn: str, request: Any) -> PlannedResource:
    """Turn a RegisterResource request into the plan's own record of it."""
    timeouts = {
        action: getattr(request.customTimeouts, action)
        for action in ("create", "update", "delete")
        if getattr(request.customTimeouts, action)
    }
    return PlannedResource(
        urn=urn,
        type=request.type,
        name=request.name,
        parent=request.parent or None,
        inputs=struct_from_wire(request.object),
        provider=request.provider.rsplit("::", 1)[0] or None,
        custom=request.custom,
        dependencies=tuple(sorted(request.dependencies)),
        property_dependencies={
            key: tuple(sorted(request.propertyDependencies[key].urns))
            for key in sorted(request.propertyDependencies)
            if request.propertyDependencies[key].urns
        },
        protect=request.protect,
        ignore_changes=tuple(request.ignoreChanges),
        delete_before_replace=request.deleteBeforeReplace if request.deleteBeforeReplaceDefined else None,
        retain_on_delete=request.retainOnDelete,
        aliases=_aliases(request),
        additional_secret_outputs=tuple(dict.fromkeys(request.additionalSecretOutputs)),
        replace_on_changes=tuple(request.replaceOnChanges),
        custom_timeouts=timeouts,
        deleted_with=request.deletedWith or None,
        import_id=request.importId or None,
        version=request.version,
    )
