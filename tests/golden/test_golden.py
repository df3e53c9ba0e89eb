"""The whole resource tree of every stack, as the unmodified program declares it, held still."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from multiarch.model.plan import Plan, SecretValue, plan_stack
from tests.golden.preview import PROJECT, REGENERATE, STACKS, as_text, difference

OWN_SDK = {"local": (), "mirror": (), "gke": ("pulumi_gcp",), "eks": ("pulumi_aws",), "aks": ("pulumi_azure_native",)}
NODE_POOLS = {
    "gke": "gcp:container/nodePool:NodePool",
    "eks": "aws:eks/nodeGroup:NodeGroup",
    "aks": "azure-native:containerservice:AgentPool",
}


@pytest.fixture(scope="module")
def plans() -> dict[str, Plan]:
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(STACKS, pool.map(lambda stack: plan_stack(PROJECT, stack), STACKS), strict=True))


@pytest.fixture(scope="module")
def previews() -> dict[str, Plan]:
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(STACKS, pool.map(lambda stack: plan_stack(PROJECT, stack, preview=True), STACKS), strict=True))


@pytest.mark.parametrize("stack", STACKS)
def test_the_plan_is_the_golden_one(plans: dict[str, Plan], stack: str) -> None:
    changed = difference(stack, as_text(plans[stack]))
    assert not changed, f"The plan of {stack} changed. If that was meant: {REGENERATE}\n{changed}"


@pytest.mark.parametrize("stack", STACKS)
def test_the_real_apis_would_take_every_resource(plans: dict[str, Plan], stack: str) -> None:
    assert [str(refusal) for refusal in plans[stack].refusals] == []
    assert plans[stack].complete


@pytest.mark.parametrize("stack", STACKS)
def test_a_first_preview_with_nothing_known_goes_through(previews: dict[str, Plan], stack: str) -> None:
    assert [str(refusal) for refusal in previews[stack].refusals] == []
    assert previews[stack].complete


@pytest.mark.parametrize("stack", STACKS)
def test_a_preview_declares_the_same_resources_as_an_update(
    plans: dict[str, Plan], previews: dict[str, Plan], stack: str
) -> None:
    assert {resource.urn for resource in previews[stack].resources} == {one.urn for one in plans[stack].resources}


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_imports_only_its_own_clouds_sdk(plans: dict[str, Plan], stack: str) -> None:
    assert set(plans[stack].modules) == {*OWN_SDK[stack], "pulumi_kubernetes"}


@pytest.mark.parametrize("stack", sorted(NODE_POOLS))
def test_every_cloud_gets_a_pool_of_each_architecture(plans: dict[str, Plan], stack: str) -> None:
    pools = [resource for resource in plans[stack].resources if resource.type == NODE_POOLS[stack]]
    assert len(pools) == 2
    assert all(pool.ignore_changes for pool in pools)


@pytest.mark.parametrize("stack", STACKS)
def test_there_is_one_release_and_the_token_is_not_in_it(plans: dict[str, Plan], stack: str) -> None:
    releases = [one for one in plans[stack].resources if one.type == "kubernetes:helm.sh/v3:Release"]
    assert len(releases) == 1
    assert "glrt-" not in as_text(Plan(stack=stack, resources=(releases[0],)))


@pytest.mark.parametrize("stack", STACKS)
def test_the_runners_token_is_marked_secret_wherever_it_goes(plans: dict[str, Plan], stack: str) -> None:
    secrets = [one for one in plans[stack].resources if one.type == "kubernetes:core/v1:Secret"]
    for secret in secrets:
        data = secret.inputs.get("stringData", secret.inputs.get("data"))
        values = data.values() if isinstance(data, dict) else [data]
        assert isinstance(data, SecretValue) or all(isinstance(value, SecretValue) for value in values)


def test_a_changed_plan_fails_with_a_readable_diff(plans: dict[str, Plan]) -> None:
    text = as_text(plans["gke"]).replace('"totalMaxNodeCount": 20', '"totalMaxNodeCount": 21')
    assert '+     "totalMaxNodeCount": 21,' in difference("gke", text)
    assert '-     "totalMaxNodeCount": 20,' in difference("gke", text)
