"""What is wrong with this machine: the document, and the text that is made from it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from reconciler import __version__
from reconciler.model.checkup import CheckResult, Level, Mended
from reconciler.model.exit_code import ExitCode
from reconciler.model.harmless import one_line

from .documents import FORMAT_VERSION
from .documents.doctor import CheckDoc, DoctorDoc, LevelsDoc, MendedDoc

_BEGIN = {
    Level.OK: "✓ ",
    Level.NOTE: "• note: ",
    Level.WARNING: "! warning: ",
    Level.ERROR: "✗ error: ",
    Level.UNKNOWN: "? not known: ",
}
_TITLES = {"agents": "agent CLIs"}
_BAD = (Level.ERROR, Level.UNKNOWN)


def doctor_document(checks: Sequence[CheckResult], mended: Sequence[Mended]) -> DoctorDoc:
    """The document of `doctor --json`."""
    count = Counter(check.level for check in checks)
    return {
        "format_version": FORMAT_VERSION,
        "tool_version": __version__,
        "healthy": not any(count[level] for level in _BAD),
        "exit_code": int(_exit_code(healthy=not any(count[level] for level in _BAD), mended=mended)),
        "summary": _levels(count),
        "checks": [_check(check) for check in checks],
        "mended": [_mended(each) for each in mended],
    }


def _exit_code(*, healthy: bool, mended: Sequence[Mended]) -> int:
    """0 when nothing prevents work, 3 when only a part was mended; else 1, or why nothing could be mended."""
    failed = [each for each in mended if not each.done]
    if healthy and not failed:
        return ExitCode.OK
    if len(mended) > len(failed):
        return ExitCode.PARTIAL
    return failed[0].exit_code if failed else ExitCode.ERROR


def _levels(count: Counter[Level]) -> LevelsDoc:
    return {
        "ok": count[Level.OK],
        "note": count[Level.NOTE],
        "warning": count[Level.WARNING],
        "error": count[Level.ERROR],
        "unknown": count[Level.UNKNOWN],
    }


def _check(check: CheckResult) -> CheckDoc:
    return {
        "check": check.name,
        "level": check.level,
        "summary": check.summary,
        "detail": check.detail,
        "fix": check.fix,
        "mendable": check.cure is not None,
    }


def _mended(each: Mended) -> MendedDoc:
    return {
        "cure": each.cure,
        "summary": each.summary,
        "done": each.done,
        "detail": each.detail,
        "exit_code": int(each.exit_code),
    }


# --- text ---------------------------------------------------------------------------------------


def doctor_text(document: DoctorDoc) -> Iterator[str]:
    """The results by group, what was mended, and the verdict in one line."""
    for group, checks in groupby(document["checks"], key=_group):
        yield _TITLES.get(group, group)
        yield from (line for check in checks for line in _lines(check))
        yield ""
    yield from _mended_lines(document["mended"])
    yield verdict(document)


def _group(check: CheckDoc) -> str:
    return check["check"].partition(".")[0]


def _lines(check: CheckDoc) -> Iterator[str]:
    yield f"  {_BEGIN[check['level']]}{one_line(check['summary'])}"
    yield from (f"      {one_line(line)}" for line in check["detail"].splitlines())
    if check["fix"]:
        yield f"      -> {one_line(check['fix'])}"


def _mended_lines(mended: Iterable[MendedDoc]) -> Iterator[str]:
    lines = [line for each in mended for line in _mended_line(each)]
    yield from ["mended", *lines, ""] if lines else []


def _mended_line(each: MendedDoc) -> Iterator[str]:
    yield f"  {'✓' if each['done'] else '✗ not done:'} {one_line(each['summary'])}"
    if each["detail"]:
        yield f"      {one_line(each['detail'])}"


def verdict(document: DoctorDoc) -> str:
    """What it all means, in one line."""
    summary = document["summary"]
    parts = [(summary["error"], "error", "errors"), (summary["warning"], "warning", "warnings")]
    said = [f"{number} {one if number == 1 else many}" for number, one, many in parts if number]
    said += [f"{summary['unknown']} not known"] if summary["unknown"] else []
    ending = _advice(document)
    if not said:
        return f"✓ Everything is in order.{ending}"
    begin = "✗" if summary["error"] or summary["unknown"] else "!"
    harmless = "" if begin == "✗" else "; nothing prevents the work"
    return f"{begin} {', '.join(said)}{harmless}.{ending}"


def _advice(document: DoctorDoc) -> str:
    mendable = sum(check["mendable"] for check in document["checks"])
    if not mendable or document["mended"]:
        return ""
    return f" `reconciler doctor --fix` mends {mendable} of them."
