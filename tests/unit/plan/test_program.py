"""A plan holds what the program sent: inputs, options, secret marks, dependencies, outputs."""

from typing import Any

import pytest

from multiarch.model.plan import UNKNOWN, Plan, PlanError, PlannedResource, SecretValue

PROGRAM = """
    import pulumi
    import pulumi_kubernetes as k8s

    token = pulumi.Config().require_secret("runnerToken")
    provider = k8s.Provider("cluster", kubeconfig="/nowhere/config", context="ci")

    class Home(pulumi.ComponentResource):
        def __init__(self, name, opts=None):
            super().__init__("test:index:Home", name, None, opts)
            child = pulumi.ResourceOptions(parent=self)
            space = k8s.core.v1.Namespace(f"{name}-space", metadata={"name": "ci"}, opts=child)
            secret = k8s.core.v1.Secret(
                f"{name}-token",
                metadata={"name": "token", "namespace": space.metadata.name},
                string_data={"runner-token": token},
                opts=pulumi.ResourceOptions(
                    parent=self, protect=True, ignore_changes=["data"], delete_before_replace=True,
                    retain_on_delete=True, aliases=[pulumi.Alias(name="old")],
                    custom_timeouts=pulumi.CustomTimeouts(create="5m"),
                ),
            )
            release = k8s.helm.v3.Release(
                f"{name}-release",
                chart="gitlab-runner", version="0.90.1", name="runner", namespace=space.metadata.name,
                values={"deep": {"list": [1, True, "x"]}},
                opts=pulumi.ResourceOptions(parent=self, depends_on=[secret]),
            )
            self.release = release.status.apply(lambda status: status.name)
            self.register_outputs({"release": self.release})

    home = Home("home", pulumi.ResourceOptions(providers=[provider]))
    pulumi.export("release", home.release)
    pulumi.export("token", token)
    pulumi.log.warn("mind the gap")
"""


@pytest.fixture(scope="module")
def plan(plan_program: Any) -> Plan:
    found: Plan = plan_program(PROGRAM)
    return found


def named(plan: Plan, name: str) -> PlannedResource:
    return next(resource for resource in plan.resources if resource.name == name)


def test_nothing_is_refused_in_a_sound_program(plan: Plan) -> None:
    assert plan.refusals == ()
    assert plan.complete


def test_urns_are_the_engines_own(plan: Plan) -> None:
    assert named(plan, "home").urn == "urn:pulumi:test::multiarch-runner::test:index:Home::home"
    assert named(plan, "home-space").urn.endswith("::test:index:Home$kubernetes:core/v1:Namespace::home-space")


def test_a_secret_is_marked_where_the_program_marked_it(plan: Plan) -> None:
    inputs = named(plan, "home-token").inputs
    assert inputs["stringData"] == SecretValue({"runner-token": "glrt-rehearsal-placeholder"})
    assert inputs["metadata"] == {"name": "token", "namespace": "ci"}
    assert plan.outputs["token"] == SecretValue("glrt-rehearsal-placeholder")


def test_a_secret_never_shows_in_a_plan_that_is_printed(plan: Plan) -> None:
    assert "glrt-rehearsal-placeholder" not in repr(plan)


def test_every_resource_option_is_recorded(plan: Plan) -> None:
    secret = named(plan, "home-token")
    assert secret.protect
    assert secret.ignore_changes == ("data",)
    assert secret.delete_before_replace
    assert secret.retain_on_delete
    assert secret.aliases == ("old",)
    assert secret.custom_timeouts == {"create": "5m"}
    assert set(secret.additional_secret_outputs) == {"data", "stringData"}
    assert not named(plan, "home-space").protect


def test_components_and_custom_resources_are_told_apart(plan: Plan) -> None:
    home = named(plan, "home")
    assert not home.custom
    assert home.outputs == {"release": "runner"}
    assert named(plan, "home-release").custom


def test_parents_providers_and_dependencies_are_urns(plan: Plan) -> None:
    release = named(plan, "home-release")
    assert release.parent == named(plan, "home").urn
    assert release.provider == named(plan, "cluster").urn
    assert set(release.dependencies) == {named(plan, "home-space").urn, named(plan, "home-token").urn}
    assert release.property_dependencies["namespace"] == (named(plan, "home-space").urn,)


def test_values_keep_their_types_through_the_wire(plan: Plan) -> None:
    values = named(plan, "home-release").inputs["values"]
    assert values == {"deep": {"list": [1, True, "x"]}}
    assert isinstance(values["deep"]["list"][0], int)
    assert values["deep"]["list"][1] is True


def test_resources_come_after_what_they_need(plan: Plan) -> None:
    position = {resource.urn: index for index, resource in enumerate(plan.resources)}
    for resource in plan.resources:
        needed = [*resource.dependencies, *filter(None, [resource.parent, resource.provider])]
        assert all(position[urn] < position[resource.urn] for urn in needed)


def test_a_missing_token_is_planned_with_a_placeholder_and_said(plan: Plan) -> None:
    assert any("runnerToken is not set" in note for note in plan.notes)


def test_the_programs_own_warnings_reach_the_reader(plan: Plan) -> None:
    assert "mind the gap" in plan.notes


def test_only_the_sdks_that_the_program_imports_are_loaded(plan: Plan) -> None:
    assert plan.modules == ("pulumi_kubernetes",)


def test_a_first_preview_knows_no_computed_outputs(plan_program: Any) -> None:
    program = """
        import pulumi, pulumi_kubernetes as k8s
        provider = k8s.Provider("cluster", kubeconfig="/nowhere/config", context="ci")
        opts = pulumi.ResourceOptions(provider=provider)
        space = k8s.core.v1.Namespace("space", opts=opts)
        k8s.core.v1.ConfigMap(
            "map", metadata={"name": "m", "namespace": "ci"}, data={"uid": space.metadata.uid}, opts=opts
        )
    """
    preview = plan_program(program, preview=True)
    assert named(preview, "map").inputs["data"] == {"uid": UNKNOWN} or named(preview, "map").inputs["data"] is UNKNOWN
    assert preview.refusals == ()
    up = plan_program(program)
    assert isinstance(named(up, "map").inputs["data"]["uid"], str)


def test_a_crash_is_told_by_its_place_and_without_a_traceback(plan_program: Any) -> None:
    with pytest.raises(PlanError) as error:
        plan_program("import pulumi\nnumbers = []\nprint(numbers[3])\n")
    text = str(error.value)
    assert "IndexError: list index out of range" in text
    assert "__main__.py:3: print(numbers[3])" in text
    assert "Traceback" not in text


def test_a_program_that_exits_early_is_no_plan(plan_program: Any) -> None:
    with pytest.raises(PlanError, match="ended before its plan was complete"):
        plan_program("import os\nos._exit(0)\n")


def test_a_crash_in_an_output_is_found_too(plan_program: Any) -> None:
    with pytest.raises(PlanError, match="ZeroDivisionError"):
        plan_program("import pulumi\npulumi.export('x', pulumi.Output.from_input(0).apply(lambda n: 1 / n))\n")
