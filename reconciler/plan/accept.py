"""Which drift is no news, because a manifest accepts it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from reconciler.model.desired import Accept
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.plan import AcceptedDrift, Drift


class DriftVerdict(Struct, frozen=True):
    """What was found, told apart: `drift` is news, and what is `accepted` is not.

    `expired` would accept something, but its time is over; `unused` accepts nothing that was found.
    """

    drift: tuple[Drift, ...]
    accepted: tuple[AcceptedDrift, ...]
    expired: tuple[Accept, ...]
    unused: tuple[Accept, ...]


def judge_drift(found: Sequence[Drift], accepts: Sequence[Accept], now: str) -> DriftVerdict:
    """Hold what was found against what is accepted; `now` is UTC, ISO 8601."""
    valid = [each for each in accepts if now[:10] <= each.until]
    over = [each for each in accepts if each not in valid]
    accepted = tuple(AcceptedDrift(drift, by) for drift in found for by in _covering(drift, valid))
    silent = [each.drift for each in accepted]
    return DriftVerdict(
        drift=tuple(drift for drift in found if drift not in silent),
        accepted=accepted,
        expired=tuple(each for each in over if any(_covers(each, drift) for drift in found)),
        unused=tuple(each for each in accepts if not any(_covers(each, drift) for drift in found)),
    )


def _covering(drift: Drift, accepts: Iterable[Accept]) -> list[Accept]:
    """The first of them that covers the drift, alone."""
    return next(([each] for each in accepts if _covers(each, drift)), [])


def _covers(accept: Accept, drift: Drift) -> bool:
    names = {drift.session, *([str(drift.address)] if drift.address else [])}
    return accept.address in names and accept.path in {drift.kind, drift.path}


def expiries(expired: Iterable[Accept]) -> Iterator[Diagnostic]:
    """A word about everything whose time is over."""
    for each in expired:
        yield Diagnostic(
            severity=Severity.WARNING,
            summary=f"drift {each.path} of {each.address} was accepted until {each.until}",
            detail=f"by {each.owner}: {each.why}",
            fix="settle it and remove the entry, or set a later `until`",
            address=each.address,
            place=each.place,
        )


def useless(unused: Iterable[Accept]) -> Iterator[Diagnostic]:
    """A mistake for everything that accepts nothing: it would hide the next drift of its kind."""
    for each in unused:
        yield Diagnostic(
            severity=Severity.ERROR,
            summary=f"there is no drift {each.path} of {each.address} to accept",
            detail=f"accepted by {each.owner}: {each.why}",
            fix="remove the entry, or correct its `address` and `path`",
            address=each.address,
            place=each.place,
        )
