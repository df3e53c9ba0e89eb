"""What a plan refuses by itself: unknown packages, misspelt keys, unmarked secrets, lookups nobody can answer."""

from typing import Any

import pytest

from components.problems import ConfigError
from multiarch.model.plan import Plan

PROVIDER = """
import pulumi, pulumi_kubernetes as k8s
provider = k8s.Provider("cluster", kubeconfig="/nowhere/config", context="ci")
opts = pulumi.ResourceOptions(provider=provider)
"""


def told(plan: Plan) -> list[str]:
    return [f"{refusal.resource.rsplit('::', 1)[-1]} {refusal.path}: {refusal.message}" for refusal in plan.refusals]


def test_a_misspelt_key_in_a_dict_literal_is_refused(plan_program: Any) -> None:
    plan = plan_program(
        PROVIDER + 'k8s.core.v1.Namespace("space", metadata={"name": "ci", "lables": {"a": "b"}}, opts=opts)\n'
    )
    assert told(plan) == ["space metadata.lables: Unknown property 'lables' of ObjectMetaArgs."]


def test_a_secret_sent_unmarked_is_refused(plan_program: Any) -> None:
    program = """
token = pulumi.Config().require("runnerToken")
k8s.core.v1.ConfigMap("leak", metadata={"name": "m", "namespace": "ci"}, data={"t": "x" + token}, opts=opts)
"""
    plan = plan_program(PROVIDER + program)
    assert len(plan.refusals) == 1
    assert plan.refusals[0].path == "data.t"
    assert "without a secret mark" in plan.refusals[0].message


def test_a_secret_exported_unmarked_is_refused(plan_program: Any) -> None:
    program = """
token = pulumi.Config().require_secret("runnerToken")
pulumi.export("kept", token)
pulumi.export("told", pulumi.Output.unsecret(token))
"""
    plan = plan_program(PROVIDER + program)
    assert [refusal.path for refusal in plan.refusals] == ["outputs.told"]


def test_a_resource_of_an_unknown_package_is_refused_and_never_passed(plan_program: Any) -> None:
    plan = plan_program('import pulumi\npulumi.CustomResource("random:index:Thing", "thing", {})\n')
    assert told(plan) == [
        "thing : the rehearsal has no provider for 'random', so nothing is known about random:index:Thing"
    ]
    assert plan.complete


def test_an_unknown_kind_of_a_known_package_is_refused(plan_program: Any) -> None:
    plan = plan_program(PROVIDER + 'k8s.core.v1.Endpoints("e", metadata={"name": "e", "namespace": "ci"}, opts=opts)\n')
    assert any("has no provider for kubernetes:core/v1:Endpoints" in text for text in told(plan))


def test_a_lookup_that_nobody_answers_stops_the_program_and_says_so(plan_program: Any) -> None:
    plan = plan_program('import pulumi\npulumi.runtime.invoke("random:index:get", {})\n')
    assert not plan.complete
    assert [refusal.message for refusal in plan.refusals] == [
        "the rehearsal has no provider for 'random', so nothing is known about random:index:get"
    ]
    assert any("incomplete" in note for note in plan.notes)


def test_two_resources_of_one_name_are_refused(plan_program: Any) -> None:
    line = 'k8s.core.v1.Namespace("space", metadata={"name": "ci"}, opts=opts)\n'
    plan = plan_program(PROVIDER + line + line)
    assert any("Duplicate resource URN" in text for text in told(plan))


def test_a_providers_refusal_carries_the_urn(plan_program: Any) -> None:
    plan = plan_program(PROVIDER + 'k8s.core.v1.Namespace("space", metadata={"name": "CI"}, opts=opts)\n')
    assert plan.refusals[0].resource == "urn:pulumi:test::multiarch-runner::kubernetes:core/v1:Namespace::space"
    assert plan.refusals[0].path == "metadata.name"


def test_the_programs_config_problems_come_back_whole(plan_program: Any) -> None:
    program = """
        import pulumi
        from components.problems import ConfigError, Problem
        problems = [Problem(path=f"pools[{i}]", found="f", consequence="c", fix="x") for i in range(2)]
        try:
            raise ConfigError(problems, "stack test")
        except ConfigError as error:
            raise pulumi.RunError(str(error)) from error
    """
    with pytest.raises(ConfigError) as error:
        plan_program(program)
    assert [problem.path for problem in error.value.problems] == ["pools[0]", "pools[1]"]


def test_a_stack_file_that_is_no_yaml_is_a_config_error(plan_program: Any) -> None:
    with pytest.raises(ConfigError, match="line"):
        plan_program("import pulumi\n", stack="config: [\n")
