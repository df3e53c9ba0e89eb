"""The real Renovate finds every pin, and none in a generated file: `make renovate`."""

import os
import shutil
from pathlib import Path

import pytest

from ci import render
from tests.unit.pins import renovate
from tests.unit.pins.found import Pin, pins
from tests.unit.pins.test_pins import of_others

pytestmark = [
    pytest.mark.skipif("MULTIARCH_RENOVATE" not in os.environ, reason="half a gigabyte from npm: make renovate"),
    pytest.mark.skipif(not shutil.which("npm"), reason="npm is not installed"),
]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return renovate.checkout(tmp_path_factory.mktemp("renovate") / "repository")


def test_renovate_takes_its_configuration_without_a_warning(repository: Path) -> None:
    ran = renovate.run("config-validator", "--strict", "--no-global", "renovate.json", folder=repository)
    assert ran.returncode == 0, ran.stdout


def test_renovate_finds_every_pin_and_none_in_a_generated_file(repository: Path) -> None:
    found = [(file, dependency) for file, dependency in renovate.dependencies(repository)]
    assert {file for file, _ in found} & {*render.render(), "docs/config.md"} == set()
    seen = {Pin(file, one.get("currentValue", "").removeprefix("==")) for file, one in found if "skipReason" not in one}
    assert {*of_others(pins())} - seen == set()
