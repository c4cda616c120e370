"""Holder sessions and control clients: how to mark them, and how to find those of killed commands.

A control client needs a session to attach to while it starts other sessions: its holder session. Both end with the
command that made them. If the command has ended and they still exist, the command was killed.
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
"""The option that marks a holder session, even after a rename."""

# The name is last because it may contain spaces. A forged row does no harm: `ending` compares again.
_ROW = f"#{{session_id}} #{{session_attached}} #{{session_created}} #{{{HOLDER}}} #{{session_name}}"
_MARK = re.compile(r"(\d+)/(\d+)/([^/]*)/[0-9a-f]{8}")
_NAME = re.compile(rf"{re.escape(HOLDER_PREFIX)}(\d+)-[0-9a-f]{{8}}")
_CLIENT = re.compile(rf"(-[LS] .+) -C new-session -s {_NAME.pattern} -- sleep 3600(?: |$)")


class HolderOwner(Struct, frozen=True):
    """The process that made a holder session: pid, start (0 when unknown), and the pid namespace."""

    pid: int
    started: int
    namespace: str
    number: str

    @classmethod
    def ours(cls) -> Self:
        """A new, unique mark of this process."""
        began = RealProcesses().started(os.getpid())
        return cls(
            os.getpid(),
            began.value if isinstance(began, Present) else 0,
            current_namespace().namespace,
            os.urandom(4).hex(),
        )

    @property
    def name(self) -> str:
        """The first name of the holder session."""
        return f"{HOLDER_PREFIX}{self.pid}-{self.number}"

    def __str__(self) -> str:
        return f"{self.pid}/{self.started}/{self.namespace}/{self.number}"


class HolderSession(Struct, frozen=True):
    """A holder session. `created` is Unix seconds. Holder sessions of older versions have only a name, no mark."""

    session_id: str
    attached: bool
    created: int
    mark: str
    name: str

    def ending(self) -> str:
        """A command that ends this session, but not another one that may have the same id by now."""
        expected, field = (self.mark, f"#{{{HOLDER}}}") if self.mark else (self.name, "#{session_name}")
        kill = command("kill-session", "-t", self.session_id)
        return command("if-shell", "-F", "-t", self.session_id, f"#{{==:{field},{expected}}}", kill)


def listing() -> list[str]:
    """The command whose output `holders` reads."""
    return ["list-sessions", "-F", _ROW]


def holders(printed: str) -> Iterator[HolderSession]:
    """The holder sessions in the output of `listing`. Unreadable rows are left out."""
    for row in printed.splitlines():
        try:
            session_id, attached, created, mark, name = row.split(" ", 4)
            found = HolderSession(session_id, attached != "0", int(created), mark, name)
        except ValueError:
            continue
        if re.fullmatch(r"\$\d+", session_id) and _is_holder(found):
            yield found


def is_left_behind(holder: HolderSession) -> bool:
    """Whether the process that made a holder session has certainly ended."""
    if found := _MARK.fullmatch(holder.mark):
        return found[3] == current_namespace().namespace and _is_gone(int(found[1]), int(found[2]))
    named = _NAME.fullmatch(holder.name)
    return named is not None and _is_gone_since(int(named[1]), holder.created)


def orphans(sockets: Collection[str]) -> list[int]:
    """The pids of our control clients whose command has ended, on the server `sockets` (`-L x`, `-S /x`).

    The command line and the user of a process prove that it is a control client of ours. The server itself has the
    command line of the client that started it; but it leads a terminal session, which a client never does.
    """
    return [pid for pid, line in command_lines() if _is_orphan(pid, line, sockets)]


def _is_holder(holder: HolderSession) -> bool:
    if holder.mark:
        return _MARK.fullmatch(holder.mark) is not None
    return _NAME.fullmatch(holder.name) is not None


def _is_orphan(pid: int, line: str, sockets: Collection[str]) -> bool:
    found = _CLIENT.search(line)
    if not found or found[1] not in sockets or _leads_a_session(pid):
        return False
    maker, client = RealProcesses().started(int(found[2])), RealProcesses().started(pid)
    if not isinstance(client, Present):
        return False
    return isinstance(maker, Absent) or (isinstance(maker, Present) and maker.value > client.value)


def _leads_a_session(pid: int) -> bool:
    try:
        return os.getsid(pid) == pid
    except OSError:  # ended, or not ours: do not treat it as a client
        return True


def _is_gone(pid: int, started: int) -> bool:
    """Whether the process with this start has ended. Another one may have its pid now."""
    now = RealProcesses().started(pid)
    return isinstance(now, Absent) or (isinstance(now, Present) and started not in {0, now.value})


def _is_gone_since(pid: int, moment: int) -> bool:
    """Whether the process that ran at `moment` (Unix seconds) has ended."""
    began = RealProcesses().since(pid)
    return isinstance(began, Absent) or (
        isinstance(began, Present) and began.value > moment + 2
    )  # each is exact to a second
