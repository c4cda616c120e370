"""The tmux server behind one socket."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from reconciler.model.desired import Socket
from reconciler.model.errors import ReconcilerError, Refused, Unreachable
from reconciler.model.observed import ABSENT, Absent, Observed, Present, Unknown
from reconciler.model.sgr import SGR
from reconciler.model.snapshot import OpenFileLimit, Pane, TmuxState, TmuxTarget, Unread
from reconciler.ports.clock import RealClock
from reconciler.ports.lockfile import current_namespace
from reconciler.ports.processes import RealProcesses
from reconciler.ports.world import Failure, NewSession, Texts, Typed

from .control import ENDED_EARLY, ControlClient, TmuxAnswer
from .creation import created_pane, creation, holder, objection, repair_commands, tags
from .file_limit import is_open, open_file_limit, open_files, room_of_a_new_one
from .guard import ending, expect_done, guarded_command, outcomes, place, still
from .handover import Handover
from .holders import Mark
from .language import command, literal, on_screen, sequence
from .leftovers import ENDING, Leftovers
from .rows import last_lines, parse_state, row_format
from .server_events import ServerEvents
from .versions import MESSAGES_CHANGED, OLDEST, fit, is_before

if TYPE_CHECKING:
    from libtmux import Pane as LibtmuxPane

    from reconciler.model.problem import Problem

ALLOWED_ENVIRONMENT = re.compile(
    r"HOME|PATH|SHELL|USER|LOGNAME|LANG|LC_\w+|TERM|TZ|TMPDIR|XDG_\w+|TMUX_TMPDIR|COLORTERM"
)
"""The variables that reach a tmux server that we start, and so all of its agents."""

_SECONDS = 10
_LOT = 50  # endings that share this time
_CURSOR = "#{pane_id} #{alternate_on} #{history_size} #{cursor_x} #{cursor_y}"  # numbers only: nobody else's words
_ENDING_PAUSE = 0.05  # seconds; a server of tmux 3.7 takes some time to be gone after its last session
_ONE_TURN = "0.001"  # seconds: the shortest timer, which ends in a later turn of tmux's loop
# The last one is a server without a session, on its way out.
_NO_SERVER = ("no server running", "(No such file or directory)", "(Connection refused)", "no current target")
_SUDDEN = (ENDED_EARLY, "no such session", "can't find")
_HUNG_UP = (
    "try again; if it says so again, the server may be of tmux 3.6 or newer, and does not understand this older tmux: "
    "put the folder of the newer one first in PATH"
)
_ENDS_UNATTACHED = ("show-options", "-sv", "exit-unattached", ";", "show-options", "-sv", "exit-empty")
_MEDDLES = re.compile(r"^\S+ .*(kill|unlink|respawn|detach)")
_GONE = ("can't find", *_NO_SERVER, *ENDING)  # the last session may end while we ask, and the server with it
_OBITUARY = "Pane is dead ("  # tmux's own words, below the last of the agent's


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
            if done.returncode:
                return self._leftovers.jam(done.stderr) or self._not_seen(done.stderr.strip())
        except ReconcilerError as error:
            return Unknown(f"{error.summary}: {error.fix or error.detail}")
        except ValueError as error:
            return Unknown(f"tmux gave an answer that cannot be understood: {error}")
        return ABSENT if state is None else _recent_enough(_placed(state, self._socket.label))

    def look_at(self, socket: str) -> Observed[TmuxState]:
        """The same of the server with another socket: its path, or its name among those of this user."""
        chosen = Socket(path=socket) if os.sep in socket else Socket(name=socket)
        return RealTmux(chosen, self._environment).look()

    def start(self, sessions: Sequence[NewSession]) -> Iterator[Pane | Failure]:
        """Start and tag sessions: one answer for each, in their order, as soon as it is known.

        All go through one control client. Work is done as the answers are taken.
        """
        objections = [objection(session) for session in sessions]
        if all(objections):
            yield from filter(None, objections)
            return
        mark, new = Mark.ours(), not is_open(self.door)
        try:
            client = self._control_client(mark)
        except OSError as error:
            yield from [Failure(_words(_not_run(error)))] * len(sessions)
            return
        handing = Handover(self._environment, RealClock())
        with self._ending(mark), handing as handover, client, self._staying(new=new):
            accepted = [s for s, refusal in zip(sessions, objections, strict=True) if not refusal]
            outcomes = self._start_through(client, handover, accepted)
            yield from (refusal or next(outcomes) for refusal in objections)

    def end(self, targets: Sequence[TmuxTarget]) -> tuple[str, ...]:
        """End these sessions, of a guest its pane alone; for each why it is still there, empty when it is gone.

        The last pane of a session that is not ours stays; its process is the caller's to end. tmux is given 10 s for
        each lot of them; what it has not answered for is looked for once more.
        """
        reasons: list[str] = []
        try:
            for at in range(0, len(targets), _LOT):
                reasons += self._end(targets[at : at + _LOT])
        except ReconcilerError as error:
            reasons += [_words(error)] * (len(targets) - len(reasons))
        return tuple(reasons)

    def rename(self, target: TmuxTarget, name: str) -> None:
        """Give a session another name.

        Raises:
            ReconcilerError: It is another session, or gone; the name is taken, or tmux would not keep it as it is.
        """
        renaming = command("rename-session", "-t", target.session_id, "--", literal(name))
        showing = command("display-message", "-p", "-t", target.session_id, "#{session_name}")
        given = self._tell([guarded_command(target, sequence([renaming, showing]))]).rstrip("\n")
        expect_done(given)
        if given != name:
            raise ReconcilerError(f"tmux calls the session {given!r} instead of {name!r}")

    def tag(self, target: TmuxTarget, lineage: str, address: str, conversation: str) -> None:
        """Mark a session as ours.

        Raises:
            ReconcilerError: It is another session, or gone, or tmux gave no answer.
        """
        marking = sequence(tags(target.session_id, lineage, address, conversation))
        expect_done(self._tell([guarded_command(target, marking)]).rstrip("\n"))

    def type_line(self, target: TmuxTarget, text: str) -> bool:
        """Type `text` and Enter into a pane; False when it is dead, gone or another.

        Raises:
            ReconcilerError: tmux refused, or gave no answer.
        """
        typed = self._pane(target.pane_id).cmd("if-shell", "-F", still(target), _typing(target.pane_id, text))
        return typed.stdout == ["typed"]

    def paste(self, target: TmuxTarget, text: str, unless: Texts = ()) -> Typed:
        """Paste `text` into a living pane whose screen shows none of `unless`, and tell what became of it.

        The text goes in through stdin, and its buffer does not stay: set-buffer changes some texts, and a
        paste into a dead pane ends a server of tmux 3.3a.

        Raises:
            ReconcilerError: tmux refused, or gave no answer.
        """
        buffer = f"reconciler-{os.urandom(8).hex()}"
        pasting = command("paste-buffer", "-p", "-b", buffer, "-t", target.pane_id)
        judged = _judged(target, unless, pasting)
        return self._typed(
            "load-buffer", "-b", buffer, "-", ";", *judged, ";", "delete-buffer", "-b", buffer, text=text
        )

    def press(self, target: TmuxTarget, keys: Sequence[str], unless: Texts = (), only: Texts = ()) -> Typed:
        """Press keys in a living pane whose screen shows none of `unless`, and one of `only`; tell what became of it.

        Raises:
            ReconcilerError: tmux refused, or gave no answer.
        """
        return self._typed(*_judged(target, unless, command("send-keys", "-t", target.pane_id, *keys), only))

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
        if not pane_id:  # tmux would show another one
            return ""
        printed = self._pane(pane_id).capture_pane(start="-")
        return last_lines([line for line in printed if not line.startswith(_OBITUARY)], lines)

    def picture(self, pane_id: str, *, history: bool = False) -> str:
        """What a pane shows, dead or alive, in its colours (SGR); with `history`, also what scrolled away.

        Empty when it is gone. The colours of a line go on in the next one. From tmux 3.4 on, links (OSC 8) are in it.

        Raises:
            ReconcilerError: tmux refused, or gave no answer.
        """
        if not pane_id:  # as above
            return ""
        start = ("-S", "-") if history else ()
        printed = self._heard("capture-pane", "-p", "-e", *start, "-t", pane_id).stdout
        text = printed.encode(errors="surrogateescape").decode(errors="backslashreplace")
        return "\n".join(line for line in text.split("\n") if not SGR.sub("", line).startswith(_OBITUARY))

    def events(self, name: str) -> ServerEvents:
        """What tells when something happens to a session of this server; nobody has subscribed to it yet."""
        return ServerEvents(self._tmux(), self._environment, name)

    def _not_seen(self, complaint: str) -> Absent | Unknown:
        if any(words in complaint for words in _NO_SERVER):
            return ABSENT
        found = self.obstacle()
        if found:
            return Unknown(found.summary, found.fix)
        hung_up = any(words in complaint for words in ENDING) and is_before(self._version(), MESSAGES_CHANGED)
        return Unknown(f"tmux: {complaint}", _HUNG_UP if hung_up else "")

    def obstacle(self) -> Problem | None:
        """What would keep a server from being started, or reached, at this socket; None when nothing is in the way."""
        from .socket_path import socket_obstacle  # noqa: PLC0415 - only where no server answers

        return socket_obstacle(self.door, shared=not self._socket.path)

    @property
    def door(self) -> str:
        """The path of the socket, where a server that starts makes itself known."""
        return self._socket.path or os.path.join(self._folder, self._socket.name)

    def room(self, server: int) -> Observed[OpenFileLimit]:
        """How many files the server with this pid may open, and has open; of the one that would be started for 0.

        Raises:
            ReconcilerError: A server would be started, and tmux is too old.
            Refused: The server that runs ends with its last terminal, or no terminal of this tmux fits it.
        """
        version = self._version()
        if server:
            self._refuse_to_end_unattached()
            self._refuse_what_does_not_fit(version)
            return open_file_limit(server)
        if is_before(version, OLDEST):
            raise ReconcilerError(
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

    @contextmanager
    def _staying(self, *, new: bool) -> Iterator[None]:
        """Keep a server that is new, so that only agents are on it, from ending with our client."""
        try:
            yield
        finally:
            with suppress(ReconcilerError):  # it has ended, or does not answer: the next look tells
                if new and self._ends_unattached():
                    self._tell([command("set-option", "-s", "exit-unattached", "off")])

    def _ends_unattached(self) -> bool:
        """Whether the server ends once no terminal shows any of its sessions; that needs both options (server_loop)."""
        return self._run(*_ENDS_UNATTACHED).stdout.split() == ["on", "on"]

    def _refuse_to_end_unattached(self) -> None:
        if self._ends_unattached():
            turned_off = " ".join([*self._tmux(), "set-option", "-s", "exit-unattached", "off"])
            raise Refused(
                "the tmux server ends with the last terminal that shows it, and agents would end with it",
                detail="its option exit-unattached is on, and it is not a server that reconciler started",
                fix=f"type `{turned_off}`, and take the option out of your tmux.conf",
            )

    def _refuse_what_does_not_fit(self, version: str) -> None:
        """Such a server answers, but falls silent when a client attaches, as to start agents."""
        server = self._run("display-message", "-p", "#{version}").stdout.strip()
        if server and not fit(version, server):
            ending = " ".join([*self._tmux(), "kill-server"])
            raise Refused(
                f"the tmux server is version {server}, and tmux {version} cannot start agents on it",
                detail="a tmux before 3.6 and one since do not understand each other; tmux was upgraded meanwhile",
                fix=f"put the folder of tmux {server} first in PATH; or, when the agents may be interrupted, "
                f"type `{ending}` and apply again: conversations go on",
            )

    def _version(self) -> str:
        return self._run("-V").stdout.strip().removeprefix("tmux ")

    def meddlers(self) -> str:
        """What may have ended a session that has just been started, in words for the user; empty when nothing is seen.

        Raises:
            ReconcilerError: tmux gave no answer.
        """
        done = self._run("show-hooks", "-g")
        if done.returncode:
            return "the tmux server has ended, too: look in your tmux.conf for a hook or an option that ends it"
        found = [line for line in done.stdout.splitlines() if _MEDDLES.search(line)]
        return f"a hook in your tmux.conf may end it: {', '.join(found)}" if found else ""

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

    def _end(self, lot: Sequence[TmuxTarget], *, tagged: bool = True) -> list[str]:
        """Raises ReconcilerError when tmux gave no answer, and none when it was asked once more."""
        commands = [ending(target, number, tagged=tagged) for number, target in enumerate(lot)]
        complaint = ""
        answers: Mapping[int, str] = {}
        try:
            done = self._run("source-file", "-", text="".join(f"{line}\n" for line in commands))
            answers, complaint = outcomes(done.stdout), done.stderr.strip()
        except ReconcilerError as error:
            complaint = error.summary
        left = [] if len(answers) == len(lot) else self._left()
        return [
            _not_ended(target, answers[number]) if number in answers else _still_there(target, left, complaint)
            for number, target in enumerate(lot)
        ]

    def _left(self) -> list[Pane | Unread]:
        match self.look():
            case Present(state):
                return [*state.panes, *state.unread]
            case Unknown(reason):
                raise ReconcilerError("whether it has ended cannot be told", detail=reason)
            case _:
                return []

    def _start_through(
        self, client: ControlClient, handover: Handover, sessions: Sequence[NewSession]
    ) -> Iterator[Pane | Failure]:
        path = self._environment.get("PATH", "")
        launches = [_launch(handover, session) for session in sessions]
        ready = [(s, argv) for s, argv in zip(sessions, launches, strict=True) if not isinstance(argv, Failure)]
        answers = client.ask([creation(session, argv, path) for session, argv in ready])
        for session, argv in zip(sessions, launches, strict=True):
            if isinstance(argv, Failure):
                yield argv
                continue
            outcome = self._outcome(session, next(answers))
            if session.secrets and isinstance(outcome, Pane):
                handover.expect(argv, outcome.pid)
            yield outcome

    def _outcome(self, session: NewSession, answer: TmuxAnswer) -> Pane | Failure:
        try:
            pane = created_pane(session, answer)
        except ValueError as error:
            return Failure(str(error))
        if pane and pane.session == session.name and self._mend(repair_commands(session, pane, answer)):
            return pane
        if pane:  # half made: it must not stay behind without our tags
            with suppress(ReconcilerError):  # it cannot be asked: the next look tells what stayed
                self._end([pane.target], tagged=False)
        if pane and pane.session != session.name:
            return Failure(f"tmux does not take {session.name!r} as a name")
        return Failure(answer.error or f"tmux did not start {session.name}", any(w in answer.error for w in _SUDDEN))

    def _mend(self, commands: Sequence[str]) -> bool:
        """Whether what is left to do could be done."""
        try:
            return not commands or not self._tell(commands)
        except ReconcilerError:
            return False

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

    def _list_panes(self, attempts: int = 20) -> subprocess.CompletedProcess[str]:
        done = self._run("list-panes", "-a", "-F", row_format())
        if attempts > 1 and any(words in done.stderr for words in ENDING):
            RealClock().wait(_ENDING_PAUSE)
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


def _launch(handover: Handover, session: NewSession) -> tuple[str, ...] | Failure:
    """The command of a session; one whose secrets have no way to it fails by itself."""
    try:
        return handover.launch(session.secrets, session.argv) if session.secrets else session.argv
    except ReconcilerError as error:
        return Failure(_words(error))


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


def _judged(target: TmuxTarget, unless: Texts, typing: str, only: Texts = ()) -> list[str]:
    """Arguments that type into the living pane that is meant, if it shows none of `unless`, and say what became of it.

    tmux looks and types without a pause between: nothing that it draws can come in. It looks in a turn of its loop
    in which it has read first what the program had written by then: timers come after that.
    """
    pane = ("-t", target.pane_id)
    leaving = command("if-shell", "-F", *pane, "#{pane_in_mode}", command("send-keys", *pane, "-X", "cancel"))
    allowed = sequence([leaving, typing, command("display-message", "-p", Typed.DONE)])
    held = command("display-message", "-p", Typed.HELD)
    judged = command("if-shell", "-F", *pane, on_screen(unless), held, allowed)
    if only:
        judged = command("if-shell", "-F", *pane, on_screen(only), judged, held)
    return ["run-shell", "-d", _ONE_TURN, ";", "if-shell", "-F", "-t", place(target), still(target), judged]


def _not_ended(target: TmuxTarget, there: str) -> str:
    """What tmux's answer to the end of a target means; `there` is what has its id."""
    meant = target.pane_id if target.guest else target.session_id
    return "it is not the session that was planned for" if there == meant else ""


def _still_there(target: TmuxTarget, left: Sequence[Pane | Unread], complaint: str) -> str:
    """Why it has not ended, as far as it is among those that are left."""
    same = (each.pane_id == target.pane_id if target.guest else each.session_id == target.session_id for each in left)
    return f"its session is still there: {complaint or 'tmux did not say why'}" if any(same) else ""


def _ending_unknown(pane: Pane) -> bool:
    """A dead pane whose end tmux has not noticed: 3.3a can miss a child until another one ends."""
    return pane.dead and pane.dead_status is None and not pane.dead_signal


def _placed(state: TmuxState, label: str) -> TmuxState:
    """The server under the name that we were given for it, which a user recognises, and where its pid means something.

    Once it no longer answers, only its process tells whether it lives.
    """
    server, place = state.server, current_namespace()
    began = RealProcesses().started(server.pid)
    placed = replace(
        server,
        socket=label,
        path=server.socket,
        ticks=began.value if isinstance(began, Present) else 0,
        boot=place.boot,
        namespace=place.namespace,
    )
    return replace(state, server=placed)


def _recent_enough(state: TmuxState) -> Observed[TmuxState]:
    version = state.server.version
    if is_before(version, OLDEST):
        return Unknown(f"the tmux server is version {version}: 3.2 is the oldest that can be used")
    return Present(state)


def _not_run(error: Exception) -> Unreachable:
    match error:
        case subprocess.TimeoutExpired():
            return Unreachable(f"tmux gave no answer in {_SECONDS} s", detail="its server may be stopped or hang")
        case OSError() if not isinstance(error, FileNotFoundError):  # no rights, files, processes or memory left
            return Unreachable("tmux cannot be run", detail=f"{error.strerror or error} (limits: see `ulimit -a`)")
        case _:
            fix = "apt install tmux, dnf install tmux, pacman -S tmux, or brew install tmux"
            return Unreachable("tmux is not installed", fix=fix)


def _words(error: ReconcilerError) -> str:
    return f"{error.summary}: {error.fix or error.detail}"
