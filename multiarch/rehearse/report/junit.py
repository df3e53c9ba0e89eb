"""The report as JUnit XML, for GitLab's test tab and every other CI that reads it.

One suite for each stack, one case for each claim. A failed claim is a `failure`; a claim that could not be told is an
`error`, never `skipped`: CI shows skipped tests as no trouble, and that would turn a doubt into a success.
"""

import xml.etree.ElementTree as ET  # only writes: nothing is parsed here
from collections.abc import Sequence

from multiarch.core.printable import printable
from multiarch.core.verdict import Verdict
from multiarch.rehearse.report.model import Claim, RehearsalReport, StackReport

NO_CLAIMS = Claim(
    id="rehearsed",
    title="The stack was rehearsed",
    verdict=Verdict.UNKNOWN,
    evidence="no claim was put to the proof",
)
"""Stands in the suite of a stack without claims: an empty suite would read as a success."""


def render(report: RehearsalReport) -> str:
    """Return the XML document as text, with its declaration."""
    stacks = report.stacks or (StackReport(stack="no stack", cluster=""),)
    root = ET.Element("testsuites", _attributes("multiarch rehearse", _all_claims(stacks), report.seconds))
    root.extend(_suite(report, stack) for stack in stacks)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(report: RehearsalReport, stack: StackReport) -> ET.Element:
    claims = _claims(stack)
    suite = ET.Element("testsuite", _attributes(stack.stack, claims, sum(claim.seconds for claim in claims)))
    properties = ET.SubElement(suite, "properties")
    facts = {"cluster": stack.cluster, "chart": stack.chart, "control plane": report.control_plane, **report.binaries}
    for name, value in facts.items():
        ET.SubElement(properties, "property", name=printable(name), value=printable(value))
    for claim in claims:
        suite.append(_case(stack, claim))
    if stack.notes:
        ET.SubElement(suite, "system-out").text = printable("\n".join(stack.notes))
    return suite


def _case(stack: StackReport, claim: Claim) -> ET.Element:
    case = ET.Element(
        "testcase",
        classname=printable(f"rehearse.{stack.stack}"),
        name=printable(claim.title),
        time=f"{claim.seconds:.3f}",
    )
    evidence = printable(claim.evidence)
    if claim.verdict is Verdict.YES:
        ET.SubElement(case, "system-out").text = evidence
    else:
        tag, kind = ("failure", "failed") if claim.verdict is Verdict.NO else ("error", "could not tell")
        ET.SubElement(case, tag, type=kind, message=evidence).text = f"{printable(claim.id)}: {evidence}"
    return case


def _claims(stack: StackReport) -> Sequence[Claim]:
    return stack.claims or (NO_CLAIMS,)


def _all_claims(stacks: Sequence[StackReport]) -> list[Claim]:
    return [claim for stack in stacks for claim in _claims(stack)]


def _attributes(name: str, claims: Sequence[Claim], seconds: float) -> dict[str, str]:
    verdicts = [claim.verdict for claim in claims]
    return {
        "name": printable(name),
        "tests": str(len(verdicts)),
        "failures": str(verdicts.count(Verdict.NO)),
        "errors": str(verdicts.count(Verdict.UNKNOWN)),
        "skipped": "0",
        "time": f"{seconds:.3f}",
    }
