"""What reconciler needs for a while on a tmux server, and how to tell that it was left behind.

A holder session keeps a control client company while sessions are started. Both go with the command that made them.
What is still there without its maker was left by a command that was killed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from typing import Self

from msgspec import Struct

from reconciler.model.observed import Absent, Present
from reconciler.ports.lockfile import current_namespace
from reconciler.ports.processes import RealProcesses, command_lines

from .language import command
from .rows import HOLDER_PREFIX

HOLDER = "@reconciler_holder"
"""The option that marks a holder session, whatever it is called."""

# A name may hold spaces, and so it is the last. A row that a foreign option or name forges does no harm: `ending` asks.
_ROW = f"#{{session_id}} #{{session_attached}} #{{session_created}} #{{{HOLDER}}} #{{session_name}}"
_MARK = re.compile(r"(\d+)/(\d+)/([^/]*)/[0-9a-f]{8}")
_NAME = re.compile(rf"{re.escape(HOLDER_PREFIX)}(\d+)-[0-9a-f]{{8}}")
_CLIENT = re.compile(rf"(-[LS] .+) -C new-session -s {_NAME.pattern} -- sleep 3600(?: |$)")


class Mark(Struct, frozen=True):
    """Who made a holder session: a process, when it started (0: not told), and where its pid means something."""

    pid: int
    started: int
    namespace: str
    number: str

    @classmethod
    def ours(cls) -> Self:
        """A mark of this process that no other session has."""
        began = RealProcesses().started(os.getpid())
        return cls(
            os.getpid(),
            began.value if isinstance(began, Present) else 0,
            current_namespace().namespace,
            os.urandom(4).hex(),
        )

    @property
    def name(self) -> str:
        """What the holder session is called at first."""
        return f"{HOLDER_PREFIX}{self.pid}-{self.number}"

    def __str__(self) -> str:
        return f"{self.pid}/{self.started}/{self.namespace}/{self.number}"


class HolderSession(Struct, frozen=True):
    """A holder session; `created` is Unix seconds. One of an older version has no mark, only its name."""

    session_id: str
    attached: bool
    created: int
    mark: str
    name: str

    def ending(self) -> str:
        """A command that ends this session, and no other one that may have its id by now."""
        told, seen = (self.mark, f"#{{{HOLDER}}}") if self.mark else (self.name, "#{session_name}")
        kill = command("kill-session", "-t", self.session_id)
        return command("if-shell", "-F", "-t", self.session_id, f"#{{==:{seen},{told}}}", kill)


def listing() -> list[str]:
    """The command whose output `holders` reads."""
    return ["list-sessions", "-F", _ROW]


def holders(printed: str) -> Iterator[HolderSession]:
    """The holder sessions among all sessions; a row that cannot be read is left out."""
    for row in printed.splitlines():
        try:
            session_id, attached, created, mark, name = row.split(" ", 4)
            found = HolderSession(session_id, attached != "0", int(created), mark, name)
        except ValueError:
            continue
        if re.fullmatch(r"\$\d+", session_id) and _is_holder(found):
            yield found


def is_left_behind(holder: HolderSession) -> bool:
    """Whether the process that made a holder session is surely gone."""
    if found := _MARK.fullmatch(holder.mark):
        return found[3] == current_namespace().namespace and _is_gone(int(found[1]), int(found[2]))
    named = _NAME.fullmatch(holder.name)
    return named is not None and _is_gone_since(int(named[1]), holder.created)


def orphans(doors: Collection[str]) -> list[int]:
    """The pids of our control clients whose maker is gone, on the server that `doors` name (`-L x`, `-S /x`).

    The command line and the user of a process prove that it is such a client. The server has the command line of the
    client that started it, but leads a terminal session of its own, which no client does.
    """
    return [pid for pid, line in command_lines() if _is_orphan(pid, line, doors)]


def _is_holder(holder: HolderSession) -> bool:
    if holder.mark:
        return _MARK.fullmatch(holder.mark) is not None
    return _NAME.fullmatch(holder.name) is not None


def _is_orphan(pid: int, line: str, doors: Collection[str]) -> bool:
    found = _CLIENT.search(line)
    if not found or found[1] not in doors or _leads_a_session(pid):
        return False
    maker, client = RealProcesses().started(int(found[2])), RealProcesses().started(pid)
    if not isinstance(client, Present):
        return False
    return isinstance(maker, Absent) or (isinstance(maker, Present) and maker.value > client.value)


def _leads_a_session(pid: int) -> bool:
    try:
        return os.getsid(pid) == pid
    except OSError:  # gone, or not ours to ask: no client that may be ended
        return True


def _is_gone(pid: int, started: int) -> bool:
    """Whether the process that started then has ended; another one may have its pid now."""
    now = RealProcesses().started(pid)
    return isinstance(now, Absent) or (isinstance(now, Present) and started not in {0, now.value})


def _is_gone_since(pid: int, moment: int) -> bool:
    """The same of a process that ran at a moment, in Unix seconds."""
    began = RealProcesses().since(pid)
    return isinstance(began, Absent) or (isinstance(began, Present) and began.value > moment + 2)  # both to a second
