"""Find, start, reload and stop the broker's process. It keeps running when the terminal closes.

Only the process that we started gets signals. Pids are reused, so its start time is stored with its pid. Before both
are stored, its command line identifies it, because that names a file of ours.
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

_PATIENCE = 10.0  # seconds; a large database takes time to read and write
_READING = 5.0  # seconds; the broker handles a signal at once, but a busy machine may delay it
_MOMENT = 0.2
_PAUSE = 0.02
_LAST_LINES = 5
_ANYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what is asked, not what is bound
_PORT_FIXES = {
    errno.EADDRINUSE: "end the program that uses the port, or choose another port with --port",
    errno.EACCES: "choose a port above 1023",
}


class Running(Struct, frozen=True):
    """The broker's process, and the digests of the files that it has read."""

    pid: int
    started: int
    boot: str
    read: Fingerprints


class Machine(Struct, frozen=True):
    """The ports to this machine's processes and time."""

    processes: Processes
    clock: Clock


def running(directory: str, processes: Processes) -> Observed[Running]:
    """The running broker that was started in this directory."""
    found = _stored_process(directory, processes)
    return _process_by_command_line(directory, processes) if isinstance(found, Absent) else found


def pid_of(directory: str, processes: Processes) -> Observed[int]:
    """The pid of the running broker that was started in this directory."""
    found = running(directory, processes)
    return Present(found.value.pid) if isinstance(found, Present) else found


def start(broker: Broker, program: str, machine: Machine) -> Running:
    """Start the broker in the background, and wait until it answers on every port.

    Raises:
        Refused: It runs already.
        ReconcilerError: It does not start; the message has the last lines of its log.
    """
    directory = broker.directory
    with lockfile.one_at_a_time(os.path.join(directory, layout.RUN)):
        _prepare(broker, machine)
        read = _fingerprints(directory)
        pid = _spawn(program, directory)
        process = _remember(directory, pid, read, machine)
        try:
            _wait_until_up(broker, process, machine)
        except ReconcilerError:
            _end(process, machine)
            raise
    return process


def run(broker: Broker, program: str, machine: Machine) -> NoReturn:
    """Replace this process by the broker, in the foreground: its log goes to the terminal, Ctrl-C ends it.

    Raises:
        Refused: It runs already.
        ReconcilerError: A port is taken, or the program cannot be run.
    """
    directory = broker.directory
    with lockfile.one_at_a_time(os.path.join(directory, layout.RUN)):
        _prepare(broker, machine)
        _remember(directory, os.getpid(), _fingerprints(directory), machine)
    os.execv(program, _words(directory))  # noqa: S606 - the point: same pid, no shell


def reload(broker: Broker, machine: Machine) -> Running:
    """Make the running broker read its files again, and check that it still answers.

    The files must have been checked before: Mosquitto 2.1 exits on a bad one. Settings that are read only at a start
    remain unread; `effect.unread` reports them.

    Raises:
        ReconcilerError: It does not run, has ended, or has logged errors; the message has them.
    """
    process = expect_running(broker.directory, machine)
    read = replace(process.read, reload=_fingerprints(broker.directory).reload)
    log = _log_size(broker.directory)
    os.kill(process.pid, signal.SIGHUP)
    _wait_until_it_reads(broker, log, process, machine)
    _wait_until_up(broker, process, machine)  # it answers again when it has read everything
    complaints = [line for line in _log_lines(broker.directory, log) if ": Error" in line]
    if complaints:
        raise ReconcilerError(
            "the broker has logged errors while it read its files again",
            detail="\n".join(complaints),
            fix="to see and correct what is wrong with the files: reconciler broker init",
        )
    return _remember(broker.directory, process.pid, read, machine)


def stop(directory: str, machine: Machine) -> bool:
    """Stop the broker and wait until it has written its database and ended. False when none was running.

    Raises:
        ReconcilerError: It does not end, or cannot be checked.
    """
    found = running(directory, machine.processes)
    if isinstance(found, Unknown):
        raise ReconcilerError(f"cannot tell whether the broker runs: {found.reason}")
    if isinstance(found, Present):
        _end(found.value, machine)
    lockfile.remove(layout.pid_path(directory))
    return isinstance(found, Present)


def kill(directory: str, machine: Machine) -> None:
    """Kill the broker, as in a crash: what it has not written is lost.

    Raises:
        ReconcilerError: It does not run, does not end, or cannot be checked.
    """
    _end(expect_running(directory, machine), machine, signal.SIGKILL)


def _end(process: Running, machine: Machine, how: signal.Signals = signal.SIGTERM) -> None:
    def gone() -> bool:
        """Send the signal at each call: Mosquitto 2.1 ignores a SIGTERM that comes while it starts."""
        if not _is_running(process, machine):
            return True
        with suppress(ProcessLookupError):
            os.kill(process.pid, how)
        return False

    if not _wait(gone, machine):
        raise ReconcilerError(
            f"the broker (pid {process.pid}) has not ended in {_PATIENCE:.0f} s",
            fix=f"it may be writing a large database: wait, or lose unwritten events: kill -9 {process.pid}",
        )


def _prepare(broker: Broker, machine: Machine) -> None:
    for place in SWAPPED:
        sets.recover(broker.directory, place)
    match running(broker.directory, machine.processes):
        case Present(process):
            raise Refused(f"the broker runs already (pid {process.pid})", fix="to stop it: reconciler broker stop")
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
    """Start the broker in its own session, so that it survives the end of the terminal; its pid."""
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


def _if_still_running(known: Running | None, directory: str, processes: Processes) -> Observed[Running]:
    if known is None or known.boot != lockfile.current_namespace().boot:
        return ABSENT
    match processes.started(known.pid):
        case Present(started):
            ours = started == known.started and not _reads_another(known.pid, directory, processes)
            return Present(known) if ours else ABSENT
        case Absent() | Unknown() as answer:
            return answer


def _reads_another(pid: int, directory: str, processes: Processes) -> bool:
    """Whether the broker was started with the files of another folder, and this one is a copy of that.

    If this folder was renamed, the path in the command line does not exist, and the broker is ours.
    """
    words = processes.words(pid)
    if words[:-1] != _words(directory)[:-1] or not os.path.exists(words[-1]):
        return False
    conf = layout.conf_path(directory)
    return not (os.path.exists(conf) and os.path.samefile(words[-1], conf))


def _stored_process(directory: str, processes: Processes) -> Observed[Running]:
    match lockfile.read(layout.pid_path(directory)):
        case Present(data):
            return _if_still_running(_understood(data), directory, processes)
        case Absent() | Unknown() as answer:
            return answer


def _process_by_command_line(directory: str, processes: Processes) -> Observed[Running]:
    """Find a broker whose starter was killed before it stored the pid; it is not known what the broker has read."""
    for pid in processes.started_with(_words(directory)):
        started = processes.started(pid)
        if isinstance(started, Present):
            return Present(Running(pid, started.value, lockfile.current_namespace().boot, Fingerprints("", "")))
    return ABSENT


def _words(directory: str) -> tuple[str, ...]:
    """The command line of this broker; no other process has it."""
    return PROGRAM, "-c", layout.conf_path(directory)


def expect_running(directory: str, machine: Machine) -> Running:
    """The running broker of this directory. Raises ReconcilerError when it does not run, or that is not known."""
    match running(directory, machine.processes):
        case Present(process):
            return process
        case Absent():
            raise ReconcilerError("the broker is not running", fix="start it: reconciler broker run --background")
        case Unknown(reason):
            raise ReconcilerError(f"cannot tell whether the broker runs: {reason}")


def _wait_until_it_reads(broker: Broker, log: int, process: Running, machine: Machine) -> None:
    """Wait until Mosquitto logs that it reads its files; without a log to read, wait only a moment."""

    def begun() -> bool:
        lines = _log_lines(broker.directory, log)
        return not _is_running(process, machine) or any("Reloading config" in line for line in lines)

    _wait(begun, machine, _READING if log else _MOMENT)


def _wait_until_up(broker: Broker, process: Running, machine: Machine) -> None:
    def settled() -> bool:
        return not _is_running(process, machine) or all(_answers(listener) for listener in broker.listeners)

    up = _wait(settled, machine) and _is_running(process, machine)
    if not up:
        raise ReconcilerError(
            "the broker does not answer" if _is_running(process, machine) else "the broker has ended",
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


def _is_running(process: Running, machine: Machine) -> bool:
    with suppress(ChildProcessError):  # if we are its parent, we must collect its exit status
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


def _fingerprints(directory: str) -> Fingerprints:
    return prints(sets.look(directory, layout.SET)[0])


def _log_size(directory: str) -> int:
    with suppress(OSError):
        return os.stat(layout.log_path(directory)).st_size
    return 0


def _log_lines(directory: str, offset: int) -> list[str]:
    """The lines of the log after an offset in bytes; none when the broker runs in a terminal."""
    with suppress(OSError), own_files.regular(layout.log_path(directory)) as log:
        log.seek(offset)
        return log.read().decode("utf-8", "replace").splitlines()
    return []
