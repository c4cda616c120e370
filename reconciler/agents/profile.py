"""The shape of an agent profile, and how its templates are filled in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from reconciler.model.snapshot import Activity, LiveAgent

from .box import InputBox
from .hooks import Hooks
from .permission import PermissionPrompt

SESSION_ID = "{session_id}"
PROMPT = "{prompt}"
CWD = "{cwd}"
HEAD_BYTES = 1 << 16  # how much of a stored conversation `read_head` is to be given: line 1 of some is long


@dataclass(frozen=True, slots=True)
class Subject:
    """The agent whose traces are looked for. `cwd` is a real path; `env` is what the agent sees."""

    cwd: str
    home: str
    env: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LiveNote:
    """What a CLI wrote down about one of its running processes.

    `pid` is that process, None when the note does not say; `started` is its start in clock ticks
    since boot, the guard against a reused pid.
    """

    agent: LiveAgent
    started: int | None = None
    pid: int | None = None


class StoredHead(NamedTuple):
    """What the beginning of a stored conversation tells.

    `cwd` is empty when it does not tell; `cwd_digest` is there when it tells only a digest of the
    folder: the name of the algorithm, a colon, the digest. A `hidden` one is no conversation of a user: a
    subtask, or a run without a screen. `started` is Unix seconds, 0 when it does not tell.
    """

    id: str
    cwd: str = ""
    hidden: bool = False
    cwd_digest: str = ""
    started: int = 0
    title: str = ""


class Query(NamedTuple):
    """A question to the SQLite databases that the glob `pattern` finds; to be asked read-only."""

    pattern: str
    statement: str
    parameters: tuple[str, ...] = ()


class Said(NamedTuple):
    """What a user said, in a row of a database: its id, the conversation that it is in, the text."""

    id: str
    conversation: str
    text: str


def _nowhere(*_asked: object) -> tuple[str, ...]:
    return ()


def _nothing(*_asked: object) -> None:
    return None


def _no_file(_subject: Subject) -> str:
    return ""


def _unchanged(content: bytes, _folder: str) -> bytes:
    return content


def _no_conversation(_path: str) -> str:
    return ""


def _no_texts() -> tuple[tuple[str, ...], ...]:
    return ()


def titles_tell_nothing(_title: str, _head: StoredHead) -> None:
    """The judgement of a CLI whose pane titles never name a conversation."""


def unknown_follows(_version: str) -> None:
    """The judgement of a CLI that nobody has tried to resume in from another folder."""


def unknown_activity(_title: str) -> Activity:
    """The judgement of a CLI whose title tells nothing."""
    return Activity.UNKNOWN


def unknown_screen(_lines: Sequence[str], _version: str = "") -> LiveAgent:
    """The judgement of a CLI whose screens nobody has described."""
    return LiveAgent()


@dataclass(frozen=True, slots=True)
class Profile:
    """Everything the product knows about one agent CLI.

    Starting: `args_always` go right behind `command`: they protect the user. `new` and `resume` are
    arguments with `{session_id}` in them; `prompt` are those, after all others, that hand over a first
    prompt and leave the CLI open. `since` are switches that older versions refuse, each with the version that brought
    it: they are left out for an older one.

    Trust, where the user gives it: `trust_args` skip the question whether the folder (`{cwd}`) is
    trusted. `trust_file` is the CLI's own file that remembers trusted folders, and `with_trust` its content
    with a folder added; ValueError when that has another shape. `trust_setting` says for people what does.

    Ending: `quit` is the text that ends the CLI at its prompt. `survives_kill` says what is known to outlive
    a killed session. With `goes_on_in_child`, the process that is started only waits for the one that is the
    CLI. `resume_line` is a regular expression that finds the id, its one group, in what the CLI
    prints when it ends.

    Stored conversations: `roots` are the folders that everything is under, `variables` the
    environment variables that move them. `artifacts` gives glob patterns for one conversation id,
    best first; with `several_files`, one conversation may have more than one. `belongs` gives those for
    what else belongs to the conversation at an artifact's path. `stores` gives patterns for every
    conversation of the workspace, or of all workspaces where the CLI does not sort them; `read_head`
    reads what they find, given the path and the first HEAD_BYTES. An artifact is resumable when it
    holds the bytes `proof`. `rows` and `row_of` ask the same of a CLI that keeps a database, `read_row`
    reads an answer, and `delete_row` is the CLI's own command that deletes one. `fragile_resume` says
    how a resume can lose turns, and what avoids it.

    `follows` tells, given the CLI's version (empty when unknown), whether it resumes a conversation from another folder
    than the one that it began in: True, False, or None when nobody knows.

    `wrapped` is a regular expression that finds a prompt, its one group, in what the CLI stores around it.
    `said` asks a database for what users said last in the conversations of a folder, `read_said` reads an answer.
    `opaque` says that nobody has described what is in an artifact, an SQLite database: only that words come into it.

    Running processes: `notes` gives glob patterns for the CLI's own notes about a process id and
    `read_note` reads one, given its path too; a note of another process is one to pass over. `held`
    is the conversation that a process has in use which holds this file open, or nothing; with
    `held_from_start`, it does so before anything was said. `users`
    gives glob patterns for the notes of all processes that may be in a conversation. `names` tells whether
    a pane's title names a stored conversation: True, False, or None when the title does not tell.
    `activity` judges by the pane's title alone, `screen` by its lines and the CLI's version.
    `tells_activity` is true when the CLI can be asked what it does, so that "unknown" means "do not type".
    `box` says how its input box looks. `submit` are keys that hand over its text as Enter does, and that no question
    of the CLI's takes for an answer. `questions` gives groups of texts that stand on its screen together
    while it asks something, `works` those while it works, `permission` how a question for a permission is answered.
    `hooks` is where a program of ours can be told of, and what the CLI tells it.
    """

    name: str
    command: tuple[str, ...]
    args_always: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    resume: tuple[str, ...] = ()
    prompt: tuple[str, ...] = (PROMPT,)
    since: tuple[tuple[str, str], ...] = ()
    trust_args: tuple[str, ...] = ()
    trust_file: Callable[[Subject], str] = _no_file
    with_trust: Callable[[bytes, str], bytes] = _unchanged
    trust_setting: str = ""
    quit: str = ""
    survives_kill: str = ""
    goes_on_in_child: bool = False
    resume_line: str = ""
    variables: tuple[str, ...] = ()
    roots: Callable[[Subject], tuple[str, ...]] = _nowhere
    proof: bytes = b""
    has_artifacts: bool = False
    wrapped: str = ""
    said: Callable[[Subject], Query | None] = _nothing
    read_said: Callable[[Sequence[object]], Said | None] = _nothing
    opaque: bool = False
    artifacts: Callable[[Subject, str], tuple[str, ...]] = _nowhere
    belongs: Callable[[str], tuple[str, ...]] = _nowhere
    several_files: bool = False
    stores: Callable[[Subject], tuple[str, ...]] = _nowhere
    read_head: Callable[[str, bytes], StoredHead | None] = _nothing
    rows: Callable[[Subject], Query | None] = _nothing
    row_of: Callable[[Subject, str], Query | None] = _nothing
    read_row: Callable[[Sequence[object]], StoredHead | None] = _nothing
    delete_row: tuple[str, ...] = ()
    fragile_resume: str = ""
    follows: Callable[[str], bool | None] = unknown_follows
    notes: Callable[[Subject, int], tuple[str, ...]] = _nowhere
    read_note: Callable[[str, bytes], LiveNote | None] = _nothing
    held: Callable[[str], str] = _no_conversation
    held_from_start: bool = False
    users: Callable[[Subject, str], tuple[str, ...]] = _nowhere
    names: Callable[[str, StoredHead], bool | None] = titles_tell_nothing
    tells_activity: bool = False
    activity: Callable[[str], Activity] = unknown_activity
    screen: Callable[[Sequence[str], str], LiveAgent] = unknown_screen
    box: InputBox | None = None
    submit: tuple[str, ...] = ()
    questions: Callable[[], tuple[tuple[str, ...], ...]] = _no_texts
    works: Callable[[], tuple[tuple[str, ...], ...]] = _no_texts
    permission: PermissionPrompt | None = None
    hooks: Hooks | None = None

    @property
    def proves_by_files(self) -> bool:
        """True when an open file tells which conversation a process has."""
        return self.held is not _no_conversation

    @property
    def leaves_notes(self) -> bool:
        """True when the CLI writes down what its processes do."""
        return self.notes is not _nowhere

    @property
    def speaks_by_processes(self) -> bool:
        """True when notes about a process, or the files that it has open, tell anything."""
        return self.leaves_notes or self.proves_by_files

    @property
    def keeps_rows(self) -> bool:
        """True when the CLI keeps what was said in a database that we can read."""
        return self.rows is not _nothing

    @property
    def titles_name(self) -> bool:
        """True when the title of a pane can name the conversation in it."""
        return self.names is not titles_tell_nothing

    @property
    def reads_screens(self) -> bool:
        """True when the CLI's screens have been described."""
        return self.screen is not unknown_screen

    @property
    def can_trust(self) -> bool:
        """True when the question whether the folder is trusted can be answered beforehand."""
        return bool(self.trust_args) or self.trust_file is not _no_file

    @property
    def chooses_id(self) -> bool:
        """True when we may choose the id of a new conversation."""
        return any(SESSION_ID in part for part in self.new)

    @property
    def mints_id(self) -> bool:
        """True when the CLI chooses the id of a conversation that can be continued."""
        return self.resumes and not self.chooses_id

    @property
    def keeps_conversations(self) -> bool:
        """True when it is known where the CLI stores a conversation, in files or in a database."""
        return self.has_artifacts or self.row_of is not _nothing

    @property
    def follows_is_known(self) -> bool:
        """True when somebody has tried to resume in it from another folder."""
        return self.follows is not unknown_follows

    @property
    def follows_by_version(self) -> bool:
        """True when the CLI's version tells whether it resumes from another folder."""
        return self.follows_is_known and self.follows("") is None

    @property
    def starts_in_line(self) -> bool:
        """True when agents in one folder are told apart best when they start one after the other."""
        stores = self.has_artifacts or self.keeps_rows
        return self.mints_id and stores and not self.held_from_start

    @property
    def resumes(self) -> bool:
        """True when a conversation can be continued by its id."""
        return any(SESSION_ID in part for part in self.resume)


def filled(template: tuple[str, ...], conversation: str) -> tuple[str, ...]:
    """The template with the conversation id in its place."""
    return tuple(part.replace(SESSION_ID, conversation) for part in template)


def trusting(profile: Profile, folder: str) -> tuple[str, ...]:
    """The arguments that make the CLI trust a folder."""
    return tuple(part.replace(CWD, folder) for part in profile.trust_args)


def is_of(head: StoredHead, cwd: str) -> bool | None:
    """Whether a conversation belongs to the folder with the real path `cwd`; None when it does not tell."""
    if head.cwd_digest:
        import hashlib  # noqa: PLC0415 - two CLIs need it, and only when conversations are listed

        algorithm, _, digest = head.cwd_digest.partition(":")
        found = hashlib.new(algorithm, cwd.encode("utf-8", "surrogateescape"), usedforsecurity=False)
        return found.hexdigest() == digest
    return head.cwd == cwd if head.cwd else None


def prompted(profile: Profile, text: str) -> tuple[str, ...]:
    """The arguments that hand over a first prompt."""
    return tuple(part.replace(PROMPT, text) for part in profile.prompt)
