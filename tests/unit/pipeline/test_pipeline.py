"""Templates read as GitLab reads them: what decides which runner gets a job, and on which node it lands."""

import json
from pathlib import Path
from textwrap import dedent

import pytest

from multiarch.core.verdict import Verdict
from multiarch.model.executor import Pod, build_pod, parse_config
from multiarch.model.pipeline import PipelineJob, TemplateError, TemplatesMissing, classic_jobs, component_jobs
from multiarch.rehearse.claims.pipeline import (
    all_jobs,
    build_jobs,
    buildkit_jobs,
    from_templates,
    judge_tags,
    merge_jobs,
)

COMPONENT = """
spec:
  inputs:
    job-prefix: {default: image-}
    builder: {default: plain, options: [plain, other]}
    arches: {type: array, default: [amd64, arm64]}
    cache: {type: boolean, default: true}
    image: {description: required}
    rules: {type: array}
---
".$[[ inputs.job-prefix ]]builder-plain":
  image: {name: "builder:1", entrypoint: [""]}
  tags: [one]
  variables: {A: low, B: low}
".$[[ inputs.job-prefix ]]builder-other":
  extends: ".$[[ inputs.job-prefix ]]builder-plain"
  image: "$IMAGE"
  tags: [two]
"$[[ inputs.job-prefix ]]build":
  extends: ".$[[ inputs.job-prefix ]]builder-$[[ inputs.builder ]]"
  rules: $[[ inputs.rules ]]
  parallel:
    matrix:
      - ARCH: $[[ inputs.arches ]]
  variables:
    B: high
    IMAGE: other:$ARCH
    KUBERNETES_NODE_SELECTOR_ARCH: kubernetes.io/arch=$ARCH
    OPTIONS: "cache=$[[ inputs.cache ]]"
  script: [!reference [.x, script], "true"]
.x: {script: [one, two]}
"""


def folder(path: Path, **files: str) -> Path:
    for name, text in files.items():
        target = path / name / "template.yml" if name != "classic" else path / "multi-arch.gitlab-ci.yml"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(dedent(text))
    return path


def test_a_matrix_gives_one_job_for_each_architecture_with_its_own_selector(tmp_path: Path) -> None:
    jobs = component_jobs("c", folder(tmp_path, c=COMPONENT))
    assert list(jobs) == ["image-build: [amd64]", "image-build: [arm64]"]
    assert jobs["image-build: [arm64]"].selector == "kubernetes.io/arch=arm64"
    assert jobs["image-build: [arm64]"].tags == ("one",)
    assert str(jobs["image-build: [amd64]"]) == "image-build: [amd64] of templates/c/template.yml"


def test_extends_merges_mappings_key_by_key_and_replaces_the_rest(tmp_path: Path) -> None:
    job = component_jobs("c", folder(tmp_path, c=COMPONENT), builder="other")["image-build: [arm64]"]
    assert (job.variables["A"], job.variables["B"]) == ("low", "high")
    assert job.tags == ("two",)
    assert job.to_run("x").image == "other:arm64"


def test_an_input_keeps_its_type_alone_and_is_text_within_text(tmp_path: Path) -> None:
    jobs = component_jobs("c", folder(tmp_path, c=COMPONENT), arches=["arm64"], cache=False, job_prefix="app-")
    assert list(jobs) == ["app-build: [arm64]"]
    assert jobs["app-build: [arm64]"].variables["OPTIONS"] == "cache=false"


def test_an_array_within_text_is_json_as_gitlab_writes_it() -> None:
    merge = component_jobs("merge", arches=["amd64", "arm64"])["image-merge"]
    assert json.loads(merge.variables["MULTIARCH_ARCHES"]) == ["amd64", "arm64"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "not valid YAML"),
        ("- a", "a document is not a mapping"),
        ("", "is empty"),
        ("a: {extends: b}", "has no job b"),
        ("a: {extends: b}\nb: {extends: a}", "extends in a circle"),
        ("spec: {inputs: {}}\n---\na: {tags: ['$[[ inputs.x ]]']}", "uses the undeclared input x"),
    ],
)
def test_a_template_that_gitlab_would_refuse_is_named_with_the_reason(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(TemplateError, match=said) as caught:
        classic_jobs(folder(tmp_path, classic=text))
    assert str(caught.value).startswith("templates/multi-arch.gitlab-ci.yml: ")


def test_an_input_that_a_component_does_not_have_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="has no input colour"):
        component_jobs("c", folder(tmp_path, c=COMPONENT), colour="red")


def test_broken_templates_are_a_no_and_absent_ones_no_answer(tmp_path: Path) -> None:
    with pytest.raises(TemplatesMissing):
        classic_jobs(tmp_path)
    answers = {TemplateError("x"): Verdict.NO, TemplatesMissing("x"): Verdict.UNKNOWN}
    for error, verdict in answers.items():

        def raises(error: Exception = error) -> None:
            raise error

        assert from_templates(raises).verdict is verdict  # type: ignore[arg-type]  # it never returns


def test_a_job_is_taken_only_by_a_runner_that_has_all_its_tags() -> None:
    job = PipelineJob(name="a", file="f", tags=("multi-arch", "big"))
    assert judge_tags([job], ("multi-arch", "big", "more"), "multi-arch").verdict is Verdict.YES
    assert judge_tags([job], ("multi-arch",), "multi-arch").verdict is Verdict.NO
    assert judge_tags([job], None, "multi-arch").verdict is Verdict.NO
    assert "asks for no tag" in judge_tags([PipelineJob(name="a", file="f")], None, "multi-arch").evidence


class TestOurTemplates:
    """The files that users include."""

    def test_every_job_is_for_one_of_the_two_runners(self) -> None:
        assert judge_tags(all_jobs(), None, "multi-arch").verdict is Verdict.YES
        jobs = [*buildkit_jobs("amd64").values(), *buildkit_jobs("arm64").values()]
        assert judge_tags(jobs, None, "multi-arch-buildkit").verdict is Verdict.YES

    @pytest.mark.parametrize("arch", ["amd64", "arm64"])
    def test_both_forms_ask_for_nodes_of_the_architecture_that_they_build_for(self, arch: str) -> None:
        for job in (*build_jobs(arch).values(), *buildkit_jobs(arch).values()):
            assert (job.selector, job.variables["ARCH"]) == (f"kubernetes.io/arch={arch}", arch), str(job)

    def test_merging_asks_for_no_architecture(self) -> None:
        assert {job.selector for job in merge_jobs().values()} == {"no selector"}

    def test_the_executor_model_takes_image_and_selector_from_the_template(self) -> None:
        config = parse_config(
            "[[runners]]\n[runners.kubernetes]\nimage = 'alpine'\n"
            "node_selector_overwrite_allowed = '^kubernetes\\.io/arch=(amd64|arm64)$'\n"
        )
        for name, job in build_jobs("arm64").items():
            pod = build_pod(config, job.to_run(name), "19.1.1")
            assert isinstance(pod, Pod)
            assert pod.manifest["spec"]["nodeSelector"] == {"kubernetes.io/arch": "arm64"}
            assert pod.manifest["spec"]["containers"][0]["image"] == job.image
            assert "kaniko" in job.image


def test_a_script_has_what_a_reference_names_in_its_place(tmp_path: Path) -> None:
    jobs = component_jobs("c", folder(tmp_path, c=COMPONENT))
    assert {job.script for job in jobs.values()} == {("one", "two", "true")}
