"""The broker's process: found, started so that it outlives the terminal, reloaded, stopped.

A process is only ever signalled when it is the one that was started: its id and its start time are
kept, as ids are used again. Until they are, its command line tells it, which names a file of ours.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from msgspec import Struct, to_builtins
from msgspec.structs import replace

from reconciler.broker.files import layout, sets
from reconciler.broker.files.effect import Fingerprints, prints
from reconciler.broker.files.file_set import File
from reconciler.broker.files.layout import SWAPPED
from reconciler.model.broker import Broker, Listener
from reconciler.model.errors import ReconcilerError, Refused
from reconciler.model.observed import ABSENT, Absent, Observed, Present, Unknown
from reconciler.model.read_json import read_json
from reconciler.model.shaped import shaped, table
from reconciler.ports import lockfile, own_files
from reconciler.ports.world import Clock, Processes

from .port_conflicts import conflict_diagnostic, in_its_place
from .program import PROGRAM

_PATIENCE = 10.0  # seconds; a big database takes a while to be read and written
_READING = 5.0  # a signal is handled within a turn of the broker's loop; a busy machine lets it wait
_MOMENT = 0.2
_PAUSE = 0.02
_LAST_LINES = 5
_ANYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what is asked, not what is bound
_PORT_FIXES = {
    errno.EADDRINUSE: "end the program that has the port, or choose another one with --port",
    errno.EACCES: "choose a port above 1023",
}


class Running(Struct, frozen=True):
    """The broker's process, and what it has read of its files."""

    pid: int
    started: int
    boot: str
    read: Fingerprints


class Machine(Struct, frozen=True):
    """The doors to this machine's processes and time."""

    processes: Processes
    clock: Clock


def running(directory: str, processes: Processes) -> Observed[Running]:
    """The broker that was started in this directory, if it is that very process that runs now."""
    found = _written(directory, processes)
    return _unwritten(directory, processes) if isinstance(found, Absent) else found


def pid_of(directory: str, processes: Processes) -> Observed[int]:
    """The pid of the same broker."""
    found = running(directory, processes)
    return Present(found.value.pid) if isinstance(found, Present) else found


def start(broker: Broker, program: str, machine: Machine) -> Running:
    """Start the broker in the background, and see that it answers on every port.

    Raises:
        Refused: It runs already.
        ReconcilerError: It does not start; with the last lines of its log.
    """
    directory = broker.directory
    with lockfile.one_at_a_time(os.path.join(directory, layout.RUN)):
        _ready(broker, machine)
        read = _prints(directory)
        pid = _spawn(program, directory)
        process = _remember(directory, pid, read, machine)
        try:
            _wait_until_up(broker, process, machine)
        except ReconcilerError:
            _end(process, machine)
            raise
    return process


def run(broker: Broker, program: str, machine: Machine) -> NoReturn:
    """Become the broker, in the foreground: its log goes to the terminal, Ctrl-C ends it.

    Raises:
        Refused: It runs already.
        ReconcilerError: A port is taken, or the program cannot be run.
    """
    directory = broker.directory
    with lockfile.one_at_a_time(os.path.join(directory, layout.RUN)):
        _ready(broker, machine)
        _remember(directory, os.getpid(), _prints(directory), machine)
    os.execv(program, _words(directory))  # noqa: S606 - the point: same pid, no shell


def reload(broker: Broker, machine: Machine) -> Running:
    """Let the running broker read its files again, and see that it answers still.

    The files must have been checked: Mosquitto 2.1 ends at a bad one. What is read at a start only
    stays unread, and is told so by `effect.unread`.

    Raises:
        ReconcilerError: It does not run, has ended, or has complained; with its words.
    """
    process = expect_running(broker.directory, machine)
    read = replace(process.read, reload=_prints(broker.directory).reload)
    log = _log_size(broker.directory)
    os.kill(process.pid, signal.SIGHUP)
    _wait_until_it_reads(broker, log, process, machine)
    _wait_until_up(broker, process, machine)  # its loop goes on when it has read everything
    complaints = [line for line in _log_lines(broker.directory, log) if ": Error" in line]
    if complaints:
        raise ReconcilerError(
            "the broker has complained while it was reading its files again",
            detail="\n".join(complaints),
            fix="reconciler broker init shows and mends what is wrong with them",
        )
    return _remember(broker.directory, process.pid, read, machine)


def stop(directory: str, machine: Machine) -> bool:
    """See that the broker has ended, with its database written; False when none was running.

    Raises:
        ReconcilerError: It does not end, or cannot be looked at.
    """
    found = running(directory, machine.processes)
    if isinstance(found, Unknown):
        raise ReconcilerError(f"cannot tell whether the broker runs: {found.reason}")
    if isinstance(found, Present):
        _end(found.value, machine)
    lockfile.remove(layout.pid_path(directory))
    return isinstance(found, Present)


def kill(directory: str, machine: Machine) -> None:
    """End the broker as a crash does: what it has not written is lost.

    Raises:
        ReconcilerError: It does not run, does not end, or cannot be looked at.
    """
    _end(expect_running(directory, machine), machine, signal.SIGKILL)


def _end(process: Running, machine: Machine, how: signal.Signals = signal.SIGTERM) -> None:
    def gone() -> bool:
        """Ask again and again: Mosquitto 2.1 forgets a SIGTERM that comes while it starts."""
        if not _lives(process, machine):
            return True
        with suppress(ProcessLookupError):
            os.kill(process.pid, how)
        return False

    if not _wait(gone, machine):
        raise ReconcilerError(
            f"the broker (pid {process.pid}) has not ended in {_PATIENCE:.0f} s",
            fix=f"it may be writing a large database: wait, or lose what is not written with kill -9 {process.pid}",
        )


def _ready(broker: Broker, machine: Machine) -> None:
    for place in SWAPPED:
        sets.recover(broker.directory, place)
    match running(broker.directory, machine.processes):
        case Present(process):
            raise Refused(f"the broker runs already (pid {process.pid})", fix="reconciler broker stop")
        case Unknown(reason):
            raise ReconcilerError(f"cannot tell whether the broker runs: {reason}")
        case Absent():
            pass
    for listener in broker.listeners:
        try:
            _expect_free(listener)
        except ReconcilerError as error:
            other = in_its_place(broker, machine.processes)
            if not other:
                raise
            said = conflict_diagnostic(broker, other)
            raise ReconcilerError(said.summary, detail=error.summary, fix=said.fix) from error


def _expect_free(listener: Listener) -> None:
    try:
        kind, _, _, _, address = socket.getaddrinfo(
            listener.bind or None, listener.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(kind, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Mosquitto does
            probe.bind(address)
    except OSError as error:
        raise ReconcilerError(
            f"the broker cannot listen on port {listener.port}{' of ' + listener.bind if listener.bind else ''}: "
            f"{error.strerror}",
            fix=_PORT_FIXES.get(error.errno or 0, "correct the listener's address"),
        ) from error


def _spawn(program: str, directory: str) -> int:
    """The pid of a broker in a session of its own: the end of our terminal is nothing to it."""
    log = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
    try:
        return os.posix_spawn(
            program,
            _words(directory),
            {"PATH": os.defpath, **{name: os.environ[name] for name in ("TZ", "LANG") if name in os.environ}},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, layout.log_path(directory), log, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
        )
    except OSError as error:
        raise ReconcilerError(f"{program} cannot be started: {error.strerror}") from error


def _remember(directory: str, pid: int, read: Fingerprints, machine: Machine) -> Running:
    seen = machine.processes.started(pid)
    process = Running(pid, seen.value if isinstance(seen, Present) else 0, lockfile.current_namespace().boot, read)
    sets.write(layout.pid_path(directory), File(json.dumps(to_builtins(process)).encode()))
    return process


def _understood(data: bytes) -> Running | None:
    try:
        content = table(read_json(data))
        return shaped(Running, content, read=shaped(Fingerprints, content.get("read")))
    except ValueError:
        return None


def _still(known: Running | None, directory: str, processes: Processes) -> Observed[Running]:
    if known is None or known.boot != lockfile.current_namespace().boot:
        return ABSENT
    match processes.started(known.pid):
        case Present(started):
            ours = started == known.started and not _reads_another(known.pid, directory, processes)
            return Present(known) if ours else ABSENT
        case Absent() | Unknown() as answer:
            return answer


def _reads_another(pid: int, directory: str, processes: Processes) -> bool:
    """Whether the broker was started on the files of another folder, which this one was copied from.

    The path in its command line leads nowhere when this folder was renamed since.
    """
    words = processes.words(pid)
    if words[:-1] != _words(directory)[:-1] or not os.path.exists(words[-1]):
        return False
    conf = layout.conf_path(directory)
    return not (os.path.exists(conf) and os.path.samefile(words[-1], conf))


def _written(directory: str, processes: Processes) -> Observed[Running]:
    match lockfile.read(layout.pid_path(directory)):
        case Present(data):
            return _still(_understood(data), directory, processes)
        case Absent() | Unknown() as answer:
            return answer


def _unwritten(directory: str, processes: Processes) -> Observed[Running]:
    """A broker whose starter was killed before it wrote the pid down; nobody knows what it has read."""
    for pid in processes.started_with(_words(directory)):
        started = processes.started(pid)
        if isinstance(started, Present):
            return Present(Running(pid, started.value, lockfile.current_namespace().boot, Fingerprints("", "")))
    return ABSENT


def _words(directory: str) -> tuple[str, ...]:
    """What a broker is started with; no other process is."""
    return PROGRAM, "-c", layout.conf_path(directory)


def expect_running(directory: str, machine: Machine) -> Running:
    """The broker that was started in this directory; ReconcilerError when it does not run, or nobody can tell."""
    match running(directory, machine.processes):
        case Present(process):
            return process
        case Absent():
            raise ReconcilerError("the broker does not run", fix="reconciler broker run --background")
        case Unknown(reason):
            raise ReconcilerError(f"cannot tell whether the broker runs: {reason}")


def _wait_until_it_reads(broker: Broker, log: int, process: Running, machine: Machine) -> None:
    """Mosquitto says when it begins to read; where its log is elsewhere, it is waited for no longer than a moment."""

    def begun() -> bool:
        lines = _log_lines(broker.directory, log)
        return not _lives(process, machine) or any("Reloading config" in line for line in lines)

    _wait(begun, machine, _READING if log else _MOMENT)


def _wait_until_up(broker: Broker, process: Running, machine: Machine) -> None:
    def settled() -> bool:
        return not _lives(process, machine) or all(_answers(listener) for listener in broker.listeners)

    up = _wait(settled, machine) and _lives(process, machine)
    if not up:
        raise ReconcilerError(
            "the broker does not answer" if _lives(process, machine) else "the broker has ended",
            detail="\n".join(_log_lines(broker.directory, 0)[-_LAST_LINES:]),
            fix=f"look into {layout.log_path(broker.directory)}",
        )


def _answers(listener: Listener) -> bool:
    """Whether the broker's loop completes a TLS handshake; whose certificate it shows is not the question here."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    address = _ANYWHERE.get(listener.bind, listener.bind), listener.port
    try:
        with socket.create_connection(address, timeout=1) as plain, context.wrap_socket(plain):
            return True
    except OSError:
        return False


def _lives(process: Running, machine: Machine) -> bool:
    with suppress(ChildProcessError):  # when we are its parent, its end must be taken note of
        os.waitpid(process.pid, os.WNOHANG)
    seen = machine.processes.started(process.pid)
    return isinstance(seen, Unknown) or seen == Present(process.started)


def _wait(condition: Callable[[], bool], machine: Machine, seconds: float = _PATIENCE) -> bool:
    deadline = machine.clock.monotonic() + seconds
    while not condition():
        if machine.clock.monotonic() >= deadline:
            return False
        machine.clock.wait(_PAUSE)
    return True


def _prints(directory: str) -> Fingerprints:
    return prints(sets.look(directory, layout.SET)[0])


def _log_size(directory: str) -> int:
    with suppress(OSError):
        return os.stat(layout.log_path(directory)).st_size
    return 0


def _log_lines(directory: str, offset: int) -> list[str]:
    """The lines of the log from an offset in bytes on; none when the broker runs in a terminal."""
    with suppress(OSError), own_files.regular(layout.log_path(directory)) as log:
        log.seek(offset)
        return log.read().decode("utf-8", "replace").splitlines()
    return []
