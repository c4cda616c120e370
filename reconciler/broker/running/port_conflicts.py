"""Programs that listen where a broker should, and are not that broker."""

from __future__ import annotations

import os

from reconciler.broker.files import layout
from reconciler.model.broker import Broker, Connection, Target
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.errors import ReconcilerError
from reconciler.model.proof import Probe, ProbeVerdict
from reconciler.ports.tls import client_context, handshake
from reconciler.ports.world import ListeningProcess, Processes

from . import program

_PATIENCE = 5.0  # seconds
END_IT = "end that program, or give the broker another port: in its block, or with `reconciler broker init --port`"


def other_listeners(broker: Broker, processes: Processes, port: int) -> str:
    """Who listens on a port, when none of them can be the broker; empty when it may be, or nobody is seen."""
    return " and ".join(_told(listener, words) for listener, words in _others(broker, processes, port))


def in_its_place(broker: Broker, processes: Processes) -> str:
    """What answers in place of a broker that does not run, as a sentence; empty when nothing does."""
    for listener in broker.listeners:
        found = _others(broker, processes, listener.port)
        if found:
            who = "; ".join(_named(other, words) for other, words in found)
            return f"something else ({who}) answers on port {listener.port}"
    return ""


def _others(broker: Broker, processes: Processes, port: int) -> list[tuple[ListeningProcess, tuple[str, ...]]]:
    """Who listens on a port, with their words; none when one of them may be the broker."""
    found = [(each, processes.words(each.pid)) for each in processes.listeners(port)]
    return [] if any(_may_be(broker, listener, words) for listener, words in found) else found


def shows_our_certificate(connection: Connection) -> bool:
    """Whether what answers has a certificate of the broker's CA: it may be a tunnel to the broker."""
    try:
        context = client_context(connection)
        context.check_hostname = False
        handshake(connection, context, connection.host, _PATIENCE)
    except ReconcilerError:
        return False
    return True


def conflict_diagnostic(broker: Broker, said: str) -> Diagnostic:
    """The same for the user, of a broker that does not run."""
    summary = f"{broker.address} does not run; {said}"
    return Diagnostic(
        severity=Severity.ERROR, summary=summary, detail="", fix=END_IT, address=str(broker.address), place=broker.place
    )


def proof_of(broker: Broker, said: str) -> tuple[Probe, ...]:
    """What a proof says when something else answers: one failure, and one line for all that was not tried."""
    expected = f"{broker.address} answers on its own port"
    fix = f"{END_IT}; then: reconciler broker run --background"
    rest = f"no other probe was made: it would tell nothing of {broker.address}"
    return (
        Probe(
            id="process.own",
            subject="",
            verdict=ProbeVerdict.FAIL,
            expected=expected,
            observed=conflict_diagnostic(broker, said).summary,
            fix=fix,
            seconds=0,
        ),
        Probe(id="rest", subject="", verdict=ProbeVerdict.SKIPPED, expected=expected, observed=rest, fix="", seconds=0),
    )


def _may_be(broker: Broker, listener: ListeningProcess, words: tuple[str, ...]) -> bool:
    """Whether a process may be the broker: it reads its files, or stands before a container (as root, dockerd(8))."""
    return layout.conf_path(broker.directory) in words or (broker.target is Target.DOCKER and listener.user == 0)


def _told(listener: ListeningProcess, words: tuple[str, ...]) -> str:
    """A process for the user; its further words may hold secrets."""
    who = f"user {program.user_name(listener.user)}"
    return f"{os.path.basename(words[0])} (pid {listener.pid}, {who})" if words else f"a process of {who}"


def _named(listener: ListeningProcess, words: tuple[str, ...]) -> str:
    """The same, where it stands in brackets."""
    who = f"user {program.user_name(listener.user)}"
    return f"pid {listener.pid}, {os.path.basename(words[0])}, {who}" if words else f"a process of {who}"
