"""The merged view as text. What hosts say is shown harmlessly by the terminal's own door."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from reconciler.app.plan.saved_plans import plan_mistake
from reconciler.model.harmless import one_line
from reconciler.render.drift import drift_text
from reconciler.render.text import plan_text

from .hosts import HostOutcome, HostResult
from .merge import HostGroup, decoded_document, groups

_FEW = 3
_SIGNS = (("add", "+"), ("change", "~"), ("destroy", "-"))
_WORDS = ("import", "forget", "deferred")


def fleet_text(results: Sequence[HostResult], host: str = "", *, full: bool = False) -> Iterator[str]:
    """The groups, each with the document of one of its hosts; with `host`, that host alone, in full."""
    if host:
        yield from _one(next(each for each in results if each.host == host))
        return
    for group in groups(results):
        yield from _group(group, full=full)
    yield _conclusion(results)


def _group(group: HostGroup, *, full: bool) -> Iterator[str]:
    if group.outcome is not HostOutcome.OK:
        yield f"{counted(group.results)} {group.outcome.value}:"
        yield from (f"  {each.host}: {one_line(each.said or 'no reason was given')}" for each in group.results)
        yield ""
        return
    yield f"{counted(group.results)}: {work(group.first.summary)}  ({_named(group.names)})"
    if group.first.pending:
        yield ""
        yield from (f"  {line}" if line else "" for line in _document(group.first, full=full))
    yield ""


def _one(result: HostResult) -> Iterator[str]:
    yield f"{result.host}: {result.outcome.value}, {work(result.summary)}"
    if result.said:
        yield f"  {one_line(result.said)}"
    yield ""
    yield from _document(result, full=True)


def _document(result: HostResult, *, full: bool) -> Iterator[str]:
    """The text of a document that came from a host: a damaged one is named, never believed."""
    document = decoded_document(result)
    if document is None:
        return
    mistake = "" if "drifts" in document else plan_mistake(cast(Any, document))
    if mistake:
        yield f"the document of {result.host} is damaged: {one_line(mistake)}"
        return
    try:
        yield from list(
            drift_text(cast(Any, document)) if "drifts" in document else plan_text(cast(Any, document), full=full)
        )
    except (LookupError, TypeError, ValueError, AttributeError):
        yield f"the document of {result.host} is damaged"


def counted(results: Sequence[object]) -> str:
    """How many hosts: `1 host`, `44 hosts`."""
    return f"{len(results)} host{'' if len(results) == 1 else 's'}"


def work(summary: Mapping[str, int]) -> str:
    """The counts of a plan or a drift in a few characters: `+5 ~1 -2`; `in sync` if there is nothing."""
    if "drifts" in summary:
        told = [
            f"{summary[key]} {word}"
            for key, word in (("drifts", "drift"), ("changes", "not applied"))
            if summary.get(key)
        ]
        return ", ".join(told) or "in sync"
    told = [f"{sign}{summary[key]}" for key, sign in _SIGNS if summary.get(key)]
    told += [f"{summary[key]} {key}" for key in _WORDS if summary.get(key)]
    return " ".join(told) or "in sync"


def _named(names: Sequence[str]) -> str:
    shown = list(names[:_FEW]) if len(names) <= _FEW else list(names[: _FEW - 1])
    more = [f"{len(names) - len(shown)} more"] if len(names) > len(shown) else []
    return ", ".join([*shown, *more])


def _conclusion(results: Sequence[HostResult]) -> str:
    fine = [each for each in results if each.is_fine]
    pending, others = [each for each in fine if each.pending], len(results) - len(fine)
    told = f"{counted(results)}: {len(pending)} with changes, {len(fine) - len(pending)} in sync"
    return f"{told}, {others} not known to be in sync." if others else f"{told}."


def applied_text(results: Sequence[HostResult], not_begun: Sequence[str]) -> Iterator[str]:
    """What became of each host of an apply: one line for those that are done, and one for each of the others."""
    done = [each.host for each in results if each.is_fine and each.changed]
    still = [each.host for each in results if each.is_fine and not each.changed]
    if done:
        yield f"Applied on {counted(done)}: {', '.join(done)}"
    if still:
        yield f"Nothing to do on {counted(still)}: {', '.join(still)}"
    for each in results:
        if not each.is_fine:
            yield f"{each.host}: {each.outcome.value}: {one_line(each.said or 'no reason was given')}"
    if not_begun:
        yield f"Not begun: {', '.join(not_begun)}"
    unknown = [each.host for each in results if each.outcome is HostOutcome.UNKNOWN]
    if unknown:
        yield f"  -> see what runs there: reconciler fleet status --limit {','.join(unknown)}"
