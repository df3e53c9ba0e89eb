"""The rehearsal's claim about policies: it fails on a breach, doubts on a doubt, and advice is no breach."""

from ops.rehearse.plan.model import Plan, PlannedResource
from ops.rehearse.policies import policy_answers
from ops.rehearse.providers.values import UNKNOWN, SecretValue
from ops.rehearse.report.model import Verdict
from tests.unit.policy import stack

ROLE = "kubernetes:rbac.authorization.k8s.io/v1:Role"


def plan(*resources: PlannedResource) -> Plan:
    return Plan(stack="gke", resources=resources)


def role(verbs: object) -> PlannedResource:
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": verbs}]
    return PlannedResource(urn=stack.urn(ROLE, "role"), type=ROLE, name="role", inputs={"rules": rules})


def test_a_plan_without_a_breach_is_proved() -> None:
    claim, advice = policy_answers(plan(role(["get"])))
    assert claim.verdict is Verdict.PROVED
    assert advice == ()


def test_a_breach_fails_the_claim_and_names_rule_resource_and_fix() -> None:
    claim, _ = policy_answers(plan(role(["*"])))
    assert claim.verdict is Verdict.FAILED
    assert claim.evidence == "role: rules[0].verbs has the wildcard *. Name each one. [rbac-explicit, mandatory]"


def test_a_value_that_is_not_known_leaves_the_claim_open() -> None:
    claim, _ = policy_answers(plan(role(UNKNOWN)))
    assert claim.verdict is Verdict.UNKNOWN


def test_advice_is_a_note_and_no_breach() -> None:
    kind = "kubernetes:helm.sh/v3:Release"
    inputs = {"chart": "x", "version": "1.2.3", "atomic": False, "name": "x", "values": {}}
    claim, advice = policy_answers(plan(PlannedResource(urn=stack.urn(kind, "r"), type=kind, name="r", inputs=inputs)))
    assert claim.verdict is Verdict.PROVED
    assert [note.rpartition("[")[2] for note in advice] == ["release-recovers, advisory]"]


def test_a_secret_in_helm_values_is_seen_by_its_mark() -> None:
    kind = "kubernetes:helm.sh/v3:Release"
    values = {"env": SecretValue("hunter2")}
    inputs = {"chart": "x", "version": "1.2.3", "atomic": True, "name": "x", "values": values}
    claim, _ = policy_answers(plan(PlannedResource(urn=stack.urn(kind, "r"), type=kind, name="r", inputs=inputs)))
    assert claim.verdict is Verdict.FAILED
    assert "values.env is marked secret" in claim.evidence
    assert "hunter2" not in claim.evidence


def test_a_program_that_stopped_early_keeps_no_policy_for_certain() -> None:
    claim, _ = policy_answers(Plan(stack="gke", resources=(role(["get"]),), complete=False))
    assert claim.verdict is Verdict.UNKNOWN
