"""`pulumi new` with a starter: a project that plans once the package was added, from a clone and from a git URL."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from docs.starters import STARTERS, starters
from multiarch.model.pulumi_answers import steps
from multiarch.rehearse.engine import cli
from tests.engine.consumers import STACK, Consumer
from tests.engine.git_server import GitServer

WRITTEN = starters()
# YAML's host is built for minutes; its starters are held to their examples by the unit tests.
NAMES = sorted({place.parent.name for place in WRITTEN if not place.parent.name.endswith("yaml")})
IN_CI = ("gke-python", "gke-typescript")
CONFIGURED = {
    "project": "example-ci",
    "clusterName": "ci",
    "location": "us-central1",
    "context": "ci",
}
TOKEN = "glrt-only-for-this-test"


def new(consumer: Consumer, template: str, *more: str, **environment: str) -> None:
    consumer.done("new", template, "--yes", "--name", "mine", "--description", "Ours", *more, **environment)


@pytest.mark.parametrize("name", [pytest.param(one, marks=[] if one in IN_CI else pytest.mark.full) for one in NAMES])
def test_a_starter_becomes_a_project_of_the_name_that_was_given(consumer: Consumer, clone: Path, name: str) -> None:
    new(consumer, str(clone / "starters" / name), "--generate-only")
    made = {path.name for path in consumer.folder.iterdir()}
    assert made == {place.name for place in WRITTEN if place.parent == STARTERS / name}
    document = yaml.safe_load((consumer.folder / "Pulumi.yaml").read_text())
    assert (document["name"], document["description"]) == ("mine", "Ours")
    assert "template" not in document
    assert document["config"]["runnerToken"]["secret"] is True


def plan(consumer: Consumer, template: str, components: str, environment: Mapping[str, str]) -> None:
    """Do what the starter's own last words say."""
    config = [word for key, value in CONFIGURED.items() for word in ("--config", f"{key}={value}")]
    new(consumer, template, "--stack", STACK, *config, **environment)
    consumer.done("config", "set", "--secret", "runnerToken", TOKEN, "--stack", STACK)
    consumer.done("package", "add", components, **environment)
    preview = consumer.pulumi(*cli.preview(STACK))
    assert preview.exit == 0, preview.stdout + preview.stderr
    planned = [step.urn.split("::")[2].rpartition("$")[2] for step in steps(preview.document or {}) or ()]
    assert planned.count("gcp:container/nodePool:NodePool") == 2
    assert planned.count("kubernetes:helm.sh/v3:Release") == 1


def test_a_project_of_a_starter_plans_once_the_package_was_added(consumer: Consumer, clone: Path) -> None:
    plan(consumer, str(clone / "starters/gke-python"), str(clone / "components"), {})


@pytest.mark.full
def test_a_project_of_a_git_url_plans_once_the_package_was_added(consumer: Consumer, server: GitServer) -> None:
    repository = f"{server.address}/team/runner.git"
    plan(consumer, f"{repository}/starters/gke-python", f"{repository}/components", server.environment)
