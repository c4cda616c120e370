"""The broker: whether there is one, its files, its process, its certificates, and whether it answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from reconciler.app.doctor.facts import BrokerFacts, MachineFacts
from reconciler.model.broker import Connection, Survey, Target
from reconciler.model.broker_status import BrokerStatus
from reconciler.model.checkup import CheckName, CheckResult
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.moment import to_day
from reconciler.model.observed import Absent, Observed, Present, Unknown
from reconciler.ports.tls import Peer

from .results import diagnosed, error, note, ok, some, unknown, warning

_WEEK = timedelta(days=7)
_ROTATE = "reconciler broker rotate server"


def broker(facts: MachineFacts) -> Iterator[CheckResult]:
    """The broker that jobs use, if there is one."""
    found = facts.broker
    yield _way(found)
    match found.status:
        case Present(status):
            yield from _made(status, found.mistakes)
        case Unknown() as why:
            yield error(CheckName.BROKER_FILES, "the files of the broker cannot be used", why.reason, why.fix)
    if isinstance(found.way, Present):
        yield from _answers(found, found.way.value, facts.clock.now)


def _way(found: BrokerFacts) -> CheckResult:
    name = CheckName.BROKER
    match found.declared, found.way:
        case Unknown() as why, _:
            return unknown(name, "it is not known which broker jobs use", why)
        case _, Unknown() as why:
            return error(name, "no client can use the broker", why.reason, why.fix)
        case _, Absent():
            return ok(name, "no broker: the events of jobs go through files of the project")
        case Present(declared), Present(way):
            return ok(name, f"{declared.address} at {way.host}:{way.port}{_tls(way)}")
        case _, Present(way):
            return _named(way)


def _named(way: Connection) -> CheckResult:
    what = f"MQTT_BROKER names {way.host}:{way.port}{_tls(way)}"
    if way.tls:
        return ok(CheckName.BROKER, what)
    detail = "anyone on the network path can read and forge the events"
    return warning(CheckName.BROKER, what, detail, "set MQTT_TLS=1, or make a broker: reconciler broker init")


def _tls(way: Connection) -> str:
    return ", with TLS" if way.tls else ", without TLS"


def _made(status: BrokerStatus, mistakes: Observed[tuple[Diagnostic, ...]]) -> Iterator[CheckResult]:
    """The files and the process of a broker that reconciler made."""
    if not status.survey.made:
        fix = "reconciler apply, or reconciler broker init"
        yield error(CheckName.BROKER_FILES, f"{status.broker.address} has no files yet", fix=fix)
        return
    fine = ok(CheckName.BROKER_FILES, f"the files in {status.broker.directory} are in order")
    yield from list(_files(status.survey, mistakes)) or [fine]
    yield from _process(status)
    yield from _certificates(status)


def _files(survey: Survey, mistakes: Observed[tuple[Diagnostic, ...]]) -> Iterator[CheckResult]:
    """What is wrong with the files: with those on disk, and with those that the settings would give."""
    name, again = CheckName.BROKER_FILES, "reconciler apply, or reconciler broker init"
    if isinstance(mistakes, Unknown):
        yield unknown(name, "the files of the broker could not be checked", mistakes)
    found = mistakes.value if isinstance(mistakes, Present) else ()
    yield from (diagnosed(name, each) for each in dict.fromkeys((*found, *survey.problems)))
    if survey.edited:
        fix = f"reconciler broker status shows what; {again} writes them again"
        yield warning(name, "files of the broker were edited by hand", some(survey.edited), fix)
    elif survey.changes and not found:
        detail = some(list(dict.fromkeys(change.path for change in survey.changes)))
        yield warning(name, "the files of the broker differ from its settings", detail, again)


def _process(status: BrokerStatus) -> Iterator[CheckResult]:
    name, found = CheckName.BROKER_RUNS, status.process
    if status.broker.target is not Target.PROCESS:
        yield note(name, f"{status.broker.address} is run by {status.broker.target}", "so reconciler does not see it")
    elif isinstance(found, Present):
        yield ok(name, f"{status.broker.address} runs (pid {found.value})")
    elif isinstance(found, Unknown):
        yield unknown(name, f"it is not known whether {status.broker.address} runs", found)
    elif status.stranger:
        yield diagnosed(name, status.stranger)
    else:
        yield error(name, f"{status.broker.address} does not run", fix="reconciler broker run --background")


def _certificates(status: BrokerStatus) -> Iterator[CheckResult]:
    name = CheckName.CERTIFICATES
    for each in status.certificates:
        what = f"the certificate {each.path} ({each.kind})"
        fix = f"reconciler broker rotate {each.kind}"
        if each.expired:
            yield error(name, f"{what} expired on {to_day(each.not_after)}", fix=fix)
        elif each.due:
            yield warning(name, f"{what} expires on {to_day(each.not_after)}", "in less than a third of its life", fix)
    if status.certificates and not any(each.expired or each.due for each in status.certificates):
        first = status.certificates[0]
        yield ok(name, f"no certificate expires before {to_day(first.not_after)}")


def _answers(found: BrokerFacts, way: Connection, now: datetime) -> Iterator[CheckResult]:
    """Whether it answers. A broker of ours that does not run was reported as that already."""
    name, answer, at = CheckName.BROKER_ANSWER, found.answer, f"{way.host}:{way.port}"
    if isinstance(answer, Unknown) and not _rests(found.status):
        yield error(name, f"{at} cannot be used", answer.reason, answer.fix)
    if isinstance(answer, Present):
        yield ok(name, f"{at} answers{_shown(answer.value)}")
    if isinstance(answer, Present) and answer.value and not isinstance(found.status, Present):
        yield from _expiry(answer.value, now)


def _rests(status: Observed[BrokerStatus]) -> bool:
    return isinstance(status, Present) and isinstance(status.value.process, Absent) and not status.value.stranger


def _shown(peer: Peer | None) -> str:
    return f" ({peer.version}, certificate until {to_day(_until(peer))})" if peer else ""


def _expiry(peer: Peer, now: datetime) -> Iterator[CheckResult]:
    if _until(peer) - now < _WEEK:
        yield warning(CheckName.CERTIFICATES, "the certificate of the broker expires within a week", fix=_ROTATE)


def _until(peer: Peer) -> datetime:
    return datetime.fromtimestamp(peer.not_after, UTC)
