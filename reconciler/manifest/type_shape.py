"""The shape of an agent type in a manifest. `agents/form.py` has the same keys; a test compares the two."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired

from annotated_types import Ge, Le
from typing_extensions import TypedDict

from reconciler.model.schema import CommandWords, Expected, Pattern

from .rules import FIELD, KEY, NAME_RULE, RELATIVE, SQL_NAME, VARIABLE, VERSION

_STRICT = {"extra": "forbid"}

Argv = list[str]
_LIST = Expected("a text, or a list of texts")
Texts = Annotated[str | list[str], _LIST]
FieldName = Annotated[str, Pattern(FIELD), Expected("the name of a field: keys with dots between them")]
Fields = Annotated[FieldName | list[FieldName], Expected("the name of a field, or a list of such names")]
Paths = Annotated[str | list[str], Expected("a path, or a list of paths")]
Key = Annotated[str, Pattern(KEY), Expected("the name of a key in tmux, such as `1`, `y`, `Enter`, `Escape` or `C-s`")]
Version = Annotated[str, Pattern(VERSION), Expected('a version such as "1.18.3", in quotes')]
Column = Annotated[str, Pattern(SQL_NAME), Expected("a name of letters, digits and `_`")]
Program = Annotated[str, Pattern(r"\S+")] | Annotated[list[str], CommandWords()]
Command = Annotated[Program, Expected("a program, or a list such as [nice, my-agent]")]
Wrapper = Annotated[
    list[str],
    CommandWords(may_be_empty=True),
    Expected('a list of a program and its arguments, such as [nice, -n, "5"]'),
]
State = Literal["idle", "busy", "waiting"]
EventName = Literal["started", "progress", "permission_required"]
Extends = Annotated[str, Pattern(NAME_RULE[0]), Expected(NAME_RULE[1])]
Pause = Annotated[float, Ge(0), Le(10), Expected("a number of seconds from 0 to 10")]
Whole = Annotated[int, Expected("a whole number")]


class CommandLineDoc(TypedDict):
    """How users type the command line of the CLI: `adopt` and `unmanaged` read it."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # a hook of pydantic, not a key

    packages: NotRequired[Texts]
    """Names of the packages that `npx` and similar programs run."""
    resume: NotRequired[Texts]
    """Words before the id of a conversation."""
    newest: NotRequired[Texts]
    """Words that continue the newest conversation, or let the user choose one."""
    fork: NotRequired[Texts]
    """Words that begin a new conversation from an old one."""
    prompt: NotRequired[Texts]
    """Words before a first prompt, after which the CLI stays open."""
    folder: NotRequired[Texts]
    """Words before a folder to work in."""
    switches: NotRequired[Texts]
    """Options without a value: the word after them may be a prompt."""
    once: NotRequired[Texts]
    """Options with which the CLI answers once and ends."""
    commands: NotRequired[Texts]
    """First words that start something other than an agent: a login, a server, a list."""


class TypeTrustDoc(TypedDict):
    """What `trust: true` does: it passes `args`, or changes a JSON file of the CLI at the start."""

    __pydantic_config__ = _STRICT | {"title": "TypeTrustDoc"}  # type: ignore[misc] # a hook of pydantic, not a key

    args: NotRequired[Texts]
    """Arguments that skip the dialog; `{cwd}` is the folder."""
    file: NotRequired[str]
    """The JSON file with the trusted folders; it needs `list` or `flag`."""
    list: NotRequired[str]
    """The key of a list in `file` that the folder is added to."""
    flag: NotRequired[Argv]
    """The keys, from the outermost to the innermost, that lead to a flag in `file`; `{cwd}` is the folder."""
    setting: NotRequired[str]
    """What you can set by hand instead, in words."""


class HeadDoc(TypedDict):
    """Fields in the first lines of a conversation that is stored as JSON lines: the first line that has one counts."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # a hook of pydantic, not a key

    id: NotRequired[Fields]
    """The id of the conversation, if its path does not say it."""
    cwd: NotRequired[Fields]
    """The folder of the conversation."""
    cwd_digest: NotRequired[dict[Literal["md5", "sha1", "sha256"], FieldName]]
    """The field with a digest of the folder, by the digest's name."""
    started: NotRequired[Fields]
    """When it began: ISO 8601, or Unix time."""
    title: NotRequired[Fields]
    """Its title."""
    hidden: NotRequired[dict[FieldName, Texts]]
    """Fields with the values that mean "no conversation with a user"."""


class DatabaseDoc(TypedDict):
    """A table of an SQLite database with one row for each conversation. It is only read."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # a hook of pydantic, not a key

    file: str
    """Path of the database."""
    table: Column
    """Name of the table."""
    id: Column
    """Column with the id."""
    cwd: Column
    """Column with the folder."""
    hidden: NotRequired[Column]
    """Column that is set for what is no conversation with a user, such as the parent of a subtask."""
    started: NotRequired[Column]
    """Column with the Unix time of its beginning, in seconds or milliseconds."""
    title: NotRequired[Column]
    """Column with its title."""
    delete: NotRequired[Argv]
    """The CLI's own command that deletes the conversation `{session_id}`."""


class MessagesDoc(TypedDict):
    """Fields in the JSON lines of a conversation that say what was said, for `last` and for checks of prompts."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # a hook of pydantic, not a key

    role: FieldName
    """Who said it."""
    text: FieldName
    """What was said: a text, or a list of parts with `text`."""
    roles: NotRequired[dict[str, Literal["user", "assistant"]]]
    """The roles, by the words of the CLI. Default: `user` and `assistant`."""
    at: NotRequired[FieldName]
    """When it was said."""
    id: NotRequired[FieldName]
    """The id of the message; lines with one id are one message."""
    kinds: NotRequired[Texts]
    """The `type` of the parts that count. Default: all parts."""
    only: NotRequired[dict[FieldName, str]]
    """Fields with the text that they must have."""
    without: NotRequired[Fields]
    """Fields that must not be set."""
    own: NotRequired[Texts]
    """How a text begins that the CLI itself says in the name of the user."""
    rewrites: NotRequired[bool]
    """A later line with the same id takes the place of the earlier one. Default: false."""


class NotesDoc(TypedDict):
    """Files in which the CLI says which process has which conversation."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # a hook of pydantic, not a key

    files: Paths
    """Where they are; a path may contain `{pid}` and `{session_id}`."""
    users: NotRequired[Paths]
    """The notes of all processes that may use one conversation. Default: `files`."""
    id: NotRequired[Fields]
    """The field with the id of the conversation. Default: the path says it."""
    pid: NotRequired[Fields]
    """The field with the pid. Default: the path says it."""
    started: NotRequired[Fields]
    """The field with the start of the process, in clock ticks since boot."""
    status: NotRequired[Fields]
    """The field with the state."""
    states: NotRequired[dict[str, State]]
    """The states, by the words of the CLI. Default: `idle`, `busy`, `waiting`."""


class TitlesDoc(TypedDict):
    """Titles of the pane by which the state is known: how each begins; `*` is any run of characters."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # a hook of pydantic, not a key

    idle: NotRequired[Texts]
    """Titles of an agent that takes a prompt."""
    busy: NotRequired[Texts]
    """Titles of an agent at work; `⠁..⣿` is any character of that range."""
    waiting: NotRequired[Texts]
    """Titles of an agent that asks for a permission."""


class ScreenDoc(TypedDict):
    """A rule by which the state is read from the screen. The first rule that matches counts."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # a hook of pydantic, not a key

    state: Literal["idle", "busy", "waiting", "dialog"]
    """The state that it shows; `dialog` is a question at the start."""
    name: NotRequired[str]
    """The name of the dialog."""
    all: NotRequired[Texts]
    """Texts that must all be on the screen."""
    any: NotRequired[Texts]
    """Texts of which one must be on the screen."""
    tail: NotRequired[Whole]
    """How many of the last lines count, without blank ones. Default: 15."""
    since: NotRequired[Version]
    """The first version of the CLI that it holds for."""
    until: NotRequired[Version]
    """The first version of the CLI that it no longer holds for."""


class BoxDoc(TypedDict):
    """The box in which a prompt is typed."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # a hook of pydantic, not a key

    mark: NotRequired[str]
    """The text with which its first row begins, such as `>`."""
    empty: NotRequired[Texts]
    """What stands in it while nothing is typed; `*` is any run of characters."""
    frame: NotRequired[Texts]
    """The lines above and below, for a box without a mark; `*` is any run of characters."""


class TypePermissionDoc(TypedDict):
    """How a permission dialog looks, and which keys answer it. Texts are whole lines; `*` is any run of characters."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # a hook of pydantic, not a key

    first: Texts
    """The line of the first choice."""
    last: Texts
    """The line of the last choice."""
    once: Texts
    """The line of the first choice when it means "only this time". Only then is it ever chosen."""
    approve: Key
    """The key for the first choice."""
    deny: NotRequired[Key]
    """The key that denies. Default: Escape."""
    opening: NotRequired[Texts]
    """The line above the question. Default: everything above may be part of it."""
    mark: NotRequired[str]
    """The mark of the selected choice, if `approve` takes the selected one: it must be in the first."""
    reason: NotRequired[Texts]
    """A line of the dialog that asks for the reason after `deny`; Enter then denies without one. Default: none asks."""


class TypeHooksDoc(TypedDict):
    """Hooks of a CLI whose JSON settings have the form of Claude Code's."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # a hook of pydantic, not a key

    user: str
    """The settings file for all sessions of the user."""
    project: Annotated[str, Pattern(RELATIVE), Expected("a path below the agent's folder")]
    """The settings file for sessions in one folder, relative to that folder."""
    events: dict[str, EventName]
    """The job event for each event of the CLI."""
    limit: NotRequired[Whole]
    """How long the CLI waits for the hook, in the CLI's own unit. Default: 10."""
    reply: NotRequired[str]
    """What the hook prints for the CLI."""
    notice: NotRequired[str]
    """What the user has to do after `hooks install`, in words."""
    review: NotRequired[str]
    """The name of the dialog with which the CLI asks whether it may run the hooks."""


class TypeTokensDoc(TypedDict):
    """Fields with the tokens of one answer, in lines of JSON. The numbers in several fields are added."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # a hook of pydantic, not a key

    files: NotRequired[Paths]
    """The files of all conversations. Default: `artifacts`, in any folder."""
    input: NotRequired[Fields]
    """Tokens that were read."""
    output: NotRequired[Fields]
    """Tokens that were written, with what the model thought."""
    cache_read: NotRequired[Fields]
    """Tokens that were read from a cache."""
    cache_write: NotRequired[Fields]
    """Tokens that were written into a cache."""
    input_with_cache: NotRequired[bool]
    """`input` contains what was read from caches or written into them. Default: false."""
    usd: NotRequired[Fields]
    """What it cost, in US dollars."""
    model: NotRequired[Fields]
    """The model."""
    at: NotRequired[Fields]
    """When: ISO 8601, or Unix time."""
    id: NotRequired[Fields]
    """What identifies the answer: lines with the same id are one answer."""
    conversation: NotRequired[Fields]
    """The conversation, if the path does not say it."""
    provider: NotRequired[str]
    """What the provider is called in the price list. Default: the model alone tells."""


class AgentTypeDoc(TypedDict):
    """An agent CLI of your own."""

    __pydantic_config__ = _STRICT  # type: ignore[misc] # a hook of pydantic, not a key

    extends: NotRequired[Extends]
    """Take over what is known about another type, built-in or your own, and change what this block gives."""
    command: NotRequired[Command]
    """The program and its first arguments."""
    wrap: NotRequired[Wrapper]
    """Words before every command line, such as `[bwrap, ..., --]`."""
    source: NotRequired[str]
    """Where the facts below are from, in words."""
    tested: NotRequired[list[Version]]
    """The versions of the CLI that they were checked with, oldest first."""
    args_always: NotRequired[Argv]
    """Arguments for every start, directly after the command."""
    since: NotRequired[dict[str, Version]]
    """Arguments that older versions refuse, each with its first version."""
    new: NotRequired[Argv]
    """Arguments that begin a conversation; `{session_id}` is an id chosen by reconciler."""
    resume: NotRequired[Argv]
    """Arguments that continue the conversation `{session_id}`."""
    prompt: NotRequired[Argv]
    """Arguments for the first prompt `{prompt}`, after all others. Default: the prompt alone."""
    goes_on_in_child: NotRequired[bool]
    """The started process is a launcher that waits for the real CLI. Default: false."""
    trust: NotRequired[TypeTrustDoc]
    """How a folder is trusted in advance."""
    command_line: NotRequired[CommandLineDoc]
    """How users type the command line."""
    id: NotRequired[str]
    """The form of its ids: `uuid`, or a text such as `ses_*`. Default: any."""
    variables: NotRequired[dict[Annotated[str, Pattern(VARIABLE)], str]]
    """Environment variables that move its folders, each with its default; in braces, they begin a path."""
    roots: NotRequired[Paths]
    """The folders that hold everything the CLI stores."""
    artifacts: NotRequired[Argv]
    """Where the CLI stores a conversation; may contain `{session_id}`, `{cwd}` and other placeholders."""
    stores: NotRequired[Paths]
    """Where all conversations are. Default: `artifacts` with any id."""
    several_files: NotRequired[bool]
    """One conversation may have several artifacts. Default: false."""
    belongs: NotRequired[Texts]
    """What else belongs to a conversation: `{artifact}-wal`, `{stem}.meta.json` or `{folder}`."""
    head: NotRequired[HeadDoc]
    """Fields at the beginning of a stored conversation."""
    database: NotRequired[DatabaseDoc]
    """The database that holds the conversations as rows."""
    proof: NotRequired[str]
    """A text that a stored conversation contains if it can be resumed. Default: it always can."""
    wrapped: NotRequired[str]
    """How the CLI stores a prompt, if there is more around it: `<pasted>{prompt}</pasted>`."""
    opaque: NotRequired[bool]
    """The format of the file is not known: a prompt is found by its words alone. Default: false."""
    messages: NotRequired[MessagesDoc]
    """Fields that say what was said."""
    follows: NotRequired[bool]
    """Whether the CLI resumes a conversation from another folder. Default: not known."""
    fragile_resume: NotRequired[str]
    """How a resume can lose turns, and what avoids that, in words."""
    quit: NotRequired[str]
    """What is typed to end the CLI."""
    resume_line: NotRequired[Texts]
    """What the CLI prints at its end, up to the id: `mine --resume {session_id}`."""
    survives: NotRequired[str]
    """Which processes outlive a killed session, in words."""
    notes: NotRequired[NotesDoc]
    """Files that say which process has which conversation."""
    held: NotRequired[Paths]
    """Files that a process has open while it uses the conversation `{session_id}`; `**/` is any folder."""
    held_from_start: NotRequired[bool]
    """The CLI opens that file before the first prompt. Default: false."""
    titles: NotRequired[TitlesDoc]
    """Titles of the pane that show the state."""
    busy: NotRequired[str]
    """Regular expression that matches the pane title while the agent must not be interrupted; else it is idle."""
    screens: NotRequired[list[ScreenDoc]]
    """Rules by which the state is read from the screen."""
    box: NotRequired[BoxDoc]
    """How the input box looks."""
    submit: NotRequired[Annotated[Key | list[Key], Expected("the names of keys in tmux, such as `C-q`")]]
    """Keys that send the text in the box as Enter does, but that cannot answer a dialog by mistake."""
    paste_pause: NotRequired[Pause]
    """Seconds after a paste in which the CLI may ignore a key; 0.5 by default."""
    permission: NotRequired[TypePermissionDoc]
    """How a permission dialog looks, and which keys answer it."""
    hooks: NotRequired[TypeHooksDoc]
    """Hooks that can report to reconciler."""
    usage: NotRequired[TypeTokensDoc]
    """Fields with the tokens of an answer."""
