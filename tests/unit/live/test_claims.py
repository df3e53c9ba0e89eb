"""Each claim of a run answers for itself: yes by what was seen, no by name, and could not tell where nobody looked."""

from dataclasses import replace
from typing import Any

import pytest

from multiarch.core.verdict import Verdict
from multiarch.model.pipeline import PipelineJob
from multiarch.rehearse.doubt import taken_back
from multiarch.rehearse.live import claims
from multiarch.rehearse.live.claims import InRegistry
from multiarch.rehearse.live.image import Asked
from multiarch.rehearse.live.job import CiJob, End, Ended
from tests.unit.live.test_confined import pod, said

A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64
JOB = CiJob(pipeline=PipelineJob(name="image-build: [arm64]", file="templates/x.yml"), variables={})
POD = {**pod({"runAsUser": 1000, "runAsGroup": 1001, "capabilities": {"drop": ["ALL"], "add": ["SETUID", "SETGID"]}}),
       "metadata": {"name": "runner-1"}}  # fmt: skip
POD["spec"]["automountServiceAccountToken"] = False
WELL = Ended(
    job=JOB,
    end=End.SUCCEEDED,
    log=said(),
    pod=POD,
    artifacts={"digests/arm64.json": f'{{"digest": "{A}"}}'.encode()},
)
FAILED = replace(WELL, end=End.STACK, reason="exit code 1", artifacts={})
LOST = replace(WELL, end=End.SURROUNDINGS, reason="container build: ImagePullBackOff: no", artifacts={})
NEVER = Ended(job=JOB, end=End.STACK, reason="its pod was refused by admission: no")
SKIPPED = Ended(job=JOB, end=End.NOT_STARTED, reason="not started: image-build: [amd64] failed")


def test_a_build_is_proved_by_a_digest_from_the_right_node() -> None:
    assert claims.built("arm64", WELL, "real-arm64", "arm64").verdict is Verdict.YES
    assert claims.built("arm64", WELL, "real-amd64", "amd64").verdict is Verdict.NO
    assert claims.built("arm64", FAILED, "real-arm64", "arm64").verdict is Verdict.NO
    assert claims.built("arm64", NEVER, "", "").verdict is Verdict.NO
    assert claims.built("arm64", LOST, "real-arm64", "arm64").verdict is Verdict.UNKNOWN
    assert claims.built("arm64", replace(WELL, pod=None), "", "").verdict is Verdict.UNKNOWN, "nobody saw where"


@pytest.mark.parametrize(
    "left", [{}, {"digests/arm64.json": b"["}, {"digests/arm64.json": b"[]"}, {"x/amd64.json": b"{}"}]
)
def test_a_build_without_a_digest_is_no_build(left: dict[str, bytes]) -> None:
    one = replace(WELL, artifacts=left)
    assert claims.built("arm64", one, "real-arm64", "arm64").verdict is Verdict.NO


def test_confinement_is_judged_by_what_the_container_said_and_by_nothing_else() -> None:
    assert claims.confinement("build-arm64", WELL, "", filters=True).verdict is Verdict.YES
    assert claims.confinement("build-arm64", FAILED, "", filters=True).verdict is Verdict.YES, (
        "a failed build was confined, too"
    )
    assert claims.confinement("build-arm64", NEVER, "", filters=True).verdict is Verdict.UNKNOWN
    assert claims.confinement("build-arm64", replace(WELL, log="nothing"), "", filters=True).verdict is Verdict.UNKNOWN
    loose = replace(WELL, log=said().replace("CapBnd:\t00000000000000c0", "CapBnd:\t00000000002000c0"))
    found = claims.confinement("build-arm64", loose, "", filters=True)
    assert found.verdict is Verdict.NO
    assert "SYS_ADMIN" in found.evidence


def test_without_seccomp_in_this_machines_runc_confinement_is_not_called_proved() -> None:
    assert claims.confinement("build-arm64", WELL, "", filters=False).verdict is Verdict.UNKNOWN


def test_a_merge_that_was_not_started_is_no_failure_of_the_merge() -> None:
    assert claims.merged(WELL).verdict is Verdict.YES
    assert claims.merged(replace(WELL, pod=None)).verdict is Verdict.UNKNOWN, "nobody saw it on the cluster"
    assert claims.merged(FAILED).verdict is Verdict.NO
    assert claims.merged(SKIPPED).verdict is Verdict.UNKNOWN


def in_registry(**change: Any) -> InRegistry:
    whole = InRegistry(platforms={"linux/amd64": A, "linux/arm64": B}, said={A: "amd64", B: "arm64"})
    return replace(whole, **change)


@pytest.mark.parametrize(
    ("found", "builds", "words"),
    [
        (in_registry(platforms={"linux/amd64": A}), {}, "it has no linux/arm64"),
        (in_registry(), {"amd64": B}, "the build job left"),
        (in_registry(said={A: "amd64", B: "amd64"}), {}, "says of itself that it is for amd64"),
    ],
)
def test_an_index_that_lacks_an_architecture_or_has_anothers_image_is_told(
    found: InRegistry, builds: dict[str, str], words: str
) -> None:
    claim = claims.index(found, builds, "")
    assert claim.verdict is Verdict.NO
    assert words in claim.evidence


def test_an_index_of_the_built_images_is_proved_and_one_that_nobody_saw_is_not() -> None:
    assert claims.index(in_registry(), {"amd64": A, "arm64": B}, "").verdict is Verdict.YES
    assert claims.index(None, {}, "no answer").verdict is Verdict.UNKNOWN


def test_an_index_beside_a_build_that_left_no_digest_is_not_said_to_be_of_what_was_built() -> None:
    found = claims.index(in_registry(), {"amd64": A, "arm64": ""}, "")
    assert found.verdict is Verdict.UNKNOWN
    assert "arm64" in found.evidence


def test_a_mislabelled_image_fails_where_it_runs() -> None:
    mislabelled = Asked(log="uname: x86_64\nprogram: /bin/cat: 3e00\n", pod={}, end=End.SUCCEEDED)
    assert claims.image_runs("arm64", "real-arm64", mislabelled).verdict is Verdict.NO
    assert claims.image_runs("amd64", "real-amd64", mislabelled).verdict is Verdict.YES
    half = Asked(log="uname: aarch64\nprogram: /app: 3e00\n", pod={}, end=End.SUCCEEDED)
    assert claims.image_runs("arm64", "real-arm64", half).verdict is Verdict.NO, "its shell alone is arm64"
    silent = Asked(log="done\n", pod={}, end=End.SUCCEEDED)
    assert claims.image_runs("arm64", "real-arm64", silent).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("end", "verdict"),
    [(End.STACK, Verdict.NO), (End.SURROUNDINGS, Verdict.UNKNOWN), (End.NOT_STARTED, Verdict.UNKNOWN)],
)
def test_only_what_is_of_the_stack_itself_is_a_no(end: End, verdict: Verdict) -> None:
    one = replace(FAILED, end=end, reason="the reason")
    for claim in (
        claims.built("arm64", one, "real-arm64", "arm64"),
        claims.merged(one),
        claims.image_runs("arm64", "real-arm64", Asked(log="uname: aarch64\n", pod={}, end=end, reason="the reason")),
    ):
        assert claim.verdict is verdict, claim.id
        assert "the reason" in claim.evidence


def test_a_lost_registry_has_a_claim_of_its_own_and_takes_the_others_nos_back() -> None:
    assert claims.registry_answers(before=True, after=True).verdict is Verdict.YES
    assert claims.registry_answers(before=True, after=False).verdict is Verdict.NO
    assert claims.registry_answers(before=False, after=True).verdict is Verdict.NO
    refused = claims.claim("privileged-pod-refused", "t", Verdict.NO, "admitted")
    checks = [claims.built("arm64", FAILED, "n", "arm64"), claims.merged(WELL), refused]
    doubted = taken_back(checks, "the registry does not answer", of=claims.OF_JOBS)
    assert [one.verdict for one in doubted] == [Verdict.UNKNOWN, Verdict.YES, Verdict.NO]
    assert "exit code 1 (but the registry does not answer)" in doubted[0].evidence


def test_where_the_small_gitlab_went_wrong_no_answer_of_the_jobs_counts_and_all_others_do() -> None:
    given = [
        claims.built("arm64", WELL, "real-arm64", "arm64"),
        claims.merged(FAILED),
        claims.registry_answers(before=True, after=True),
    ]
    why = "the small GitLab went wrong: KeyError"
    build, merge, registry = taken_back(given, why, of=claims.BY_RUNNER, answers=(Verdict.YES, Verdict.NO))
    assert build.verdict is merge.verdict is Verdict.UNKNOWN
    assert build.evidence.endswith("(but the small GitLab went wrong: KeyError)")
    assert registry == given[2]
