"""What a plan or a drift check has to tell, one finding each: what every report is made from.

Findings come from the JSON document and from nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias, cast

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.harmless import harmless, one_line
from reconciler.render.documents.change import ResourceChangeDoc
from reconciler.render.documents.common import DiagnosticDoc
from reconciler.render.documents.drift import AcceptedDoc, DriftDoc, DriftsDoc
from reconciler.render.documents.plan import PlanDoc
from reconciler.render.text import fields_text, heading, why

Document: TypeAlias = PlanDoc | DriftsDoc
Level: TypeAlias = Literal["error", "warning", "note"]

_UNCODED = re.compile("[\ufffe\uffff]")
_LEVELS: Mapping[str, Level] = {"error": "error", "refusal": "error", "warning": "warning"}


class Finding(Struct, frozen=True):
    """One thing that differs, or is to be said.

    `rule` is `drift/CLASS`, `change/REASON` or `diagnostic/SEVERITY`. `subject` is an address, else a session; empty
    when it is about everything. `key` tells it from others with the same rule and subject. `details` are lines.
    `accepted` says until when and why it is no news; it is empty for news.
    """

    rule: str
    level: Level
    subject: str
    message: str
    file: str
    line: int
    key: str = ""
    details: tuple[str, ...] = ()
    accepted: str = ""


def findings(document: Document) -> list[Finding]:
    """Everything that is news, drift first; then what is accepted. No text of it steers or hides anything."""
    found = [
        *map(_drift, drifts(document)),
        *map(_change, pending(document)),
        *map(_diagnostic, document["diagnostics"]),
        *map(_accepted, document["accepted"]),
    ]
    return [_harmless(each) for each in found]


def _harmless(finding: Finding) -> Finding:
    """The finding with its text made harmless; the path of its file is encoded where it is used."""
    return replace(
        finding,
        subject=one_line(finding.subject),
        message=harmless(finding.message),
        key=one_line(finding.key),
        details=tuple(map(harmless, finding.details)),
        accepted=harmless(finding.accepted),
    )


def drifts(document: Document) -> Sequence[DriftDoc]:
    """The drift in either document."""
    either = cast(Mapping[str, Any], document)
    return cast(Sequence[DriftDoc], either["drifts" if "drifts" in either else "resource_drift"])


def pending(document: Document) -> Sequence[ResourceChangeDoc]:
    """The changes that an apply would make, or would like to."""
    return [change for change in document["resource_changes"] if change["actions"] != ["no-op"]]


def unseen(document: Document) -> Sequence[str]:
    """What could not be known; a plan says that in its diagnostics."""
    return [one_line(each) for each in cast(Mapping[str, Any], document).get("unseen", ())]


def unmanaged(document: Document) -> Sequence[str]:
    """The live sessions that are in no manifest; a drift check tells those as drift."""
    sessions = cast(Mapping[str, Any], document).get("unmanaged", ())
    return [one_line(each["session"]) for each in sessions]


def grouped(found: Iterable[Finding]) -> Iterator[tuple[str, list[Finding]]]:
    """The findings by their rule, in the order in which the rules come up."""
    groups: dict[str, list[Finding]] = {}
    for each in found:
        groups.setdefault(each.rule, []).append(each)
    yield from groups.items()


def readable(text: str) -> str:
    """The page without any character that it may not hold (XML 1.0, section 2.2): names of files may have any."""
    return _UNCODED.sub("\N{REPLACEMENT CHARACTER}", harmless(text))


def verdict(document: Document) -> str:
    """One sentence: what came of it."""
    errors = sum(_LEVELS[each["severity"]] == "error" for each in document["diagnostics"])
    parts = [
        _count(errors, "error", "errors"),
        _count(len(drifts(document)), "drift", "drifts"),
        _count(len(pending(document)), "change not applied yet", "changes not applied yet"),
    ]
    accepted = _count(len(document["accepted"]), "accepted drift", "accepted drifts")
    said = ", ".join(filter(None, parts)) or "In sync"
    return f"{said} ({accepted})" if accepted else said


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}" if number else ""


def _drift(drift: DriftDoc) -> Finding:
    return Finding(
        rule=f"drift/{drift['class']}",
        level="warning",
        subject=drift["address"] or drift["session"],
        message=drift["message"],
        file=drift["file"],
        line=drift["line"],
        key=f"{drift['session']} {drift['path']}",
    )


def _change(change: ResourceChangeDoc) -> Finding:
    return Finding(
        rule=f"change/{change['reason']}",
        level="note",
        subject=change["address"],
        message=f"{change['address']} {heading(change)}",
        file=change["file"],
        line=change["line"],
        key="/".join(change["actions"]),
        details=tuple(filter(None, (why(change), *_fields(change)))),
    )


def _fields(change: ResourceChangeDoc) -> Iterator[str]:
    for field in change["changes"]:
        yield from fields_text([field], indent="")


def _diagnostic(said: DiagnosticDoc) -> Finding:
    return Finding(
        rule=f"diagnostic/{said['severity']}",
        level=_LEVELS[said["severity"]],
        subject=said["address"],
        message=said["summary"],
        file=said["file"],
        line=said["line"],
        key=said["summary"],
        details=tuple(filter(None, (said["detail"], f"-> {said['fix']}" if said["fix"] else ""))),
    )


def _accepted(accepted: AcceptedDoc) -> Finding:
    found = _drift(accepted["drift"])
    until = f"accepted until {accepted['until']} by {accepted['owner']}: {accepted['why']}"
    return Finding(
        rule=found.rule,
        level="note",
        subject=found.subject,
        message=found.message,
        file=accepted["file"],
        line=accepted["line"],
        key=found.key,
        details=(),
        accepted=until,
    )
