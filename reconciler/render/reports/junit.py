"""A JUnit report: each finding is a failed test.

It follows the schema that Jenkins publishes as junit-10.xsd; GitLab, GitHub actions and others read it, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.etree import ElementTree as ET

from .findings import Document, Finding, findings, pending, readable, unseen
from .rules import DRIFT, meaning


def junit(document: Document) -> str:
    """The report as an XML document with three suites: drift, changes and diagnostics."""
    found = findings(document)
    root = ET.Element("testsuites", name="reconciler")
    for name in ("drift", "change", "diagnostic"):
        cases = [_case(each) for each in found if each.rule.startswith(f"{name}/")]
        cases += [_passed(*each) for each in _in_order(name, document, found)]
        if name == "diagnostic":
            cases += [_skipped(sentence) for sentence in unseen(document)]
        root.append(_suite(name, cases))
    for count in ("tests", "failures", "errors"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in root)))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{readable(ET.tostring(root, encoding="unicode"))}\n'


def _suite(name: str, cases: Sequence[ET.Element]) -> ET.Element:
    counts = {
        "tests": len(cases),
        "failures": sum(case.find("failure") is not None for case in cases),
        "errors": sum(case.find("error") is not None for case in cases),
        "skipped": sum(case.find("skipped") is not None for case in cases),
    }
    suite = _element("testsuite", name=name, **{key: str(count) for key, count in counts.items()})
    suite.extend(cases)
    return suite


def _in_order(name: str, document: Document, found: Sequence[Finding]) -> Iterator[tuple[str, str]]:
    """Class name and name of each passed test: drift classes without findings, unchanged addresses, the run itself."""
    rules = {each.rule for each in found}
    if name == "drift":
        yield from ((f"drift.{letter}", meaning) for letter, meaning in DRIFT.items() if f"drift/{letter}" not in rules)
    elif name == "change":
        waiting = {change["address"] for change in pending(document)}
        still = (change["address"] for change in document["resource_changes"] if change["address"] not in waiting)
        yield from (("change.unchanged", address) for address in still)
    elif not any(each.level == "error" for each in found):
        yield "diagnostic.error", "everything could be looked at"


def _case(finding: Finding) -> ET.Element:
    case = _element("testcase", classname=finding.rule.replace("/", "."), name=_name(finding))
    if finding.accepted:
        case.append(_element("skipped", message=finding.accepted))
    elif finding.level == "error":
        case.append(_told("error", finding))
    elif finding.rule != "diagnostic/warning":
        case.append(_told("failure", finding))
    else:
        case.append(_element("system-out", _lines(finding)))
    return case


def _name(finding: Finding) -> str:
    """The name of a test, the same in every run, so that a CI server can track it."""
    return " ".join(filter(None, (finding.subject, finding.key.removeprefix(finding.subject).strip())))


def _told(tag: str, finding: Finding) -> ET.Element:
    return _element(tag, _lines(finding), message=finding.message, type=finding.rule)


def _lines(finding: Finding) -> str:
    place = f"{finding.file}:{finding.line}" if finding.line else finding.file
    return "\n".join(filter(None, (finding.message, *finding.details, meaning(finding.rule), place)))


def _passed(classname: str, name: str) -> ET.Element:
    return _element("testcase", classname=classname, name=name)


def _skipped(sentence: str) -> ET.Element:
    case = _element("testcase", classname="diagnostic.unseen", name=sentence)
    case.append(_element("skipped", message="nothing live was looked at"))
    return case


def _element(tag: str, text: str = "", **attributes: str) -> ET.Element:
    element = ET.Element(tag, attributes)
    element.text = text or None
    return element
