"""Pulumi's own mocks with a monitor that keeps every request: options and dependencies are in no other place."""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks, rpc, settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A resource as it was sent to the engine."""

    urn: str
    type: str
    name: str
    parent: str
    inputs: dict[str, Any]
    dependencies: tuple[str, ...]
    ignore_changes: tuple[str, ...]
    delete_before_replace: bool | None
    replace_on_changes: tuple[str, ...]
    protect: bool


@dataclass(slots=True)
class Recording:
    """What a program declared, and what its components published."""

    resources: list[Registered] = field(default_factory=list)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)

    def one(self, type_: str) -> Registered:
        found = [resource for resource in self.resources if resource.type == type_]
        assert len(found) == 1, [resource.type for resource in self.resources]
        return found[0]

    def all(self, type_: str) -> list[Registered]:
        return [resource for resource in self.resources if resource.type == type_]


class _Cloud(mocks.Mocks):
    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        outputs = dict(args.inputs)
        if args.typ == "aws:eks/nodeGroup:NodeGroup":
            outputs["nodeGroupName"] = outputs["nodeGroupNamePrefix"] + "1"
            outputs["resources"] = [{"autoscalingGroups": [{"name": f"asg-{args.name}"}]}]
        if args.typ == "aws:ec2/launchTemplate:LaunchTemplate":
            outputs["latestVersion"] = 7
        if args.typ == "aws:iam/role:Role":
            outputs |= {"arn": f"arn:aws:iam::123456789012:role/{args.name}", "name": args.name}
        if args.typ == "azure-native:containerservice:AgentPool":
            outputs["name"] = outputs["agentPoolName"]
        return f"{args.name}-id", outputs

    def call(self, _: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]]]:
        kubeconfig = {"clusters": [{"cluster": {"server": "https://ci", "certificate-authority-data": ""}}]}
        return {
            "endpoint": "203.0.113.7",
            "masterAuths": [{"clusterCaCertificate": "R0tF"}],
            "certificateAuthorities": [{"data": "RUtT"}],
            "vpcConfig": {"subnetIds": ["subnet-1"]},
            "kubeconfigs": [{"value": base64.b64encode(json.dumps(kubeconfig).encode()).decode()}],
        }, []


class _Recorder(mocks.MockMonitor):
    def __init__(self, recording: Recording) -> None:
        super().__init__(_Cloud())
        self.recording = recording

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802  # the name in Pulumi's protocol
        answer = super().RegisterResource(request)  # type: ignore[no-untyped-call]  # Pulumi leaves it untyped
        self.recording.resources.append(
            Registered(
                urn=answer.urn,
                type=request.type,
                name=request.name,
                parent=request.parent,
                inputs=rpc.deserialize_properties(request.object),
                dependencies=tuple(request.dependencies),
                ignore_changes=tuple(request.ignoreChanges),
                delete_before_replace=request.deleteBeforeReplace if request.deleteBeforeReplaceDefined else None,
                replace_on_changes=tuple(request.replaceOnChanges),
                protect=request.protect,
            )
        )
        return answer

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802  # the name in Pulumi's protocol
        self.recording.outputs[request.urn] = rpc.deserialize_properties(request.outputs)
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]  # as above


@pytest.fixture
def record() -> Iterator[Callable[[Callable[[], object]], Recording]]:
    """Run a program against the mocks and return what it declared."""

    def run(program: Callable[[], object]) -> Recording:
        recording = Recording()
        mocks.set_mocks(_Cloud(), project="multiarch-runner", stack="test", monitor=_Recorder(recording))
        pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]  # Pulumi leaves it untyped
        return recording

    yield run
    settings.reset_options()
