"""config.toml and Helm values of one stack per cloud, whole. Written anew with UPDATE_GOLDEN=1; then read the diff."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.runner.executor import config_toml
from components.runner.values import helm_values

GOLDEN = Path(__file__).parent / "golden"


class _Block(yaml.SafeDumper):
    """Dumps texts of several lines as blocks, so that a diff shows lines."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Block.add_representer(str, _text)


def expect(path: Path, text: str) -> None:
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text)
    assert path.read_text() == text, f"{path.name} differs; UPDATE_GOLDEN=1 writes it anew"


def test_config_toml_is_as_reviewed(stacks: dict[str, Callable[..., Any]], stack_name: str) -> None:
    stack = stacks[stack_name]()
    expect(GOLDEN / f"{stack_name}.config.toml", config_toml(stack.runner, stack.runner_pools, stack.cluster.type))


def test_helm_values_are_as_reviewed(stacks: dict[str, Callable[..., Any]], stack_name: str) -> None:
    stack = stacks[stack_name]()
    values = helm_values(stack.runner, stack.runner_pools, stack.cluster.type, secret="gitlab-runner-token")
    expect(GOLDEN / f"{stack_name}.values.yaml", yaml.dump(values, Dumper=_Block, sort_keys=False, width=1000))


@pytest.mark.parametrize("kind", ["config.toml", "values.yaml"])
def test_no_golden_file_is_left_over(stacks: dict[str, Callable[..., Any]], kind: str) -> None:
    assert {path.name.removesuffix(f".{kind}") for path in GOLDEN.glob(f"*.{kind}")} == set(stacks)
