"""OpenCode, as tested with versions 1.18.3 and 1.18.33.

The CLI chooses the id. Conversations are rows of an SQLite database, written with the first prompt; a row with a
parent is a subtask. No file shows which process has which conversation. The pane's title names the conversation as
soon as that has its own title.
"""

from __future__ import annotations

import glob
import os.path
from collections.abc import Sequence
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.moment import from_unix

from .binding import Binding
from .box import InputBox
from .declared import profile_of
from .form import PermissionForm, TypeForm
from .jsonl import parsed, text
from .launch import PROMPT, SESSION_ID
from .message import StoredMessage
from .profile import Profile
from .storage import Database, Query, StoredHead, Transcript, UserMessage
from .subject import AgentEnvironment
from .usage import ENDS, Usage

_SELECT = "SELECT id, directory, parent_id, title, time_created FROM session"
# Messages and their parts are rows of two tables, with JSON in `data`
# (github.com/anomalyco/opencode, packages/opencode/src/session/session.sql.ts).
_USER_TEXTS = (
    "SELECT part.id, part.session_id, message.data, part.data FROM part"
    " JOIN message ON message.id = part.message_id JOIN session ON session.id = part.session_id"
    " WHERE session.directory = ? ORDER BY part.time_created DESC LIMIT 100"
)
_MESSAGES = (
    "SELECT message.id, message.time_created, message.data, part.data FROM part"
    " JOIN message ON message.id = part.message_id WHERE part.session_id = ?"
    " ORDER BY message.time_created DESC, message.id DESC, part.time_created DESC, part.id DESC LIMIT 500"
)
# A tool that the model asks for is a part, and so is what came of it.
_SIZE = "SELECT count(*), coalesce(sum(time_updated), 0) FROM part WHERE session_id = ?"
_CUT = "..."
_UNTITLED = "New session - "
_CHOICES = ("Allow once Allow always Reject*",)


class Build(Struct, frozen=True):
    """What OpenCode, or a CLI that is made from it, calls its own."""

    # Its program, its data folder, and the first word of its databases.
    name: str
    # The environment variable that names another database.
    variable: str
    # The title of a pane, before the title of a conversation.
    titled: str


OPENCODE = Build(name="opencode", variable="OPENCODE_DB", titled="OC | ")


def databases(build: Build, subject: AgentEnvironment) -> str:
    """A pattern for the databases of this agent: one for each release channel, or the one that the variable names.

    The variable's value is relative to the data folder.
    """
    data = subject.env.get("XDG_DATA_HOME") or os.path.join(subject.home, ".local", "share")
    named = subject.env.get(build.variable)
    root = glob.escape(os.path.join(data, build.name))
    return os.path.join(root, glob.escape(named) if named else f"{build.name}*.db")


def _rows(build: Build, subject: AgentEnvironment) -> Query:
    return Query(databases(build, subject), f"{_SELECT} WHERE directory = ?", (subject.cwd,))


def _row_of(build: Build, subject: AgentEnvironment, conversation: str) -> Query:
    return Query(databases(build, subject), f"{_SELECT} WHERE id = ?", (conversation,))


def _read_row(row: Sequence[object]) -> StoredHead | None:
    match row:
        case [str(conversation), str(folder), parent, str(title), int(created)]:
            return StoredHead(conversation, folder, hidden=bool(parent), started=created // 1000, title=title)
        case _:
            return None


def _said(build: Build, subject: AgentEnvironment) -> Query:
    return Query(databases(build, subject), _USER_TEXTS, (subject.cwd,))


def _read_said(row: Sequence[object]) -> UserMessage | None:
    match row:
        case [str(part), str(conversation), str(message), str(data)]:
            content = parsed(data.encode(errors="replace"))
            is_said = (
                text(parsed(message.encode(errors="replace")), "role") == "user" and text(content, "type") == "text"
            )
            return UserMessage(part, conversation, text(content, "text")) if is_said else None
        case _:
            return None


def _messages_of(build: Build, subject: AgentEnvironment, conversation: str) -> Query:
    return Query(databases(build, subject), _MESSAGES, (conversation,))


def _size_of(build: Build, subject: AgentEnvironment, conversation: str) -> Query:
    return Query(databases(build, subject), _SIZE, (conversation,))


def _read_message_row(row: Sequence[object]) -> StoredMessage | None:
    """One part of a message; `synthetic` ones are the CLI's own."""
    match row:
        case [str(message), int(created), str(about), str(data)]:
            role, part = text(parsed(about.encode(errors="replace")), "role"), parsed(data.encode(errors="replace"))
            said = "" if part.get("synthetic") or text(part, "type") != "text" else text(part, "text")
            known = role in {"user", "assistant"} and said
            return StoredMessage(role, said, from_unix(created // 1000), message) if known else None
        case _:
            return None


def _names(build: Build, title: str, head: StoredHead) -> bool | None:
    """Compare the pane's title with a conversation's: long ones are cut, and automatic ones are not shown.

    A setting may put an icon in front (Kilo's `title_icon`).
    """
    icon, found, shown = title.partition(build.titled)
    if not found or any(map(str.isalnum, icon)):
        return None if head.title.startswith(_UNTITLED) else False
    return head.title.startswith(shown.removesuffix(_CUT)) if shown.endswith(_CUT) else head.title == shown


def profile_of_build(build: Build, form: TypeForm, tokens: str) -> Profile:
    """The profile of a CLI that is made from OpenCode; `tokens` is the `module:NAME` of its TokenStore."""
    made = profile_of(form)
    return replace(
        made,
        tokens=tokens,
        database=Database(
            rows=partial(_rows, build),
            row_of=partial(_row_of, build),
            read_row=_read_row,
            size_of=partial(_size_of, build),
            delete_row=(build.name, "session", "delete", SESSION_ID),
        ),
        transcript=Transcript(
            said=partial(_said, build),
            read_said=_read_said,
            messages_of=partial(_messages_of, build),
            read_message_row=_read_message_row,
        ),
        binding=Binding(names=partial(_names, build)),
        display=replace(made.display, box=_BOX),
    )


# The user's messages are drawn in the same kind of box, one blank line above; a wide terminal has a sidebar. Its last
# row names the agent (`Build`, `Plan`, or one of the user's) and the model.
_BOX = InputBox(
    "┃",
    empty=r"(Ask anything(…|\.{3})[^\n]*)?\n?((Build|Plan)\b[^\n]*|\S[^\n·]{0,40} · [^\n]+)?",
    foot=r"\s*╹▀+",
)
# Enter takes the selected choice. Only colours show which one that is; at first it is "Allow once". The choice beside
# it asks a second time (packages/tui/src/routes/session/permission.tsx), so one Enter never takes it.
PERMISSION = PermissionForm(
    opening=("Permission required",), first=_CHOICES, last=_CHOICES, once=_CHOICES, approve="Enter"
)
FORM = TypeForm(
    name="opencode",
    source="runs of the CLI in tmux, and the database that it wrote",
    tested=("1.18.3", "1.18.33"),
    command=("opencode",),
    resume=("--session", SESSION_ID),
    prompt=("--prompt", PROMPT),
    command_line=Usage(
        packages=("opencode-ai", "@opencode/cli"),
        resume=("--session", "-s"),
        newest=("--continue", "-c"),
        fork=("--fork",),
        prompt=("--prompt",),
        switches=("--auto", "--mdns", "--print-logs", "--pure"),
        once=ENDS,
        commands=(
            "acp",
            "agent",
            "attach",
            "auth",
            "completion",
            "db",
            "debug",
            "export",
            "github",
            "import",
            "mcp",
            "models",
            "plugin",
            "pr",
            "providers",
            "run",
            "serve",
            "session",
            "stats",
            "uninstall",
            "upgrade",
            "web",
        ),
    ),
    quit="/exit",
    resume_line=(f"opencode -s {SESSION_ID}",),
    id="ses_*",
    variables={"XDG_DATA_HOME": "~/.local/share", "OPENCODE_DB": "{XDG_DATA_HOME}/opencode/opencode.db"},
    roots=("{XDG_DATA_HOME}/opencode",),
    screens_file="opencode",
    tells_activity=True,
    paste_pause=0,  # it took Enter right behind a paste
    permission=PERMISSION,
)
PROFILE = profile_of_build(OPENCODE, FORM, "reconciler.agents.opencode_tokens:TOKENS")
