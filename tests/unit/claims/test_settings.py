"""A runner that ignores its settings, and a job that asks for more than its limit, are told in the rehearsal."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest

from multiarch.cluster.api import Api, ApiRefused
from multiarch.core.verdict import Verdict
from multiarch.model.executor import parse_config
from multiarch.rehearse.claims.scene import Proof, Scene
from tests.unit.claims.test_claims import ANCHORED, CONFIG, prove, scene

INVALID = 'Pod "p" is invalid: spec.containers[0].resources: Invalid value: "4": must be less than or equal to 2'


class Takes(Api):
    """An API server that takes every pod in a dry run, or refuses each as told."""

    def __init__(self, refusal: ApiRefused | None = None) -> None:
        self.refusal = refusal
        self.pods: list[Mapping[str, Any]] = []

    def create(self, path: str, body: Mapping[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        del path
        assert dry_run, "nothing is created for this claim"
        self.pods.append(body)
        if self.refusal is not None:
            raise self.refusal
        return {}


def where(settings: str = "", version: str = "19.1.1", api: Api | None = None) -> Scene:
    text = CONFIG.format(regex=ANCHORED).replace('image = "alpine"', f'image = "alpine"\n{settings}')
    installed = dataclasses.replace(scene().installed, config=parse_config(text), runner_version=version)
    return dataclasses.replace(scene(), installed=installed, runner=api or Takes())


def known(settings: str, version: str) -> Proof:
    return prove("runner-knows-its-settings", where(settings, version))


SECCOMP = 'pod_security_context = { seccomp_profile = { type = "RuntimeDefault" } }'


def test_a_runner_that_ignores_a_setting_fails_and_each_is_named_with_its_release() -> None:
    proof = known(f"{SECCOMP}\nautomount_service_account_token = false", "16.8.1")
    assert proof.verdict is Verdict.NO
    assert "automount_service_account_token (from 16.9 on)" in proof.evidence
    assert "pod_security_context.seccomp_profile (from 18.11 on)" in proof.evidence


@pytest.mark.parametrize(
    ("settings", "version", "verdict"),
    [
        (SECCOMP, "18.11.0", Verdict.YES),
        (SECCOMP, "18.10.9", Verdict.NO),
        (SECCOMP, "", Verdict.UNKNOWN),
        ("invented = 1", "19.1.1", Verdict.UNKNOWN),
    ],
)
def test_settings_are_known_from_their_release_on(settings: str, version: str, verdict: Verdict) -> None:
    assert known(settings, version).verdict is verdict


@pytest.mark.parametrize(
    ("flag", "version", "verdict"),
    [
        ("FF_TIMESTAMPS", "16.11.0", Verdict.YES),
        ("FF_TIMESTAMPS", "16.10.1", Verdict.NO),
        ("FF_INVENTED", "19.1.1", Verdict.UNKNOWN),
    ],
)
def test_a_feature_flag_is_known_from_its_release_on(flag: str, version: str, verdict: Verdict) -> None:
    config = parse_config(f"{CONFIG.format(regex=ANCHORED)}\n  [runners.feature_flags]\n    {flag} = true")
    installed = dataclasses.replace(scene().installed, config=config, runner_version=version)
    assert prove("runner-knows-its-settings", dataclasses.replace(scene(), installed=installed)).verdict is verdict


def test_the_largest_job_asks_for_every_maximum_and_has_a_service() -> None:
    api = Takes()
    maxima = """
    cpu_limit = "1"
    cpu_request_overwrite_max_allowed = "4"
    cpu_limit_overwrite_max_allowed = "8"
    service_memory_request = "1Gi"
"""
    assert prove("largest-job-admitted", where(maxima, api=api)).verdict is Verdict.YES
    (pod,) = api.pods
    build, _, service = pod["spec"]["containers"]
    assert build["resources"] == {"requests": {"cpu": "4"}, "limits": {"cpu": "8"}}
    assert service["resources"] == {"requests": {"memory": "1Gi"}}


@pytest.mark.parametrize(
    ("refusal", "verdict"),
    [
        (ApiRefused(422, "Invalid", INVALID), Verdict.NO),
        (ApiRefused(403, "Forbidden", "maximum cpu usage per Container is 2, but limit is 4"), Verdict.NO),
        (ApiRefused(403, "Forbidden", "exceeded quota: jobs, requested: cpu=4, used: cpu=4"), Verdict.UNKNOWN),
        (ApiRefused(403, "Forbidden", 'violates PodSecurity "baseline:latest"'), Verdict.UNKNOWN),
    ],
)
def test_a_pod_refused_for_what_it_asks_for_fails_in_the_servers_words(refusal: ApiRefused, verdict: Verdict) -> None:
    proof = prove("largest-job-admitted", where('cpu_request_overwrite_max_allowed = "4"', api=Takes(refusal)))
    assert proof.verdict is verdict
    assert refusal.message in proof.evidence


def test_where_services_are_restricted_none_is_asked_for() -> None:
    api = Takes()
    prove("largest-job-admitted", where('allowed_services = ["ours/*"]', api=api))
    assert len(api.pods[0]["spec"]["containers"]) == 2
