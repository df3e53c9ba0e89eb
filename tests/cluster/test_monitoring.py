"""A stack with alert rules and a dashboard, rehearsed: the API server takes both, or says what it does not take."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from multiarch.cluster.api import Api
from multiarch.cluster.connection import Connection
from multiarch.core.verdict import Verdict
from multiarch.core.waiting import wait_while
from multiarch.model.plan import plan_stack
from multiarch.model.plan.model import Plan
from multiarch.model.release import InstallFailed, release_of
from multiarch.rehearse.claims import rehearse_stack
from multiarch.rehearse.control_plane.plane import ControlPlane
from multiarch.rehearse.install import Charts, Helm, Installer
from multiarch.rehearse.install.chart import EMBEDDED
from multiarch.rehearse.report.model import StackReport
from tests.cluster.test_claims import by_id, edited, failures, of_type

ROOT = Path(__file__).resolve().parents[2]
RULE = "kubernetes:monitoring.coreos.com/v1:PrometheusRule"
CRD = "prometheusrules.monitoring.coreos.com"
CRD_PATH = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{CRD}"
Rehearse = Callable[[Plan], StackReport]


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """The example stack `local`, with both."""
    path = tmp_path_factory.mktemp("stacks") / "Pulumi.local.yaml"
    text = (ROOT / "stacks" / "Pulumi.local.yaml").read_text()
    line = "  multiarch-runner:runner:\n"
    assert text.count(line) == 1
    path.write_text(text.replace(line, f"{line}    metrics: {{prometheusRule: true, dashboard: true}}\n"))
    return plan_stack(ROOT, "local", stack_file=path)


@pytest.fixture
def rehearse(control_plane: ControlPlane) -> Rehearse:
    def run(plan: Plan) -> StackReport:
        with Charts(str(EMBEDDED)) as charts:
            return rehearse_stack(plan, control_plane, chart=charts)

    return run


def test_every_claim_is_proved_and_the_report_says_that_the_kind_was_stood_in_for(
    plan: Plan, rehearse: Rehearse, connection: Connection
) -> None:
    api = Api.of(connection)
    take_away(api)
    report = rehearse(plan)
    assert not plan.refusals
    assert failures(report) == set()
    assert any(CRD in note for note in report.notes)
    # The next stack finds it there.
    assert failures(rehearse(plan)) == set()
    assert api.items("/apis/monitoring.coreos.com/v1/prometheusrules") == []


def test_a_rule_that_the_operators_crd_refuses_is_not_installed(plan: Plan, rehearse: Rehearse) -> None:
    def spoil(inputs: dict[str, Any]) -> None:
        inputs["spec"]["groups"][0]["rules"][0]["for"] = "five minutes"

    claims = by_id(rehearse(edited(plan, of_type(RULE), spoil)).checks)
    assert claims["runner-installed"].verdict is Verdict.NO
    assert "rules[0].for" in claims["runner-installed"].evidence


def test_a_cluster_of_the_users_is_given_no_kind_and_told_that_it_is_missing(
    plan: Plan, control_plane: ControlPlane, connection: Connection
) -> None:
    api = Api.of(connection)
    take_away(api)
    with (
        Helm(control_plane.binary("helm"), control_plane.kubeconfig, control_plane.context) as helm,
        Charts(str(EMBEDDED)) as charts,
    ):
        installer = Installer(api, helm, "local")
        try:
            with pytest.raises(
                InstallFailed, match="no kind PrometheusRule: is its CustomResourceDefinition installed"
            ):
                installer.install(plan, charts.choose(release_of(plan), helm))
        finally:
            assert installer.clean() == []
    assert api.find(CRD_PATH) is None


def take_away(api: Api) -> None:
    """Delete the kind, which an earlier rehearsal on this control plane left."""
    api.delete(CRD_PATH)
    assert not wait_while(lambda: api.find(CRD_PATH), 15.0)
