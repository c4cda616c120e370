"""What tmux prints, as values.

A row stands between `<` and `>`, its fields between `><`. The texts are in no hand of ours: titles, folders, the
names of processes, tags that anybody may set. tmux puts a backslash before each `<`, `>` and backslash in them
(`#{q:...}`, the same from 3.2 to 3.8), so that no text can end a field or a row, whatever is in it, newlines included.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from reconciler.model.snapshot import Pane, Server, TmuxState, UnreadablePane

HOLDER_PREFIX = "_reconciler-"
"""Sessions of ours that only keep a control client company while it works."""

LINEAGE = "@reconciler_lineage"
ADDRESS = "@reconciler_address"
CONVERSATION = "@reconciler_session_id"

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
)
_TEXTS = (
    LINEAGE,
    ADDRESS,
    CONVERSATION,
    "session_name",
    "pane_current_command",
    "pane_current_path",
    "pane_title",
    "socket_path",
)
_COUNT = len(_FACTS) + len(_TEXTS)
# tmux 3.4 and 3.5 print control characters, and what is no UTF-8, as vis(3) does. tmux 3.4 puts another backslash
# before the `$` of `$NAME`: `#{q:...}` leaves an odd number of them before each `$`, so two and a `$` hold that one.
_ESCAPED = re.compile(r"\\\\(?=\$)|\\([0-7]{3}|.)", re.DOTALL)
_CONTROLS = {"a": "\a", "b": "\b", "t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r"}
_READABLE = 200  # characters of what cannot be understood


def row_format(facts: Iterable[str] = _FACTS, texts: Iterable[str] = _TEXTS) -> str:
    """The `-F` argument that makes tmux print these fields; only `texts` may hold anything."""
    fields = (*(f"#{{{fact}}}" for fact in facts), *(f"#{{q:{text}}}" for text in texts))
    return f"<{_BETWEEN_FIELDS.join(fields)}>"


def rows_in(text: str) -> list[str]:
    """The rows that tmux printed, without what stands around each: nothing in a text can look like the end of one."""
    printed = text.removesuffix("\n")
    return printed.removeprefix("<").removesuffix(">").split(_BETWEEN_ROWS) if printed else []


def split_row(row: str, count: int) -> list[str]:
    """The `count` fields of one of `rows_in`.

    Raises:
        ValueError: There are more, or fewer.
    """
    fields = row.split(_BETWEEN_FIELDS)
    if len(fields) != count:
        raise ValueError(f"tmux printed {row[:_READABLE]!r}")
    return [_plain(field) if "\\" in field else field for field in fields]


def parse_state(text: str) -> TmuxState | None:
    """The server and its panes, holder sessions left out; None when it has no session at all.

    Raises:
        ValueError: No row is what `row_format` asks for.
    """
    rows = rows_in(text)
    if not rows:
        return None
    panes: list[Pane] = []
    unread: list[UnreadablePane] = []
    server: Server | None = None
    for row in rows:
        try:
            fields = split_row(row, _COUNT)
            server = server or _server(fields)
            panes.append(_pane(fields))
        except ValueError as error:
            unread.append(_unread(row, error))
    if server is None:
        raise ValueError(unread[0].reason)
    return TmuxState(server, tuple(pane for pane in panes if not _is_holder(pane)), tuple(unread))


def last_lines(printed: Sequence[str], count: int) -> str:
    """The last `count` lines of a screen that are not blank, with one blank line where some stood between them."""
    lines = "\n".join(line.rstrip() for line in printed).strip("\n").split("\n")
    shown = [line for line, above in zip(lines, ["", *lines], strict=False) if line or above]
    said = [at for at, line in enumerate(shown) if line][-count:]
    return "\n".join(shown[said[0] :]) if said else ""


def _server(fields: Sequence[str]) -> Server:
    return Server(socket=fields[-1], pid=int(fields[8]), started=int(fields[9]), version=fields[10])


def _pane(fields: Sequence[str]) -> Pane:
    session_id, pane_id, pid, dead, status, signal, created, attached = fields[:8]
    lineage, address, conversation, name, command, cwd, title, _ = fields[len(_FACTS) :]
    if not (session_id.startswith("$") and pane_id.startswith("%")):
        raise ValueError(f"tmux told of a pane {pane_id!r} in a session {session_id!r}")
    is_dead = dead == "1"
    return Pane(
        session=name,
        session_id=session_id,
        pane_id=pane_id,
        pid=0 if is_dead and not pid else max(int(pid), 0),  # tmux 3.8 has none for a dead pane
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
    )


def _unread(row: str, error: ValueError) -> UnreadablePane:
    """What is sure of a row that cannot be read."""
    try:
        fields = split_row(row, _COUNT)
    except ValueError:
        return UnreadablePane(str(error))
    return UnreadablePane(str(error), fields[14], fields[0], fields[1], fields[12])


def _is_holder(pane: Pane) -> bool:
    """Whether its session is one of those; what carries tags is an agent's, whatever its name is by now."""
    return pane.session.startswith(HOLDER_PREFIX) and not pane.lineage


def _plain(text: str) -> str:
    return _ESCAPED.sub(_unescaped, text)


def _unescaped(match: re.Match[str]) -> str:
    said = match[1] or ""
    if len(said) < 2:
        return _CONTROLS.get(said, said)
    byte = int(said, 8) & 0xFF
    return chr(byte) if byte < 0x80 else chr(0xDC00 + byte)  # as surrogateescape does
