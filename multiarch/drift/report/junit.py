"""The report as JUnit XML, for GitLab's test tab and every other CI that reads it.

One suite for each stack, one case for each resource and check. Drift is a `failure`; what could not be told is an
`error`, never `skipped`: CI shows skipped tests as no trouble, and that would turn a doubt into a success. Skipped is
a check that has nothing to compare.
"""

import xml.etree.ElementTree as ET  # only writes: nothing is parsed here
from collections import Counter
from collections.abc import Iterator

from multiarch.core.printable import one_line, printable
from multiarch.core.verdict import Verdict
from multiarch.drift.model import CheckResult, DriftReport, Finding, StackReport
from multiarch.drift.report.wording import (
    CHECKS,
    NO_ANSWER,
    date_words,
    difference_words,
    headline,
    remarks,
    title_of,
)

_WHOLE = "the check as a whole"


def render(report: DriftReport) -> str:
    """Return the XML document as text, with its declaration."""
    suites = [_suite(stack) for stack in report.stacks or (StackReport(stack="no stack"),)]
    root = ET.Element("testsuites", _attributes("multiarch drift", suites, report.seconds))
    root.extend(suites)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(stack: StackReport) -> ET.Element:
    cases = [case for check in stack.checks for case in _cases(stack, check)]
    cases = cases or [_error(_case(f"drift.{stack.stack}", "all checks"), NO_ANSWER)]
    suite = ET.Element("testsuite", _attributes(stack.stack, cases, stack.seconds))
    properties = ET.SubElement(suite, "properties")
    for name, value in [("cluster", stack.cluster), *(("command", command) for command in stack.commands)]:
        ET.SubElement(properties, "property", name=name, value=printable(value))
    suite.extend(cases)
    if stack.notes:
        ET.SubElement(suite, "system-out").text = printable("\n".join(stack.notes))
    return suite


def _cases(stack: StackReport, check: CheckResult) -> Iterator[ET.Element]:
    classname = f"drift.{stack.stack}.{check.check.value}"
    titles = Counter(title_of(finding) for finding in check.findings)
    for finding in check.findings:
        title = title_of(finding)
        # Two cases of one name are one to GitLab.
        yield _finding(_case(classname, title if titles[title] == 1 else one_line(finding.resource)), finding)
    if check.unanswered:
        yield _error(_case(classname, _WHOLE), check.failure or "it gave no answer")
    elif not check.findings:
        case = _case(classname, _WHOLE)
        ET.SubElement(case, "skipped", message=f"nothing to compare: {one_line(check.skipped)}")
        yield case


def _finding(case: ET.Element, finding: Finding) -> ET.Element:
    if finding.verdict is Verdict.YES:
        lines = [*remarks(finding), *(f"ignored: {rule}" for rule in finding.ignored)]
        if lines:
            ET.SubElement(case, "system-out").text = printable("\n".join(lines))
        return case
    if finding.verdict is Verdict.UNKNOWN:
        return _error(case, headline(finding))
    kind = "changed" if finding.change is None else finding.change.value
    failure = ET.SubElement(case, "failure", type=kind, message=headline(finding))
    failure.text = printable("\n".join(_lines(finding)))
    return case


def _lines(finding: Finding) -> Iterator[str]:
    yield one_line(finding.urn or finding.resource)
    yield f"found by: {CHECKS[finding.check]}"
    if finding.since:
        yield f"since: {date_words(finding.since)}"
    yield from (difference_words(difference) for difference in finding.differences)
    yield from remarks(finding)
    yield from (f"ignored: {one_line(rule)}" for rule in finding.ignored)


def _case(classname: str, name: str) -> ET.Element:
    return ET.Element("testcase", classname=printable(classname), name=printable(name))


def _error(case: ET.Element, reason: str) -> ET.Element:
    error = ET.SubElement(case, "error", type=Verdict.UNKNOWN.value, message=one_line(reason))
    error.text = printable(reason)
    return case


def _attributes(name: str, parts: list[ET.Element], seconds: float) -> dict[str, str]:
    def count(tag: str) -> str:
        return str(sum(len(list(part.iter(tag))) for part in parts))

    return {
        "name": printable(name),
        "tests": count("testcase"),
        "failures": count("failure"),
        "errors": count("error"),
        "skipped": count("skipped"),
        "time": f"{seconds:.3f}",
    }
