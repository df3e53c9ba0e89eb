"""What an answer of the CLI means for a drift check, and that nothing is read into it."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from multiarch.core.verdict import Verdict
from multiarch.drift.cloud.judge import PENDING, Judgement, judge
from multiarch.drift.model import Change, Check
from multiarch.model.pulumi_answers import CliResult
from tests.recorded.answers import NAMES, recorded, recorded_result
from tests.unit.drift_cloud.conftest import URN, document, result, state, step

CLEAN, DRIFTED, UNKNOWN = Verdict.YES, Verdict.NO, Verdict.UNKNOWN
POD_SECURITY = 'metadata.labels["pod-security.kubernetes.io/enforce"]'

RECORDED = {
    "refresh-preview-clean": (Check.STATE, CLEAN),
    "refresh-after-repair": (Check.STATE, CLEAN),
    "refresh-helm-edit": (Check.STATE, CLEAN),
    "refresh-preview-drift": (Check.STATE, DRIFTED),
    "refresh-deleted": (Check.STATE, DRIFTED),
    "refresh-release-gone": (Check.STATE, DRIFTED),
    "preview-refresh-clean": (Check.CODE, CLEAN),
    "preview-helm-edit": (Check.CODE, CLEAN),
    "preview-refresh-drift": (Check.CODE, DRIFTED),
    "preview-release-gone": (Check.CODE, DRIFTED),
    "preview-clean": (Check.CODE, UNKNOWN),
    "preview-drift-norefresh": (Check.CODE, UNKNOWN),
    "preview-create": (Check.CODE, UNKNOWN),
    "up": (Check.CODE, UNKNOWN),
    "err-nostack": (Check.CODE, UNKNOWN),
    "err-passphrase": (Check.CODE, UNKNOWN),
    "err-program": (Check.CODE, UNKNOWN),
    "err-unreachable-preview": (Check.CODE, UNKNOWN),
    "err-unreachable-refresh": (Check.STATE, UNKNOWN),
    "err-unauthorized-refresh": (Check.STATE, UNKNOWN),
}


def judged(check: Check, answer: CliResult) -> Judgement:
    return judge(check, "gke", answer)


def of_recorded(name: str) -> Judgement:
    return judged(RECORDED[name][0], recorded_result(name))


def drifted(judgement: Judgement) -> dict[str, tuple[Change | None, tuple[tuple[str, str | None, str | None], ...]]]:
    return {
        finding.title: (finding.change, tuple((one.path, one.wanted, one.found) for one in finding.differences))
        for finding in judgement.result.findings
        if finding.verdict is DRIFTED
    }


def test_every_recorded_answer_has_its_verdict() -> None:
    assert set(RECORDED) == set(NAMES)
    assert {name: of_recorded(name).result.verdict for name in NAMES} == {name: RECORDED[name][1] for name in NAMES}


@pytest.mark.parametrize("name", ["refresh-preview-drift", "preview-refresh-drift"])
def test_both_checks_say_from_what_to_what(name: str) -> None:
    assert drifted(of_recorded(name)) == {
        "kubernetes:core/v1:Namespace runner": (Change.CHANGED, ((POD_SECURITY, "restricted", "privileged"),)),
        "kubernetes:core/v1:ConfigMap settings": (Change.CHANGED, (("data.a", "1", "2"),)),
    }
    assert sum(finding.verdict is CLEAN for finding in of_recorded(name).result.findings) == 4


@pytest.mark.parametrize("name", ["refresh-release-gone", "preview-release-gone"])
def test_what_vanished_is_gone_for_both_checks(name: str) -> None:
    gone = ("kubernetes:core/v1:ConfigMap settings", "kubernetes:helm.sh/v3:Release gitlab-runner")
    assert drifted(of_recorded(name)) == dict.fromkeys(gone, (Change.GONE, ()))


def test_a_replacement_is_told_with_what_forces_it() -> None:
    reasons = [one.reason for one in of_recorded("preview-refresh-drift").result.findings if "ConfigMap" in one.title]
    assert reasons == ["`pulumi up` would replace it, because of data.a"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("err-nostack", ("exit 6", "no stack named 'nope' found", "pulumi stack ls")),
        ("err-passphrase", ("incorrect passphrase", "PULUMI_CONFIG_PASSPHRASE")),
        ("err-program", ("program exited with non-zero exit code: 1", "pools[0].machineType: bad")),
        ("err-unreachable-refresh", ("connection refused", "and 3 more")),
        ("err-unauthorized-refresh", ("asked for the client to provide credentials",)),
    ],
)
def test_a_failure_is_told_with_its_reason(name: str, words: tuple[str, ...]) -> None:
    failure = of_recorded(name).result.failure
    assert [word for word in words if word not in failure] == []
    assert len(failure) < 600


@pytest.mark.parametrize("name", ["err-unreachable-preview", "err-unreachable-refresh", "err-unauthorized-refresh"])
def test_advice_that_would_delete_from_the_state_is_not_passed_on(name: str) -> None:
    assert "PULUMI_K8S_DELETE_UNREACHABLE" not in repr(of_recorded(name))
    raw = json.loads(recorded(name)["stdout"])
    raw["diagnostics"] = [one for one in raw["diagnostics"] if one["severity"] == "error"]
    errors_alone = judged(Check.STATE, result(1, json.dumps(raw)))
    assert "unreachable cluster" in errors_alone.result.failure
    assert "PULUMI_K8S_DELETE_UNREACHABLE" not in repr(errors_alone)


def test_a_cluster_that_does_not_answer_leaves_its_resources_in_doubt_and_none_clean() -> None:
    findings = of_recorded("err-unreachable-refresh").result.findings
    assert {finding.verdict for finding in findings} == {UNKNOWN}
    assert len(findings) == 4


def test_a_failed_program_is_not_clean_though_its_summary_says_same() -> None:
    assert json.loads(recorded("err-program")["stdout"])["changeSummary"] == {"same": 6}
    assert of_recorded("err-program").result.findings == ()


@pytest.mark.parametrize("check", [Check.STATE, Check.CODE])
@pytest.mark.parametrize("stdout", ["", "not json", "[]", "{}", "null", "{", '{"steps": 3}', '{"steps": [{"op": 1}]}'])
def test_exit_0_with_an_answer_that_cannot_be_read_is_not_clean(check: Check, stdout: str) -> None:
    assert judged(check, result(0, stdout)).result.verdict is UNKNOWN


@pytest.mark.parametrize("stdout", ["", "not json", "{}", '{"steps": 3}', '{"steps": [{"op": 1}]}'])
def test_exit_7_is_drift_even_where_the_answer_does_not_say_of_what(stdout: str) -> None:
    judgement = judged(Check.STATE, result(7, stdout))
    assert judgement.result.verdict is DRIFTED
    assert [(one.resource, one.change) for one in judgement.result.findings] == [("stack gke", Change.CHANGED)]
    assert "but could not tell in what" in judgement.result.findings[0].reason
    assert judgement.state is None


@pytest.mark.parametrize("exit_", [1, 2, 3, 4, 5, 6, 8, 9, 42, 130, 255, -9, -11, None])
@pytest.mark.parametrize("name", ["refresh-preview-clean", "refresh-preview-drift"])
def test_any_other_exit_is_a_doubt_whatever_the_answer_says(name: str, exit_: int | None) -> None:
    judgement = judged(Check.STATE, result(exit_, recorded(name)["stdout"]))
    assert judgement.result.failure
    assert judgement.result.doubtful
    assert judgement.result.verdict is (DRIFTED if "drift" in name else UNKNOWN)
    assert judgement.state is None


@pytest.mark.parametrize("name", [name for name, (_, verdict) in RECORDED.items() if verdict is DRIFTED])
def test_exit_0_with_changes_in_the_answer_is_a_doubt(name: str) -> None:
    judgement = judged(RECORDED[name][0], recorded_result(f"{name}@0"))
    assert (judgement.result.verdict, judgement.result.findings) == (UNKNOWN, ())
    assert "lists some" in judgement.result.failure


def test_exit_0_with_changes_in_the_summary_alone_is_a_doubt() -> None:
    answer = document(step("refresh"), changeSummary={"same": 1, "update": 1})
    assert "update" in judged(Check.STATE, result(0, answer)).result.failure


@pytest.mark.parametrize("name", ["refresh-preview-clean", "preview-refresh-clean"])
def test_exit_7_without_a_change_in_the_answer_is_a_doubt(name: str) -> None:
    judgement = judged(RECORDED[name][0], recorded_result(f"{name}@7"))
    assert (judgement.result.verdict, judgement.result.findings) == (UNKNOWN, ())


@pytest.mark.parametrize("severity", ["error", "fatal", "", "catastrophe"])
def test_exit_0_with_an_error_diagnostic_is_a_doubt(severity: str) -> None:
    answer = document(step("refresh"), diagnostics=[{"severity": severity, "message": "error: no such disk\n"}])
    judgement = judged(Check.STATE, result(0, answer))
    assert (judgement.result.verdict, judgement.result.findings) == (UNKNOWN, ())
    assert "no such disk" in judgement.result.failure
    assert judgement.state is None, "what an error kept from being read is missing in it"


def test_exit_7_with_an_error_diagnostic_is_a_doubt_that_still_lists_the_drift() -> None:
    answer = document(step("delete"), diagnostics=[{"severity": "error", "message": "no such disk"}])
    judgement = judged(Check.STATE, result(7, answer))
    assert (judgement.result.verdict, judgement.result.doubtful) == (DRIFTED, True)
    assert [one.change for one in judgement.result.findings] == [Change.GONE]


@pytest.mark.parametrize("diagnostics", [3, "x", ["x"], {"severity": "error"}])
def test_diagnostics_that_cannot_be_read_rule_no_error_out(diagnostics: object) -> None:
    answer = document(step("refresh"), diagnostics=diagnostics)
    assert judged(Check.STATE, result(0, answer)).result.verdict is UNKNOWN


@pytest.mark.parametrize("exit_", [0, 7])
def test_a_warning_that_the_cluster_is_unreachable_makes_its_resource_a_doubt(exit_: int) -> None:
    warning = {"severity": "warning", "urn": URN, "message": "warning: configured Kubernetes cluster is unreachable: x"}
    steps = [step("refresh")] if exit_ == 0 else [step("delete"), step("delete", URN + "2")]
    judgement = judged(Check.STATE, result(exit_, document(*steps, diagnostics=[warning])))
    verdicts = {one.urn: one.verdict for one in judgement.result.findings}
    assert verdicts[URN] is UNKNOWN
    assert judgement.result.doubtful


@pytest.mark.parametrize("exit_", [0, 7])
def test_a_warning_of_a_cluster_without_a_resources_name_is_a_doubt_of_the_whole(exit_: int) -> None:
    warning = {"severity": "warning", "message": "configured Kubernetes cluster is unreachable: x"}
    answer = document(step("delete" if exit_ else "refresh"), diagnostics=[warning])
    assert "unreachable" in judged(Check.STATE, result(exit_, answer)).result.failure


def test_other_warnings_are_no_doubt() -> None:
    warning = {"severity": "warning", "urn": URN, "message": "warning: this resource is deprecated"}
    answer = document(step("refresh"), diagnostics=[warning])
    assert judged(Check.STATE, result(0, answer)).result.verdict is CLEAN


def test_a_state_that_may_be_corrupt_is_a_doubt() -> None:
    assert judged(Check.STATE, result(0, document(step("refresh"), maybeCorrupt=True))).result.verdict is UNKNOWN


def test_pending_operations_are_noted() -> None:
    text = "warning: Attempting to deploy or update resources with 1 pending operations from previous deployment.\n"
    answer = document(step("refresh"), diagnostics=[{"severity": "warning", "message": text}])
    judgement = judged(Check.STATE, result(0, answer))
    assert (judgement.result.verdict, judgement.notes) == (CLEAN, (PENDING,))


def test_a_stack_without_resources_is_not_clean() -> None:
    assert "ever deployed" in judged(Check.STATE, result(0, document())).result.failure


def test_an_operation_that_is_not_known_is_a_doubt() -> None:
    judgement = judged(Check.STATE, result(7, document(step("teleport"), step("delete", URN + "2"))))
    assert {one.verdict for one in judgement.result.findings} == {UNKNOWN, DRIFTED}
    assert judged(Check.STATE, result(0, document(step("teleport")))).result.verdict is UNKNOWN


@pytest.mark.parametrize(
    ("check", "op", "change"),
    [
        (Check.STATE, "update", Change.CHANGED),
        (Check.STATE, "delete", Change.GONE),
        (Check.CODE, "update", Change.CHANGED),
        (Check.CODE, "create", Change.GONE),
        (Check.CODE, "import", Change.GONE),
        (Check.CODE, "delete", Change.ADDED),
        (Check.CODE, "replace", Change.CHANGED),
        (Check.CODE, "create-replacement", Change.CHANGED),
    ],
)
def test_an_operation_is_told_from_what_was_found(check: Check, op: str, change: Change) -> None:
    judgement = judged(check, result(7, document(step("refresh", URN + "2"), step(op))))
    assert [one.change for one in judgement.result.findings if one.urn == URN] == [change]


def test_what_was_never_deployed_is_told_apart_from_what_vanished() -> None:
    never = judged(Check.CODE, result(7, document(step("create", oldState=None)))).result.findings
    vanished = judged(Check.CODE, result(7, document(step("refresh"), step("create", oldState=None)))).result.findings
    assert "never deployed" in never[0].reason
    assert "no longer in the cloud" in vanished[0].reason


def test_a_program_that_moved_on_is_told_apart_from_a_cloud_that_changed() -> None:
    def remark(found: str) -> str:
        remembered = state(inputs={"a": "1"})
        steps = (
            step("refresh", oldState=remembered, newState=remembered),
            step("update", oldState=state(inputs={"a": found}), newState=state(inputs={"a": "3"})),
        )
        return judged(Check.CODE, result(7, document(*steps))).result.findings[0].reason

    assert "the program was changed and not deployed" in remark("1")
    assert "program" not in remark("2")


def test_a_failed_command_tells_the_changes_that_it_had_seen_and_nothing_as_clean() -> None:
    error = {"severity": "error", "urn": URN + "3", "message": "error: no such disk"}
    answer = document(step("refresh"), step("update", URN + "2"), step("refresh", URN + "3"), diagnostics=[error])
    findings = judged(Check.STATE, result(1, answer)).result.findings
    assert [(one.urn, one.verdict) for one in findings] == [(URN + "2", DRIFTED), (URN + "3", UNKNOWN)]


def test_what_a_failed_program_did_not_name_is_no_deletion() -> None:
    error = {"severity": "error", "message": "error: program failed"}
    answer = document(step("refresh"), step("delete"), diagnostics=[error])
    assert judged(Check.CODE, result(1, answer)).result.findings == ()


@pytest.mark.parametrize("name", [name for name in RECORDED if name.startswith(("refresh", "preview-refresh"))])
def test_the_state_is_what_pulumi_remembers_and_not_what_was_found(name: str) -> None:
    kept = {one.urn.rsplit("::", 1)[-1]: one for one in of_recorded(name).state or ()}
    assert len(kept) == 6
    assert kept["settings"].inputs["data"] == {"a": "1"}
    assert kept["runner"].inputs["metadata"]["labels"] == {"pod-security.kubernetes.io/enforce": "restricted"}
    assert kept["token"].inputs["data"] == "[secret]"
    assert (kept["settings"].type, kept["settings"].id) == ("kubernetes:core/v1:ConfigMap", "rec-runner/settings")


def test_a_state_with_a_gap_is_none() -> None:
    answer = document(step("refresh"), step("refresh", URN + "2", oldState=None))
    judgement = judged(Check.STATE, result(0, answer))
    assert (judgement.result.verdict, judgement.state) == (CLEAN, None)


def test_what_waits_for_its_deletion_is_not_in_the_state() -> None:
    waiting = URN + "2"
    answer = document(step("refresh"), step("refresh", waiting, oldState=state(waiting, delete=True)))
    assert [one.urn for one in judged(Check.STATE, result(0, answer)).state or ()] == [URN]


def test_fields_that_are_not_known_change_nothing() -> None:
    for name in ("refresh-preview-drift", "preview-refresh-clean"):
        raw = json.loads(recorded(name)["stdout"])
        raw |= {"policy": {"x": 1}, "version": 9}
        for one in raw["steps"]:
            one["future"] = [{"x": None}]
        answer = result(recorded(name)["exit"], json.dumps(raw))
        assert judged(RECORDED[name][0], answer).result.findings == of_recorded(name).result.findings


@pytest.mark.parametrize("name", ["refresh-preview-clean", "refresh-preview-drift"])
@pytest.mark.parametrize("part", [0.0, 0.3, 0.9, 0.9999])
def test_a_truncated_answer_is_never_clean(name: str, part: float) -> None:
    whole = recorded(name)["stdout"].rstrip()
    cut = whole[: min(int(len(whole) * part), len(whole) - 1)]
    assert judged(Check.STATE, result(0, cut)).result.verdict is UNKNOWN


def test_two_documents_are_none() -> None:
    whole = recorded("refresh-preview-clean")["stdout"]
    assert judged(Check.STATE, result(0, whole + whole)).result.verdict is UNKNOWN


def test_a_byte_order_mark_is_no_part_of_the_document() -> None:
    whole = recorded("refresh-preview-clean")["stdout"]
    assert judged(Check.STATE, result(0, "\ufeff" + whole)).result.verdict is CLEAN


def test_nesting_beyond_reason_is_unreadable_and_no_crash() -> None:
    assert judged(Check.STATE, result(0, "[" * 100_000)).result.verdict is UNKNOWN


WORDS = st.text("ab:[]\x00é", max_size=6)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)
STEPS = st.fixed_dictionaries(
    {
        "op": st.sampled_from(["same", "refresh", "update", "delete", "create", "replace", "odd"]) | VALUES,
        "urn": st.sampled_from([URN, "x"]) | VALUES,
    },
    optional={"oldState": VALUES, "newState": VALUES, "detailedDiff": VALUES, "replaceReasons": VALUES},
)
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "steps": st.lists(STEPS, max_size=4) | VALUES,
        "diagnostics": st.lists(st.fixed_dictionaries({"severity": VALUES, "message": VALUES, "urn": VALUES})) | VALUES,
        "changeSummary": VALUES,
        "maybeCorrupt": VALUES,
    },
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(DOCUMENTS, st.sampled_from([0, 1, 7, None]), st.sampled_from([Check.STATE, Check.CODE]))
def test_no_document_makes_it_crash_or_fold_a_doubt_into_clean(raw: object, exit_: int | None, check: Check) -> None:
    judgement = judged(check, result(exit_, json.dumps(raw)))
    if judgement.result.verdict is CLEAN:
        assert exit_ == 0
        assert isinstance(raw, dict)
        assert all(one["op"] in ("same", "refresh") for one in raw["steps"])
    if exit_ == 7:
        assert judgement.result.verdict is not CLEAN
    if exit_ in (1, None):
        assert judgement.result.doubtful
    if judgement.result.doubtful:
        assert judgement.result.failure or any(one.reason for one in judgement.result.findings)


@settings(deadline=None)
@given(st.text() | st.binary().map(lambda raw: raw.decode(errors="replace")), st.text(), st.sampled_from([0, 1, 7]))
def test_no_text_is_clean(stdout: str, stderr: str, exit_: int) -> None:
    assert judged(Check.STATE, result(exit_, stdout, stderr)).result.verdict is not CLEAN
