"""Sort drift into accepted and new: a manifest can accept known drift until a date."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from reconciler.model.desired import Accept
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.plan import AcceptedDrift, Drift


class DriftVerdict(Struct, frozen=True):
    """The drift that was found, and how the manifests' `accept` entries apply to it."""

    drift: tuple[Drift, ...]
    """Drift that no valid entry accepts."""
    accepted: tuple[AcceptedDrift, ...]
    expired: tuple[Accept, ...]
    """Entries that would accept some drift, but whose `until` is past."""
    unused: tuple[Accept, ...]
    """Entries that match no drift."""


def judge_drift(found: Sequence[Drift], accepts: Sequence[Accept], now: str) -> DriftVerdict:
    """Match the drift with the `accept` entries; `now` is UTC, ISO 8601."""
    valid = [each for each in accepts if now[:10] <= each.until]
    past = [each for each in accepts if each not in valid]
    accepted = tuple(AcceptedDrift(drift, by) for drift in found for by in _covering(drift, valid))
    hidden = [each.drift for each in accepted]
    return DriftVerdict(
        drift=tuple(drift for drift in found if drift not in hidden),
        accepted=accepted,
        expired=tuple(each for each in past if any(_covers(each, drift) for drift in found)),
        unused=tuple(each for each in accepts if not any(_covers(each, drift) for drift in found)),
    )


def _covering(drift: Drift, accepts: Iterable[Accept]) -> list[Accept]:
    """The first entry that covers the drift, in a list; an empty list when none does."""
    return next(([each] for each in accepts if _covers(each, drift)), [])


def _covers(accept: Accept, drift: Drift) -> bool:
    names = {drift.session, *([str(drift.address)] if drift.address else [])}
    return accept.address in names and accept.path in {drift.kind, drift.path}


def expiries(expired: Iterable[Accept]) -> Iterator[Diagnostic]:
    """A warning for every entry whose `until` is past."""
    for each in expired:
        yield Diagnostic(
            severity=Severity.WARNING,
            summary=f"drift {each.path} of {each.address} was accepted until {each.until}",
            detail=f"by {each.owner}: {each.why}",
            fix="settle the drift and remove the entry, or set a later `until`",
            address=each.address,
            place=each.place,
        )


def useless(unused: Iterable[Accept]) -> Iterator[Diagnostic]:
    """An error for every entry that matches no drift: it would hide the next drift of its kind."""
    for each in unused:
        yield Diagnostic(
            severity=Severity.ERROR,
            summary=f"there is no drift {each.path} of {each.address} to accept",
            detail=f"accepted by {each.owner}: {each.why}",
            fix="remove the entry, or correct its `address` and `path`",
            address=each.address,
            place=each.place,
        )
