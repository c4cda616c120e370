"""A SARIF 2.1.0 log for code scanning: one result per finding, one rule per drift class or reason."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias
from urllib.parse import quote

from reconciler import __version__
from reconciler.render.output import json_text

from .findings import Document, Finding, findings, grouped, unseen
from .rules import meaning

Node: TypeAlias = dict[str, Any]

# GitHub accepts 25,000 results per run and shows 5,000 of them
SHOWN = 5_000
_NAMED = 10  # subjects named in the message of a group
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif(document: Document) -> str:
    """The log as JSON. Beyond 5,000 findings, those of one rule and file become one result."""
    found = findings(document)
    results = _results(found)
    rules = sorted({result["ruleId"] for result in results})
    for result in results:
        result["ruleIndex"] = rules.index(result["ruleId"])
    run = {
        "tool": {"driver": {"name": "reconciler", "version": __version__, "rules": [_rule(rule) for rule in rules]}},
        "invocations": [
            {
                "executionSuccessful": not any(each.level == "error" for each in found),
                "toolExecutionNotifications": [
                    {"level": "note", "message": {"text": f"not looked at: {sentence}"}}
                    for sentence in unseen(document)
                ],
            }
        ],
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json_text(log, indent=2) + "\n"


def _rule(rule: str) -> Node:
    return {
        "id": rule,
        "name": rule.replace("/", "-"),
        "shortDescription": {"text": meaning(rule)},
        "properties": {"tags": [rule.partition("/")[0]]},
    }


def _results(found: Sequence[Finding]) -> list[Node]:
    if len(found) <= SHOWN:
        return [_result(each) for each in found]
    return [_group(each) for each in _same_rule_and_file(found)][:SHOWN]


def _same_rule_and_file(found: Sequence[Finding]) -> Iterator[list[Finding]]:
    for _, same_rule in grouped(found):
        files: dict[tuple[str, bool], list[Finding]] = {}
        for each in same_rule:
            files.setdefault((each.file, bool(each.accepted)), []).append(each)
        yield from files.values()


def _result(finding: Finding) -> Node:
    text = "\n".join((finding.message, *finding.details))
    return _told(finding, text, f"{finding.subject} {finding.key}")


def _group(found: Sequence[Finding]) -> Node:
    named = ", ".join(each.subject or each.message for each in found[:_NAMED])
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    text = f"{len(found)} times: {meaning(found[0].rule)}: {named}{more}"
    return _told(found[0], text, "") | {"occurrenceCount": len(found)}


def _told(finding: Finding, text: str, key: str) -> Node:
    """A result. Its fingerprint is the same in every run, even if its line moves."""
    mark = hashlib.sha256(f"{finding.rule} {key} {finding.file}".encode(errors="replace")).hexdigest()
    result: Node = {
        "ruleId": finding.rule,
        "level": finding.level,
        "message": {"text": text},
        "locations": [_location(finding)],
        "partialFingerprints": {"reconciler/v1": mark},
    }
    if finding.accepted:
        result["suppressions"] = [{"kind": "external", "justification": finding.accepted}]
    return result


def _location(finding: Finding) -> Node:
    place: Node = {"physicalLocation": {"artifactLocation": _artifact(finding.file or ".")}}
    place["physicalLocation"]["region"] = {"startLine": finding.line or 1}
    if finding.subject:
        place["logicalLocations"] = [{"fullyQualifiedName": finding.subject, "kind": "resource"}]
    return place


def _artifact(file: str) -> Node:
    if file.startswith("/"):
        return {"uri": f"file://{quote(file, errors='replace')}"}
    return {"uri": quote(file, errors="replace"), "uriBaseId": "%SRCROOT%"}
