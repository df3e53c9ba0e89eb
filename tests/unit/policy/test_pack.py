"""The policy pack as the engine sees it: started like Pulumi starts it, asked over gRPC."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]  # grpcio ships no stubs
import pytest
from google.protobuf import struct_pb2  # type: ignore[import-untyped]  # protobuf ships no stubs
from pulumi.runtime import proto
from pulumi.runtime.proto import analyzer_pb2_grpc

from components.policy.catalogue import RESOURCE_RULES, RULES
from components.policy.subject import Level, Resource
from tests.unit.policy import stack

pytest.importorskip("pulumi_policy", reason="pulumi-policy is an extra: pip install -e '.[policy]'")

FOLDER = Path(__file__).resolve().parents[3] / "components" / "policy"
UNKNOWN_STRING = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
SECRET_SIGNATURE = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}


@pytest.fixture(scope="module")
def analyzer() -> Iterator[Any]:
    """Start the pack as `pulumi-analyzer-policy-python` does: in its folder, as `python -u -m pulumi.policy HOST .`."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:1", "."]
    with subprocess.Popen(command, cwd=FOLDER, env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            port = int(process.stdout.readline())
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                yield analyzer_pb2_grpc.AnalyzerStub(channel)
        finally:
            process.kill()


def struct(values: Any) -> struct_pb2.Struct:
    message = struct_pb2.Struct()
    message.update(values)
    return message


def request(item: Resource, properties: Any = None, *, protect: bool = True) -> proto.AnalyzeRequest:
    return proto.AnalyzeRequest(
        type=item.type,
        urn=item.urn,
        name=item.name,
        properties=struct(properties or item.properties),
        options=proto.AnalyzerResourceOptions(protect=protect),
    )


def resource(name: str) -> Resource:
    return next(item for item in stack.good() if item.name == name)


def configure(analyzer: Any, **rules: dict[str, Any]) -> None:
    chosen = {}
    for rule, values in rules.items():
        level = getattr(proto, values.pop("enforcementLevel", "MANDATORY"))
        chosen[rule.replace("_", "-")] = proto.PolicyConfig(enforcementLevel=level, properties=struct(values))
    analyzer.Configure(proto.ConfigureAnalyzerRequest(policyConfig=chosen))


def test_the_pack_tells_the_engine_every_rule_it_can_judge_and_its_level(analyzer: Any) -> None:
    info = analyzer.GetAnalyzerInfo(struct_pb2.Struct())
    assert info.name == "multiarch-runner"
    levels = {policy.name: policy.enforcementLevel for policy in info.policies}
    expected = {Level.MANDATORY: proto.MANDATORY, Level.ADVISORY: proto.ADVISORY}
    judged = {rule.id: expected[rule.level] for rule in RULES}
    del judged["no-secrets-in-values"]  # the engine shows a pack no secret marks
    assert levels == judged
    assert all(policy.description.endswith(".") for policy in info.policies)


def test_only_rules_that_need_secret_marks_are_kept_out_of_the_pack() -> None:
    assert [rule.id for rule in RESOURCE_RULES if rule.needs_secret_marks] == ["no-secrets-in-values"]


def test_a_good_stack_passes(analyzer: Any) -> None:
    for item in stack.good():
        assert list(analyzer.Analyze(request(item)).diagnostics) == []


def test_a_broken_resource_gets_the_rule_the_message_and_the_fix(analyzer: Any) -> None:
    item = next(item for item in stack.changed("gke", ("autoscaling", "totalMaxNodeCount"), 0) if item.name == "gke")
    (diagnostic,) = analyzer.Analyze(request(item)).diagnostics
    assert diagnostic.policyName == "pool-bounds"
    assert diagnostic.enforcementLevel == proto.MANDATORY
    assert "upper bound is 0" in diagnostic.message
    assert "maxNodes is at least 1" in diagnostic.message


def test_an_unknown_value_is_an_advisory_doubt_even_of_a_mandatory_rule(analyzer: Any) -> None:
    resources = stack.changed("gke", ("autoscaling", "totalMaxNodeCount"), UNKNOWN_STRING)
    (diagnostic,) = analyzer.Analyze(request(next(item for item in resources if item.name == "gke"))).diagnostics
    assert diagnostic.policyName == "pool-bounds"
    assert diagnostic.enforcementLevel == proto.ADVISORY
    assert "could not tell: gke: autoscaling.totalMaxNodeCount is not known yet" in diagnostic.message


def test_a_breach_beside_an_unknown_is_still_reported(analyzer: Any) -> None:
    pod = {"initContainers": [{"image": UNKNOWN_STRING}], "containers": [{"image": "x:latest"}]}
    resources = stack.changed("warm", ("spec", "template", "spec"), pod)
    response = analyzer.Analyze(request(next(item for item in resources if item.name == "warm")))
    levels = [item.enforcementLevel for item in response.diagnostics if item.policyName == "image-pinned"]
    assert levels == [proto.MANDATORY, proto.ADVISORY]


def test_a_secret_is_judged_and_never_quoted(analyzer: Any) -> None:
    item = resource("release")
    values = {**item.properties["values"], "runnerToken": {**SECRET_SIGNATURE, "value": stack.TOKEN}}
    response = analyzer.Analyze(request(item, {**item.properties, "values": values}))
    assert {diagnostic.policyName for diagnostic in response.diagnostics} == {"token-in-secret-only"}
    assert stack.TOKEN not in str(response)


def test_an_unprotected_pool_of_a_production_stack_is_advised_against(analyzer: Any) -> None:
    (diagnostic,) = analyzer.Analyze(request(resource("gke"), protect=False)).diagnostics
    assert diagnostic.policyName == "pool-protected"
    assert diagnostic.enforcementLevel == proto.ADVISORY


def test_an_exemption_needs_its_reason_and_the_engine_is_told(analyzer: Any) -> None:
    item = next(item for item in stack.changed("gke", ("nodeConfig", "labels"), {}) if item.name == "gke")
    try:
        configure(analyzer, pool_labels={"exempt": {"g*": "labelled by another team"}})
        response = analyzer.Analyze(request(item))
        assert list(response.diagnostics) == []
        assert "exempt: labelled by another team" in [entry.reason for entry in response.not_applicable]
    finally:
        configure(analyzer)
    assert [diagnostic.policyName for diagnostic in analyzer.Analyze(request(item)).diagnostics] == ["pool-labels"]


def test_required_labels_come_from_the_packs_configuration(analyzer: Any) -> None:
    try:
        configure(analyzer, pool_labels={"requiredLabels": ["team"]})
        (diagnostic,) = analyzer.Analyze(request(resource("gke"))).diagnostics
        assert "team" in diagnostic.message
    finally:
        configure(analyzer)


def stack_request(resources: list[Resource]) -> proto.AnalyzeStackRequest:
    return proto.AnalyzeStackRequest(
        resources=[
            proto.AnalyzerResource(type=item.type, urn=item.urn, name=item.name, properties=struct(item.properties))
            for item in resources
        ]
    )


def test_the_stack_rule_judges_the_whole_stack(analyzer: Any) -> None:
    assert list(analyzer.AnalyzeStack(stack_request(stack.good())).diagnostics) == []
    without = [item for item in stack.good() if item.name != "deny"]
    (diagnostic,) = analyzer.AnalyzeStack(stack_request(without)).diagnostics
    assert diagnostic.policyName == "jobs-default-deny"
    assert diagnostic.urn == resource("release").urn
    assert "ingress" in diagnostic.message


def test_no_module_of_the_pack_hides_one_of_pythons_own() -> None:
    """The folder itself is on the module path when Pulumi runs it: a `resource.py` here would break subprocess."""
    names = {path.stem for path in FOLDER.iterdir()} - {"__init__", "__main__", "__pycache__"}
    assert not names & set(sys.stdlib_module_names)
