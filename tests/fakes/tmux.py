"""A tmux server in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from posixpath import basename

from fakes.clock import FakeClock
from fakes.files import FakeFiles
from fakes.processes import FakeProcesses

from reconciler.model.address import is_name
from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import ABSENT, Observed, Present, Unknown
from reconciler.model.snapshot import Pane, Room, Server, TmuxState
from reconciler.ports.tmux.rows import last_lines
from reconciler.ports.world import Failure, NewSession, Texts, Typed

SOCKET = "/fake/tmux.sock"
READY = {  # what a CLI that has just started shows, by the name of its program
    "agy": ">\n? for shortcuts",
    "claude": "----\n\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT}\n? for shortcuts",
    "codex": "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} Ask Codex to do anything",
    "copilot": "\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT}\n/ commands \N{MIDDLE DOT} ? help",
    "gemini": "Type your message or @path/to/file",
    "opencode": "Ask anything...\nctrl+p commands",
    "qwen": "Type your message or @path/to/file",
}


@dataclass
class FakeTmux:
    """Sessions of one pane each. A pane is dead when its pid is no longer in `processes`. CLIs start idle.

    unknown: when set, `look` answers Unknown with this reason.
    exits: commands that end at once, with their status and what they leave on the screen.
    quits: lines that make any agent end with status 0 when they are typed.
    started, typed, pasted, pressed: what was asked for, in order.
    """

    processes: FakeProcesses
    files: FakeFiles
    clock: FakeClock
    unknown: str = ""
    exits: dict[str, tuple[int, str]] = field(default_factory=dict)
    quits: set[str] = field(default_factory=lambda: {"/quit", "/exit"})
    started: list[NewSession] = field(default_factory=list)
    typed: list[tuple[str, str]] = field(default_factory=list)
    pasted: list[tuple[str, str]] = field(default_factory=list)
    pressed: list[tuple[str, str]] = field(default_factory=list)
    screens: dict[str, str] = field(default_factory=dict)
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

    def kill_session(self, session: str) -> None:
        """Somebody runs kill-session."""
        self.processes.hang_up(self._panes.pop(session).pid)
        if not self._panes:
            self.server = None

    def kill_server(self) -> None:
        """Everything is gone, as after a reboot; ids start again with the next server."""
        for session in tuple(self._panes):
            self.kill_session(session)

    # The port.

    def look(self) -> Observed[TmuxState]:
        if self.unknown:
            return Unknown(self.unknown)
        if self.server is None:
            return ABSENT
        return Present(TmuxState(self.server, tuple(map(self.pane, self._panes))))

    def room(self, server: int) -> Observed[Room]:
        return Present(Room(limit=1024, used=len(self._panes), pid=server))

    def tidy(self) -> bool:
        return False

    def start(self, sessions: Sequence[NewSession]) -> Iterator[Pane | Failure]:
        for session in sessions:
            self.started.append(session)
            yield self._start(session)

    def end(self, session_ids: Sequence[str]) -> None:
        for session_id in session_ids:
            if session := self._named(session_id):
                self.kill_session(session)

    def rename(self, session_id: str, name: str) -> None:
        session = self._named(session_id)
        if session is None or name in self._panes or not is_name(name):
            raise ReconcilerError(f"cannot rename the session {session_id}")
        self._panes = {name if s == session else s: pane for s, pane in self._panes.items()}
        self.change(name, session=name)

    def tag(self, session_id: str, lineage: str, address: str, conversation: str) -> None:
        session = self._named(session_id)
        if session is None:
            raise ReconcilerError(f"cannot tag the session {session_id}")
        self.change(session, lineage=lineage, address=address, conversation=conversation)

    def type_line(self, pane_id: str, text: str) -> bool:
        pane = self._shown(pane_id)
        if pane is None or pane.dead:
            return False
        line = "".join(c for c in text if c.isprintable())
        self.typed.append((pane_id, line))
        if line in self.quits:
            self.processes.exit(pane.pid)
        return True

    def paste(self, pane_id: str, text: str, unless: Texts = ()) -> Typed:
        return self._reach(pane_id, unless, self.pasted, text)

    def press(self, pane_id: str, keys: Sequence[str], unless: Texts = (), only: Texts = ()) -> Typed:
        if only and self._shown(pane_id) and not self._shows(pane_id, only):
            return Typed.HELD
        return self._reach(pane_id, unless, self.pressed, " ".join(keys))

    def blank(self) -> frozenset[str]:
        return frozenset(pane.pane_id for pane in self._panes.values() if not self.screens.get(pane.pane_id, ""))

    def screen(self, pane_id: str, lines: int = 15) -> str:
        if self._shown(pane_id) is None:
            return ""
        return last_lines(self.screens.get(pane_id, "").splitlines(), lines)

    def _reach(self, pane_id: str, unless: Texts, log: list[tuple[str, str]], what: str) -> Typed:
        pane = self._shown(pane_id)
        if pane is None or pane.dead:
            return Typed.GONE
        if self._shows(pane_id, unless):
            return Typed.HELD
        log.append((pane_id, what))
        return Typed.DONE

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
        )
        self.screens[pane.pane_id] = READY.get(pane.command, "")
        if pane.command in self.exits:
            status, self.screens[pane.pane_id] = self.exits[pane.command]
            self.processes.exit(pane.pid, status)
        return pane

    def _next_number(self) -> int:
        if self.server is None:
            self._numbers = count()
            self.server = Server(SOCKET, self.processes.spawn(), int(self.clock.now().timestamp()), "3.3a")
        return next(self._numbers)

    def _named(self, session_id: str) -> str | None:
        return next((s for s, pane in self._panes.items() if pane.session_id == session_id), None)

    def _shown(self, pane_id: str) -> Pane | None:
        return next((self.pane(s) for s, pane in self._panes.items() if pane.pane_id == pane_id), None)
