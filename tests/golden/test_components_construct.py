"""The components as a program in another Pulumi language makes them: Construct over gRPC, children at its engine."""

from collections.abc import Callable, Iterator
from concurrent import futures
from typing import Any

import grpc  # type: ignore[import-untyped]  # grpcio ships no types
import pytest
from google.protobuf import empty_pb2  # type: ignore[import-untyped]  # protobuf ships no types
from pulumi.runtime.proto import engine_pb2_grpc, errors_pb2, resource_pb2, resource_pb2_grpc, status_pb2
from pulumi.runtime.proto import provider_pb2 as messages

from components.helper_image.schema import TYPE
from multiarch.model.plan.wire import struct_from_wire, struct_to_wire
from multiarch.model.providers.multiarch import MultiArchProvider
from multiarch.model.providers.values import SecretValue, plain
from tests.golden.components_schema import component_host

RUNNER = "multiarch-runner:index:MultiArchRunner"
RELEASE = "kubernetes:helm.sh/v3:Release"
POOLS: list[dict[str, Any]] = [
    {"name": arch, "arch": arch, "labels": {"pool": arch}, "taints": [{"key": "ci"}]} for arch in ("amd64", "arm64")
]
MIRROR = {"helperImage": "mirror", "helperMirror": {"repository": "registry.example.com/ci/helper"}}
RUNNER_SECTION: dict[str, Any] = {
    "gitlabUrl": "https://gitlab.com",
    "concurrent": 4,
    "architectures": ["amd64", "arm64"],  # a list of enums
    "cache": {"type": "gcs", "bucket": "ci"},  # one of several classes
    "networkPolicies": {"metadata": {"provider": "gkeCalico"}},
    "jobs": {"labels": {"job_name": "kept"}, "volumes": [{"type": "emptyDir", "name": "x", "mountPath": "/x"}]},
    "values": {"shutdown_timeout": 5},  # a key that is no camelCase
    **MIRROR,
}
INPUTS: dict[str, Any] = {"runner": RUNNER_SECTION, "clusterType": "existing", "pools": POOLS}


class _Engine(engine_pb2_grpc.EngineServicer):
    def Log(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        del request, context
        return empty_pb2.Empty()


class _Monitor(resource_pb2_grpc.ResourceMonitorServicer):
    def __init__(self) -> None:
        self.seen: dict[str, Any] = {}

    def SupportsFeature(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        del context
        return resource_pb2.SupportsFeatureResponse(hasSupport=request.id in ("secrets", "resourceReferences"))

    def RegisterResource(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        del context
        self.seen[request.type] = request
        answer = request.object
        if request.type == TYPE:
            created = MultiArchProvider().create(TYPE, request.name, plain(struct_from_wire(request.object)))
            answer = struct_to_wire(created.outputs)
        urn = f"urn:pulumi:test::project::{request.type}::{request.name}"
        return resource_pb2.RegisterResourceResponse(urn=urn, id="id" if request.custom else "", object=answer)

    def RegisterResourceOutputs(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        del request, context
        return empty_pb2.Empty()


Construct = Callable[[str, dict[str, Any]], tuple[Any, dict[str, Any]]]


@pytest.fixture(scope="module")
def construct() -> Iterator[Construct]:
    """Make a component of a type; give the answer, and the last request of each type."""
    server, monitor = grpc.server(futures.ThreadPoolExecutor(4)), _Monitor()
    resource_pb2_grpc.add_ResourceMonitorServicer_to_server(monitor, server)
    engine_pb2_grpc.add_EngineServicer_to_server(_Engine(), server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    with component_host(address) as host:

        def made(kind: str, inputs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
            monitor.seen.clear()
            request = messages.ConstructRequest(
                project="project",
                stack="test",
                monitorEndpoint=address,
                type=kind,
                name="runner",
                inputs=struct_to_wire(inputs),
                parallel=4,
            )
            return host.Construct(request), dict(monitor.seen)

        yield made
    server.stop(None)


@pytest.fixture(scope="module")
def constructed(construct: Construct) -> tuple[Any, dict[str, Any]]:
    """A runner with a mirrored helper."""
    return construct(RUNNER, {**INPUTS, "token": SecretValue("glrt-from-another-language")})


def test_another_language_gets_the_component_with_all_its_outputs(constructed: tuple[Any, dict[str, Any]]) -> None:
    answer, _ = constructed
    assert answer.urn.endswith(f"{RUNNER}::runner")
    outputs = struct_from_wire(answer.state)
    assert (outputs["namespace"], outputs["runnerVersion"]) == ("gitlab-runner", "19.1.1")
    assert len(outputs["configChecksum"]) == 64


def test_whole_numbers_of_other_languages_stay_whole(constructed: tuple[Any, dict[str, Any]]) -> None:
    _, seen = constructed
    values = struct_from_wire(seen[RELEASE].object)["values"]
    assert (values["concurrent"], values["shutdown_timeout"]) == (4, 5)


def test_a_section_arrives_as_it_was_written(constructed: tuple[Any, dict[str, Any]]) -> None:
    _, seen = constructed
    config = struct_from_wire(seen[RELEASE].object)["values"]["runners"]["config"]
    assert 'node_selector_overwrite_allowed = "^kubernetes\\\\.io/arch=(amd64|arm64)$"' in config
    assert 'job_name = "kept"' in config
    assert 'BucketName = "ci"' in config
    assert 'mount_path = "/x"' in config
    assert 'ci = "NoSchedule"' in config


@pytest.mark.parametrize(
    ("inputs", "path", "fix"),
    [
        ({**INPUTS, "runner": {**RUNNER_SECTION, "jobTimout": 900}}, "runner.jobTimout", "Did you mean jobTimeout?"),
        ({**INPUTS, "pools": [{**POOLS[0], "arch": "arm"}]}, "pools[0].arch", "Did you mean arm64?"),
        ({**INPUTS, "buildKitToken": "x"}, "buildKitToken", "Did you mean buildkitToken?"),
        (INPUTS, "token", "Give the glrt- token as a secret"),
    ],
)
def test_a_mistake_is_told_with_its_path_and_its_fix_and_no_traceback(
    construct: Construct, inputs: dict[str, Any], path: str, fix: str
) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        construct(RUNNER, inputs)
    told, status = errors_pb2.InputPropertiesError(), status_pb2.Status()
    status.ParseFromString(dict(refused.value.trailing_metadata())["grpc-status-details-bin"])
    assert status.details[0].Unpack(told)
    assert path in {error.property_path for error in told.errors}
    assert fix in str(told)
    assert "Traceback" not in str(refused.value) + str(told)


def test_the_children_belong_to_the_component_and_the_mirror_is_named_by_digest(
    constructed: tuple[Any, dict[str, Any]],
) -> None:
    answer, seen = constructed
    image = seen[TYPE]
    assert image.parent == answer.urn
    digest = MultiArchProvider().create(TYPE, "x", struct_from_wire(image.object)).outputs["publishedDigest"]
    config = struct_from_wire(seen[RELEASE].object)["values"]["runners"]["config"]
    assert f'helper_image = "registry.example.com/ci/helper:alpine-latest-v19.1.1@{digest}"' in config
    assert any(TYPE in urn for urn in seen[RELEASE].dependencies)


def test_the_token_reaches_the_secret_alone_and_marked(constructed: tuple[Any, dict[str, Any]]) -> None:
    _, seen = constructed
    secret = struct_from_wire(seen["kubernetes:core/v1:Secret"].object)["stringData"]
    assert isinstance(secret, SecretValue) or isinstance(secret["runner-token"], SecretValue)
    assert "glrt-" not in str(seen[RELEASE].object)
