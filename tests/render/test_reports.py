"""The reports of a plan and of a drift check: each as its standard has it, and all of them saying the same."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from copy import deepcopy
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest
import xmlschema
from jsonschema import Draft4Validator, Draft7Validator
from waiting import PATIENCE

from reconciler.model.action import Reason
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.drift_class import DriftClass
from reconciler.model.plan import Drift, Mode, Plan
from reconciler.render.drift import drift_document
from reconciler.render.reports.findings import findings, verdict
from reconciler.render.reports.github import github_text
from reconciler.render.reports.html import html as html_of
from reconciler.render.reports.junit import junit
from reconciler.render.reports.markdown import LIMIT, markdown
from reconciler.render.reports.rules import CHANGES, DRIFT
from reconciler.render.reports.sarif import SHOWN, sarif
from reconciler.state.schemas import load_schema

HERE = Path(__file__).parent
GOLDEN = sorted((HERE / "golden").glob("*.json"))
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# What would be read as markup, as a command or as a control character somewhere
HOSTILE = "<script>alert(1)</script> & \"'|`*_[x](y) ]]>\x1b[1m \x00%0A\r\n::error::x, y: z \ud800"


def html(document: dict[str, Any]) -> str:
    return html_of(document, "2026-11-30T10:00:00Z")


def _plan(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text("utf-8"))


def _everything() -> dict[str, Any]:
    """A plan with something of every kind in it."""
    document = _plan(HERE / "golden" / "every-symbol.json")
    drift = document["resource_drift"].pop()
    words = {"until": "2030-01-31", "owner": "ann", "why": "a known thing", "file": "reconciler.yaml", "line": 30}
    document["accepted"] = [{"drift": drift, **words}]
    severities = ("error", "refusal", "warning")
    document["diagnostics"] = [
        {
            "severity": severity,
            "summary": f"a {severity}",
            "detail": "why",
            "address": "agent.w.busy",
            "file": "reconciler.yaml",
            "line": 8,
            "column": 3,
            "fix": "settle it",
        }
        for severity in severities
    ]
    return document


def _hostile(node: Any) -> Any:
    """The document with bad text wherever a user's text may stand."""
    match node:
        case dict():
            kept = {"actions", "severity", "class", "mode", "op", "tool_version", "format_version", "kind", "reason"}
            return {key: value if key in kept else _hostile(value) for key, value in node.items()}
        case list():
            return [_hostile(each) for each in node]
        case str():
            return f"{node}{HOSTILE}"
    return node


def _drifts(number: int) -> dict[str, Any]:
    """A drift check that found a lot, in two files, and could not look at something."""
    drifts = [
        Drift(
            DriftClass.SESSION_GONE if each % 2 else "F",
            f"w-creator-a{each}",
            None,
            f"w-creator-a{each}: gone",
            1,
            2,
            path="status",
        )
        for each in range(number)
    ]
    unseen = ["whether agents live"]
    plan = Plan(Mode.REFRESH_ONLY, "", 0, "", drift=tuple(drifts), registry=".hermes/a b.yaml")
    return drift_document(plan, unseen=unseen)


CALM = drift_document(Plan(Mode.REFRESH_ONLY, "", 0, ""))
DOCUMENTS = [
    *(pytest.param(_plan(path), id=path.stem) for path in GOLDEN),
    pytest.param(_everything(), id="everything"),
    pytest.param(_hostile(_everything()), id="hostile"),
    pytest.param(_drifts(3), id="drift"),
    pytest.param(CALM, id="no-drift"),
]


def test_a_drift_check_is_told_as_published() -> None:
    Draft7Validator(load_schema("drift")).validate(_drifts(2))
    Draft7Validator(load_schema("plan")).validate(_everything())


# --- JUnit --------------------------------------------------------------------------------------


@cache
def _junit_schema() -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(str(HERE / "standards" / "junit-10.xsd"))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_junit_report_follows_its_schema_and_counts_right(document: dict[str, Any]) -> None:
    _junit_schema().validate(junit(document))
    root = _parsed(document)
    for suite in root:
        assert int(suite.attrib["tests"]) == len(suite.findall("testcase"))
        for outcome, count in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            assert int(suite.attrib[count]) == len(suite.findall(f"testcase/{outcome}"))
    news = [each for each in findings(document) if not each.accepted and each.rule != "diagnostic/warning"]
    assert len(root.findall(".//failure")) + len(root.findall(".//error")) == len(news)


def test_the_schema_notices_a_report_that_breaks_it() -> None:
    broken = junit(CALM).replace(' classname="drift.A"', "")
    assert broken != junit(CALM)
    assert not _junit_schema().is_valid(broken)


def _parsed(document: dict[str, Any]) -> ET.Element:
    return ET.fromstring(junit(document))  # noqa: S314 - our own


def test_a_class_without_drift_is_a_test_that_passes() -> None:
    cases = _parsed(_drifts(1)).findall("testsuite[@name='drift']/testcase")
    assert [(case.attrib["classname"], [child.tag for child in case]) for case in cases] == [
        ("drift.F", ["failure"]),
        *((f"drift.{letter}", []) for letter in DRIFT if letter != "F"),
    ]


def test_what_is_accepted_or_was_not_seen_is_skipped_with_the_reason() -> None:
    reasons = [each.attrib["message"] for each in _parsed(_everything()).findall(".//skipped")]
    assert reasons == ["accepted until 2030-01-31 by ann: a known thing"]
    names = [each.attrib["name"] for each in _parsed(_drifts(0)).findall(".//testcase[skipped]")]
    assert names == ["whether agents live"]


# --- SARIF --------------------------------------------------------------------------------------


@cache
def _sarif_schema() -> Draft4Validator:
    return Draft4Validator(json.loads((HERE / "standards" / "sarif-2.1.0-rtm.5.json").read_text("utf-8")))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_sarif_log_follows_its_schema_and_tells_everything(document: dict[str, Any]) -> None:
    log = json.loads(sarif(document))
    _sarif_schema().validate(log)
    [run] = log["runs"]
    assert len(run["results"]) == len(findings(document))
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in run["results"])
    assert len(set(rules)) == len(rules)


def test_the_schema_notices_a_log_that_breaks_it() -> None:
    log = json.loads(sarif(_everything()))
    log["runs"][0]["results"][0]["level"] = "fatal"
    assert not _sarif_schema().is_valid(log)


def test_a_result_points_at_the_line_of_the_manifest_by_a_uri() -> None:
    [run] = json.loads(sarif(_drifts(1)))["runs"]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": ".hermes/a%20b.yaml", "uriBaseId": "%SRCROOT%"}
    [run] = json.loads(sarif(_everything()))["runs"]
    places = [result["locations"][0]["physicalLocation"] for result in run["results"]]
    told = {(unquote(place["artifactLocation"]["uri"]), place["region"]["startLine"]) for place in places}
    assert ("reconciler.yaml", 8) in told


def test_an_accepted_drift_is_a_suppressed_result() -> None:
    [run] = json.loads(sarif(_everything()))["runs"]
    suppressed = [result["suppressions"] for result in run["results"] if "suppressions" in result]
    justification = "accepted until 2030-01-31 by ann: a known thing"
    assert suppressed == [[{"kind": "external", "justification": justification}]]


def test_a_result_keeps_its_fingerprint_when_its_line_moves() -> None:
    before, after = _everything(), _everything()
    for each in (*after["resource_drift"], *after["resource_changes"]):
        each["line"] += 10
    marks = [
        [result["partialFingerprints"] for result in json.loads(sarif(document))["runs"][0]["results"]]
        for document in (before, after)
    ]
    assert marks[0] == marks[1]
    assert len({json.dumps(mark) for mark in marks[0]}) == len(marks[0])


def test_more_than_code_scanning_shows_is_grouped() -> None:
    [run] = json.loads(sarif(_drifts(SHOWN + 1)))["runs"]
    assert [(result["ruleId"], result["occurrenceCount"]) for result in run["results"]] == [
        ("drift/F", SHOWN // 2 + 1),
        ("drift/A", SHOWN // 2),
    ]
    assert run["results"][0]["message"]["text"].endswith(f"and {SHOWN // 2 + 1 - 10} more")
    assert len(json.loads(sarif(_drifts(SHOWN)))["runs"][0]["results"]) == SHOWN


# --- Markdown -----------------------------------------------------------------------------------


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_page_of_markdown_has_a_row_for_everything(document: dict[str, Any]) -> None:
    page = markdown(document)
    rows = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith("| what")]
    assert len(rows) == len(findings(document))
    assert page.startswith("## ")
    assert page.count("<details") == page.count("</details>")


def test_no_text_of_a_user_becomes_markup_in_markdown() -> None:
    page = re.sub(r"</?(?:details|summary)(?: open)?>|<br>", "", markdown(_hostile(_everything())))
    assert not re.search(r"[<>`*\[\]]", page)
    assert all(line.count("|") in {0, 3, 4} for line in page.splitlines())


def test_a_page_of_markdown_fits_into_the_summary_of_a_step() -> None:
    page = markdown(_drifts(40_000))
    assert len(page.encode()) <= LIMIT
    assert page.rstrip().endswith("**Cut off here: GitHub's limit for a step summary is 1,024 KiB.**")
    assert page.count("<details") == page.count("</details>")


# --- GitHub's annotations -----------------------------------------------------------------------

COMMAND = re.compile(r"::(error|warning|notice) (?:[a-z]+=[^,:\r\n]*)(?:,[a-z]+=[^,:\r\n]*)*::[^\r\n]*")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_each_annotation_is_one_command_on_one_line(document: dict[str, Any]) -> None:
    *commands, last = "\n".join(github_text(document)).split("\n")
    assert len(commands) == sum(not each.accepted for each in findings(document))
    assert [line for line in commands if not COMMAND.fullmatch(line)] == []
    assert last == f"{verdict(document)}."


def test_an_annotation_names_file_line_and_rule() -> None:
    document = drift_document(
        Plan(Mode.REFRESH_ONLY, "", 0, "", diagnostics=(Diagnostic(Severity.ERROR, "50% off: a, b", fix="go\non"),))
    )
    assert next(iter(github_text(document))) == "::error title=diagnostic/error::50%25 off: a, b%0A-> go%0Aon"
    first = next(iter(github_text(_everything())))
    assert first.startswith("::warning file=reconciler.yaml,line=5,title=drift/A agent.w.resumed::w-creator-resumed:")


# --- HTML ---------------------------------------------------------------------------------------


class _Page(HTMLParser):
    """The elements of a page, and the text of its rows."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.counts: dict[str, int] = {}
        self._number: int | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["b"]:
            self._number = int(data)
        elif self.open[-1:] == ["li"] and self._number is not None:
            self.counts[data], self._number = self._number, None


def _expected_counts(document: dict[str, Any]) -> dict[str, int]:
    """By what stands beside each number; counted in the document itself."""
    changes = [change["actions"] for change in document["resource_changes"]]
    severities = [each["severity"] for each in document["diagnostics"]]
    counts = {
        "Drift": len(document.get("drifts", document.get("resource_drift"))),
        "Accepted drift": len(document["accepted"]),
        "Errors": severities.count("error") + severities.count("refusal"),
        "Warnings": severities.count("warning"),
    }
    if document.get("learned"):
        counts["To be recorded"] = len(document["learned"])
    if "summary" not in document:
        return counts | ({"Not applied yet": len(changes)} if changes else {})
    counts |= {
        "To add": sum(each in (["create"], ["resume"], ["delete", "create"]) for each in changes),
        "To change": changes.count(["update"]),
        "To destroy": changes.count(["delete"]) + changes.count(["delete", "create"]),
        "Unchanged": changes.count(["no-op"]),
    }
    seldom = {"To import": ["import"], "To forget": ["forget"], "Deferred": ["defer"]}
    return counts | {title: changes.count(actions) for title, actions in seldom.items() if actions in changes}


def test_a_page_of_html_says_of_what_and_when() -> None:
    whose = dict.fromkeys(("machine", "user", "home", "lineage"), "") | {"host": "workbench", "project": "/home/u/lab"}
    for document, kind in ((CALM, "Drift"), (_everything(), "Plan")):
        page = html({**document, "at": whose})
        for told in ("<h1>lab</h1>", "<title>lab: reconciler</title>"):
            assert told in page
        assert f"{kind} of /home/u/lab on workbench, 2026-11-30T10:00:00Z" in page
        older = {key: value for key, value in document.items() if key != "at"}
        assert f"{kind}, 2026-11-30T10:00:00Z" in html(older)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_page_of_html_is_whole_and_counts_what_the_document_has(document: dict[str, Any]) -> None:
    page = _Page(html(document))
    assert page.open == []
    assert page.tags.count("tr") == len(findings(document))
    assert page.tags.count("td") == 2 * page.tags.count("tr")
    assert page.counts == _expected_counts(document)


def test_a_page_of_html_runs_nothing_and_fetches_nothing() -> None:
    page = _Page(html(_hostile(_everything())))
    assert page.tags.count("style") == 1
    assert set(page.tags).isdisjoint({"script", "link", "img", "iframe", "object", "embed", "form", "a", "base"})
    assert {name for name, _ in page.attributes}.isdisjoint({"src", "href", "style", "onclick", "onload"})
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in page.attributes
    assert not re.search(r"url\(|@import|https?:", html(_everything()))


def test_a_page_of_html_is_dark_for_those_who_want_it() -> None:
    page = html(CALM)
    assert "color-scheme: light dark" in page
    assert "@media (prefers-color-scheme: dark)" in page


# What needs a browser is looked at where there is one; the tests above hold everywhere.
if CHROMIUM:

    @pytest.mark.parametrize("document", [_everything(), _hostile(_everything())], ids=["everything", "hostile"])
    def test_a_browser_reads_the_page_as_it_is_meant(document: dict[str, Any], tmp_path: Path) -> None:
        (tmp_path / "page.html").write_text(html(document), "utf-8")
        command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/profile"]
        words = [*command, "--dump-dom", (tmp_path / "page.html").as_uri()]
        done = subprocess.run(words, check=True, capture_output=True, text=True, timeout=PATIENCE)
        page = _Page(done.stdout)
        assert page.counts == _expected_counts(document)
        assert page.tags.count("tr") == len(findings(document))


# --- words --------------------------------------------------------------------------------------


def test_every_reason_and_class_has_a_meaning() -> None:
    assert set(CHANGES) == {reason.value for reason in Reason if reason.value}
    assert "".join(DRIFT) == "ABCDEFGHIJKLM"


def test_a_report_changes_nothing_in_the_document() -> None:
    document = _everything()
    before = deepcopy(document)
    for report in (junit, sarif, markdown, html, lambda each: list(github_text(each))):
        report(document)
    assert document == before
