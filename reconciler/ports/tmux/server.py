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
from reconciler.model.snapshot import OpenFileLimit, Pane, TmuxState, TmuxTarget, UnreadablePane
from reconciler.ports.clock import RealClock
from reconciler.ports.lockfile import current_namespace
from reconciler.ports.processes import RealProcesses
from reconciler.ports.world import Failure, NewSession, SessionTags, Texts, TypingResult

from .control import ENDED_EARLY, ControlClient, TmuxAnswer
from .creation import created_pane, creation, holder, objection, repair_commands, tags
from .file_limit import is_open, open_file_limit, open_files, room_of_a_new_one
from .guard import ending, expect_done, guarded_command, outcomes, place, still
from .handover import Handover
from .holders import HolderOwner
from .language import command, literal, on_screen, sequence
from .leftovers import ENDING, Leftovers
from .rows import last_lines, parse_state, row_format
from .server_events import ServerEvents
from .socket_path import socket_obstacle
from .versions import MESSAGES_CHANGED, OLDEST, fit, is_before

if TYPE_CHECKING:
    from libtmux import Pane as LibtmuxPane

    from reconciler.model.problem import Problem

ALLOWED_ENVIRONMENT = re.compile(
    r"HOME|PATH|SHELL|USER|LOGNAME|LANG|LC_\w+|TERM|TZ|TMPDIR|XDG_\w+|TMUX_TMPDIR|COLORTERM"
)
"""The variables that reach a tmux server that we start, and so all of its agents."""

_SECONDS = 10
_DIAGNOSIS = "see what is wrong: reconciler doctor"
_LOT = 50  # sessions that are ended in one call with this time limit
_CURSOR = "#{pane_id} #{alternate_on} #{history_size} #{cursor_x} #{cursor_y}"  # no text of other programs
_ENDING_PAUSE = 0.05  # seconds; a tmux 3.7 server takes some time to end after its last session
_ONE_TURN = "0.001"  # seconds; the shortest timer, which ends in a later turn of tmux's loop
# The last one comes from a server without sessions that is ending.
_NO_SERVER = ("no server running", "(No such file or directory)", "(Connection refused)", "no current target")
_SUDDEN = (ENDED_EARLY, "no such session", "can't find")
_WRONG_VERSION = (
    "try again; if it fails again, the server may be tmux 3.6 or newer, which does not work with this older tmux: "
    "put the folder of the newer one first in PATH"
)
_ENDS_UNATTACHED = ("show-options", "-sv", "exit-unattached", ";", "show-options", "-sv", "exit-empty")
_MAY_END = re.compile(r"^\S+ .*(kill|unlink|respawn|detach)")
_GONE = ("can't find", *_NO_SERVER, *ENDING)  # the last session, and with it the server, may end during a command
_DEAD_PANE_LINE = "Pane is dead ("  # tmux writes this below the last output of the agent


class RealTmux:
    """One tmux server. Each tmux process gets `-u` (a C locale garbles separators) and a clean environment."""

    def __init__(self, socket: Socket, environment: Mapping[str, str]) -> None:
        """`environment` is the caller's. An empty `socket` means the default server, not the one in $TMUX."""
        self._socket = socket if socket.path else Socket(name=socket.name or "default")
        self._environment = {k: v for k, v in environment.items() if ALLOWED_ENVIRONMENT.fullmatch(k)}
        self._inside_socket = environment.get("TMUX", "").partition(",")[0]  # the socket of the server in which we run
        self._own_pane = environment.get("TMUX_PANE", "")
        self._in_service = "INVOCATION_ID" in environment

    def look(self) -> Observed[TmuxState]:
        """All panes of all sessions at one moment; `Absent` only when there is certainly no server.

        It runs one process with a limit of 10 s. It runs more only if the server ended during the first one, or if
        tmux has not noticed yet how a dead pane ended. A server older than tmux 3.2 is `Unknown`.
        """
        try:
            done, state = self._state()
            if state and any(map(_ending_unknown, state.panes)):
                self._run("run-shell", "true")  # when this child ends, tmux also notices the other one
                done, state = self._state()
            if done.returncode:
                return self._leftovers.stuck_server(done.stderr) or self._not_seen(done.stderr.strip())
        except ReconcilerError as error:
            return Unknown(": ".join(filter(None, (error.summary, error.detail))), error.fix)
        except ValueError as error:
            return Unknown(f"the answer of tmux cannot be understood: {error}")
        return ABSENT if state is None else _recent_enough(_identified(state, self._socket.label))

    def look_at(self, socket: str) -> Observed[TmuxState]:
        """Like `look`, at the server with another socket, given by path or name."""
        chosen = Socket(path=socket) if os.sep in socket else Socket(name=socket)
        return RealTmux(chosen, self._environment).look()

    def start(self, sessions: Sequence[NewSession]) -> Iterator[Pane | Failure]:
        """Start and tag sessions. Yields one answer for each, in order, as soon as it is known.

        All go through one control client. The work is done while the caller iterates.
        """
        objections = [objection(session) for session in sessions]
        if all(objections):
            yield from filter(None, objections)
            return
        mark, new = HolderOwner.ours(), not is_open(self.socket_path)
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
        """End these sessions; of a guest, only its pane. Returns for each why it still exists, or an empty text.

        The last pane of a session that is not ours stays; the caller must end its process. tmux has 10 s for each 50
        sessions. If it does not answer for one, another look shows whether it still exists.
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
            ReconcilerError: It is another session now, or missing; the name is taken, or tmux changed it.
        """
        renaming = command("rename-session", "-t", target.session_id, "--", literal(name))
        showing = command("display-message", "-p", "-t", target.session_id, "#{session_name}")
        given = self._tell([guarded_command(target, sequence([renaming, showing]))]).rstrip("\n")
        expect_done(given)
        if given != name:
            raise ReconcilerError(f"tmux named the session {given!r} instead of {name!r}")

    def tag(self, target: TmuxTarget, wanted: SessionTags) -> None:
        """Tag a session as ours.

        Raises:
            ReconcilerError: It is another session now, or missing, or tmux did not answer.
        """
        marking = sequence(tags(target.session_id, wanted))
        expect_done(self._tell([guarded_command(target, marking)]).rstrip("\n"))

    def type_line(self, target: TmuxTarget, text: str) -> bool:
        """Type `text` and Enter into a pane; False when it is dead, missing, or another one now.

        Raises:
            ReconcilerError: tmux refused, or did not answer.
        """
        typed = self._pane(target.pane_id).cmd("if-shell", "-F", still(target), _typing(target.pane_id, text))
        return typed.stdout == ["typed"]

    def paste(self, target: TmuxTarget, text: str, unless: Texts = ()) -> TypingResult:
        """Paste `text` into a live pane whose screen shows none of `unless`.

        The text goes through stdin, because set-buffer changes some texts. Its buffer is deleted afterwards. A dead
        pane is never used: a paste into it crashes tmux 3.3a.

        Raises:
            ReconcilerError: tmux refused, or did not answer.
        """
        buffer = f"reconciler-{os.urandom(8).hex()}"
        pasting = command("paste-buffer", "-p", "-b", buffer, "-t", target.pane_id)
        guarded = _guarded_typing(target, unless, pasting)
        return self._typed(
            "load-buffer", "-b", buffer, "-", ";", *guarded, ";", "delete-buffer", "-b", buffer, text=text
        )

    def press(self, target: TmuxTarget, keys: Sequence[str], unless: Texts = (), only: Texts = ()) -> TypingResult:
        """Press keys in a live pane whose screen shows none of `unless` and, if given, one of `only`.

        Raises:
            ReconcilerError: tmux refused, or did not answer.
        """
        return self._typed(*_guarded_typing(target, unless, command("send-keys", "-t", target.pane_id, *keys), only))

    def blank_panes(self) -> frozenset[str]:
        """The ids of panes that have shown nothing yet; empty when tmux does not answer.

        Their cursor has not moved, nothing has scrolled, and the alternate screen is not on.
        """
        try:
            done = self._run("list-panes", "-a", "-F", _CURSOR)
        except ReconcilerError:
            return frozenset()
        rows = (line.split() for line in done.stdout.splitlines())
        return frozenset(row[0] for row in rows if row[1:] == ["0"] * 4)

    def screen(self, pane_id: str, lines: int = 15) -> str:
        """The last lines of a pane and its history, dead or alive, as in `last_lines`; empty when it is missing.

        Raises:
            ReconcilerError: tmux refused, or did not answer.
        """
        if not pane_id:  # tmux would print another pane
            return ""
        printed = self._pane(pane_id).capture_pane(start="-")
        return last_lines([line for line in printed if not line.startswith(_DEAD_PANE_LINE)], lines)

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
        return "\n".join(line for line in text.split("\n") if not SGR.sub("", line).startswith(_DEAD_PANE_LINE))

    def events(self, name: str) -> ServerEvents:
        """The events of this server's sessions. Call `subscribe` on it to begin."""
        return ServerEvents(self._tmux(), self._environment, name)

    def _not_seen(self, complaint: str) -> Absent | Unknown:
        if any(words in complaint for words in _NO_SERVER):
            return ABSENT
        found = self.obstacle()
        if found:
            return Unknown(found.summary, found.fix)
        hung_up = any(words in complaint for words in ENDING) and is_before(self.version(), MESSAGES_CHANGED)
        return Unknown(f"tmux: {complaint}", _WRONG_VERSION if hung_up else "")

    def obstacle(self) -> Problem | None:
        """What prevents a server from being started or reached at this socket; None if nothing does."""
        return socket_obstacle(self.socket_path, shared=not self._socket.path)

    @property
    def socket_path(self) -> str:
        """The path of the server's socket."""
        return self._socket.path or os.path.join(self.folder, self._socket.name)

    def room(self, server: int) -> Observed[OpenFileLimit]:
        """How many files the server with this pid may open and has open. 0 means a server that would be started.

        Raises:
            ReconcilerError: A server would be started, and tmux is too old.
            Refused: The running server would end with its last terminal, or does not work with this tmux version.
        """
        version = self.version()
        if server:
            self._refuse_to_end_unattached()
            self._refuse_what_does_not_fit(version)
            return open_file_limit(server)
        if is_before(version, OLDEST):
            raise ReconcilerError(
                f"tmux {version} is too old: reconciler needs 3.2 or newer",
                fix="install a newer tmux, or put its folder first in PATH",
            )
        return Present(room_of_a_new_one())

    def tidy(self) -> bool:
        """End what killed commands left on this server; True when there was something.

        Only sessions and clients with our mark are ended, and only if their command has certainly ended. A server that
        waits for a leftover client is freed.
        """
        with suppress(ReconcilerError):  # `look` reports a server that does not answer
            return self._leftovers.tidy()
        return False

    def _control_client(self, mark: HolderOwner) -> ControlClient:
        program = RealProcesses().find("tmux", self._environment.get("PATH", os.defpath))
        if not isinstance(program, Present):
            raise FileNotFoundError
        argv = [program.value, *self._tmux()[1:], "-C", *holder(mark)]
        return ControlClient(argv, self._environment, wrapper=self._own_scope(), files=open_files())

    @contextmanager
    def _ending(self, mark: HolderOwner) -> Iterator[None]:
        """End a holder session once its client has left."""
        try:
            yield
        finally:
            with suppress(ReconcilerError):  # it ends by itself later
                self._leftovers.end(mark)

    @contextmanager
    def _staying(self, *, new: bool) -> Iterator[None]:
        """Prevent that a new server, which has only agents, ends with our client."""
        try:
            yield
        finally:
            with suppress(ReconcilerError):  # the next look reports a server that has ended or does not answer
                if new and self._ends_unattached():
                    self._tell([command("set-option", "-s", "exit-unattached", "off")])

    def _ends_unattached(self) -> bool:
        """Whether the server ends when no terminal is attached. Both options must be on (server_loop in tmux)."""
        return self._run(*_ENDS_UNATTACHED).stdout.split() == ["on", "on"]

    def _refuse_to_end_unattached(self) -> None:
        if self._ends_unattached():
            turned_off = " ".join([*self._tmux(), "set-option", "-s", "exit-unattached", "off"])
            raise Refused(
                "the tmux server ends when its last terminal detaches, and agents would end with it",
                detail="its option exit-unattached is on, and reconciler did not start this server",
                fix=f"type `{turned_off}`, and remove the option from your tmux.conf",
            )

    def _refuse_what_does_not_fit(self, version: str) -> None:
        """Refuse a server of an incompatible version: it answers until a client attaches, then does not respond."""
        server = self._run("display-message", "-p", "#{version}").stdout.strip()
        if server and not fit(version, server):
            ending = " ".join([*self._tmux(), "kill-server"])
            raise Refused(
                f"the tmux server is version {server}, and tmux {version} cannot start agents on it",
                detail="tmux was upgraded while the server ran; versions before 3.6 do not work with 3.6 or newer",
                fix=f"put the folder of tmux {server} first in PATH; or, if the agents may be interrupted, "
                f"type `{ending}` and apply again: the conversations continue",
            )

    def version(self) -> str:
        """The version of the tmux in PATH. Raises ReconcilerError when it is not installed, or does not answer."""
        return self._run("-V").stdout.strip().removeprefix("tmux ")

    def printed(self, *arguments: str) -> str:
        """What a command prints that only shows something. Raises ReconcilerError when tmux does not answer."""
        return self._run(*arguments).stdout

    def leftovers(self) -> tuple[str, ...]:
        """What `tidy` would end, in words for the user. Raises ReconcilerError as above."""
        return self._leftovers.found()

    @property
    def folder(self) -> str:
        """The folder of sockets that are given by name."""
        folder = os.path.join(self._environment.get("TMUX_TMPDIR") or "/tmp", f"tmux-{os.getuid()}")  # noqa: S108
        return os.path.realpath(folder)

    def ending_hooks(self) -> str:
        """A hook that may have ended a session right after its start, in words for the user; empty when none is found.

        Raises:
            ReconcilerError: tmux did not answer.
        """
        done = self._run("show-hooks", "-g")
        if done.returncode:
            return "the tmux server has ended, too: look for a hook or option in your tmux.conf that ends it"
        found = [line for line in done.stdout.splitlines() if _MAY_END.search(line)]
        return f"a hook in your tmux.conf may end it: {', '.join(found)}" if found else ""

    @property
    def _leftovers(self) -> Leftovers:
        folder, name = os.path.split(self.socket_path)
        sockets = {f"-S {self.socket_path}", *([f"-L {name}"] if folder == self.folder else [])}
        return Leftovers(self._run, partial(self._tell, forgive=_GONE), sockets)

    def _end(self, lot: Sequence[TmuxTarget], *, tagged: bool = True) -> list[str]:
        """End some targets. Raises ReconcilerError when tmux does not answer, not even to a second look."""
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

    def _left(self) -> list[Pane | UnreadablePane]:
        match self.look():
            case Present(state):
                return [*state.panes, *state.unread]
            case Unknown(reason):
                raise ReconcilerError("it is unknown whether the session has ended", detail=reason)
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
        if pane:  # half done: it must not stay without our tags
            with suppress(ReconcilerError):  # the next look shows whether it still exists
                self._end([pane.target], tagged=False)
        if pane and pane.session != session.name:
            return Failure(f"tmux does not take {session.name!r} as a name")
        return Failure(answer.error or f"tmux did not start {session.name}", any(w in answer.error for w in _SUDDEN))

    def _mend(self, commands: Sequence[str]) -> bool:
        """Run repair commands; False when one fails."""
        try:
            return not commands or not self._tell(commands)
        except ReconcilerError:
            return False

    def attaching(self, session: str) -> list[str]:
        """The command that attaches the present terminal to a session. Inside this server, it switches the client.

        Raises:
            Refused: We are inside this server, in a session without a terminal.
            ReconcilerError: tmux did not answer.
        """
        if not self._inside_socket or os.path.realpath(self._inside_socket) != os.path.realpath(self.socket_path):
            return self._attach(session)
        client = self._own_client(self._attach(session))
        return [*self._tmux(), "switch-client", "-c", client, "-t", f"={session}"]

    def _attach(self, session: str) -> list[str]:
        return [*self._tmux(), "attach-session", "-t", f"={session}"]

    @property
    def around(self) -> RealTmux | None:
        """The server that our own terminal is in; None if it is not in tmux."""
        if not self._inside_socket:
            return None
        environment = {**self._environment, "TMUX": self._inside_socket, "TMUX_PANE": self._own_pane}
        return RealTmux(Socket(path=self._inside_socket), environment)

    def nested(self, session: str) -> list[str]:
        """The command that attaches any terminal to a session, also one that is in tmux."""
        return ["env", "-u", "TMUX", "-u", "TMUX_PANE", *self._attach(session)]

    def popup(self, words: Sequence[str]) -> list[str]:
        """The command that runs `words` in a popup over our own terminal; it ends when the popup closes.

        This server must be the one around us. Empty if it has no popups.

        Raises:
            Refused: We are in a session without a terminal.
            ReconcilerError: tmux did not answer.
        """
        if self._run("list-commands", "display-popup").returncode:
            return []
        size = ("-w", "100%", "-h", "100%")
        return [*self._tmux(), "display-popup", "-c", self._own_client(words), "-E", *size, *words]

    def prefix(self) -> str:
        """The key before tmux's own keys, as tmux spells it: `C-b`. Raises ReconcilerError if tmux does not answer."""
        return self._run("show-options", "-gv", "prefix").stdout.strip() or "C-b"

    def _own_client(self, by_hand: Sequence[str]) -> str:
        """The client that shows our own pane. Without it, tmux might switch another user's terminal.

        `by_hand` is what the user can type in a terminal instead.
        """
        fields = "#{client_control_mode} #{client_activity} #{client_name}"
        shown = self._run("list-clients", "-t", self._own_pane, "-F", fields).stdout if self._own_pane else ""
        rows = [row.split(" ", 2) for row in shown.splitlines()]
        terminals = [(int(active), name) for control, active, name in rows if control == "0"]
        if terminals:
            return max(terminals)[1]
        raise Refused(
            "this pane is in a tmux session without a terminal, so there is no terminal to switch",
            fix=f"in a terminal, type: {' '.join(by_hand)}",
        )

    def _own_scope(self) -> list[str]:
        """The command that starts a new server outside of our own systemd service; empty when not needed."""
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

    def _typed(self, *arguments: str, text: str = "") -> TypingResult:
        done = self._run(*arguments, text=text)
        if done.stdout.strip():
            return TypingResult(done.stdout.strip())
        if done.stderr and not any(words in done.stderr for words in _GONE):
            raise ReconcilerError("tmux refused", detail=done.stderr.strip())
        return TypingResult.GONE

    def _tell(self, commands: Sequence[str], forgive: tuple[str, ...] = ()) -> str:
        """Run commands and return their output. Each one is run, even if others fail.

        They go through stdin, because every user can read the command line of a process.
        """
        done = self._run("source-file", "-", text="".join(f"{line}\n" for line in commands))
        complaints = [c for c in done.stderr.splitlines() if not any(words in c for words in forgive)]
        if complaints:
            raise ReconcilerError("tmux refused", detail="\n".join(complaints))
        return done.stdout

    def _pane(self, pane_id: str) -> LibtmuxPane:
        """The pane as a libtmux object, with our time limit and environment."""
        from .objects import pane  # noqa: PLC0415 - takes 80 ms, and only typing and reading screens need it

        return pane(pane_id, self._heard)

    def _heard(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The output of a command; empty when its target is missing.

        Raises:
            ReconcilerError: tmux refused, or did not answer.
        """
        done = self._run(*arguments)
        if any(words in done.stderr for words in _GONE):
            return subprocess.CompletedProcess(done.args, done.returncode, "", "")
        if done.stderr:
            raise ReconcilerError("tmux refused", detail=done.stderr.strip())
        return done


def _launch(handover: Handover, session: NewSession) -> tuple[str, ...] | Failure:
    """The command line of a session, or the failure to pass its secrets."""
    try:
        return handover.launch(session.secrets, session.argv) if session.secrets else session.argv
    except ReconcilerError as error:
        return Failure(_words(error))


def _typing(pane_id: str, text: str) -> str:
    """Commands that leave copy mode, type a line and print a confirmation.

    Enter comes a moment later. If it came together with the text, an agent would read it all as pasted text, and Enter
    as a newline.
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


def _guarded_typing(target: TmuxTarget, unless: Texts, typing: str, only: Texts = ()) -> list[str]:
    """Arguments that do `typing` in the live target if its screen allows it, and print the result.

    tmux checks the screen and types in one step, so the screen cannot change in between. The short timer makes it check
    in a turn of its loop after it has read all output that the program had written before.
    """
    pane = ("-t", target.pane_id)
    leaving = command("if-shell", "-F", *pane, "#{pane_in_mode}", command("send-keys", *pane, "-X", "cancel"))
    allowed = sequence([leaving, typing, command("display-message", "-p", TypingResult.DONE)])
    held = command("display-message", "-p", TypingResult.HELD)
    guarded = command("if-shell", "-F", *pane, on_screen(unless), held, allowed)
    if only:
        guarded = command("if-shell", "-F", *pane, on_screen(only), guarded, held)
    return ["run-shell", "-d", _ONE_TURN, ";", "if-shell", "-F", "-t", place(target), still(target), guarded]


def _not_ended(target: TmuxTarget, there: str) -> str:
    """Why a target was not ended, from tmux's answer `there`: the id of what is there instead."""
    meant = target.pane_id if target.guest else target.session_id
    return "the session has changed since the plan was made" if there == meant else ""


def _still_there(target: TmuxTarget, left: Sequence[Pane | UnreadablePane], complaint: str) -> str:
    """Why a target still exists; empty when it is not among the panes that are left."""
    same = (each.pane_id == target.pane_id if target.guest else each.session_id == target.session_id for each in left)
    return f"its session is still there: {complaint or 'tmux did not say why'}" if any(same) else ""


def _ending_unknown(pane: Pane) -> bool:
    """Whether tmux has not noticed yet how a dead pane ended: 3.3a can miss it until another child ends."""
    return pane.dead and pane.dead_status is None and not pane.dead_signal


def _identified(state: TmuxState, label: str) -> TmuxState:
    """The state with the socket's label that the user knows, and with facts that identify the server's process.

    When the server no longer answers, only its process shows whether it still runs.
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
        return Unknown(f"the tmux server is version {version}: reconciler needs 3.2 or newer")
    return Present(state)


def _not_run(error: Exception) -> Unreachable:
    match error:
        case subprocess.TimeoutExpired():
            summary = f"tmux did not answer within {_SECONDS} s"
            return Unreachable(summary, detail="its server may be stopped or hang", fix=_DIAGNOSIS)
        case OSError() if not isinstance(
            error, FileNotFoundError
        ):  # no permission, or no files, processes or memory left
            detail = f"{error.strerror or error} (limits: see `ulimit -a`)"
            return Unreachable("tmux cannot be run", detail=detail, fix=_DIAGNOSIS)
        case _:
            fix = "apt install tmux, dnf install tmux, pacman -S tmux, or brew install tmux"
            return Unreachable("tmux is not installed", fix=fix)


def _words(error: ReconcilerError) -> str:
    return f"{error.summary}: {error.fix or error.detail}"
