"""Warn about job records that other tools wrote: one warning for each kind of problem, with a fix. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from reconciler.model.adoption import Assumption, OlderShape
from reconciler.model.diagnostic import Diagnostic, Place, Severity

from .older import NOTHING
from .reading import Recorded

_MOST = 6  # assumptions that are listed; the rest are counted
_TOKEN = "auth_token"  # noqa: S105 - the name of a key


def record_warnings(found: Iterable[Recorded]) -> tuple[Diagnostic, ...]:
    """Warnings about assumed values, events that cannot be verified, and passwords in plain text."""
    jobs = list(found)
    return (*_assumed_values(jobs), *_unverifiable(jobs), *_plain_logins(jobs))


def _assumed_values(jobs: Sequence[Recorded]) -> Iterator[Diagnostic]:
    about = [each for job in jobs for each in job.assumptions if each.shape is OlderShape.JOB_RECORD]
    count = len({each.place.file for each in about})
    if about:
        yield Diagnostic(
            Severity.WARNING,
            f"{_records(count)} of other scripts: what {'it does' if count == 1 else 'they do'} not say is assumed",
            detail="; ".join(_listed(about)),
            fix="leave it so, or add the keys: see docs/jobs.md, Records of the original scripts",
            place=about[0].place,
        )


def _listed(about: Sequence[Assumption]) -> Iterator[str]:
    missing = list(dict.fromkeys(each.subject for each in about if each.found == NOTHING))
    if missing:
        yield f"missing: {', '.join(missing)}"
    said = (each for each in about if each.found != NOTHING)
    others = list(dict.fromkeys(f"{each.subject}: {each.found} -> {each.assumed}" for each in said))
    yield from others[:_MOST]
    if len(others) > _MOST:
        yield f"and {len(others) - _MOST} more"


def _unverifiable(jobs: Sequence[Recorded]) -> Iterator[Diagnostic]:
    silent = [each for each in jobs if not each.job.auth_token and not each.job.ended]
    if silent:
        job_id = silent[0].job.id
        yield Diagnostic(
            Severity.WARNING,
            f"{_open(len(silent))} no usable `auth_token`: no event of it can be verified, so none counts",
            detail="it ends when its record says so, or when its time is up",
            fix=f"reconciler job cancel --job {job_id}, then reconciler job retry {job_id}: the new job has a token",
            place=_place(silent[0], _TOKEN),
        )


def _plain_logins(jobs: Sequence[Recorded]) -> Iterator[Diagnostic]:
    plain = [each for each in jobs if each.job.broker.get("password")]
    if plain:
        yield Diagnostic(
            Severity.WARNING,
            f"{_records(len(plain), 'holds', 'hold')} the broker's password in plain text",
            fix="reconciler adopt --write moves it into a file that only you can read",
            place=_place(plain[0], "broker.password"),
        )


def _place(found: Recorded, key: str) -> Place | None:
    return next((each.place for each in found.assumptions if each.subject == key), None)


def _records(count: int, one: str = "is", many: str = "are") -> str:
    return f"1 job record {one}" if count == 1 else f"{count} job records {many}"


def _open(count: int) -> str:
    return "1 open job has" if count == 1 else f"{count} open jobs have"
