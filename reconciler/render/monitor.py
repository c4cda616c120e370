"""The passes of the monitor: the JSON document, and one line for each reported drift."""

from __future__ import annotations

from reconciler.model.harmless import one_line
from reconciler.model.plan import Drift
from reconciler.model.watch import Notice, Pass

from .document import diagnostic_document, drift_facts
from .documents import FORMAT_VERSION
from .documents.monitor_diff import NoticeDoc, PassDoc


def pass_document(seen: Pass) -> PassDoc:
    """The document of `monitor --emit-diff`."""
    fresh = [notice.drift for notice in seen.news]
    new = set(map(_key, fresh))
    document: PassDoc = {
        "format_version": FORMAT_VERSION,
        "at": seen.at,
        "drifts": [notice_item(notice) for notice in seen.news],
        "known": [drift_facts(drift) for drift in seen.drifts if (drift.kind, drift.session, drift.address) not in new],
        "in_sync": not any(drift.kind.is_difference for drift in (*seen.drifts, *fresh)) and not seen.diagnostics,
        "diagnostics": [diagnostic_document(each) for each in seen.diagnostics],
    }
    if seen.project:
        document["project"] = seen.project
    return document


def _key(drift: Drift) -> tuple[object, ...]:
    """What makes two drifts the same one, whatever their messages say."""
    return drift.kind, drift.session, drift.address


def notice_item(notice: Notice) -> NoticeDoc:
    """A reported drift, as published."""
    return {**drift_facts(notice.drift), "count": notice.count}


def notice_text(notice: Notice) -> str:
    """One line, with the class of the drift first."""
    return f"{notice.drift.kind}  {sentence(notice)}"


def sentence(notice: Notice) -> str:
    """What is different, in one line, with the number of reports if this is not the first one."""
    again = f" (again, {notice.count} times)" if notice.count > 1 else ""
    return one_line(f"{notice.drift.message}{again}")
