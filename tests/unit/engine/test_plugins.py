"""The plugins, spoken to as the engine speaks: a process started, its port read, gRPC from Configure to Delete."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import empty_pb2  # type: ignore[import-untyped]  # protobuf ships no types
from pulumi.runtime.proto import provider_pb2 as messages

from multiarch.model.plan.wire import struct_from_wire, struct_to_wire
from multiarch.model.providers.registry import providers
from multiarch.model.providers.values import UNKNOWN, SecretValue
from multiarch.rehearse.engine.workspace import write_plugin

POOL_URN = "urn:pulumi:gke::multiarch-runner::multiarch-runner:index:GkeNodePool$gcp:container/nodePool:NodePool::arm64"
POOL: dict[str, Any] = {
    "name": "arm64",
    "cluster": "ci",
    "location": "us-central1",
    "nodeLocations": ["us-central1-a"],
    "nodeConfig": {"machineType": "t2a-standard-8", "bootDisk": {"diskType": "pd-balanced"}},
}
SECRET_URN = "urn:pulumi:gke::multiarch-runner::kubernetes:core/v1:Secret::token"
SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "token", "namespace": "ci"},
    "stringData": SecretValue({"runner-token": "x"}),
}
Connect = Callable[[str], Any]


def check(plugin: Any, urn: str, inputs: dict[str, Any]) -> Any:
    return plugin.Check(messages.CheckRequest(urn=urn, news=struct_to_wire(inputs)))


def create(plugin: Any, urn: str, inputs: dict[str, Any], *, preview: bool = False) -> Any:
    return plugin.Create(messages.CreateRequest(urn=urn, properties=struct_to_wire(inputs), preview=preview))


def diff(plugin: Any, urn: str, state: Any, news: dict[str, Any]) -> Any:
    return plugin.Diff(messages.DiffRequest(urn=urn, id="x", olds=state, news=struct_to_wire(news)))


@pytest.mark.parametrize("package", sorted(providers()))
def test_every_plugin_starts_and_says_who_it_is(connect: Connect, package: str) -> None:
    plugin = connect(package)
    schema = yaml.safe_load(plugin.GetSchema(messages.GetSchemaRequest()).schema)
    assert schema["name"] == package
    assert schema["version"] == plugin.GetPluginInfo(empty_pb2.Empty()).version
    configured = plugin.Configure(messages.ConfigureRequest(acceptSecrets=True))
    assert (configured.acceptSecrets, configured.supportsPreview, configured.acceptOutputs) == (True, True, True)


def test_check_passes_sound_inputs_on_unchanged(connect: Connect) -> None:
    answer = check(connect("gcp"), POOL_URN, POOL)
    assert not answer.failures
    assert struct_from_wire(answer.inputs) == POOL


def test_check_refuses_with_property_reason_and_source(connect: Connect) -> None:
    bad = {**POOL, "nodeLocations": ["us-central1-c"]}
    failures = check(connect("gcp"), POOL_URN, bad).failures
    assert [failure.property for failure in failures] == ["nodeLocations[0]"]
    assert "does not exist in zone 'us-central1-c' [" in failures[0].reason


def test_check_lets_unknowns_of_a_preview_pass(connect: Connect) -> None:
    assert not check(connect("gcp"), POOL_URN, {**POOL, "cluster": UNKNOWN, "nodeLocations": UNKNOWN}).failures


def test_check_sees_an_unknown_text_as_unknown_and_not_as_the_wires_sentinel(connect: Connect) -> None:
    machine = {**POOL["nodeConfig"], "machineType": UNKNOWN}
    failures = check(connect("gcp"), POOL_URN, {**POOL, "nodeConfig": machine, "nodeLocations": [UNKNOWN]}).failures
    assert [f"{failure.property}: {failure.reason}" for failure in failures] == []


def test_a_preview_creates_nothing_and_computes_nothing(connect: Connect) -> None:
    answer = create(connect("gcp"), POOL_URN, {**POOL, "cluster": UNKNOWN}, preview=True)
    assert answer.id == ""
    assert struct_from_wire(answer.properties) == {**POOL, "cluster": UNKNOWN}


def test_create_answers_id_and_computed_outputs(connect: Connect) -> None:
    answer = create(connect("gcp"), POOL_URN, POOL)
    outputs = struct_from_wire(answer.properties)
    assert answer.id == "projects/rehearsal-project/locations/us-central1/clusters/ci/nodePools/arm64"
    assert outputs["instanceGroupUrls"]
    assert outputs["__inputs"] == POOL


def test_a_second_preview_of_the_same_inputs_has_no_diff(connect: Connect) -> None:
    state = create(connect("gcp"), POOL_URN, POOL).properties
    assert diff(connect("gcp"), POOL_URN, state, POOL).changes == messages.DiffResponse.DIFF_NONE


def test_a_diff_tells_updates_from_replacements(connect: Connect) -> None:
    plugin = connect("gcp")
    state = create(plugin, POOL_URN, POOL).properties
    larger = {**POOL, "nodeConfig": {**POOL["nodeConfig"], "machineType": "t2a-standard-16"}}
    answer = diff(plugin, POOL_URN, state, larger)
    assert (answer.changes, list(answer.replaces)) == (messages.DiffResponse.DIFF_SOME, [])
    assert answer.detailedDiff["nodeConfig.machineType"].kind == messages.PropertyDiff.UPDATE
    answer = diff(plugin, POOL_URN, state, {**POOL, "maxPodsPerNode": 32})
    assert list(answer.replaces) == ["maxPodsPerNode"]
    assert answer.detailedDiff["maxPodsPerNode"].kind == messages.PropertyDiff.ADD_REPLACE
    fewer = {key: value for key, value in POOL.items() if key != "nodeLocations"}
    assert diff(plugin, POOL_URN, state, fewer).detailedDiff["nodeLocations"].kind == messages.PropertyDiff.DELETE


def test_an_unknown_in_a_preview_counts_as_a_change(connect: Connect) -> None:
    state = create(connect("gcp"), POOL_URN, POOL).properties
    answer = diff(connect("gcp"), POOL_URN, state, {**POOL, "nodeLocations": UNKNOWN})
    assert answer.changes == messages.DiffResponse.DIFF_SOME


def test_read_finds_the_state_as_it_was_left(connect: Connect) -> None:
    plugin = connect("gcp")
    state = create(plugin, POOL_URN, POOL)
    answer = plugin.Read(messages.ReadRequest(id=state.id, urn=POOL_URN, properties=state.properties))
    assert answer.id == state.id
    assert struct_from_wire(answer.properties) == struct_from_wire(state.properties)
    assert struct_from_wire(answer.inputs) == POOL


def test_update_answers_with_the_new_inputs(connect: Connect) -> None:
    plugin = connect("aws")
    urn = "urn:pulumi:eks::multiarch-runner::aws:ec2/launchTemplate:LaunchTemplate::t"
    state = create(plugin, urn, {"name": "nodes"}).properties
    request = messages.UpdateRequest(
        id="lt", urn=urn, olds=state, news=struct_to_wire({"name": "nodes", "tags": {"a": "b"}})
    )
    outputs = struct_from_wire(plugin.Update(request).properties)
    assert outputs["latestVersion"] == 2
    assert outputs["__inputs"] == {"name": "nodes", "tags": {"a": "b"}}


def test_delete_succeeds(connect: Connect) -> None:
    connect("gcp").Delete(messages.DeleteRequest(id="x", urn=POOL_URN))


def test_secrets_stay_secret_in_the_state(connect: Connect) -> None:
    plugin = connect("kubernetes")
    assert not check(plugin, SECRET_URN, SECRET).failures
    outputs = struct_from_wire(create(plugin, SECRET_URN, SECRET).properties)
    assert outputs["stringData"] == SecretValue({"runner-token": "x"})
    assert outputs["__inputs"]["stringData"] == SecretValue({"runner-token": "x"})


def test_lookups_answer_and_refuse(connect: Connect) -> None:
    plugin = connect("gcp")
    tok = "gcp:container/getCluster:getCluster"
    answer = plugin.Invoke(
        messages.InvokeRequest(tok=tok, args=struct_to_wire({"name": "ci", "location": "us-central1"}))
    )
    assert struct_from_wire(getattr(answer, "return"))["masterAuths"]
    answer = plugin.Invoke(messages.InvokeRequest(tok=tok, args=struct_to_wire({"name": "CI"})))
    assert [failure.property for failure in answer.failures] == ["name"]


def test_a_provider_configuration_is_checked(connect: Connect) -> None:
    plugin = connect("kubernetes")
    request = messages.CheckRequest(
        urn="urn:pulumi:gke::p::pulumi:providers:kubernetes::cluster", news=struct_to_wire({})
    )
    assert [failure.property for failure in plugin.CheckConfig(request).failures] == ["kubeconfig"]


def test_a_plugin_folder_is_what_the_engine_wants(tmp_path: Path) -> None:
    write_plugin("aws", tmp_path / "aws")
    document = yaml.safe_load((tmp_path / "aws" / "PulumiPlugin.yaml").read_text())
    assert document["runtime"]["name"] == "python"
    virtualenv = document["runtime"]["options"]["virtualenv"]
    assert (tmp_path / "aws" / virtualenv).resolve() == Path(sys.prefix).resolve()


def test_a_package_without_a_provider_gets_no_plugin(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="no provider for 'random'"):
        write_plugin("random", tmp_path / "random")
