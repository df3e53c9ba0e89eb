"""What README, docs and stack files tell a reader to type: keys and code that exist. The rest: tests/unit/docs."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi
import pulumi.runtime
import pytest

from components.clouds import CLOUDS
from components.keys import classes, key_of
from components.runner.settings import RunnerConfig

PROJECT = Path(__file__).parents[3]
DOCS = [PROJECT / "README.md", *sorted(PROJECT.glob("docs/*.md")), *sorted(PROJECT.glob("stacks/*.yaml"))]
ROOTS: dict[str, tuple[type, ...]] = {
    "runner": (RunnerConfig,),
    "cluster": tuple(cloud.cluster for cloud in CLOUDS.values()),
    "pools": tuple(cloud.pool for cloud in CLOUDS.values()),
}


def is_key(path: str) -> bool:
    root, *steps = re.sub(r"\[[^]]*\]", "", path).split(".")
    here = ROOTS[root]
    for position, step in enumerate(steps):
        keys = [key for cls in here if (key := key_of(cls, step)) is not None]
        if not keys:
            return False
        if steps[position + 1 :] and all("dict" in str(key.annotation) for key in keys):
            return True  # Helm values, labels: what is below is free
        here = tuple(cls for key in keys for cls in classes(key.annotation))
    return True


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_every_key_in_the_text_is_one_of_the_configuration(path: Path) -> None:
    named = re.findall(r"`((?:runner|cluster|pools)(?:\[[^]]*\])?(?:\.[a-z]\w*)+)", path.read_text())
    assert [name for name in named if not is_key(name)] == []


def test_a_key_that_is_not_there_is_seen() -> None:
    assert is_key("runner.networkPolicies.dnsCidrs")
    assert is_key("runner.token.create.tags")
    assert not is_key("runner.networkPolicies.dns")
    assert not is_key("cluster.acess")


class Everything(pulumi.runtime.Mocks):
    """Takes every resource and gives its inputs back."""

    def __init__(self) -> None:
        self.pools: list[pulumi.runtime.MockResourceArgs] = []

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        if args.typ == "gcp:container/nodePool:NodePool":
            self.pools.append(args)
        return f"{args.name}-id", dict(args.inputs)

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]]]:
        raise AssertionError(args.token)


def snippets(path: Path) -> Iterator[str]:
    yield from re.findall(r"^```python\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL)


def test_the_components_can_be_used_as_the_text_says() -> None:
    from pulumi_gcp import container  # noqa: PLC0415 - slow to import, wanted here alone

    [code] = snippets(PROJECT / "docs" / "usage.md")
    mocks = Everything()
    pulumi.runtime.set_mocks(mocks)

    @pulumi.runtime.test  # type: ignore[untyped-decorator]  # Pulumi gives it no types
    def run() -> Any:
        cluster = container.Cluster("cluster", name="ci", location="us-central1")
        known: dict[str, Any] = {"cluster": cluster}
        exec(code, known)  # noqa: S102 - our own documentation
        return known["pool"].names

    run()
    [pool] = mocks.pools
    assert pool.inputs["cluster"] == "ci"
    assert pool.inputs["nodeConfig"]["machineType"] == "t2a-standard-8"
