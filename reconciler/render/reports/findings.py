"""The findings of a plan or a drift check; every report is made from them.

Findings come only from the JSON document.
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
    """One difference or diagnostic.

    `rule` is `drift/CLASS`, `change/REASON` or `diagnostic/SEVERITY`. `subject` is an address, else a session; it is
    empty for a finding about the whole project. `key` distinguishes findings with the same rule and subject. `details`
    are lines. `accepted` says until when, by whom and why the finding is accepted; it is empty otherwise.
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
    """The findings, drift first and accepted ones last. Their text is made harmless."""
    found = [
        *map(_drift, drifts(document)),
        *map(_change, pending(document)),
        *map(_diagnostic, document["diagnostics"]),
        *map(_accepted, document["accepted"]),
    ]
    return [_harmless(each) for each in found]


def _harmless(finding: Finding) -> Finding:
    """The finding with its text made harmless; the path of its file is encoded later, by each report."""
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
    """The changes that an apply would make, including deferred ones."""
    return [change for change in document["resource_changes"] if change["actions"] != ["no-op"]]


def unseen(document: Document) -> Sequence[str]:
    """What could not be known; empty for a plan, which has diagnostics for it."""
    return [one_line(each) for each in cast(Mapping[str, Any], document).get("unseen", ())]


def unmanaged(document: Document) -> Sequence[str]:
    """The live sessions that are in no manifest; empty for a drift check, which reports them as drift."""
    sessions = cast(Mapping[str, Any], document).get("unmanaged", ())
    return [one_line(each["session"]) for each in sessions]


def grouped(found: Iterable[Finding]) -> Iterator[tuple[str, list[Finding]]]:
    """The findings grouped by rule, in the order in which the rules first appear."""
    groups: dict[str, list[Finding]] = {}
    for each in found:
        groups.setdefault(each.rule, []).append(each)
    yield from groups.items()


def readable(text: str) -> str:
    """The text without characters that XML forbids (XML 1.0, section 2.2); file names may contain them."""
    return _UNCODED.sub("\N{REPLACEMENT CHARACTER}", harmless(text))


def verdict(document: Document) -> str:
    """One sentence with the result, such as `2 drifts, 1 change not applied yet`."""
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
