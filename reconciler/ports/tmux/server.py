"""The tmux server behind one socket."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from reconciler.model.desired import Socket
from reconciler.model.errors import ReconcilerError, Refused, Unreachable
from reconciler.model.observed import ABSENT, Absent, Observed, Present, Unknown
from reconciler.model.snapshot import Pane, Room, TmuxState
from reconciler.ports.clock import RealClock
from reconciler.ports.processes import RealProcesses
from reconciler.ports.world import Failure, NewSession, Texts, Typed

from .bell import Bell
from .control import Answer, ControlClient
from .creation import born, creation, holder, objection, tags
from .handover import Handover
from .holders import Mark
from .language import command, literal, on_screen, sequence
from .leftovers import ENDING, Leftovers
from .room import open_files, room_of, room_of_a_new_one
from .rows import last_lines, parse_state, row_format

if TYPE_CHECKING:
    from libtmux import Pane as LibtmuxPane

ALLOWED_ENVIRONMENT = re.compile(
    r"HOME|PATH|SHELL|USER|LOGNAME|LANG|LC_\w+|TERM|TZ|TMPDIR|XDG_\w+|TMUX_TMPDIR|COLORTERM"
)
"""The variables that reach a tmux server that we start, and so all of its agents."""

_SECONDS = 10
_CURSOR = "#{pane_id} #{alternate_on} #{history_size} #{cursor_x} #{cursor_y}"  # numbers only: nobody else's words
_ONE_TURN = "0.001"  # seconds: the shortest timer, which ends in a later turn of tmux's loop
# The last one is a server without a session, on its way out.
_NO_SERVER = ("no server running", "(No such file or directory)", "(Connection refused)", "no current target")
_GONE = ("can't find", *_NO_SERVER)
_OBITUARY = "Pane is dead ("  # tmux's own words, below the last of the agent's
_OLDEST = (3, 2)


class RealTmux:
    """Every tmux process gets `-u` (a C locale garbles separators), a server, and a clean environment."""

    def __init__(self, socket: Socket, environment: Mapping[str, str]) -> None:
        """`environment` is the caller's; its $TMUX does not matter: no socket is the default server."""
        self._socket = socket if socket.path else Socket(name=socket.name or "default")
        self._environment = {k: v for k, v in environment.items() if ALLOWED_ENVIRONMENT.fullmatch(k)}
        self._around = environment.get("TMUX", "").partition(",")[0]  # the socket of the server we are in
        self._own_pane = environment.get("TMUX_PANE", "")
        self._in_service = "INVOCATION_ID" in environment

    def look(self) -> Observed[TmuxState]:
        """All panes of all sessions at one moment; `Absent` only when there surely is no server.

        One process, given 10 s; more only when a server ended under the first, or when tmux has yet
        to notice how a dead pane ended. A server
        older than tmux 3.2 is `Unknown`.
        """
        try:
            done, state = self._state()
            if state and any(map(_ending_unknown, state.panes)):
                self._run("run-shell", "true")  # a child that ends
                done, state = self._state()
        except ReconcilerError as error:
            return Unknown(f"{error.summary}: {error.fix or error.detail}")
        except ValueError as error:
            return Unknown(f"tmux gave an answer that cannot be understood: {error}")
        if done.returncode:
            return self._leftovers.jam(done.stderr) or _not_seen(done.stderr.strip())
        return ABSENT if state is None else _recent_enough(_labelled(state, self._socket.label))

    def start(self, sessions: Sequence[NewSession]) -> Iterator[Pane | Failure]:
        """Start and tag sessions: one answer for each, in their order, as soon as it is known.

        All go through one control client. Work is done as the answers are taken.
        """
        objections = [objection(session) for session in sessions]
        if all(objections):
            yield from filter(None, objections)
            return
        mark = Mark.ours()
        try:
            client = self._control_client(mark)
        except OSError as error:
            yield from [Failure(_words(_not_run(error)))] * len(sessions)
            return
        with self._ending(mark), Handover(self._environment.get("XDG_RUNTIME_DIR"), RealClock()) as handover, client:
            accepted = [s for s, refusal in zip(sessions, objections, strict=True) if not refusal]
            outcomes = self._start_through(client, handover, accepted)
            yield from (refusal or next(outcomes) for refusal in objections)

    def end(self, session_ids: Sequence[str]) -> None:
        """See that no session has one of these ids (`$3`).

        Raises:
            ReconcilerError: tmux refused, or gave no answer.
        """
        self._tell([command("kill-session", "-t", i) for i in session_ids], forgive=_GONE)

    def rename(self, session_id: str, name: str) -> None:
        """Give a session another name.

        Raises:
            ReconcilerError: The name is taken, tmux would not keep it as it is, or the session is gone.
        """
        renaming = command("rename-session", "-t", session_id, "--", literal(name))
        showing = command("display-message", "-p", "-t", session_id, "#{session_name}")
        given = self._tell([sequence([renaming, showing])]).rstrip("\n")
        if given != name:
            raise ReconcilerError(f"tmux calls the session {given!r} instead of {name!r}")

    def tag(self, session_id: str, lineage: str, address: str, conversation: str) -> None:
        """Mark a session as ours.

        Raises:
            ReconcilerError: It is gone, or tmux gave no answer.
        """
        self._tell(tags(session_id, lineage, address, conversation))

    def type_line(self, pane_id: str, text: str) -> bool:
        """Type `text` and Enter into a pane; False when it is dead or gone.

        Raises:
            ReconcilerError: tmux refused, or gave no answer.
        """
        typed = self._pane(pane_id).cmd("if-shell", "-F", "#{==:#{pane_dead},0}", _typing(pane_id, text))
        return typed.stdout == ["typed"]

    def paste(self, pane_id: str, text: str, unless: Texts = ()) -> Typed:
        """Paste `text` into a living pane whose screen shows none of `unless`, and tell what became of it.

        The text goes in through stdin, and its buffer does not stay: set-buffer changes some texts, and a
        paste into a dead pane ends a server of tmux 3.3a.

        Raises:
            ReconcilerError: tmux refused, or gave no answer.
        """
        buffer = f"reconciler-{os.urandom(8).hex()}"
        pasting = command("paste-buffer", "-p", "-b", buffer, "-t", pane_id)
        guarded = _guarded(pane_id, unless, pasting)
        return self._typed(
            "load-buffer", "-b", buffer, "-", ";", *guarded, ";", "delete-buffer", "-b", buffer, text=text
        )

    def press(self, pane_id: str, keys: Sequence[str], unless: Texts = (), only: Texts = ()) -> Typed:
        """Press keys in a living pane whose screen shows none of `unless`, and one of `only`; tell what became of it.

        Raises:
            ReconcilerError: tmux refused, or gave no answer.
        """
        return self._typed(*_guarded(pane_id, unless, command("send-keys", "-t", pane_id, *keys), only))

    def blank(self) -> frozenset[str]:
        """The panes, by id, in which nothing has been shown yet; empty when tmux cannot be asked.

        Their cursor has not moved, nothing has scrolled away, and none has another screen.
        """
        try:
            done = self._run("list-panes", "-a", "-F", _CURSOR)
        except ReconcilerError:
            return frozenset()
        rows = (line.split() for line in done.stdout.splitlines())
        return frozenset(row[0] for row in rows if row[1:] == ["0"] * 4)

    def screen(self, pane_id: str, lines: int = 15) -> str:
        """The last `lines` of a pane and its history, dead or alive, as `last_lines` counts; empty when it is gone.

        Raises:
            ReconcilerError: tmux refused, or gave no answer.
        """
        printed = self._pane(pane_id).capture_pane(start="-")
        return last_lines([line for line in printed if not line.startswith(_OBITUARY)], lines)

    def bell(self, name: str) -> Bell:
        """What rings when something happens to a session of this server; it has yet to be hung."""
        return Bell(self._tmux(), self._environment, name)

    @property
    def door(self) -> str:
        """The path of the socket, where a server that starts makes itself known."""
        return self._socket.path or os.path.join(self._folder, self._socket.name)

    def room(self, server: int) -> Observed[Room]:
        """How many files the server with this pid may open, and has open; of the one that would be started for 0.

        Raises:
            Refused: A server would be started, and tmux is too old.
        """
        if server:
            return room_of(server)
        version = self._run("-V").stdout.strip().removeprefix("tmux ")
        if _is_too_old(version):
            raise Refused(
                f"tmux {version} is too old: 3.2 is the oldest that can be used",
                fix="install a newer tmux, or put its folder first in PATH",
            )
        return Present(room_of_a_new_one())

    def tidy(self) -> bool:
        """End what a killed reconciler left on this server: True when something was there.

        Only what carries our mark, and whose maker has surely ended, is touched. A server that waits for such a
        client to end is free again.
        """
        with suppress(ReconcilerError):  # a server that does not answer is told of by whoever looks
            return self._leftovers.tidy()
        return False

    def _control_client(self, mark: Mark) -> ControlClient:
        program = RealProcesses().find("tmux", self._environment.get("PATH", os.defpath))
        if not isinstance(program, Present):
            raise FileNotFoundError
        argv = [program.value, *self._tmux()[1:], "-C", *holder(mark)]
        return ControlClient(argv, self._environment, around=self._scope(), files=open_files())

    @contextmanager
    def _ending(self, mark: Mark) -> Iterator[None]:
        """End a holder session once its client has left."""
        try:
            yield
        finally:
            with suppress(ReconcilerError):  # it ends by itself, later
                self._leftovers.end(mark)

    @property
    def _leftovers(self) -> Leftovers:
        folder, name = os.path.split(self.door)
        doors = {f"-S {self.door}", *([f"-L {name}"] if folder == self._folder else [])}
        return Leftovers(self._run, partial(self._tell, forgive=_GONE), doors)

    @property
    def _folder(self) -> str:
        """Where the sockets are that have a name only."""
        folder = os.path.join(self._environment.get("TMUX_TMPDIR") or "/tmp", f"tmux-{os.getuid()}")  # noqa: S108
        return os.path.realpath(folder)

    def _start_through(
        self, client: ControlClient, handover: Handover, sessions: Sequence[NewSession]
    ) -> Iterator[Pane | Failure]:
        path = self._environment.get("PATH", "")
        launches = [handover.launch(s.secrets, s.argv) if s.secrets else s.argv for s in sessions]
        answers = client.ask([creation(s, argv, path) for s, argv in zip(sessions, launches, strict=True)])
        for session, argv, answer in zip(sessions, launches, answers, strict=True):
            outcome = self._outcome(session, answer)
            if session.secrets and isinstance(outcome, Pane):
                handover.expect(argv, outcome.pid)
            yield outcome

    def _outcome(self, session: NewSession, answer: Answer) -> Pane | Failure:
        try:
            pane = born(session, answer)
        except ValueError as error:
            return Failure(str(error))
        if pane and pane.session == session.name and not answer.error:
            return pane
        if pane:  # half made: it must not stay behind without our tags
            self.end([pane.session_id])
        return Failure(answer.error or f"tmux does not take {session.name!r} as a name")

    def attaching(self, session: str) -> list[str]:
        """The command that shows a session on the terminal that runs it; inside this server, it switches.

        Raises:
            Refused: We are inside this server, in a session that no terminal shows.
            ReconcilerError: tmux gave no answer.
        """
        if not self._around or os.path.realpath(self._around) != os.path.realpath(self.door):
            return [*self._tmux(), "attach-session", "-t", f"={session}"]
        return [*self._tmux(), "switch-client", "-c", self._own_client(session), "-t", f"={session}"]

    def _own_client(self, session: str) -> str:
        """The terminal that shows our own pane: without it, tmux would take somebody else's."""
        fields = "#{client_control_mode} #{client_activity} #{client_name}"
        shown = self._run("list-clients", "-t", self._own_pane, "-F", fields).stdout if self._own_pane else ""
        rows = [row.split(" ", 2) for row in shown.splitlines()]
        terminals = [(int(active), name) for control, active, name in rows if control == "0"]
        if terminals:
            return max(terminals)[1]
        by_hand = " ".join([*self._tmux(), "attach-session", "-t", f"={session}"])
        raise Refused(
            "this pane is in a tmux session that no terminal shows, so there is no terminal to switch",
            fix=f"in a terminal, type: {by_hand}",
        )

    def _scope(self) -> list[str]:
        """The words that give a new server a life of its own, apart from the systemd service we are in."""
        if not self._in_service or not isinstance(self.look(), Absent):
            return []
        match RealProcesses().find("systemd-run", self._environment.get("PATH", "")):
            case Present(program):
                return [program, "--user", "--scope", "--quiet", "--collect", "--"]
            case _:
                return []

    def _tmux(self) -> list[str]:
        chosen = ["-S", self._socket.path] if self._socket.path else ["-L", self._socket.name]
        return ["tmux", "-u", *chosen]

    def _state(self) -> tuple[subprocess.CompletedProcess[str], TmuxState | None]:
        done = self._list_panes()
        return done, None if done.returncode else parse_state(done.stdout)

    def _list_panes(self, attempts: int = 5) -> subprocess.CompletedProcess[str]:
        done = self._run("list-panes", "-a", "-F", row_format())
        if attempts > 1 and any(words in done.stderr for words in ENDING):
            return self._list_panes(attempts - 1)
        return done

    def _run(self, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                [*self._tmux(), *arguments],
                check=False,
                input=text,
                capture_output=True,
                encoding="utf-8",
                errors="surrogateescape",
                env=self._environment,
                timeout=_SECONDS,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise _not_run(error) from error

    def _typed(self, *arguments: str, text: str = "") -> Typed:
        done = self._run(*arguments, text=text)
        if done.stdout.strip():
            return Typed(done.stdout.strip())
        if done.stderr and not any(words in done.stderr for words in _GONE):
            raise ReconcilerError("tmux refused", detail=done.stderr.strip())
        return Typed.GONE

    def _tell(self, commands: Sequence[str], forgive: tuple[str, ...] = ()) -> str:
        """What tmux prints; each command is run, whatever becomes of the others.

        They go in through stdin: the command line of a process is for everybody to read.
        """
        done = self._run("source-file", "-", text="".join(f"{line}\n" for line in commands))
        complaints = [c for c in done.stderr.splitlines() if not any(words in c for words in forgive)]
        if complaints:
            raise ReconcilerError("tmux refused", detail="\n".join(complaints))
        return done.stdout

    def _pane(self, pane_id: str) -> LibtmuxPane:
        """The pane as libtmux shows it, behind our time limit and environment."""
        from .objects import pane  # noqa: PLC0415 - 80 ms that only typing and reading screens are worth

        return pane(pane_id, self._heard)

    def _heard(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """What tmux prints; nothing when what was asked for is gone.

        Raises:
            ReconcilerError: tmux refused, or gave no answer.
        """
        done = self._run(*arguments)
        if any(words in done.stderr for words in _GONE):
            return subprocess.CompletedProcess(done.args, done.returncode, "", "")
        if done.stderr:
            raise ReconcilerError("tmux refused", detail=done.stderr.strip())
        return done


def _typing(pane_id: str, text: str) -> str:
    """Commands that leave copy mode, type a line and say so.

    Enter comes a moment later: what arrives in one go is pasted text to an agent's screen, and the
    Enter at its end a newline.
    """
    target = ("-t", pane_id)
    return sequence(
        [
            command("if-shell", "-F", *target, "#{pane_in_mode}", command("send-keys", *target, "-X", "cancel")),
            command("send-keys", *target, "-l", "--", "".join(filter(str.isprintable, text))),
            command("run-shell", "-d", "0.1"),
            command("send-keys", *target, "Enter"),
            command("display-message", "-p", "typed"),
        ]
    )


def _guarded(pane_id: str, unless: Texts, typing: str, only: Texts = ()) -> list[str]:
    """Arguments that type into a living pane which shows none of `unless`, and say what became of it.

    tmux looks and types without a pause between: nothing that it draws can come in. It looks in a turn of its loop
    in which it has read first what the program had written by then: timers come after that.
    """
    target = ("-t", pane_id)
    leaving = command("if-shell", "-F", *target, "#{pane_in_mode}", command("send-keys", *target, "-X", "cancel"))
    allowed = sequence([leaving, typing, command("display-message", "-p", Typed.DONE)])
    held = command("display-message", "-p", Typed.HELD)
    judged = command("if-shell", "-F", *target, on_screen(unless), held, allowed)
    if only:
        judged = command("if-shell", "-F", *target, on_screen(only), judged, held)
    return ["run-shell", "-d", _ONE_TURN, ";", "if-shell", "-F", *target, "#{==:#{pane_dead},0}", judged]


def _not_seen(complaint: str) -> Absent | Unknown:
    return ABSENT if any(words in complaint for words in _NO_SERVER) else Unknown(f"tmux: {complaint}")


def _ending_unknown(pane: Pane) -> bool:
    """A dead pane whose end tmux has not noticed: 3.3a can miss a child until another one ends."""
    return pane.dead and pane.dead_status is None and not pane.dead_signal


def _labelled(state: TmuxState, label: str) -> TmuxState:
    """The server under the name that we were given for it, which a user recognises."""
    return replace(state, server=replace(state.server, socket=label))


def _recent_enough(state: TmuxState) -> Observed[TmuxState]:
    version = state.server.version
    if _is_too_old(version):
        return Unknown(f"the tmux server is version {version}: 3.2 is the oldest that can be used")
    return Present(state)


def _is_too_old(version: str) -> bool:
    numbers = re.search(r"(\d+)\.(\d+)", version)  # `3.3a`, `next-3.8`, `openbsd-7.5`
    return numbers is not None and (int(numbers[1]), int(numbers[2])) < _OLDEST


def _not_run(error: Exception) -> Unreachable:
    match error:
        case subprocess.TimeoutExpired():
            return Unreachable(f"tmux gave no answer in {_SECONDS} s", detail="its server may be stopped or hang")
        case PermissionError():
            return Unreachable("tmux cannot be run", detail=str(error))
        case _:
            fix = "apt install tmux, dnf install tmux, pacman -S tmux, or brew install tmux"
            return Unreachable("tmux is not installed", fix=fix)


def _words(error: ReconcilerError) -> str:
    return f"{error.summary}: {error.fix or error.detail}"
