"""A changed stack file: what it would end, and whether an architecture is without nodes meanwhile, is told before."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from multiarch import cli
from multiarch.core.verdict import Verdict
from multiarch.model.edits import Action, edits
from multiarch.model.plan.model import Plan, PlannedResource
from multiarch.rehearse.against import allowed, jobs_lost, kept

if TYPE_CHECKING:
    from multiarch.core.report import Check

POOL = "gcp:container/nodePool:NodePool"


def pool(name: str, arch: str, *, spot: bool = False, **given: Any) -> PlannedResource:
    inputs = {"name": name, "nodeConfig": {"spot": spot, "labels": {"multiarch-runner.io/arch": arch}}}
    options: dict[str, Any] = {"delete_before_replace": True, **given}
    return PlannedResource(urn=f"urn:{name}", type=POOL, name=f"{name}-pool", inputs=inputs, **options)


def judged(before: list[PlannedResource], after: list[PlannedResource]) -> tuple[Check, Check]:
    one, other = Plan(stack="s", resources=tuple(before)), Plan(stack="s", resources=tuple(after))
    found = edits(one, other)
    return allowed(found, one), kept(found, one, other)


AMD64 = pool("amd64", "amd64")


def test_a_pool_that_is_deleted_before_its_successor_is_there_leaves_its_architecture_without_nodes() -> None:
    may, stays = judged([AMD64, pool("arm64", "arm64")], [AMD64, pool("arm64", "arm64", spot=True)])
    assert (may.verdict, stays.verdict) == (Verdict.YES, Verdict.NO)
    assert stays.evidence.startswith("arm64 has none for a while")
    assert "nodeConfig.spot" in stays.evidence


def test_a_successor_that_is_made_first_or_a_second_pool_keeps_the_architecture() -> None:
    new_first = [pool("arm64", "arm64", spot=True, delete_before_replace=False)]
    _, stays = judged([pool("arm64", "arm64", delete_before_replace=False)], new_first)
    assert stays.verdict is Verdict.YES
    assert "arm64-pool" in stays.evidence, "its jobs are lost all the same"
    second = pool("other", "arm64")
    _, stays = judged([second, pool("arm64", "arm64")], [second, pool("arm64", "arm64", spot=True)])
    assert stays.verdict is Verdict.YES


def test_a_pool_under_another_name_is_there_before_the_old_one_goes() -> None:
    _, stays = judged([AMD64, pool("arm64", "arm64")], [AMD64, pool("new", "arm64")])
    assert stays.verdict is Verdict.YES
    assert "arm64-pool (arm64: deleted)" in stays.evidence, "its jobs are lost all the same"


def test_an_architecture_that_is_given_up_is_no_fault_of_the_edit() -> None:
    _, stays = judged([AMD64, pool("arm64", "arm64")], [AMD64])
    assert stays.verdict is Verdict.YES
    assert "arm64-pool (arm64: deleted)" in stays.evidence


def test_what_is_protected_is_told_before_pulumi_refuses() -> None:
    may, _ = judged([pool("arm64", "arm64", protect=True)], [pool("arm64", "arm64", protect=True, spot=True)])
    assert may.verdict is Verdict.NO
    assert may.evidence == (
        "`up` would refuse: arm64-pool (replaced because of nodeConfig.spot, deleted first; it is protected)"
    )


def test_an_edit_that_takes_the_protection_away_is_carried_out() -> None:
    may, _ = judged([pool("arm64", "arm64", protect=True)], [pool("arm64", "arm64", spot=True)])
    assert may.verdict is Verdict.YES


def test_what_aks_does_not_change_is_refused_unless_pulumi_replaces_the_pool_for_it() -> None:
    def agent_pool(size: int, *, replaced: bool = False) -> PlannedResource:
        options: dict[str, Any] = {"replace_on_changes": ("maxPods",)} if replaced else {}
        token = "azure-native:containerservice:AgentPool"
        return PlannedResource(urn="urn:pool", type=token, name="pool", inputs={"maxPods": size}, **options)

    may, _ = judged([agent_pool(30)], [agent_pool(50)])
    assert may.evidence == "`up` would refuse: pool (the cloud does not change maxPods)"
    may, _ = judged([agent_pool(30)], [agent_pool(50, replaced=True)])
    assert may.verdict is Verdict.YES


def test_what_follows_from_another_ones_edit_is_told_too() -> None:
    def resources(gigabytes: int) -> list[PlannedResource]:
        template = PlannedResource(
            urn="urn:template",
            type="aws:ec2/launchTemplate:LaunchTemplate",
            name="template",
            inputs={"blockDeviceMappings": [{"ebs": {"volumeSize": gigabytes}}]},
            outputs={"latestVersion": 1},
        )
        group = PlannedResource(
            urn="urn:group",
            type="aws:eks/nodeGroup:NodeGroup",
            name="group",
            inputs={"launchTemplate": {"id": "lt-1", "version": "1"}},
            property_dependencies={"launchTemplate": ("urn:template",)},
        )
        return [template, group]

    found = edits(Plan(stack="s", resources=tuple(resources(50))), Plan(stack="s", resources=tuple(resources(80))))
    assert {(edit.name, edit.action) for edit in found} == {("template", Action.UPDATE), ("group", Action.UPDATE)}
    assert {edit.name: edit.renews for edit in found} == {"template": (), "group": ("launchTemplate",)}, "a new version"


def test_jobs_are_lost_with_their_nodes_their_namespace_and_the_managers_release() -> None:
    namespace = PlannedResource(
        urn="urn:jobs", type="kubernetes:core/v1:Namespace", name="jobs", inputs={"metadata": {"name": "jobs"}}
    )
    moved = PlannedResource(
        urn="urn:jobs", type="kubernetes:core/v1:Namespace", name="jobs", inputs={"metadata": {"name": "other"}}
    )
    before = Plan(stack="s", resources=(pool("arm64", "arm64"), namespace))
    after = Plan(stack="s", resources=(pool("arm64", "arm64", spot=True), moved))
    lost = jobs_lost(edits(before, after), before)
    assert lost == {"urn:arm64": "those that run on it (arm64)", "urn:jobs": "all that run"}


def test_an_edit_in_place_that_makes_the_nodes_anew_tells_which_jobs_it_ends() -> None:
    was = pool("arm64", "arm64")
    bigger = replace(was, inputs={**was.inputs, "nodeConfig": {**was.inputs["nodeConfig"], "machineType": "x"}})
    before, after = Plan(stack="s", resources=(was,)), Plan(stack="s", resources=(bigger,))
    found = edits(before, after)
    assert [(edit.action, edit.renews) for edit in found] == [(Action.UPDATE, ("nodeConfig.machineType",))]
    assert jobs_lost(found, before) == {"urn:arm64": "those on it that do not end within the drain (arm64)"}
    evidence = kept(found, before, after).evidence
    assert "in arm64-pool (nodeConfig.machineType): a job that does not end within the drain is lost" in evidence


def test_an_edit_in_place_ends_nothing() -> None:
    may, stays = judged([AMD64], [AMD64])
    assert (may.verdict, stays.verdict) == (Verdict.YES, Verdict.YES)
    assert stays.evidence == "no pool is replaced or deleted"


@pytest.mark.parametrize("option", [("--keep",), ("--kubeconfig", "k", "--context", "c"), ("--chart", "c")])
def test_a_cluster_has_no_meaning_with_a_comparison(option: tuple[str, ...]) -> None:
    found = CliRunner().invoke(cli.multiarch, ["rehearse", "--stack", "gke", "--against", __file__, *option])
    assert found.exit_code == 2
    assert f"{option[0]} cannot be used with --against" in found.output


def test_an_input_that_no_record_has_is_no_yes() -> None:
    def made(**given: Any) -> PlannedResource:
        kind = "azure-native:containerservice:AgentPool"
        return PlannedResource(urn="urn:a", type=kind, name="a-pool", inputs={"agentPoolName": "a", **given})

    for given, verdict in (
        ({"mode": "System"}, Verdict.YES),
        ({"workloadRuntime": "KataMshvVmIsolation"}, Verdict.UNKNOWN),
        ({"workloadRuntime": "KataMshvVmIsolation", "vmSize": "Standard_D8s_v6"}, Verdict.YES),  # replaced anyhow
    ):
        may, _ = judged([made()], [made(**given)])
        assert may.verdict is verdict
        assert ("workloadRuntime" in may.evidence) == (verdict is Verdict.UNKNOWN)
