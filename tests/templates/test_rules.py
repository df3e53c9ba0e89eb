"""What every template keeps to: GitLab's schema and the catalog's rules, and ours."""

from __future__ import annotations

import base64
import bz2
import hashlib
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from archmerge.packaging import make_zipapp
from ci import render
from components.ci_jobs import BUILDS, RETRIES
from tests.templates.lab.interpolation import halves, interpolated, specification, used
from tests.templates.lab.project import PIPELINES, REF, ROOT, TEMPLATES, Project

if TYPE_CHECKING:
    from pathlib import Path

COMPONENTS = sorted((ROOT / "templates").glob("*/template.yml"))
NAMES = [path.parent.name for path in COMPONENTS]
CLASSIC = ROOT / "templates" / render.CLASSIC
SCHEMA = ["--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci", "--regex-variant", "nonunicode"]
GLOBAL = {
    "default",
    "stages",
    "workflow",
    "variables",
    "include",
    "image",
    "services",
    "cache",
    "before_script",
    "after_script",
    "pages",
}

each = pytest.mark.parametrize("template", COMPONENTS, ids=NAMES)


def check_schema(*files: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", *SCHEMA, *map(str, files)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def bodies() -> list[tuple[str, dict[str, Any]]]:
    """Every job that can run, of every template, by GitLab's own interpolation."""
    documents = [(path.parent.name, yaml.safe_load(interpolated(path))) for path in COMPONENTS]
    documents.append(("classic", yaml.safe_load(CLASSIC.read_text())))
    return [
        (f"{where}:{name}", job) for where, document in documents for name, job in document.items() if "script" in job
    ]


def test_the_templates_are_what_their_sources_give() -> None:
    """So every version in them is the one of ci/versions.py."""
    stale = [path for path, text in render.render().items() if (ROOT / path).read_text() != text]
    assert not stale, f"run `python -m ci.render`: {stale}"


def test_the_alerts_know_how_often_a_job_fails_and_how_many_build_an_image() -> None:
    assert {job["retry"]["max"] for _, job in bodies() if "retry" in job} == {RETRIES}
    assert len(render.input_of("arches")[1]["default"]) == BUILDS


def test_every_pinned_image_has_a_version_and_no_moving_tag() -> None:
    pinned = {name: value for name, value in render.pinned().items() if name.endswith("_IMAGE")}
    assert len(pinned) >= 8
    for name, image in pinned.items():
        tag = image.rpartition(":")[2]
        assert "/" not in tag, (name, image)
        assert re.search(r"\d+\.\d+", tag), (name, image)
        assert "." in image.partition("/")[0], f"{name} leaves the registry to the runtime's configuration"


def test_what_a_template_carries_is_archmerge_of_these_sources_with_the_digest_that_it_states() -> None:
    carrying = [text for name, job in bodies() if "ARCHMERGE'" in (text := str(job["script"][0])) and name]
    assert len(carrying) == 4
    for text in carrying:
        packed = text.partition("<<'ARCHMERGE'")[2].partition("\n")[2].partition("\nARCHMERGE\n")[0]
        file = bz2.decompress(base64.b64decode(packed, validate=False))
        assert file == make_zipapp.content(with_yaml=False)
        assert f"# {hashlib.sha256(file).hexdigest()}." in text


def test_no_default_names_an_image_or_a_project_of_ours_which_nobody_has_published() -> None:
    for path in (*COMPONENTS, CLASSIC, ROOT / ".gitlab-ci.yml"):
        named = re.findall(r"[\w.-]+(?:/[\w.-]+)*/multiarch-runner[\w./:@-]*", path.read_text())
        allowed = ("packages/generic/multiarch-runner", "HOST/my-group/multiarch-runner")
        assert [name for name in named if not any(one in name for one in allowed)] == [], path


def test_there_is_one_component_for_each_purpose() -> None:
    assert sorted(render.COMPONENTS) == NAMES


@each
def test_both_halves_keep_to_gitlabs_schema(template: Path, tmp_path: Path) -> None:
    header, body = tmp_path / "header.yml", tmp_path / "body.yml"
    header.write_text(halves(template)[0])
    body.write_text(interpolated(template))
    check_schema(header, body)


def test_the_classic_file_and_our_own_pipeline_keep_to_gitlabs_schema() -> None:
    check_schema(CLASSIC, ROOT / ".gitlab-ci.yml")


@pytest.mark.parametrize("name", sorted(path.stem for path in PIPELINES.glob("*.yml")))
def test_every_preview_keeps_to_gitlabs_schema(project: Project, name: str, tmp_path: Path) -> None:
    project.use(name)
    preview = tmp_path / "preview.yml"
    preview.write_text(project.preview())
    check_schema(preview)


@each
def test_every_input_is_described_typed_and_used(template: Path) -> None:
    inputs = specification(template)
    assert used(template) == set(inputs)
    for name, spec in inputs.items():
        assert spec["description"].endswith("."), name
        kind = spec.get("type", "string")
        default = spec.get("default", {"string": "", "array": [], "boolean": False}[kind])
        assert isinstance(default, {"string": str, "array": list, "boolean": bool}[kind]), name
        if "regex" in spec and isinstance(default, str):
            assert re.search(spec["regex"], default), f"{name}: the default {default!r} is refused"


@each
def test_a_component_sets_nothing_outside_its_own_jobs(template: Path) -> None:
    body = yaml.safe_load(halves(template)[1].replace("$[[", "<<").replace("]]", ">>"))
    assert not GLOBAL & set(body)
    for name in body:
        assert name.lstrip(".").startswith("<< inputs.job-prefix >>"), name


@each
def test_a_component_names_no_server(template: Path) -> None:
    text = interpolated(
        template, {name: "x" for name in specification(template) if name.endswith(("-image", "source"))}
    )
    assert not re.search(r"gitlab\.com", text)


@pytest.mark.parametrize("component", NAMES)
def test_a_component_has_a_readme_with_an_example_that_needs_no_release(component: str) -> None:
    text = (ROOT / "templates" / component / "README.md").read_text()
    assert f"component: $CI_SERVER_FQDN/{TEMPLATES}/{component}@{REF}" in text


@pytest.mark.parametrize(("name", "job"), bodies(), ids=[name for name, _ in bodies()])
def test_only_a_broken_runner_is_tried_again(name: str, job: dict[str, Any]) -> None:
    if ":.image-builder" in name:  # half a job: the rest is in the one that extends it
        return
    assert job["retry"] == {"max": 2, "when": ["runner_system_failure", "stuck_or_timeout_failure"]}


@pytest.mark.parametrize(("name", "job"), bodies(), ids=[name for name, _ in bodies()])
def test_what_publishes_is_never_interrupted_and_never_runs_twice_at_once(name: str, job: dict[str, Any]) -> None:
    publishes = 'archmerge "$@"' in str(job["script"])
    assert publishes == name.endswith(("merge", "mirror", "build-multi-arch"))
    if publishes:
        assert job["interruptible"] is False
        assert job["resource_group"]


def test_every_job_that_builds_looks_at_its_node_first() -> None:
    building = [
        (name, str(job["script"]))
        for name, job in bodies()
        if '"$executor"' in str(job["script"]) or "buildctl" in str(job["script"])
    ]
    assert len(building) == 6
    for name, script in building:
        assert script.index("uname -m") < script.index("base64"), name
        assert script.index("uname -m") < script.index("mkdir -p"), name


def test_scripts_pass_shellcheck(tmp_path: Path) -> None:
    shellcheck = shutil.which("shellcheck")
    if shellcheck is None:
        pytest.skip("shellcheck is not installed (apt-get install shellcheck)")
    files = []
    for name, job in bodies():
        for part in ("before_script", "script"):
            file = tmp_path / f"{name.replace(':', '_')}-{part}.sh"
            file.write_text("#!/bin/sh\n" + "\n".join(line for line in job.get(part, []) if isinstance(line, str)))
            files.append(str(file))
    # SC2086, SC2034: the directives in the sources; a template leaves comments for tools out.
    ran = subprocess.run(
        [shellcheck, "-s", "sh", "-e", "SC2086,SC2034", *files], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout
