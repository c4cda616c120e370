"""Make panes of libtmux that run their commands through our own function.

libtmux itself waits for tmux without a time limit, and gives it our whole environment. The objects made here run each
command through `run` instead. Looking and starting do not use libtmux, because it takes 80 ms to load.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import libtmux
from libtmux.common import tmux_cmd

Run = Callable[..., "subprocess.CompletedProcess[str]"]


class _Done(tmux_cmd):
    """The result of a command in the form that libtmux expects: lines, without blank ones at the end."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.cmd = [str(word) for word in done.args]
        self.returncode = done.returncode
        self.stdout = _lines(done.stdout)
        self.stderr = list(filter(None, _lines(done.stderr)))


class _BoundedServer(libtmux.Server):
    """A server whose commands go only through `run`, which knows the socket."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self._run = run

    def cmd(self, cmd: str, *args: Any, target: str | int | None = None) -> tmux_cmd:
        """Run a tmux command."""
        aimed = () if target is None else ("-t", str(target))
        return _Done(self._run(cmd, *aimed, *map(str, args)))


def _lines(printed: str) -> list[str]:
    """The lines of the output. Bytes that are not UTF-8 become escapes, as in libtmux."""
    text = printed.encode(errors="surrogateescape").decode(errors="backslashreplace").rstrip("\n")
    return text.split("\n") if text else []


def pane(pane_id: str, run: Run) -> libtmux.Pane:
    """The pane with this id on the server that `run` reaches. It is not checked here that the pane exists."""
    return libtmux.Pane(server=_BoundedServer(run), pane_id=pane_id)
