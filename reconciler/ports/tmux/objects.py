"""libtmux's typed sessions, windows and panes, through a door of ours.

libtmux itself waits for tmux without a limit and hands it all of our environment. Objects that are made here cannot:
each of their commands goes through `run`. Looking and starting do not come this way: they are worth the 80 ms that
libtmux takes to load neither at each plan nor for a thousand agents.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import libtmux
from libtmux.common import tmux_cmd

Run = Callable[..., "subprocess.CompletedProcess[str]"]


class _Done(tmux_cmd):
    """What a command of ours printed, in the shape that libtmux knows: lines, without the blank ones at the end."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.cmd = [str(word) for word in done.args]
        self.returncode = done.returncode
        self.stdout = _lines(done.stdout)
        self.stderr = list(filter(None, _lines(done.stderr)))


class _BoundedServer(libtmux.Server):
    """A server that is asked through `run` alone, which knows its socket."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self._run = run

    def cmd(self, cmd: str, *args: Any, target: str | int | None = None) -> tmux_cmd:
        """What tmux says to a command."""
        aimed = () if target is None else ("-t", str(target))
        return _Done(self._run(cmd, *aimed, *map(str, args)))


def _lines(printed: str) -> list[str]:
    """Bytes that are not UTF-8 show as escapes, as in libtmux."""
    text = printed.encode(errors="surrogateescape").decode(errors="backslashreplace").rstrip("\n")
    return text.split("\n") if text else []


def pane(pane_id: str, run: Run) -> libtmux.Pane:
    """The pane with this id, of the server that `run` reaches; whether it is there shows when it is asked."""
    return libtmux.Pane(server=_BoundedServer(run), pane_id=pane_id)
