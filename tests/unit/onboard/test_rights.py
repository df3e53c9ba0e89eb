"""What the user's rights are asked for is what the plans of real stacks do in a cluster."""

from pathlib import Path

import pytest

from multiarch.cluster.look.rights import needs_of, standard_needs
from multiarch.model.plan.launch import plan_stack
from multiarch.model.release import PlannedObject, installables, release_of

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("stack", ["gke", "local"])
def test_the_rights_asked_for_are_those_of_the_plan(stack: str) -> None:
    plan = plan_stack(ROOT, stack)
    manifests = [item.manifest for item in installables(plan) if isinstance(item, PlannedObject)]
    release = release_of(plan)
    of_plan = set(needs_of(manifests, release.namespace, str(release.values["runners"]["jobNamespace"])))
    standard = set(standard_needs("gitlab-runner", "gitlab-runner-jobs"))
    # A token of somebody else's needs no Secret of the stack's own; Helm's record is one all the same.
    assert of_plan <= standard
    assert standard - of_plan <= {need for need in standard if need.resource == "secrets"}


def test_an_unforeseen_kind_is_no_silent_gap() -> None:
    with pytest.raises(KeyError, match="CronJob"):
        needs_of([{"kind": "CronJob", "metadata": {"namespace": "a"}}], "a", "b")
