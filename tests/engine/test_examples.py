"""Every example under the real engine: installed, planned and made as a reader would, with stand-ins for the clouds."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.clouds import CLOUDS
from multiarch.model.pulumi_answers import CliResult, steps
from multiarch.rehearse.engine import cli
from tests.engine.consumers import (
    NEEDS_NPM,
    STACK,
    Consumer,
    write_npm_stand_ins,
)

NO_LINK = "linking package: method Link not implemented"
TOKEN = "glrt-only-for-this-test"
CONFIGURED = {
    "clusterName": "ci",
    "context": "ci",
    "kubeconfig": "~/no-such-file",
    "location": "us-central1",
    "project": "example-ci",
    "region": "eu-central-1",
    "resourceGroup": "ci",
    "subnetIds": ["subnet-0a1b2c3d", "subnet-1a2b3c4d"],
    "runnerToken": TOKEN,
}
POOLS = {
    "gke": "gcp:container/nodePool:NodePool",
    "eks": "aws:eks/nodeGroup:NodeGroup",
    "aks": "azure-native:containerservice:AgentPool",
}
LANGUAGES = ("python", "typescript", "yaml")
IN_CI = {("gke", "python")}


def cases() -> list[Any]:
    """Every example: one in each run of all tests, the others by `make test-engine`."""
    found = []
    for cloud in CLOUDS:
        for language in LANGUAGES:
            marks = [] if (cloud, language) in IN_CI else [pytest.mark.full]
            marks += [NEEDS_NPM] if language == "typescript" else []
            found.append(pytest.param(cloud, language, marks=marks, id=f"{cloud}-{language}"))
    return found


@pytest.fixture
def example(cloud: str, language: str, clone: Path, consumer: Consumer, request: pytest.FixtureRequest) -> Consumer:
    """The example in a clean clone, as it is; to a TypeScript one the stand-ins for npm packages are added."""
    consumer = replace(consumer, folder=clone / "examples" / f"{cloud}-{language}")
    if language == "yaml":
        consumer = consumer.with_programs(request.getfixturevalue("yaml_host"))
    if language == "typescript":
        package = consumer.folder / "package.json"
        wanted = json.loads(package.read_text())
        wanted["dependencies"] |= write_npm_stand_ins(clone.parent / "npm")
        package.write_text(json.dumps(wanted))
    return consumer


def install(consumer: Consumer) -> None:
    """Let the CLI generate the SDK and install what the program needs, as the README says.

    The newest host for YAML that Go's proxy has is older than the CLI and can't link: it ends after the SDK.
    """
    installed = consumer.pulumi("install", "--non-interactive")
    assert installed.exit == 0 or NO_LINK in installed.stderr, installed.stdout + installed.stderr


def configure(consumer: Consumer, asked: dict[str, Any]) -> None:
    """Give each key that the project asks for; the token as a secret."""
    consumer.done(*cli.stack_init(STACK))
    for key, declared in asked.items():
        value = CONFIGURED.get(key, declared.get("default"))
        if isinstance(value, list):
            for number, item in enumerate(value):
                consumer.done("config", "set", "--path", f"{key}[{number}]", item, "--stack", STACK)
        else:
            how = ["--secret"] if declared.get("secret") else []
            consumer.done("config", "set", *how, key, value, "--stack", STACK)


def planned(result: CliResult) -> Counter[str]:
    """How many of each type are to be made."""
    assert result.exit == 0, result.stdout + result.stderr
    found = steps(result.document or {})
    assert found is not None, result.stdout
    assert {step.op for step in found} == {"create"}
    return Counter(step.urn.split("::")[2].rpartition("$")[2] for step in found)


@pytest.mark.parametrize(("cloud", "language"), cases())
def test_an_example_is_installed_planned_and_made(cloud: str, example: Consumer) -> None:
    install(example)
    configure(example, yaml.safe_load((example.folder / "Pulumi.yaml").read_text())["config"])
    preview = example.pulumi(*cli.preview(STACK))
    kinds = planned(preview)
    assert kinds["kubernetes:helm.sh/v3:Release"] == 1
    assert kinds["kubernetes:core/v1:Namespace"] == 2
    assert {kind: kinds[kind] for kind in POOLS.values() if kinds[kind]} == (
        {POOLS[cloud]: 2} if cloud in POOLS else {}
    )
    made = example.pulumi(*cli.up(STACK))
    assert made.exit == 0, made.stdout + made.stderr
    assert json.loads(example.done("stack", "output", "--json", "--stack", STACK)) == {
        "namespace": "gitlab-runner",
        "jobNamespace": "gitlab-runner-jobs",
    }
    told = (preview, made)
    assert not any(TOKEN in text for result in told for text in (result.stdout, result.stderr)), "the token is shown"
