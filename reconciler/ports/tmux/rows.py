"""What tmux prints, as values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from reconciler.model.snapshot import Pane, Server, TmuxState

HOLDER_PREFIX = "_reconciler-"
"""Sessions of ours that only keep a control client company while it works."""

LINEAGE = "@reconciler_lineage"
ADDRESS = "@reconciler_address"
CONVERSATION = "@reconciler_session_id"

_SEPARATOR = "\x1f"
_ESCAPED_SEPARATOR = "\\037"  # tmux 3.4 and 3.5 print control characters like this, 3.3 and 3.6 do not
_FIELDS = (
    "session_name",
    "session_id",
    "pane_id",
    "pane_pid",
    "pane_current_command",
    "pane_current_path",
    "pane_dead",
    "pane_dead_status",
    "pane_dead_signal",
    "session_created",
    "session_attached",
    LINEAGE,
    ADDRESS,
    CONVERSATION,
    "socket_path",
    "pid",
    "start_time",
    "version",
    "pane_title",  # last: its text is the agent's, so it may hold a separator
)


def row_format(fields: Iterable[str] = _FIELDS) -> str:
    """The `-F` argument that makes tmux print these fields."""
    return _SEPARATOR.join(f"#{{{field}}}" for field in fields)


def split_row(row: str, count: int) -> list[str]:
    """The `count` fields of one line that tmux printed.

    Raises:
        ValueError: There are fewer.
    """
    fields = row.split(_SEPARATOR if _SEPARATOR in row else _ESCAPED_SEPARATOR, count - 1)
    if len(fields) != count:
        raise ValueError(f"tmux printed {row!r}")
    return fields


def parse_state(text: str) -> TmuxState | None:
    """The server and its panes, holder sessions left out; None when it has no session at all.

    Raises:
        ValueError: The text is not what `row_format` asks for.
    """
    rows = [split_row(line, len(_FIELDS)) for line in text.split("\n") if line]
    if not rows:
        return None
    socket, pid, started, version = rows[0][14:18]
    return TmuxState(Server(socket, int(pid), int(started), version), tuple(_panes(rows)))


def last_lines(printed: Sequence[str], count: int) -> str:
    """The last `count` lines of a screen that are not blank, with one blank line where some stood between them."""
    lines = "\n".join(line.rstrip() for line in printed).strip("\n").split("\n")
    shown = [line for line, above in zip(lines, ["", *lines], strict=False) if line or above]
    said = [at for at, line in enumerate(shown) if line][-count:]
    return "\n".join(shown[said[0] :]) if said else ""


def _panes(rows: Iterable[list[str]]) -> Iterator[Pane]:
    for row in rows:
        name, session_id, pane_id, pid, command, cwd, dead, status, signal, created, attached, *tags = row
        if name.startswith(HOLDER_PREFIX):
            continue
        yield Pane(
            name,
            session_id,
            pane_id,
            int(pid),
            command,
            cwd,
            dead == "1",
            int(status) if status else None,
            signal,
            row[-1],
            int(created),
            attached != "0",
            tags[0],
            tags[1],
            tags[2],
        )
