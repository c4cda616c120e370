"""Find other programs that listen on a port of the broker."""

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
    """Describe the programs on a port; empty when there are none, or when one of them may be the broker."""
    return " and ".join(_described(listener, words) for listener, words in _others(broker, processes, port))


def in_its_place(broker: Broker, processes: Processes) -> str:
    """Describe, as a sentence, what answers in place of a broker that does not run; empty when nothing does."""
    for listener in broker.listeners:
        found = _others(broker, processes, listener.port)
        if found:
            who = "; ".join(_described_in_brackets(other, words) for other, words in found)
            return f"something else ({who}) answers on port {listener.port}"
    return ""


def _others(broker: Broker, processes: Processes, port: int) -> list[tuple[ListeningProcess, tuple[str, ...]]]:
    """The programs on a port with their command lines; none when one of them may be the broker."""
    found = [(each, processes.words(each.pid)) for each in processes.listeners(port)]
    return [] if any(_may_be(broker, listener, words) for listener, words in found) else found


def shows_our_certificate(connection: Connection) -> bool:
    """Whether the program that answers has a certificate of the broker's CA: it may be a tunnel to the broker."""
    try:
        context = client_context(connection)
        context.check_hostname = False
        handshake(connection, context, connection.host, _PATIENCE)
    except ReconcilerError:
        return False
    return True


def conflict_diagnostic(broker: Broker, said: str) -> Diagnostic:
    """The error for the user when another program answers for the broker."""
    summary = f"{broker.address} does not run; {said}"
    return Diagnostic(
        severity=Severity.ERROR, summary=summary, detail="", fix=END_IT, address=str(broker.address), place=broker.place
    )


def proof_of(broker: Broker, said: str) -> tuple[Probe, ...]:
    """The probes when another program answers: one failure, and one line for all probes that were not made."""
    expected = f"{broker.address} answers on its own port"
    fix = f"{END_IT}; then: reconciler broker run --background"
    rest = f"no other probe was made: it would say nothing about {broker.address}"
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
    """Whether a process may be the broker: it has its files, or forwards to its container (as root, dockerd(8))."""
    return layout.conf_path(broker.directory) in words or (broker.target is Target.DOCKER and listener.user == 0)


def _described(listener: ListeningProcess, words: tuple[str, ...]) -> str:
    """Name a process to the user, without its arguments: they may have secrets."""
    who = f"user {program.user_name(listener.user)}"
    return f"{os.path.basename(words[0])} (pid {listener.pid}, {who})" if words else f"a process of {who}"


def _described_in_brackets(listener: ListeningProcess, words: tuple[str, ...]) -> str:
    """Name a process inside brackets."""
    who = f"user {program.user_name(listener.user)}"
    return f"pid {listener.pid}, {os.path.basename(words[0])}, {who}" if words else f"a process of {who}"
