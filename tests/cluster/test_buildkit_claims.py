"""The second runner, for rootless BuildKit, on the control plane; then broken, one thing at a time."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from multiarch.cluster.api import Api
from multiarch.cluster.connection import Connection
from multiarch.core.verdict import Verdict
from multiarch.model.plan import plan_stack
from multiarch.model.plan.model import Plan, PlannedResource
from multiarch.rehearse.claims import rehearse_stack
from multiarch.rehearse.control_plane.plane import ControlPlane
from multiarch.rehearse.install import Charts
from multiarch.rehearse.install.chart import EMBEDDED
from multiarch.rehearse.report.model import StackReport
from tests.cluster.test_claims import RELEASE, by_id, changed_toml, edited, failures, of_type

ROOT = Path(__file__).resolve().parents[2]
ADMISSION = "kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy"
JOBS = "gitlab-runner-buildkit-jobs"
Rehearse = Callable[[Plan], StackReport]


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """The example stack `local`, with one key more."""
    path = tmp_path_factory.mktemp("stacks") / "Pulumi.local.yaml"
    text = (ROOT / "stacks" / "Pulumi.local.yaml").read_text()
    line = "  multiarch-runner:runner:\n"
    assert text.count(line) == 1
    path.write_text(text.replace(line, f"{line}    buildkit: {{}}\n"))
    return plan_stack(ROOT, "local", stack_file=path)


@pytest.fixture
def rehearse(control_plane: ControlPlane) -> Rehearse:
    def run(plan: Plan) -> StackReport:
        with Charts(str(EMBEDDED)) as charts:
            return rehearse_stack(plan, control_plane, chart=charts)

    return run


def without(plan: Plan, wanted: Callable[[PlannedResource], bool]) -> Plan:
    left = tuple(resource for resource in plan.resources if not wanted(resource))
    assert len(left) < len(plan.resources)
    return dataclasses.replace(plan, resources=left)


def test_every_claim_of_the_second_runner_is_proved_and_nothing_is_left(
    plan: Plan, rehearse: Rehearse, connection: Connection
) -> None:
    report = rehearse(plan)
    assert failures(report) == set()
    claims = by_id(report.checks)
    assert "violates PodSecurity" in claims["buildkit-job-refused-elsewhere"].evidence
    assert "seccompProfile" in claims["buildkit-job-refused-elsewhere"].evidence
    assert "privileged containers are not allowed" in claims["buildkit-privileged-pod-refused"].evidence
    nodes = {node.name: node.arch for node in report.detail.nodes}
    landed = {job.name: nodes.get(job.node or "") for job in report.detail.jobs if job.name.endswith("-job")}
    assert (landed["buildkit-amd64-job"], landed["buildkit-arm64-job"]) == ("amd64", "arm64")
    api = Api.of(connection)
    for kind in ("validatingadmissionpolicies", "validatingadmissionpolicybindings"):
        names = {item["metadata"]["name"] for item in api.items(f"/apis/admissionregistration.k8s.io/v1/{kind}")}
        assert not any(JOBS in name for name in names)


def test_a_policy_that_is_not_in_force_fails_the_claims_about_the_sandbox(plan: Plan, rehearse: Rehearse) -> None:
    report = rehearse(without(plan, of_type(f"{ADMISSION}Binding")))
    assert failures(report) == {"buildkit-privileged-pod-refused", "buildkit-sandbox-closed"}
    assert "would admit" in by_id(report.checks)["buildkit-privileged-pod-refused"].evidence


def test_a_control_that_is_missing_fails_the_claim_with_its_name(plan: Plan, rehearse: Rehearse) -> None:
    def drop(inputs: dict[str, Any]) -> None:
        rules = inputs["spec"]["validations"]
        inputs["spec"]["validations"] = [rule for rule in rules if "hostPath" not in rule["message"]]

    report = rehearse(edited(plan, lambda one: one.type == ADMISSION, drop))
    assert failures(report) == {"buildkit-sandbox-closed"}
    assert by_id(report.checks)["buildkit-sandbox-closed"].evidence.endswith(": host path")


def test_the_job_namespace_at_baseline_fails_its_jobs(plan: Plan, rehearse: Rehearse) -> None:
    def baseline(inputs: dict[str, Any]) -> None:
        inputs["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] = "baseline"

    report = rehearse(edited(plan, of_type("kubernetes:core/v1:NamespacePatch", "buildkit"), baseline))
    found = {claim.id: claim.verdict for claim in report.checks if claim.verdict is not Verdict.YES}
    assert found["buildkit-amd64-job-on-amd64-node"] is found["buildkit-arm64-job-on-arm64-node"] is Verdict.NO
    assert all(identity.startswith("buildkit-") for identity in found)


def test_both_runners_in_one_namespace_fail_the_claims_that_keep_them_apart(plan: Plan, rehearse: Rehearse) -> None:
    def share(inputs: dict[str, Any]) -> None:
        runners = inputs["values"]["runners"]
        runners["jobNamespace"] = "gitlab-runner-jobs"
        runners["config"] = changed_toml(runners["config"], lambda table: table.update(namespace="gitlab-runner-jobs"))

    report = rehearse(edited(plan, of_type(RELEASE, "buildkit"), share))
    failed = {claim.id for claim in report.checks if claim.verdict is Verdict.NO}
    assert {"buildkit-apart", "buildkit-amd64-job-on-amd64-node"} <= failed
    assert all(identity.startswith("buildkit-") for identity in failed)
