"""A report as JUnit XML, for GitLab's test tab and every other CI that reads it.

One suite for each section, one case for each answer. A no is a `failure`; what could not be told is an `error`, never
`skipped`: CI shows skipped tests as no trouble, and that would turn a doubt into a success. Skipped is a check that has
nothing to check.
"""

import xml.etree.ElementTree as ET  # only writes: nothing is parsed here
from collections import Counter
from collections.abc import Iterator, Mapping

from multiarch.core.printable import one_line, printable
from multiarch.core.render.words import Log, Words, plain
from multiarch.core.report import Check, Report, RunDetail, Section, SectionDetail, leaves, skipped
from multiarch.core.verdict import Verdict

_TAGS = {Verdict.NO: "failure", Verdict.UNKNOWN: "error"}


def render(report: Report[RunDetail, SectionDetail], words: Words[RunDetail, SectionDetail]) -> str:
    """Return the XML document as text, with its declaration."""
    suites = [_suite(section, words, words.facts(report)) for section in report.sections]
    if not suites:  # an empty document would read as a success
        suites = [_put(_suite_of(f"no {words.section}", [_nothing(f"no {words.section}", words)], 0.0), {})]
    root = ET.Element("testsuites", _attributes(f"multiarch {words.command}", suites, report.seconds))
    root.extend(suites)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(
    section: Section[SectionDetail], words: Words[RunDetail, SectionDetail], facts: Mapping[str, str]
) -> ET.Element:
    blocks = list(words.blocks(section))
    places = _places(section, [block for block in blocks if isinstance(block, Log)])
    cases = list(_cases(section, words, places)) or [_nothing(section.name, words)]
    took = section.seconds or sum(check.seconds for check in section.checks)
    suite = _put(_suite_of(section.name, cases, took), {"cluster": section.place, **words.traits(section), **facts})
    left = [block for block in blocks if block not in places.values()]
    beside = [*section.notes, *(line for block in left for line in plain(block))]
    if beside:
        ET.SubElement(suite, "system-out").text = printable("\n".join(beside))
    return suite


def _suite_of(name: str, cases: list[ET.Element], seconds: float) -> ET.Element:
    suite = ET.Element("testsuite", _attributes(name, cases, seconds))
    suite.extend(cases)
    return suite


def _put(suite: ET.Element, properties: Mapping[str, str]) -> ET.Element:
    """Put properties before the cases, where readers expect them."""
    element = ET.Element("properties")
    for name, value in properties.items():
        ET.SubElement(element, "property", name=printable(name), value=printable(value))
    suite.insert(0, element)
    return suite


def _places(section: Section[SectionDetail], logs: list[Log]) -> dict[int, Log]:
    """Return which answer a log stands with, by its place: the first that is not well of those about the same."""
    checks = [leaf.check for leaf in leaves(section.checks)]
    places: dict[int, Log] = {}
    for log in logs:
        about = [place for place, check in enumerate(checks) if check.about == log.about and place not in places]
        wrong = [place for place in about if checks[place].verdict is not Verdict.YES]
        if about:
            places[(wrong or about)[0]] = log
    return places


def _cases(
    section: Section[SectionDetail], words: Words[RunDetail, SectionDetail], logs: Mapping[int, Log]
) -> Iterator[ET.Element]:
    base = f"{words.command}.{section.name}"
    found = [(f"{base}.{leaf.whole.id}" if leaf.whole else base, leaf.check) for leaf in leaves(section.checks)]
    titles = Counter((classname, one_line(check.title)) for classname, check in found)
    for place, (classname, check) in enumerate(found):
        # Two cases of one name are one to GitLab.
        twins = titles[classname, one_line(check.title)] > 1
        yield _case(classname, one_line(check.id) if twins else check.title, check, words, logs.get(place))
    for check in skipped(section.checks):
        case = ET.Element("testcase", classname=printable(base), name=printable(check.title))
        ET.SubElement(case, "skipped", message=f"nothing to check: {one_line(check.evidence)}")
        yield case


def _case(
    classname: str, name: str, check: Check, words: Words[RunDetail, SectionDetail], log: Log | None = None
) -> ET.Element:
    case = ET.Element("testcase", classname=printable(classname), name=printable(name), time=f"{check.seconds:.3f}")
    said = [check.evidence] if check.verdict is Verdict.YES and check.evidence else []
    if check.verdict is not Verdict.YES:
        message = one_line("; ".join(check.evidence.splitlines())) or words.answers[check.verdict]
        result = ET.SubElement(case, _TAGS[check.verdict], type=words.answers[check.verdict], message=message)
        result.text = printable("\n".join(_lines(check)))
    if log:
        said += plain(log)
    if said:
        ET.SubElement(case, "system-out").text = printable("\n".join(said))
    return case


def _lines(check: Check) -> Iterator[str]:
    yield check.id
    if check.about:
        yield check.about
    yield from check.evidence.splitlines()
    for fix in check.fixes:
        yield f"-> {fix.text}"
        yield from (f"   {line}" for line in fix.lines)


def _nothing(name: str, words: Words[RunDetail, SectionDetail]) -> ET.Element:
    """Return the case of a section without checks: an empty suite would read as a success."""
    check = Check(id="any", title=f"a {words.check} was made", verdict=Verdict.UNKNOWN, evidence=words.nothing)
    return _case(f"{words.command}.{name}", check.title, check, words)


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
