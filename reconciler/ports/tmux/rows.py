"""Parse the output of tmux.

A row is between `<` and `>`, and its fields are separated by `><`. Some fields are text that other programs control:
titles, folders, process names, tags. tmux puts a backslash before each `<`, `>` and backslash in them (`#{q:...}`, the
same from 3.2 to 3.8). So no text can end a field or a row, not even one with newlines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from reconciler.model.snapshot import Pane, Server, TmuxState, UnreadablePane

HOLDER_PREFIX = "_reconciler-"
"""The start of the names of holder sessions, see `holders.py`."""

LINEAGE = "@reconciler_lineage"
ADDRESS = "@reconciler_address"
CONVERSATION = "@reconciler_session_id"
PROJECT = "@reconciler_project"

_BETWEEN_FIELDS, _BETWEEN_ROWS = "><", ">\n<"
_FACTS = (
    "session_id",
    "pane_id",
    "pane_pid",
    "pane_dead",
    "pane_dead_status",
    "pane_dead_signal",
    "session_created",
    "session_attached",
    "pid",
    "start_time",
    "version",
    "window_activity",
)
_TEXTS = (
    LINEAGE,
    ADDRESS,
    CONVERSATION,
    PROJECT,
    "session_name",
    "pane_current_command",
    "pane_current_path",
    "pane_title",
    "socket_path",
)
_ACTIVITY = len(_FACTS) - 1
_COUNT = len(_FACTS) + len(_TEXTS)
# tmux 3.4 and 3.5 print control characters, and bytes that are not UTF-8, like vis(3). tmux 3.4 puts another backslash
# before the `$` of `$NAME`. `#{q:...}` gives an odd number of them before each `$`, so two include the extra one.
_ESCAPED = re.compile(r"\\\\(?=\$)|\\([0-7]{3}|.)", re.DOTALL)
_CONTROLS = {"a": "\a", "b": "\b", "t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r"}
_READABLE = 200  # characters of an unreadable row in a message


def row_format(facts: Iterable[str] = _FACTS, texts: Iterable[str] = _TEXTS) -> str:
    """The `-F` argument that makes tmux print these fields. Only `texts` may contain any text."""
    fields = (*(f"#{{{fact}}}" for fact in facts), *(f"#{{q:{text}}}" for text in texts))
    return f"<{_BETWEEN_FIELDS.join(fields)}>"


def rows_in(text: str) -> list[str]:
    """The rows that tmux printed, without their brackets."""
    printed = text.removesuffix("\n")
    return printed.removeprefix("<").removesuffix(">").split(_BETWEEN_ROWS) if printed else []


def split_row(row: str, count: int) -> list[str]:
    """The fields of a row from `rows_in`, unescaped.

    Raises:
        ValueError: It does not have `count` fields.
    """
    fields = row.split(_BETWEEN_FIELDS)
    if len(fields) != count:
        raise ValueError(f"tmux printed {row[:_READABLE]!r}")
    return [_plain(field) if "\\" in field else field for field in fields]


def parse_state(text: str) -> TmuxState | None:
    """The server and its panes, without holder sessions; None when it has no session at all.

    Raises:
        ValueError: No row has the form of `row_format`.
    """
    rows = rows_in(text)
    if not rows:
        return None
    panes: list[Pane] = []
    unread: list[UnreadablePane] = []
    last_output: dict[str, int] = {}
    server: Server | None = None
    for row in rows:
        try:
            fields = split_row(row, _COUNT)
            server = server or _server(fields)
            last_output[fields[1]] = int(fields[_ACTIVITY] or 0)
            panes.append(_pane(fields))
        except ValueError as error:
            unread.append(_unread(row, error))
    if server is None:
        raise ValueError(unread[0].reason)
    shown = tuple(pane for pane in panes if not _is_holder(pane))
    return TmuxState(server, shown, tuple(unread), last_output)


def last_lines(printed: Sequence[str], count: int) -> str:
    """The last `count` lines of a screen that are not blank. Several blank lines between them become one."""
    lines = "\n".join(line.rstrip() for line in printed).strip("\n").split("\n")
    shown = [line for line, above in zip(lines, ["", *lines], strict=False) if line or above]
    filled = [at for at, line in enumerate(shown) if line][-count:]
    return "\n".join(shown[filled[0] :]) if filled else ""


def _server(fields: Sequence[str]) -> Server:
    return Server(socket=fields[-1], pid=int(fields[8]), started=int(fields[9]), version=fields[10])


def _pane(fields: Sequence[str]) -> Pane:
    session_id, pane_id, pid, dead, status, signal, created, attached = fields[:8]
    lineage, address, conversation, project, name, command, cwd, title, _ = fields[len(_FACTS) :]
    if not (session_id.startswith("$") and pane_id.startswith("%")):
        raise ValueError(f"tmux printed a pane {pane_id!r} in a session {session_id!r}")
    is_dead = dead == "1"
    return Pane(
        session=name,
        session_id=session_id,
        pane_id=pane_id,
        pid=0 if is_dead and not pid else max(int(pid), 0),  # tmux 3.8 prints no pid for a dead pane
        command=command,
        cwd=cwd,
        dead=is_dead,
        dead_status=int(status) if status else None,
        dead_signal=signal,
        title=title,
        created=int(created),
        attached=attached != "0",
        lineage=lineage,
        address=address,
        conversation=conversation,
        project=project,
    )


def _unread(row: str, error: ValueError) -> UnreadablePane:
    """The certain parts of an unreadable row."""
    try:
        fields = split_row(row, _COUNT)
    except ValueError:
        return UnreadablePane(str(error))
    _, address, _, _, name, *_ = fields[len(_FACTS) :]
    return UnreadablePane(str(error), name, fields[0], fields[1], address)


def _is_holder(pane: Pane) -> bool:
    """Whether its session is a holder session. A session with tags is an agent's, even with a similar name."""
    return pane.session.startswith(HOLDER_PREFIX) and not pane.lineage


def _plain(text: str) -> str:
    return _ESCAPED.sub(_unescaped, text)


def _unescaped(match: re.Match[str]) -> str:
    escape = match[1] or ""
    if len(escape) < 2:
        return _CONTROLS.get(escape, escape)
    byte = int(escape, 8) & 0xFF
    return chr(byte) if byte < 0x80 else chr(0xDC00 + byte)  # as surrogateescape does
