"""The exit code of a command for many hosts, from the results of the hosts. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.model.exit_code import ExitCode

from .hosts import HostOutcome, HostResult

# The worst first.
_ORDER = (
    (HostOutcome.REFUSED, ExitCode.REFUSED),
    (HostOutcome.STALE, ExitCode.STALE),
    (HostOutcome.LOCKED, ExitCode.LOCKED),
    (HostOutcome.FAILED, ExitCode.ERROR),
    (HostOutcome.UNREACHABLE, ExitCode.UNREACHABLE),
    (HostOutcome.UNKNOWN, ExitCode.UNREACHABLE),
)


def look_exit_code(results: Sequence[HostResult], *, changes_count: bool) -> ExitCode:
    """The exit code of a plan or a drift. With `changes_count`, pending changes or drift exit with 2."""
    found = {each.outcome for each in results}
    worst = next((code for outcome, code in _ORDER if outcome in found), None)
    if worst is not None:
        return worst
    return ExitCode.CHANGES if changes_count and any(each.pending for each in results) else ExitCode.OK


def apply_exit_code(results: Sequence[HostResult], *, not_begun: Sequence[str] = ()) -> ExitCode:
    """The exit code of an apply: 3 if some hosts were changed and something remains on others."""
    remains = bool(not_begun) or not all(each.is_fine for each in results)
    if remains and any(each.changed for each in results):
        return ExitCode.PARTIAL
    return look_exit_code(results, changes_count=False) or (ExitCode.ERROR if not_begun else ExitCode.OK)
