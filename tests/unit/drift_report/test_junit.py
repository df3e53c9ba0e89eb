"""JUnit: drift is a failure, a doubt is an error, and neither is ever a pass or skipped."""

import dataclasses
import xml.etree.ElementTree as ET
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from multiarch.core.render import junit
from multiarch.core.verdict import Verdict
from multiarch.drift.model import Check, CheckResult, ComparedStack, Comparison, Finding
from multiarch.drift.report.words import WORDS, to_report
from tests.unit.drift_report import sample

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


def parsed(report: Comparison) -> ET.Element:
    text = junit.render(to_report(report), WORDS)
    assert text.startswith(HEAD)
    return ET.fromstring(text.removeprefix(HEAD))  # noqa: S314 - our own output


def case(root: ET.Element, name: str) -> ET.Element:
    return next(one for one in root.iter("testcase") if one.get("name") == name)


def test_each_stack_is_a_suite_and_each_resource_a_case() -> None:
    root = parsed(sample.report())
    assert [suite.get("name") for suite in root] == ["aks", "gke", "eks"]
    assert [len(suite.findall("testcase")) for suite in root] == [1, 10, 3]
    counted = [root.get(name) for name in ("tests", "failures", "errors", "skipped")]
    assert counted == ["14", "4", "2", "1"]


def test_drift_is_a_failure_that_says_what_from_what_to_what_and_since_when() -> None:
    failure = case(parsed(sample.report()), "Deployment gitlab-runner/gitlab-runner").find("failure")
    assert failure is not None
    assert failure.get("type") == "drifted"
    assert "[gitlab-runner].image: runner:v19.1.1 -> runner:latest" in (failure.get("message") or "")
    assert ".value: (nothing) -> true" in (failure.text or "")
    assert "and 2 more differences" in (failure.text or "")
    dated = case(parsed(sample.report()), "Namespace runner").find("failure")
    assert dated is not None
    assert "since 2026-11-20 04:30 UTC" in (dated.text or "")


def test_what_could_not_be_told_is_an_error_with_its_reason() -> None:
    root = parsed(sample.report(sample.eks()))
    reasons = [error.get("message") or "" for error in root.iter("error")]
    assert len(reasons) == 2
    assert "403" in reasons[1]
    assert "Unable to connect" in reasons[0]
    assert root.find(".//skipped") is None


def test_a_stack_or_a_run_without_checks_is_an_error_not_an_empty_success() -> None:
    for report in (
        dataclasses.replace(sample.report(), stacks=()),
        sample.report(ComparedStack(stack="a")),
        sample.report(ComparedStack(stack="a", checks=(CheckResult(check=Check.NODES),))),
    ):
        assert parsed(report).get("errors") == "1"


def test_a_check_with_nothing_to_compare_is_skipped_with_the_reason() -> None:
    skipped = parsed(sample.report(sample.gke())).find(".//skipped")
    assert skipped is not None
    assert "the stack makes no image" in (skipped.get("message") or "")


def test_what_was_ignored_is_said_in_the_case_that_passes() -> None:
    output = parsed(sample.report(sample.aks())).find(".//testcase/system-out")
    assert output is not None
    assert "aks-count" in (output.text or "")


@settings(max_examples=100, deadline=None)
@given(sample.reports(st.text(max_size=10)))
def test_whatever_a_report_holds_the_document_is_well_formed_and_loses_no_verdict(report: Comparison) -> None:
    root = parsed(report)
    counts = to_report(report).counts
    assert (root.get("failures"), root.get("errors")) == (str(counts.no), str(counts.could_not_tell))


def test_two_resources_with_one_title_stay_two_cases() -> None:
    findings = tuple(
        Finding(check=Check.OBJECTS, resource=f"v{number} Role a", title="Role a", verdict=Verdict.YES)
        for number in (1, 2)
    )
    root = parsed(
        sample.report(ComparedStack(stack="a", checks=(CheckResult(check=Check.OBJECTS, findings=findings),)))
    )
    names = Counter((one.get("classname"), one.get("name")) for one in root.iter("testcase"))
    assert set(names.values()) == {1}
