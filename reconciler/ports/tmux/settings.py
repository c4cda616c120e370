"""Ask a tmux server for its options, and find other servers of this user. Only a diagnosis needs it.

The functions raise ReconcilerError when tmux does not answer.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping

from msgspec import Struct

from .file_limit import is_open
from .rows import LINEAGE
from .server import RealTmux

_OPTIONS = ("show-options", "-s", ";", "show-options", "-g", ";", "show-options", "-gw")
# No text of other programs, and the lineage last: everyone may write into an option that begins with `@`.
_PANES = (
    *("list-panes", "-a", "-F"),
    f"#{{session_id}} #{{pane_id}} #{{window_panes}} #{{pane_synchronized}} #{{destroy-unattached}} #{{{LINEAGE}}}",
)
_OFF = {"", "0", "off"}


class PaneSettings(Struct, frozen=True):
    """The options that decide about one pane.

    `synchronized` means that its window gives the keys of one pane to all of its panes. `ends_unattached` means that
    its session ends when no terminal shows it.
    """

    session_id: str
    pane_id: str
    panes: int
    """How many panes the window has."""
    synchronized: bool
    ends_unattached: bool
    lineage: str


def options(tmux: RealTmux) -> Mapping[str, str]:
    """The options of the server, and the global ones of sessions and windows, by name.

    An option that this tmux does not have is missing.
    """
    rows = (line.partition(" ") for line in tmux.printed(*_OPTIONS).splitlines())
    return {name: value.strip("'\"") for name, _, value in rows if name}


def pane_settings(tmux: RealTmux) -> tuple[PaneSettings, ...]:
    """What the options of its window and session say about each pane. Raises ValueError for an unreadable row, too."""
    return tuple(map(_settings, tmux.printed(*_PANES).splitlines()))


def search_path(tmux: RealTmux) -> str:
    """The PATH that the server gives to new panes; empty when it has none."""
    return tmux.printed("show-environment", "-g", "PATH").strip().partition("=")[2]


def neighbours(tmux: RealTmux) -> tuple[str, ...]:
    """The sockets of other servers of this user that listen, in the folder that tmux makes for them.

    Raises OSError when the folder cannot be read.
    """
    try:
        with os.scandir(tmux.folder) as entries:
            paths = sorted(entry.path for entry in entries if stat.S_ISSOCK(entry.stat().st_mode))
    except FileNotFoundError:
        return ()
    own = os.path.realpath(tmux.socket_path)
    return tuple(path for path in paths if path != own and is_open(path))


def _settings(row: str) -> PaneSettings:
    session_id, pane_id, panes, synchronized, unattached, lineage = row.split(" ", 5)
    return PaneSettings(
        session_id=session_id,
        pane_id=pane_id,
        panes=int(panes),
        synchronized=synchronized not in _OFF,
        ends_unattached=unattached not in _OFF,
        lineage=lineage,
    )
