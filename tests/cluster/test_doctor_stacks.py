"""A healthy cluster of every kind has no cause and no doubt: the other example stacks, and one with both runners."""

from pathlib import Path

import pytest

from multiarch.core.verdict import Verdict
from multiarch.rehearse.control_plane.plane import ControlPlane
from tests.cluster.doctor_lab.ward import ROOT, open_ward


@pytest.mark.parametrize("stack", ["gke", "eks", "aks"])
def test_a_healthy_cluster_of_every_cloud_has_no_cause_and_no_doubt(stack: str, control_plane: ControlPlane) -> None:
    with open_ward(control_plane, stack) as ward:
        for named in (True, False):
            report = ward.examine(stack=named)
            wrong = [(check.id, check.evidence) for check in report.checks if check.verdict is not Verdict.YES]
            assert report.verdict is Verdict.YES, wrong


def test_both_runners_of_a_stack_are_examined(control_plane: ControlPlane, tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.local.yaml"
    text = (ROOT / "stacks" / "Pulumi.local.yaml").read_text(encoding="utf-8")
    line = "  multiarch-runner:runner:\n"
    path.write_text(text.replace(line, f"{line}    buildkit: {{}}\n"), encoding="utf-8")
    with open_ward(control_plane, "local", path) as ward:
        report = ward.examine()
        wrong = [(check.id, check.about, check.evidence) for check in report.checks if check.verdict is not Verdict.YES]
        assert report.verdict is Verdict.YES, wrong
        assert len(report.runners) == 2
        assert {check.about for check in report.checks if check.id == "job-namespace"} == {
            "gitlab-runner-jobs",
            "gitlab-runner-buildkit-jobs",
        }
