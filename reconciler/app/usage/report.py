"""The report of `usage`: sums of what agents used in a period."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from reconciler.app.agents.look import look
from reconciler.app.project.noted import ProjectResult, damaged_notes, open_noted_projects, seen_in_each
from reconciler.app.project.project import Project
from reconciler.app.usage.pricing import price_calculator
from reconciler.app.usage.stores import OpenedProject, StoredTokens, stored_tokens
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.model.moment import time_zone
from reconciler.model.usage import GroupBy, UsageReport
from reconciler.usage.counting import answers
from reconciler.usage.period import period
from reconciler.usage.sums import sum_up

_SHOWN = 3  # paths in a note


class UsageRequest(Struct, frozen=True):
    """The period (durations before now, or dates), the groups, and whether money is shown."""

    since: str = "7d"
    until: str = ""
    by: tuple[GroupBy, ...] = (GroupBy.AGENT,)
    cost: bool = False


def opened(at: Project) -> OpenedProject:
    """The project, and one look at its agents."""
    return OpenedProject(at, look(at))


def usage(projects: Sequence[OpenedProject], request: UsageRequest) -> UsageReport:
    """What the agents of these projects used.

    Raises:
        UsageError: The period makes no sense.
        ReconcilerError: Money is asked for, and no price list is installed.
    """
    now = projects[0].at.now().timestamp()
    when = period(request.since, request.until, now)
    stored = stored_tokens(projects)
    book = price_calculator(stored.providers) if request.cost else None
    found = sum_up(answers(stored.files, stored.owners), request.by, when, book.price if book else None)
    return UsageReport(
        by=request.by,
        since=when.since,
        until=when.until,
        time_zone=time_zone(now),
        groups=found.groups,
        total=found.total,
        others=found.others,
        unpriced_models=tuple(sorted(book.unknown)) if book else None,
        prices=book.list if book else None,
        notes=tuple(_notes(stored)),
    )


class UsageOfAll(Struct, frozen=True):
    """What the agents of all noted projects used, and why each project is left out that cannot be looked at."""

    report: UsageReport
    left_out: tuple[Diagnostic, ...]


def usage_of_all(request: UsageRequest) -> UsageOfAll:
    """What the agents of all noted projects used. The notes of the report name the projects that are left out.

    Raises:
        UsageError: The period makes no sense, or no project is noted.
        ReconcilerError: As `usage`; or no noted project can be looked at.
    """
    found = open_noted_projects()
    seen = list(seen_in_each(found, opened))
    left_out = (*(_of_project(each) for each in seen if each.error), *damaged_notes(found))
    projects = [each.result for each in seen if each.result]
    if not projects and left_out:
        raise ReconcilerError(left_out[0].summary, detail=left_out[0].detail, fix=left_out[0].fix)
    if not projects:
        raise UsageError("no project is noted", fix="run `reconciler apply` in a project, which notes it")
    report = usage(projects, request)
    notes = (*report.notes, *(each.summary for each in left_out))
    return UsageOfAll(replace(report, notes=notes), left_out)


def _of_project(seen: ProjectResult[OpenedProject]) -> Diagnostic:
    error = seen.error or Diagnostic(Severity.ERROR, "it is left out")
    return replace(error, summary=f"{seen.noted.note.root} is left out: {error.summary}")


def _notes(stored: StoredTokens) -> Iterator[str]:
    for name in stored.unknown_types:
        yield f"it is not known how {name} stores tokens: its agents are left out"
    for name, note in stored.open_notes.items():
        if any(each.type == name and each.carried.is_open for each in stored.files.values()):
            yield f"{name} {note}"
    damaged = [(path, each.damaged) for path, each in stored.files.items() if each.damaged]
    for path, count in damaged[:_SHOWN]:
        yield f"{count} {'line' if count == 1 else 'lines'} cannot be understood and {_is(count)} left out: {path}"
    if len(damaged) > _SHOWN:
        yield f"{len(damaged) - _SHOWN} more files have such lines"
    for unread in stored.unread[:_SHOWN]:
        yield f"{unread.path} is left out: {unread.reason}"
    if len(stored.unread) > _SHOWN:
        yield f"{len(stored.unread) - _SHOWN} more files are left out"


def _is(count: int) -> str:
    return "is" if count == 1 else "are"
