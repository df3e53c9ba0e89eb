"""Which images a run's pods name, and what the report says of each: a made one is never called the real one."""

from dataclasses import replace

from multiarch.model.pipeline import PipelineJob
from multiarch.rehearse.live.job import CiJob
from multiarch.rehearse.live.pipeline import MERGE
from multiarch.rehearse.live.supply import Had, Supplied
from multiarch.rehearse.live.wanted import parts, wanted_images
from tests.unit.claims.test_claims import REGISTRY, scene

KANIKO = "ghcr.io/osscontainertools/kaniko:v1"
BUILDKIT = "docker.io/moby/buildkit:v1-rootless"


def job(name: str, image: str, arch: str) -> CiJob:
    selector = {"KUBERNETES_NODE_SELECTOR_ARCH": f"kubernetes.io/arch={arch}"}
    return CiJob(pipeline=PipelineJob(name=name, file="f", image=image), variables=selector)


def test_every_image_of_a_jobs_pod_is_wanted_once_with_what_may_stand_in_for_it() -> None:
    jobs = [job("image-build: [amd64]", KANIKO, "amd64"), job("image-build: [arm64]", KANIKO, "arm64")]
    jobs += [job(MERGE, "docker.io/library/python:3", "amd64"), job("other", BUILDKIT, "amd64")]
    found = {one.reference: (one.part, one.made) for one in wanted_images((scene(), one) for one in jobs)}
    assert found[KANIKO] == ("builder", None), "there is no kaniko but the real one"
    assert found[BUILDKIT] == ("builder", "buildkit")
    assert found["docker.io/library/python:3"] == ("merge image", "merge")
    assert {found[f"{REGISTRY}:{arch}-v19.1.1"] for arch in ("x86_64", "arm64")} == {("helper image", "helper")}
    assert {part for part, _ in found.values()} >= {"sandbox", "base image"}


def test_a_job_that_the_runner_refuses_names_no_image() -> None:
    refused = replace(job("image-build: [s390x]", KANIKO, "s390x"))
    assert KANIKO not in {one.reference for one in wanted_images([(scene(), refused)])}


def test_the_report_says_of_each_part_what_it_was_and_joins_those_that_are_alike() -> None:
    wanted = wanted_images([(scene(), job(MERGE, "docker.io/library/python:3", arch)) for arch in ("amd64", "arm64")])
    supplied = {
        one.reference: Supplied(reference=one.reference, had=Had.MADE, use=one.reference, detail=f"as {one.made}")
        for one in wanted
    }
    found = parts(wanted, supplied)
    helpers = [f"{REGISTRY}:{arch}-v19.1.1" for arch in ("x86_64", "arm64")]
    assert found["helper image"] == f"{', '.join(helpers)}: made here: as helper"
    assert found["merge image"] == "docker.io/library/python:3: made here: as merge"
