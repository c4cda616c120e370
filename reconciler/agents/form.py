"""What can be said of an agent CLI as data: the keys of `agent_types` in a manifest, and the built-in types.

A key is the same word in both. `declared.py` makes a profile of it. What only an algorithm can say is not here: a
built-in type then replaces a part of its profile.

- A text that a screen or title is compared with is plain: `*` is any run of characters, and nothing else is special.
- A path may contain `{cwd}`, `{cwd_key}`, `{cwd_slug}`, `{cwd_md5}`, `{session_id}`, `{session_id8}`, `{pid}`, the name
  of one of its `variables` in braces, `~` at its start, and `*` and `?` as in a shell.
- A field names a value in a JSON object: keys with dots between them.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from .launch import PROMPT
from .usage import Usage

STATES = {"idle": "idle", "busy": "busy", "waiting": "waiting"}
ROLES = {"user": "user", "assistant": "assistant"}


class ScreenForm(Struct, frozen=True, kw_only=True):
    """A rule of `screen.py`."""

    state: str
    name: str = ""
    any: tuple[str, ...] = ()
    all: tuple[str, ...] = ()
    tail: int = 15
    since: str | None = None
    until: str | None = None


class TrustForm(Struct, frozen=True, kw_only=True):
    """How a folder is trusted in advance."""

    args: tuple[str, ...] = ()
    # A JSON file of the CLI: with a list of folders at the key `list`, or with a flag at the keys `flag`, of which
    # `{cwd}` is the folder.
    file: str = ""
    list: str = ""
    flag: tuple[str, ...] = ()
    setting: str = ""


class HeadForm(Struct, frozen=True, kw_only=True):
    """Fields at the beginning of a file with JSON lines: in the first line that has them."""

    id: tuple[str, ...] = ()
    cwd: tuple[str, ...] = ()
    # The name of a digest algorithm and the field with the digest of the folder.
    cwd_digest: Mapping[str, str] = field(default_factory=dict)
    started: tuple[str, ...] = ()
    title: tuple[str, ...] = ()
    # Fields of which one of the values means that this is no conversation with a user.
    hidden: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class DatabaseForm(Struct, frozen=True, kw_only=True):
    """A table of an SQLite database, one row a conversation: the names of its columns."""

    file: str
    table: str
    id: str
    cwd: str
    hidden: str = ""
    started: str = ""
    title: str = ""
    delete: tuple[str, ...] = ()


class MessagesForm(Struct, frozen=True, kw_only=True):
    """Fields of a line that says what a user or the CLI said."""

    role: str
    text: str
    # The roles as the CLI calls them.
    roles: Mapping[str, str] = field(default_factory=lambda: ROLES)
    at: str = ""
    id: str = ""
    # The types of a text's parts that count; empty when all do.
    kinds: tuple[str, ...] = ()
    # Fields that must have a value, and fields that must not be set.
    only: Mapping[str, str] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    # Beginnings of what the CLI itself says in the name of the user.
    own: tuple[str, ...] = ()
    # True when a later line with the same id takes the place of the earlier one.
    rewrites: bool = False


class NotesForm(Struct, frozen=True, kw_only=True):
    """Files in which the CLI says which process has which conversation.

    Without the field `id`, the path says the conversation; without a field `pid`, it says the process.
    """

    files: tuple[str, ...]
    # The notes of all processes that may use a conversation; by default `files` with any pid.
    users: tuple[str, ...] = ()
    id: tuple[str, ...] = ()
    pid: tuple[str, ...] = ()
    # The start of the process, in clock ticks since boot.
    started: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    # The state by the text of `status`.
    states: Mapping[str, str] = field(default_factory=lambda: STATES)


class BoxForm(Struct, frozen=True, kw_only=True):
    """The input box: how its first row begins, or what is above and below it, and what it shows while it is empty."""

    mark: str = ""
    empty: tuple[str, ...] = ()
    frame: tuple[str, ...] = ()


class PermissionForm(Struct, frozen=True, kw_only=True):
    """A permission dialog: texts of whole lines, and the keys that answer it."""

    first: tuple[str, ...]
    last: tuple[str, ...]
    once: tuple[str, ...]
    approve: str
    deny: str = "Escape"
    opening: tuple[str, ...] = ()
    mark: str = ""
    # A line of the dialog that asks why, after `deny`.
    reason: tuple[str, ...] = ()


class HooksForm(Struct, frozen=True, kw_only=True):
    """Hooks in JSON settings that have the form of Claude Code's."""

    user: str
    project: str
    # The job event for each event of the CLI.
    events: Mapping[str, str]
    limit: int = 10
    reply: str = ""
    notice: str = ""
    review: str = ""


class TokensForm(Struct, frozen=True, kw_only=True):
    """Fields with the tokens of one answer, in lines of files. The values of several fields are added."""

    # By default the artifacts, in the folders of all agents.
    files: tuple[str, ...] = ()
    input: tuple[str, ...] = ()
    output: tuple[str, ...] = ()
    cache_read: tuple[str, ...] = ()
    cache_write: tuple[str, ...] = ()
    # True when `input` contains what was read from caches or written into them.
    input_with_cache: bool = False
    usd: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    at: tuple[str, ...] = ()
    # What identifies an answer: lines with the same one are the same answer.
    id: tuple[str, ...] = ()
    conversation: tuple[str, ...] = ()
    provider: str = ""


class TypeForm(Struct, frozen=True, kw_only=True):
    """All that can be said of a CLI as data. The default of a key means that nothing is known."""

    name: str
    # Where these facts are from, in words.
    source: str = ""
    tested: tuple[str, ...] = ()
    # --- how it starts ---
    command: tuple[str, ...]
    args_always: tuple[str, ...] = ()
    since: Mapping[str, str] = field(default_factory=dict)
    new: tuple[str, ...] = ()
    resume: tuple[str, ...] = ()
    prompt: tuple[str, ...] = (PROMPT,)
    goes_on_in_child: bool = False
    wrap: tuple[str, ...] = ()
    trust: TrustForm | None = None
    command_line: Usage | None = None
    # --- what it stores ---
    # `uuid`, or a text such as `ses_*`; empty for any id.
    id: str = ""
    # Environment variables that move its folders, each with its default.
    variables: Mapping[str, str] = field(default_factory=dict)
    roots: tuple[str, ...] = ()
    artifacts: tuple[str, ...] = ()
    # Where all conversations are; by default `artifacts` with any id.
    stores: tuple[str, ...] = ()
    several_files: bool = False
    belongs: tuple[str, ...] = ()
    head: HeadForm | None = None
    database: DatabaseForm | None = None
    proof: str = ""
    wrapped: str = ""
    opaque: bool = False
    messages: MessagesForm | None = None
    follows: bool | None = None
    fragile_resume: str = ""
    # --- how it ends ---
    quit: str = ""
    resume_line: tuple[str, ...] = ()
    survives: str = ""
    # --- what proves the conversation of a process ---
    notes: NotesForm | None = None
    held: tuple[str, ...] = ()
    held_from_start: bool = False
    # --- what it shows ---
    titles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    busy: str = ""
    # The rules themselves; for a built-in type, they are in a file of this name.
    screens: tuple[ScreenForm, ...] = ()
    screens_file: str = ""
    # Whether "unknown" means "do not type"; None: it does if anything here can say "idle".
    tells_activity: bool | None = None
    box: BoxForm | None = None
    submit: tuple[str, ...] = ()
    # Seconds after a paste in which it may ignore a key.
    paste_pause: float = 0.5
    permission: PermissionForm | None = None
    # --- what it reports ---
    hooks: HooksForm | None = None
    usage: TokensForm | None = None
