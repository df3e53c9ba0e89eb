"""The schema says what the provider does: the same keys, the same required ones."""

import json
from typing import Any

import pytest

from archmerge import __version__
from components.helper_image.inputs import check_inputs
from components.helper_image.schema import INPUTS, OUTPUTS, REQUIRED, TYPE, package_schema
from components.helper_image.state import COMPUTED, ECHOED


@pytest.fixture
def resource() -> Any:
    document = json.loads(package_schema())
    assert (document["name"], document["version"]) == ("multiarch", __version__)
    return document["resources"][TYPE]


def test_check_knows_every_input_of_the_schema_and_no_other(resource: Any) -> None:
    assert not any(
        "unknown key" in str(problem) for problem in check_inputs(dict.fromkeys(resource["inputProperties"]))
    )
    assert any("unknown key" in str(problem) for problem in check_inputs({"digest": "x"}))


def test_check_requires_what_the_schema_requires(resource: Any) -> None:
    assert {problem.path for problem in check_inputs({})} == set(resource["requiredInputs"]) == set(REQUIRED)


def test_the_state_has_every_output_of_the_schema_and_no_other(resource: Any) -> None:
    assert set(resource["properties"]) == {*ECHOED, *COMPUTED} == {*OUTPUTS, *INPUTS} - {"credentials"}


def test_credentials_are_secret_in_the_schema(resource: Any) -> None:
    assert resource["inputProperties"]["credentials"]["secret"] is True


def test_only_the_target_replaces(resource: Any) -> None:
    replacing = [key for key, one in resource["inputProperties"].items() if one.get("willReplaceOnChanges")]
    assert replacing == ["target"]
