"""The class that a program declares sends what the provider's Check takes."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks, rpc, settings

from components.helper_image.inputs import check_inputs
from components.helper_image.resource import MultiArchImage, MultiArchImageArgs
from components.helper_image.schema import OUTPUTS, TYPE
from multiarch.model.plan.wire import struct_from_wire
from multiarch.model.providers.values import SecretValue, plain

LEAST: MultiArchImageArgs = {"target": "a.example/app:1", "sources": {"linux/amd64": "a.example/app:1-amd64"}}
ALL: MultiArchImageArgs = {
    **LEAST,
    "tags": ["latest"],
    "credentials": {"a.example": {"username": "u", "password": "p"}},
    "plain_http": ["a.example"],
    "delete_remote": True,
}


class _Answers(mocks.Mocks):
    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        computed = {key: {} if "object" in OUTPUTS[key].values() else f"the {key}" for key in OUTPUTS}
        return "a.example/app:1", {**args.inputs, **computed}

    def call(self, args: mocks.MockCallArgs) -> Any:
        raise AssertionError(args.token)


class _Recorder(mocks.MockMonitor):
    def __init__(self) -> None:
        super().__init__(_Answers())
        self.requests: list[Any] = []

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - gRPC's name
        self.requests.append(request)
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]  # Pulumi leaves it untyped


Declare = Callable[[MultiArchImageArgs], tuple[Any, dict[str, Any]]]


@pytest.fixture
def declare() -> Iterator[Declare]:
    """Declare one image; the request that the engine would get, and the resource's outputs."""

    def run(args: MultiArchImageArgs) -> tuple[Any, dict[str, Any]]:
        recorder = _Recorder()
        outputs: dict[str, Any] = {}
        mocks.set_mocks(_Answers(), monitor=recorder)

        def program() -> pulumi.Output[Any]:
            image = MultiArchImage("helper", args)
            keys = ("digest", "published_digest", "reference", "platforms", "tag_digests")
            return pulumi.Output.all(**{key: getattr(image, key) for key in keys}).apply(outputs.update)

        pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]  # Pulumi leaves it untyped
        return next(one for one in recorder.requests if one.type == TYPE), outputs

    yield run
    settings.reset_options()


@pytest.mark.parametrize("args", [LEAST, ALL])
def test_what_is_sent_is_what_check_takes(declare: Declare, args: MultiArchImageArgs) -> None:
    request, _ = declare(args)
    sent = struct_from_wire(request.object)
    assert check_inputs(plain(sent)) == []
    assert len(sent) == len(args)


def test_credentials_are_sent_as_a_secret_though_given_plainly(declare: Declare) -> None:
    request, _ = declare(ALL)
    assert struct_from_wire(request.object)["credentials"] == SecretValue(ALL["credentials"])
    assert "credentials" in request.additionalSecretOutputs
    assert rpc.UNKNOWN not in str(request.object)


def test_every_computed_property_is_an_output(declare: Declare) -> None:
    _, outputs = declare(LEAST)
    assert outputs == {
        "digest": "the digest",
        "published_digest": "the publishedDigest",
        "reference": "the reference",
        "platforms": {},
        "tag_digests": {},
    }


def test_the_example_of_the_documentation_is_what_check_takes(declare: Declare) -> None:
    text = (Path(__file__).resolve().parents[3] / "docs/helper-image.md").read_text()
    (block,) = [block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "MultiArchImage(" in block]
    call = next(node for node in ast.walk(ast.parse(block)) if isinstance(node, ast.Call))
    request, _ = declare(ast.literal_eval(call.args[1]))
    sent = struct_from_wire(request.object)
    assert check_inputs(sent) == []
    assert set(sent) == {"target", "sources", "tags"}
