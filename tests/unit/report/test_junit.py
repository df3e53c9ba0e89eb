"""JUnit: a doubt is an error, never a pass and never skipped."""

import dataclasses
import xml.etree.ElementTree as ET

from multiarch.core.render import junit
from multiarch.core.report import Check
from multiarch.core.verdict import Verdict
from multiarch.rehearse.report.words import WORDS
from tests.unit.report import sample


def parsed(*stacks: object) -> ET.Element:
    text = junit.render(sample.report(*stacks), WORDS)  # type: ignore[arg-type]  # stacks of the sample
    return ET.fromstring(text.removeprefix('<?xml version="1.0" encoding="UTF-8"?>\n'))  # noqa: S314 - our own output


def test_each_stack_is_a_suite_and_each_claim_a_case() -> None:
    root = parsed()
    suites = root.findall("testsuite")
    assert [suite.get("name") for suite in suites] == ["gke", "eks", "aks", "local"]
    assert [len(suite.findall("testcase")) for suite in suites] == [9, 9, 9, 9]
    assert (root.get("tests"), root.get("failures"), root.get("errors"), root.get("skipped")) == ("36", "1", "1", "0")


def test_a_failed_claim_is_a_failure_with_its_evidence() -> None:
    failure = parsed(sample.eks()).find(".//failure")
    assert failure is not None
    assert "carries no taint" in (failure.get("message") or "")
    assert failure.get("type") == "failed"


def test_a_claim_that_could_not_be_told_is_an_error_and_not_skipped() -> None:
    root = parsed(sample.aks())
    error = root.find(".//error")
    assert error is not None
    assert "timed out" in (error.get("message") or "")
    assert root.find(".//skipped") is None
    assert root.find(".//failure") is None


def test_a_stack_without_claims_is_an_error_not_an_empty_success() -> None:
    root = parsed(sample.changed(sample.gke(), checks=()))
    assert root.get("errors") == "1"
    assert root.find(".//error") is not None


def test_a_run_without_stacks_is_an_error_not_an_empty_success() -> None:
    text = junit.render(dataclasses.replace(sample.report(), sections=()), WORDS)
    assert 'errors="1"' in text


def test_time_is_in_seconds_with_milliseconds() -> None:
    case = parsed(sample.gke()).find(".//testcase")
    assert case is not None
    assert case.get("time") == "2.410"


def test_versions_are_properties_of_the_suite() -> None:
    properties = {item.get("name"): item.get("value") for item in parsed(sample.gke()).iter("property")}
    assert properties["kube-apiserver"] == "v1.36.3, built, cached"
    assert properties["chart"] == "gitlab-runner 0.90.1 (embedded stand-in)"


def test_control_characters_and_markup_leave_the_document_well_formed() -> None:
    evil = Check(id="evil", title="<script>&\x00\x1b[31m", verdict=Verdict.NO, evidence="a\x08 ]]> \ud800 'b' \"c\"")
    root = parsed(sample.changed(sample.gke(), checks=(evil,), name="<&>"))
    case = root.find(".//testcase")
    assert case is not None
    assert case.get("name") == "<script>&\\x00\\x1b[31m"
    assert case.get("classname") == "rehearse.<&>"
