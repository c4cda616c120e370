"""Ask a tmux server for its options, and read what it prints."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from .rows import LINEAGE

OPTIONS = ("show-options", "-s", ";", "show-options", "-g", ";", "show-options", "-gw")
# No text of other programs, and the lineage last: everyone may write into an option that begins with `@`.
PANE_SETTINGS = (
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


def options_in(printed: str) -> Mapping[str, str]:
    """Options by name. One that tmux has not heard of is missing, and so is one without a value."""
    rows = (line.partition(" ") for line in printed.splitlines())
    return {name: value.strip("'\"") for name, _, value in rows if name}


def pane_settings_in(printed: str) -> tuple[PaneSettings, ...]:
    """The settings of each pane. Raises ValueError for a row that cannot be read."""
    return tuple(_settings(line) for line in printed.splitlines())


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
