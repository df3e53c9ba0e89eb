"""Renovate sees every pin, and touches no generated file; pins of one thing are one version."""

import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest

import archmerge
from ci import render, versions
from docs import starters
from multiarch.model.providers.registry import providers
from multiarch.rehearse.control_plane.tools import requirements
from multiarch.rehearse.engine.have import TOOLS_MODULE
from tests.repository import ROOT, files
from tests.unit.pins.found import Pin, of_makefile, of_package_json, of_python, pins
from tests.unit.pins.rules import CONFIG, built_in, captured, is_like

UNSEEN = {
    Pin("components/versions.py", "v1.34"): "the Pod Security version is a promise to stacks, not a dependency",
    Pin("multiarch/rehearse/claims/pods.py", "3.10"): "a name on pods of a cluster without kubelets: nothing pulls it",
    Pin("multiarch/rehearse/claims/settings.py", "8"): "a job's service on such a cluster",
    Pin("bench/look.py", "1"): "a made-up image of a made-up cluster",
    Pin("docs/record_onboarding.py", "v1.20.4"): "what a made-up cluster has",
    Pin("docs/record_onboarding.py", "v1.34.4"): "what a made-up cluster has",
}
"""What looks like a pin and is none."""
MADE = tuple(render.render())
STARTERS = tuple(path.relative_to(ROOT).as_posix() for path in starters.starters())


def of_others(found: Counter[Pin]) -> Counter[Pin]:
    """Leave out what is none, and this project's own version, which a release sets."""
    return Counter({pin: n for pin, n in found.items() if pin not in UNSEEN and pin.version != archmerge.__version__})


def by_comment() -> Counter[Pin]:
    found: Counter[Pin] = Counter()
    for path in files():
        if path.suffix == ".py" or path.name == "Makefile":
            where = path.relative_to(ROOT).as_posix()
            found.update(Pin(where, one["currentValue"]) for one in captured(where, path.read_text(encoding="utf-8")))
    return found


def test_every_pin_has_a_manager() -> None:
    found = of_others(pins())
    assert len(found) > 50, "the pins are found"
    seen = by_comment()
    assert [pin for pin in (found - seen) if not built_in(pin.file)] == [], "no `# renovate:` comment in the line above"


def test_every_comment_is_read_and_says_all() -> None:
    """A comment that the manager's expression does not match says nothing to anybody."""
    for path in files():
        if path.suffix != ".py" or path.is_relative_to(ROOT / "tests/unit/pins"):
            continue
        where, text = path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
        read = list(captured(where, text))
        assert len(read) == len(re.findall(r"^\s*# renovate:", text, re.MULTILINE)), where
        for one in read:
            assert {"datasource", "depName", "currentValue"} <= set(one), (where, one)


def test_an_image_is_looked_up_where_it_is_pulled_from() -> None:
    text = (ROOT / "ci/versions.py").read_text(encoding="utf-8")
    named = {f"{one['depName']}:{one['currentValue']}" for one in captured("ci/versions.py", text)}
    images = {value for name, value in vars(versions).items() if name.endswith("_IMAGE")}
    assert len(images) > 5
    assert {image for image in images - named if not image.endswith(f":{archmerge.__version__}")} == set()


@pytest.mark.parametrize("file", [*MADE, *STARTERS, "docs/config.md", "templates/merge/README.md"])
def test_generated_files_have_no_manager(file: str) -> None:
    assert list(captured(file, Path(ROOT, file).read_text(encoding="utf-8"))) == []
    assert built_in(file) == []


def test_every_path_that_the_configuration_names_is_there_and_what_is_made_is_committed() -> None:
    ours = [path.relative_to(ROOT).as_posix() for path in files()]
    named = [glob for rule in CONFIG["packageRules"] for glob in rule.get("matchFileNames", [])]
    written = [
        glob for rule in CONFIG["packageRules"] for glob in rule.get("postUpgradeTasks", {}).get("fileFilters", [])
    ]
    globs = {*CONFIG["ignorePaths"], *named, *written}
    assert [glob for glob in globs - {".gitlab-ci.yml"} if not any(is_like(file, glob) for file in ours)] == []
    assert [file for file in (*MADE, *STARTERS) if not any(is_like(file, glob) for glob in written)] == []


def test_nothing_but_generated_files_names_an_image_for_a_manager_that_is_off() -> None:
    """Dockerfiles and pipelines by hand would need `dockerfile` and `gitlabci` among the managers."""
    by_hand = [
        path.relative_to(ROOT).as_posix() for path in files() if re.search(r"Dockerfile$|gitlab-ci\.yml$", path.name)
    ]
    assert [file for file in by_hand if file not in MADE and not file.startswith("tests/")] == []


def test_pins_below_tests_are_not_ignored() -> None:
    """config:recommended leaves every folder `tests` out."""
    assert ":ignoreModulesAndTests" in CONFIG["ignorePresets"]
    assert any(pin.file.startswith("tests/") for pin in by_comment())


def test_renovates_own_schema_takes_the_file() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.renovate", "renovate.json"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_pin_without_a_comment_is_seen() -> None:
    assert list(of_python('X: Final = "docker.io/library/python:3.13"', "ci/x.py")) == ["3.13"]
    assert list(of_python('PEERS = {"crane": "github.com/a/b/cmd/crane@v0.22.1"}', "tests/x.py")) == ["v0.22.1"]
    assert list(of_makefile("A := 1.2.3\n\tpip install b==4.5\n", "Makefile")) == ["1.2.3", "4.5"]
    assert list(of_package_json('{"dependencies": {"a": "1.2.3", "b": "^1", "c": "file:x"}}', "package.json")) == [
        "1.2.3"
    ]
    assert list(captured("ci/x.py", 'X = "python:3.13"')) == []


def test_a_stand_in_has_the_rules_of_the_sdk_that_the_program_uses() -> None:
    """A newer SDK is a newer provider: somebody has to look at what changed, and say so here."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8") + (ROOT / "pyproject.toml").read_text(
        encoding="utf-8"
    )
    pinned = dict(re.findall(r"\bpulumi-([a-z-]+)==([\d.]+)", lines))
    stand_ins = {package: make().version for package, make in providers().items() if package in pinned}
    assert len(stand_ins) > 3
    assert stand_ins == {package: pinned[package] for package in stand_ins}


def test_one_pulumi_plans_in_tests_and_in_drift_jobs() -> None:
    cli = requirements((TOOLS_MODULE / "go.mod").read_text(encoding="utf-8"))["github.com/pulumi/pulumi/pkg/v3"]
    assert versions.PULUMI_IMAGE.partition(":")[2] == cli.removeprefix("v")


def test_an_installed_package_has_the_modules_that_it_builds_from() -> None:
    """A go.mod is no Python: left out of the package's data, nothing can be built from a wheel."""
    data = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["package-data"]
    packed = {path for package, patterns in data.items() for one in patterns for path in found_by(package, one)}
    modules = {
        path for path in files() if path.name in {"go.mod", "go.sum"} and path.is_relative_to(ROOT / "multiarch")
    }
    assert modules
    assert modules <= packed


def found_by(package: str, pattern: str) -> list[Path]:
    return list(ROOT.joinpath(*package.split(".")).glob(pattern))
