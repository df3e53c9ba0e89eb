"""The component form: whole pipelines, from the include to what a `docker pull` would find."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.registry.lab.images import image
from tests.registry.lab.tokens import PASSWORD
from tests.templates.lab.published import read

if TYPE_CHECKING:
    from pathlib import Path

    from tests.templates.lab.project import Project

BOTH = ["linux/amd64", "linux/arm64"]


def test_a_dockerfile_becomes_one_image_for_both_architectures(project: Project, skopeo: str, tmp_path: Path) -> None:
    project.use("component")
    ran = project.run()
    assert ran.code == 0, ran.out
    commit = project.commit_hash
    assert project.tags() == sorted([commit, f"{commit}-amd64", f"{commit}-arm64", "latest", "main"])
    found = read(skopeo, f"{project.image}:{commit}", tmp_path)
    assert found.platforms == BOTH
    assert found.annotations["org.opencontainers.image.source"] == "https://gitlab.example.com/team/app"
    assert found.configs["linux/arm64"]["config"]["Labels"]["org.opencontainers.image.version"] == commit
    assert project.artifact("image.digest").read_text().strip() == found.digest
    assert {read(skopeo, f"{project.image}:{tag}", tmp_path).digest for tag in ("latest", "main")} == {found.digest}


def test_builds_run_side_by_side_with_a_cache_for_each_architecture(project: Project) -> None:
    project.use("component")
    assert project.run().code == 0
    builds = {record["job"]["ARCH"]: record for record in project.records("kaniko")}
    assert sorted(builds) == ["amd64", "arm64"]
    for arch, record in builds.items():
        assert record["job"]["KUBERNETES_NODE_SELECTOR_ARCH"] == f"kubernetes.io/arch={arch}"
        assert _after(record["argv"], "--cache-repo") == [f"{project.image}/cache-{arch}"]
        assert f"TARGETARCH={arch}" in _after(record["argv"], "--build-arg")


def test_the_immutable_tag_is_written_before_any_moving_tag(project: Project) -> None:
    project.use("component")
    assert project.run().code == 0
    puts = [
        seen.path.rpartition("/")[2]
        for seen in project.bench.proxy.seen
        if seen.method == "PUT" and "/manifests/" in seen.path
    ]
    # A tag is the end of the path, or (several at once) in the query.
    writes = [tag for put in puts for tag in (re.findall(r"[?&]tag=([^&]+)", put) or [put])]
    commit = project.commit_hash
    assert sorted(writes[:2]) == [f"{commit}-amd64", f"{commit}-arm64"]
    assert writes.index(commit) < min(writes.index("latest"), writes.index("main"))


def test_credentials_reach_the_registry_but_neither_argv_nor_the_log(project: Project) -> None:
    project.use("component")
    ran = project.run()
    assert ran.code == 0, ran.out
    (config,) = {(record["config"]["mode"], record["config"]["text"]) for record in project.records("kaniko")}
    assert config[0] == 0o600
    secret = json.loads(config[1])["auths"][project.bench.host]["auth"]
    for text in (ran.out, json.dumps([record["argv"] for record in project.records("kaniko")])):
        assert secret not in text
        assert PASSWORD not in text


def test_a_wrong_password_stops_the_build(project: Project) -> None:
    project.use("component")
    project.variables["CI_REGISTRY_PASSWORD"] = "wrong"
    assert project.run().code != 0
    assert project.tags() == []


@pytest.mark.parametrize("node", ["amd64", "arm64"])
def test_a_runner_that_ignores_the_selector_stops_before_anything_is_built(project: Project, node: str) -> None:
    project.use("component")
    project.environ["LAB_NODE"] = node
    ran = project.run()
    assert ran.code != 0
    other = {"amd64": "arm64", "arm64": "amd64"}[node]
    assert f"this job builds for '{other}', but its node is {node}" in ran.out
    assert "node_selector_overwrite_allowed" in ran.out
    assert {record["job"]["ARCH"] for record in project.records("kaniko")} <= {node}
    assert "image-merge" not in [line.split()[0] for line in ran.out.splitlines() if "starting shell" in line]


def test_a_builder_that_mislabels_an_image_publishes_nothing(project: Project) -> None:
    project.use("component")
    project.environ["LAB_MISLABEL"] = "amd64"
    ran = project.run()
    assert ran.code != 0
    assert "linux/arm64" in ran.out
    assert set(project.tags()) == {f"{project.commit_hash}-amd64", f"{project.commit_hash}-arm64"}


def test_verify_binaries_finds_an_arm64_image_that_runs_x86(project: Project) -> None:
    project.use("component-everything")
    _sources(project)
    project.environ["LAB_RUNS"] = "amd64"
    ran = project.run()
    assert ran.code != 0
    assert not {"one", "two", "three"} & set(project.tags(f"{project.repository}/web"))


def test_a_missing_build_stops_the_merge_and_names_the_platform(project: Project) -> None:
    project.use("one-build-missing")
    ran = project.run()
    assert ran.code != 0
    assert "no digest for linux/arm64" in ran.out
    assert project.tags() == [f"{project.commit_hash}-amd64"]


def test_build_and_merge_by_themselves_do_what_the_whole_does(project: Project, skopeo: str, tmp_path: Path) -> None:
    project.use("build-and-merge")
    ran = project.run()
    assert ran.code == 0, ran.out
    assert read(skopeo, f"{project.image}:latest", tmp_path).platforms == BOTH


def test_a_rerun_gives_the_same_image_and_writes_no_index_again(project: Project, skopeo: str, tmp_path: Path) -> None:
    project.use("component")
    assert project.run().code == 0
    first = read(skopeo, f"{project.image}:latest", tmp_path).digest
    project.bench.proxy.reset()
    ran = project.run_again()
    assert ran.code == 0, ran.out
    assert read(skopeo, f"{project.image}:latest", tmp_path).digest == first
    assert f"{project.commit_hash} unchanged" in ran.out


def test_every_input_reaches_the_program_that_it_is_for(project: Project, skopeo: str, tmp_path: Path) -> None:
    project.use("component-everything")
    _sources(project)
    ran = project.run()
    assert ran.code == 0, ran.out
    web = f"{project.image}/web"
    found = read(skopeo, f"{web}:c-{project.commit_hash}", tmp_path)
    assert project.tags(f"{project.repository}/web") == sorted(
        [f"c-{project.commit_hash}{arch}" for arch in ("", "-amd64", "-arm64")] + ["one", "two", "three"]
    )
    assert found.configs["linux/amd64"]["config"]["Labels"]["org.opencontainers.image.vendor"] == "Example & Sons"
    build = next(record for record in project.records("kaniko") if record["job"]["ARCH"] == "arm64")
    asked = {name: value for name, value in build["job"].items() if name.startswith("KUBERNETES_MEMORY")}
    assert asked == {"KUBERNETES_MEMORY_REQUEST": "4Gi", "KUBERNETES_MEMORY_LIMIT": "4Gi"}
    arguments = _after(build["argv"], "--build-arg")
    assert {"GREETING=hello", "SPOKEN=good morning, 'all'"} <= set(arguments)
    assert _after(build["argv"], "--cache-repo") == [f"{project.image}/layers-arm64"]
    assert _after(build["argv"], "--registry-mirror") == ["mirror.example.com"]
    assert _after(build["argv"], "--target") == ["final"]
    assert "--reproducible" in build["argv"]
    _scanned_and_signed(project, web, found.digest)


def _scanned_and_signed(project: Project, web: str, digest: str) -> None:
    scans = project.records("trivy")
    assert {_after(scan["argv"], "--platform")[0] for scan in scans} == set(BOTH)
    assert all(_after(scan["argv"], "--severity") == ["HIGH,CRITICAL"] and scan["knows_registry"] for scan in scans)
    assert all(scan["argv"][-1].startswith(f"{web}@sha256:") for scan in scans)
    assert len(project.records("syft")) == 2
    (signed,) = project.records("cosign")
    assert signed["argv"][-1] == f"{web}@{digest}"
    assert signed["knows_registry"]


def test_a_pipelines_own_defaults_stay_out_of_the_components_jobs(project: Project) -> None:
    """component-everything has `default: before_script: [npm ci]`, which no builder's image could run."""
    project.use("component-everything")
    _sources(project)
    assert "npm ci" not in yaml.safe_dump(yaml.safe_load(project.preview())["web-merge"])
    assert project.run().code == 0


def test_a_finding_of_the_scan_keeps_the_image_unpublished(project: Project) -> None:
    project.use("component-everything")
    _sources(project)
    project.environ["LAB_FINDING"] = "CVE-2026-0001"
    assert project.run().code != 0
    assert not {"one", "two", "three"} & set(project.tags(f"{project.repository}/web"))
    assert not project.records("cosign")


def test_a_merge_request_does_not_get_the_branchs_jobs_a_second_time(project: Project) -> None:
    project.use("component")
    assert "image-build" in project.run("--list").out
    request = ["--variable", "CI_PIPELINE_SOURCE=merge_request_event", "--unset-variable", "CI_COMMIT_BRANCH"]
    assert "image-" not in project.run("--list", *request).out


def test_a_release_moves_its_extra_tags(project: Project) -> None:
    project.use("component-everything")
    _sources(project)
    ran = project.run("--variable", "CI_COMMIT_TAG=2.0.1")
    assert ran.code == 0, ran.out
    assert {"2.0.1", "stable"} <= set(project.tags(f"{project.repository}/web"))


def test_two_images_in_one_pipeline_stay_apart(project: Project, skopeo: str, tmp_path: Path) -> None:
    project.use("two-images")
    for name in ("web", "worker"):
        project.write(f"{name}/Dockerfile", "FROM scratch\nCOPY name /name\n")
        project.write(f"{name}/name", name)
    ran = project.run()
    assert ran.code == 0, ran.out
    web, worker = (read(skopeo, f"{project.image}/{name}:latest", tmp_path) for name in ("web", "worker"))
    assert web.platforms == worker.platforms == BOTH
    assert web.digest != worker.digest
    assert f"deploying {project.image}/web@{web.digest}" in ran.out
    caches = {
        record["job"]["CI_JOB_NAME"].split("-")[0]: "--cache=true" in record["argv"]
        for record in project.records("kaniko")
    }
    assert caches == {"web": True, "worker": False}


def test_buildkit_keeps_to_the_same_contract(project: Project, skopeo: str, tmp_path: Path) -> None:
    project.use("buildkit")
    ran = project.run()
    assert ran.code == 0, ran.out
    assert read(skopeo, f"{project.image}:latest", tmp_path).platforms == BOTH
    record = next(record for record in project.records("buildkit") if record["job"]["ARCH"] == "arm64")
    assert {"build-arg:GREETING=hello", "target=final", "filename=Dockerfile"} <= set(_after(record["argv"], "--opt"))
    assert f"ref={project.image}/cache-arm64:buildcache" in _after(record["argv"], "--export-cache")[0]
    assert "--oci-worker-no-process-sandbox" in record["flags"]
    assert "buildkitd.toml" in record["flags"]
    assert json.loads(project.artifact("arm64.json").read_text())["platform"] == "linux/arm64"


def test_digests_from_elsewhere_are_merged_without_a_build(project: Project, skopeo: str, tmp_path: Path) -> None:
    project.use("digests-from-elsewhere")
    for arch in ("amd64", "arm64"):
        digest = project.bench.push(
            project.repository, image(arch, seed=project.repository.replace("/", "-")), f"ko-{arch}"
        )
        entry = {"platform": f"linux/{arch}", "image": project.image, "digest": digest}
        project.write(f"prepared/{arch}.json", json.dumps(entry))
    ran = project.run()
    assert ran.code == 0, ran.out
    assert "image-build" not in ran.out
    assert len(project.records("syft")) == 2
    assert read(skopeo, f"{project.image}:latest", tmp_path).platforms == BOTH


def test_the_helper_images_are_mirrored_and_merged(project: Project, skopeo: str, tmp_path: Path) -> None:
    upstream = project.bench.name("gitlab-runner-helper")
    for arch, word in (("amd64", "x86_64"), ("arm64", "arm64")):
        project.bench.push(upstream, image(arch, seed="helper"), f"alpine-latest-{word}-v19.1.1")
    project.use("mirror-helper")
    project.variables["LAB_SOURCE"] = f"{project.bench.host}/{upstream}"
    ran = project.run()
    assert ran.code == 0, ran.out
    mirrored = f"{project.repository}/gitlab-runner-helper"
    assert project.tags(mirrored) == ["alpine-latest-v19.1.1", "current"]
    assert read(skopeo, f"{project.bench.host}/{mirrored}:alpine-latest-v19.1.1", tmp_path).platforms == BOTH
    assert 'helper_image = "' in ran.out


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("builder: docker", "list of allowed options"),
        ("cache: maybe", "not a boolean"),
        ("arches: amd64", "not a array"),
        ("image: 'https://registry.example.com/app:1'", "does not match required regex"),
        ("tags: 'latest next'", "does not match required regex"),
        ("job-prefix: Image", "does not match required regex"),
    ],
)
def test_a_bad_input_is_refused_before_the_pipeline_starts(project: Project, bad: str, said: str) -> None:
    project.use("component")
    project.pipeline((project.folder / ".gitlab-ci.yml").read_text() + f"      {bad}\n")
    ran = project.run("--list")
    assert ran.code != 0
    assert said in ran.out


def _after(argv: list[str], option: str) -> list[str]:
    return [argv[number + 1] for number, word in enumerate(argv) if word == option]


def _sources(project: Project) -> None:
    project.write("images/web/Containerfile", "FROM scratch AS final\nCOPY page /page\n")
    project.write("images/web/page", "hello\n")
