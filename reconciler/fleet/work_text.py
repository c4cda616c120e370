"""What a push or an installation did on each host, as text and as a document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from reconciler.model.harmless import one_line
from reconciler.render.documents import FORMAT_VERSION

from .hosts import HostOutcome, HostWork

if TYPE_CHECKING:
    from reconciler.render.documents.fleet_work import FleetWorkDoc


def fleet_work_document(done: Sequence[HostWork]) -> FleetWorkDoc:
    """The document of `fleet push --json`."""
    hosts = [
        {
            "host": each.host,
            "outcome": each.outcome.value,
            "exit_code": each.exit_code,
            "changed": each.changed,
            "said": each.said,
            "written": list(each.written),
            "deleted": list(each.deleted),
        }
        for each in done
    ]
    return {"format_version": FORMAT_VERSION, "hosts": hosts}  # type: ignore[typeddict-item] # the same keys


def fleet_work_text(done: Sequence[HostWork], *, full: bool = False) -> Iterator[str]:
    """One line for each host; in full, also one for each file."""
    for each in done:
        yield f"{each.host}: {_result(each)}"
        if full:
            yield from (f"  + {one_line(path)}" for path in each.written)
            yield from (f"  - {one_line(path)}" for path in each.deleted)


def _result(work: HostWork) -> str:
    if work.outcome is not HostOutcome.OK:
        return f"{work.outcome.value}: {one_line(work.said or 'no reason was given')}"
    files = [("written", len(work.written)), ("deleted", len(work.deleted))]
    told = [f"{count} file{'' if count == 1 else 's'} {word}" for word, count in files if count]
    return ", ".join(told) or ("changed" if work.changed else "unchanged")
