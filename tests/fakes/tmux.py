"""A tmux server in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from posixpath import basename

from fakes.clock import FakeClock
from fakes.files import FakeFiles
from fakes.processes import FakeProcesses
from msgspec.structs import asdict, replace

from reconciler.model.address import is_name
from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import ABSENT, Observed, Present, Unknown
from reconciler.model.problem import Problem
from reconciler.model.snapshot import OpenFileLimit, Pane, Server, TmuxState, TmuxTarget, UnreadablePane
from reconciler.ports.tmux.rows import last_lines
from reconciler.ports.world import Failure, NewSession, SessionTags, Texts, TypingResult

SOCKET = "/fake/tmux.sock"
READY = {  # what a CLI that has just started shows, by the name of its program
    "agy": ">\n? for shortcuts",
    "claude": "----\n\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT}\n? for shortcuts",
    "cline": "────\n\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT} Ask anything...\n────\n○ Plan ● Act (Tab)",
    "codex": "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} Ask Codex to do anything",
    "copilot": "\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT}\n/ commands \N{MIDDLE DOT} ? help",
    "gemini": "Type your message or @path/to/file",
    "kilo": "Ask anything...\nctrl+p commands",
    "opencode": "Ask anything...\nctrl+p commands",
    "pi": "────\n\n────\n0.0%/128k (auto)",
    "qwen": "Type your message or @path/to/file",
}


@dataclass
class FakeTmux:
    """Sessions of one pane each. A pane is dead when its pid is no longer in `processes`. CLIs start idle.

    unknown: when set, `look` answers Unknown with this reason.
    hidden: when set, the server lives and nobody finds it at its socket.
    beside: what other servers answer, by their sockets.
    exits: commands that end at once, with their status and what they leave on the screen.
    quits: lines that make any agent end with status 0 when they are typed.
    started, typed, pasted, pressed: what was asked for, in order.
    shut: what would keep a server from being started.
    unread: panes of which tmux tells in words that cannot be read.
    meddling: what `ending_hooks` says.
    """

    processes: FakeProcesses
    files: FakeFiles
    clock: FakeClock
    unknown: str = ""
    hidden: bool = False
    beside: dict[str, Observed[TmuxState]] = field(default_factory=dict)
    exits: dict[str, tuple[int, str]] = field(default_factory=dict)
    quits: set[str] = field(default_factory=lambda: {"/quit", "/exit"})
    started: list[NewSession] = field(default_factory=list)
    typed: list[tuple[str, str]] = field(default_factory=list)
    pasted: list[tuple[str, str]] = field(default_factory=list)
    pressed: list[tuple[str, str]] = field(default_factory=list)
    screens: dict[str, str] = field(default_factory=dict)
    unread: list[UnreadablePane] = field(default_factory=list)
    meddling: str = ""
    shut: Problem | None = None
    server: Server | None = None
    _panes: dict[str, Pane] = field(default_factory=dict)
    _numbers: count = field(default_factory=count)

    # What a test does to the server from outside.

    def add(self, session: str, command: str = "sh", cwd: str = "/tmp", **fields: object) -> Pane:  # noqa: S108
        """A session that somebody made without us; `fields` are those of a Pane."""
        number = self._next_number()
        pane = Pane(
            session=session,
            session_id=f"${number}",
            pane_id=f"%{number}",
            pid=self.processes.spawn(),
            command=command,
            cwd=cwd,
            created=int(self.clock.now().timestamp()),
        )
        self._panes[session] = replace(pane, **fields)
        return self._panes[session]

    def change(self, session: str, /, **fields: object) -> None:
        """Change fields of a session's pane: title, command, cwd, tags, ..."""
        self._panes[session] = replace(self._panes[session], **fields)

    def pane(self, session: str) -> Pane:
        """The pane as `look` would show it."""
        pane = self._panes[session]
        if pane.pid in self.processes.alive:
            return pane
        status, signal = self.processes.endings[pane.pid]
        return replace(pane, dead=True, dead_status=status, dead_signal=signal)

    def exit_agent(self, session: str, status: int = 0) -> None:
        """The agent ends by itself and leaves a dead pane."""
        self.processes.exit(self._panes[session].pid, status)

    def move(self, session: str, into: str) -> None:
        """Somebody moves the pane to a session of his own, which is all that is left then."""
        pane = self._panes.pop(session)
        elsewhere = {"session": into, "session_id": f"${self._next_number()}", "lineage": "", "address": ""}
        self._panes[into] = replace(pane, **elsewhere, conversation="")

    def kill_session(self, session: str) -> None:
        """Somebody runs kill-session."""
        self.processes.hang_up(self._panes.pop(session).pid)
        if not self._panes and self.server:
            self.processes.exit(self.server.pid)
            self.server = None

    def kill_server(self) -> None:
        """Everything is gone, as after a reboot; ids start again with the next server."""
        for session in tuple(self._panes):
            self.kill_session(session)

    # The port.

    @property
    def socket_path(self) -> str:
        return SOCKET

    def look_at(self, socket: str) -> Observed[TmuxState]:
        return self.beside.get(socket, ABSENT)

    def look(self) -> Observed[TmuxState]:
        if self.unknown:
            return Unknown(self.unknown)
        if self.server is None or self.hidden:
            return ABSENT
        return Present(TmuxState(self.server, tuple(map(self.pane, self._panes)), tuple(self.unread)))

    def obstacle(self) -> Problem | None:
        return self.shut

    def room(self, server: int) -> Observed[OpenFileLimit]:
        return Present(OpenFileLimit(limit=1024, used=len(self._panes), pid=server))

    def ending_hooks(self) -> str:
        return self.meddling

    def tidy(self) -> bool:
        return False

    def start(self, sessions: Sequence[NewSession]) -> Iterator[Pane | Failure]:
        for session in sessions:
            self.started.append(session)
            yield self._start(session)

    def end(self, targets: Sequence[TmuxTarget]) -> tuple[str, ...]:
        return ("",) * len(targets) if self.hidden else tuple(map(self._end, targets))

    def rename(self, target: TmuxTarget, name: str) -> None:
        session = self._meant(target)
        if session is None or name in self._panes or not is_name(name):
            raise ReconcilerError(f"cannot rename the session {target.session_id}")
        self._panes = {name if s == session else s: pane for s, pane in self._panes.items()}
        self.change(name, session=name)

    def tag(self, target: TmuxTarget, wanted: SessionTags) -> None:
        session = self._meant(target)
        if session is None:
            raise ReconcilerError(f"cannot tag the session {target.session_id}")
        tags = asdict(wanted)
        self.change(session, **{name: text for name, text in tags.items() if text or name != "project"})

    def type_line(self, target: TmuxTarget, text: str) -> bool:
        session = self._meant(target)
        if session is None or self.pane(session).dead:
            return False
        pane, pane_id = self.pane(session), target.pane_id
        line = "".join(c for c in text if c.isprintable())
        self.typed.append((pane_id, line))
        if line in self.quits:
            self.processes.exit(pane.pid)
        return True

    def paste(self, target: TmuxTarget, text: str, unless: Texts = ()) -> TypingResult:
        return self._reach(target, unless, self.pasted, text)

    def press(self, target: TmuxTarget, keys: Sequence[str], unless: Texts = (), only: Texts = ()) -> TypingResult:
        if only and self._meant(target) and not self._shows(target.pane_id, only):
            return TypingResult.HELD
        return self._reach(target, unless, self.pressed, " ".join(keys))

    def blank_panes(self) -> frozenset[str]:
        return frozenset(pane.pane_id for pane in self._panes.values() if not self.screens.get(pane.pane_id, ""))

    def screen(self, pane_id: str, lines: int = 15) -> str:
        if self._shown(pane_id) is None:
            return ""
        return last_lines(self.screens.get(pane_id, "").splitlines(), lines)

    def picture(self, pane_id: str, *, history: bool = False) -> str:  # noqa: ARG002 - nothing scrolls away here
        return "" if self._shown(pane_id) is None else self.screens.get(pane_id, "")

    def _end(self, target: TmuxTarget) -> str:
        session = self._named(target.session_id)
        if session is None or (target.guest and self.pane(session).pane_id != target.pane_id):
            return ""
        pane = self.pane(session)
        if self._meant(target if pane.pid == target.pid and not pane.dead else replace(target, pid=0)) is None:
            return "the session has changed since the plan was made"
        self.kill_session(session)
        return ""

    def _meant(self, target: TmuxTarget) -> str | None:
        """The session of the target, as long as it is what it was."""
        session = self._named(target.session_id)
        if session is None:
            return None
        pane = self.pane(session).target
        process = (pane.pane_id, pane.pid) == (target.pane_id, target.pid) or not target.pane_id
        tags = (pane.lineage, pane.address) == (target.lineage, target.address) or target.guest
        return session if process and tags else None

    def _reach(self, target: TmuxTarget, unless: Texts, log: list[tuple[str, str]], what: str) -> TypingResult:
        session = self._meant(target)
        if session is None or self.pane(session).dead:
            return TypingResult.GONE
        if self._shows(target.pane_id, unless):
            return TypingResult.HELD
        log.append((target.pane_id, what))
        return TypingResult.DONE

    def _shows(self, pane_id: str, groups: Texts) -> bool:
        shown = self.screens.get(pane_id, "").casefold()
        return any(all(text.casefold() in shown for text in texts) for texts in groups)

    def _start(self, session: NewSession) -> Pane | Failure:
        if not is_name(session.name):
            return Failure(f"{session.name!r} is no name for a session")
        if not session.argv:
            return Failure("there is no command to run")
        if session.name in self._panes:
            return Failure(f"duplicate session: {session.name}")
        if session.cwd not in self.files.folders:
            return Failure(f"{session.cwd} is not a folder")
        pane = self.add(
            session.name,
            basename(session.argv[0]),
            session.cwd,
            lineage=session.lineage,
            address=session.address,
            conversation=session.conversation,
            project=session.project,
        )
        self.screens[pane.pane_id] = READY.get(pane.command, "")
        if pane.command in self.exits:
            status, self.screens[pane.pane_id] = self.exits[pane.command]
            self.processes.exit(pane.pid, status)
        return pane

    def _next_number(self) -> int:
        if self.server is None:
            self._numbers = count()
            pid, now = self.processes.spawn(), int(self.clock.now().timestamp())
            self.server = Server(SOCKET, pid, now, "3.3a", SOCKET, self.processes.alive[pid])
        return next(self._numbers)

    def _named(self, session_id: str) -> str | None:
        return next((s for s, pane in self._panes.items() if pane.session_id == session_id), None)

    def _shown(self, pane_id: str) -> Pane | None:
        return next((self.pane(s) for s, pane in self._panes.items() if pane.pane_id == pane_id), None)
