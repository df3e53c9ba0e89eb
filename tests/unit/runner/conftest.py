"""Stacks to try the runner on, and Pulumi's mocks with a monitor that keeps every request."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks, rpc, settings
from pydantic import TypeAdapter

from components.clouds import Cluster, resolve
from components.clouds.aks.sections import AksCluster, AksPool
from components.clouds.contract import ResolvedPool
from components.clouds.eks.sections import EksCluster, EksPool
from components.clouds.existing.sections import ExistingCluster, ExistingPool
from components.clouds.gke.sections import GkeCluster, GkePool
from components.clouds.machines import Arch
from components.clouds.sections import PoolBase
from components.config import StackConfig
from components.problems import ConfigError, Problem
from components.reading import parse
from components.runner.guards import RUNNER_KIN
from components.runner.placement import RunnerPool, runner_pool
from components.runner.settings import RunnerConfig

TOKEN = "glrt-only-for-tests_0123456789"


def read(**keys: Any) -> RunnerConfig:
    """Read a runner as a stack file gives it."""
    return parse(RunnerConfig, {"gitlabUrl": "https://gitlab.com", **keys}, "runner", kin=RUNNER_KIN)


def told(check: Callable[[], list[Problem]]) -> list[Problem]:
    """What a user is told, by the reader or else by the checks after it."""
    try:
        return check()
    except ConfigError as error:
        return list(error.problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """One stack: what its file says, resolved."""

    runner: RunnerConfig
    cluster: Cluster
    pools: tuple[PoolBase, ...]
    token: str | None = TOKEN

    @property
    def resolved(self) -> tuple[ResolvedPool[PoolBase], ...]:
        return tuple(resolve(pool) for pool in self.pools)

    @property
    def runner_pools(self) -> list[RunnerPool]:
        return [runner_pool(pool) for pool in self.resolved]

    @property
    def config(self) -> StackConfig:
        return StackConfig(cluster=self.cluster, pools=self.resolved, runner=self.runner, runner_token=self.token)


def gke(**keys: Any) -> Stack:
    metadata = {"metadata": {"provider": "gkeDataplaneV2"}}
    cache = {"type": "gcs", "bucket": "ci-cache", "serviceAccount": "ci-cache@my-project.iam.gserviceaccount.com"}
    return Stack(
        runner=read(**{"cache": cache, "networkPolicies": metadata, **keys}),
        cluster=GkeCluster(name="ci", project="my-project", location="us-central1"),
        pools=(GkePool(name="amd64", arch=Arch.AMD64), GkePool(name="arm64", arch=Arch.ARM64)),
    )


def eks(**keys: Any) -> Stack:
    cache = {
        "type": "s3",
        "bucket": "ci-cache",
        "region": "eu-central-1",
        "roleArn": "arn:aws:iam::123456789012:role/ci-cache",
    }
    return Stack(
        runner=read(**{"cache": cache, "selectors": ["disktype=ssd", "team=(a|b)"], **keys}),
        cluster=EksCluster(name="ci", region="eu-central-1"),
        pools=(EksPool(name="arm64", arch=Arch.ARM64), EksPool(name="amd64", arch=Arch.AMD64)),
    )


def aks(**keys: Any) -> Stack:
    cache = {
        "type": "azure",
        "account": "cicache",
        "container": "cache",
        "clientId": "11111111-2222-3333-4444-555555555555",
    }
    return Stack(
        runner=read(**{"cache": cache, **keys}),
        cluster=AksCluster(name="ci", resource_group="ci"),
        pools=(
            AksPool(name="spot", arch=Arch.AMD64, spot=True),
            AksPool(name="amd64", arch=Arch.AMD64),
            AksPool(name="arm64", arch=Arch.ARM64),
        ),
    )


def local(**keys: Any) -> Stack:
    return Stack(
        runner=read(**{"token": {"existingSecret": "gitlab-runner-token", "revision": "2"}, **keys}),
        cluster=TypeAdapter(ExistingCluster).validate_python({"name": "kind", "access": {"context": "kind-ci"}}),
        pools=(
            ExistingPool(name="amd64", arch=Arch.AMD64, labels={"role": "ci"}),
            ExistingPool(name="arm64", arch=Arch.ARM64, labels={"role": "ci"}),
        ),
        token=None,
    )


STACKS: dict[str, Callable[..., Stack]] = {"gke": gke, "eks": eks, "aks": aks, "local": local}


@pytest.fixture
def runner() -> Callable[..., RunnerConfig]:
    return read


@pytest.fixture
def stacks() -> dict[str, Callable[..., Stack]]:
    return STACKS


@pytest.fixture
def token() -> str:
    return TOKEN


@pytest.fixture(params=list(STACKS))
def stack(request: pytest.FixtureRequest) -> Stack:
    """Each stack in turn."""
    return STACKS[request.param]()


@pytest.fixture(params=list(STACKS))
def stack_name(request: pytest.FixtureRequest) -> str:
    """The name of each stack in turn."""
    return str(request.param)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A resource as it was sent to the engine. A secret in `inputs` is a mapping with Pulumi's own signature key."""

    urn: str
    type: str
    name: str
    parent: str
    inputs: dict[str, Any]
    dependencies: tuple[str, ...]
    secret_outputs: tuple[str, ...]


@dataclass(slots=True)
class Recording:
    """What a program declared, and what its components published."""

    resources: list[Registered] = field(default_factory=list)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)

    def one(self, type_: str) -> Registered:
        found = self.all(type_)
        assert len(found) == 1, [resource.type for resource in self.resources]
        return found[0]

    def all(self, type_: str) -> list[Registered]:
        return [resource for resource in self.resources if resource.type == type_]


class _Answers(mocks.Mocks):
    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        outputs = dict(args.inputs)
        if args.typ == "gitlab:index/userRunner:UserRunner":
            outputs["token"] = "glrt-created_0123456789abcdef"
        return f"{args.name}-id", outputs

    def call(self, _: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        return {}, None


class _Recorder(mocks.MockMonitor):
    def __init__(self, recording: Recording) -> None:
        super().__init__(_Answers())
        self.recording = recording

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802  # the name in Pulumi's protocol
        answer = super().RegisterResource(request)  # type: ignore[no-untyped-call]  # Pulumi's mocks are untyped
        if request.type == "pulumi:pulumi:Stack":
            return answer
        self.recording.resources.append(
            Registered(
                urn=answer.urn,
                type=request.type,
                name=request.name,
                parent=request.parent,
                inputs=rpc.deserialize_properties(request.object),
                dependencies=tuple(request.dependencies),
                secret_outputs=tuple(request.additionalSecretOutputs),
            )
        )
        return answer

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802  # the name in Pulumi's protocol
        self.recording.outputs[request.urn] = rpc.deserialize_properties(request.outputs)
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]  # likewise


@pytest.fixture
def record() -> Iterator[Callable[[Callable[[], object]], Recording]]:
    """Run a program against the mocks and return what it declared."""

    def run(program: Callable[[], object]) -> Recording:
        recording = Recording()
        mocks.set_mocks(_Answers(), project="multiarch-runner", stack="test", monitor=_Recorder(recording))
        pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]  # likewise
        return recording

    yield run
    settings.reset_options()
