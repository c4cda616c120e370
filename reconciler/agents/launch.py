"""How a CLI is started, how it gets to trust a folder, and how it is ended."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from .subject import AgentEnvironment

SESSION_ID = "{session_id}"
PROMPT = "{prompt}"
CWD = "{cwd}"


class Launch(Struct, frozen=True):
    """The command line of a CLI. `{session_id}` and `{prompt}` in its arguments are filled in at the start."""

    # The program, with the arguments that make it this CLI.
    command: tuple[str, ...]
    # Right behind the command, at every start: they protect the user.
    args_always: tuple[str, ...] = ()
    # Begin a conversation; with `{session_id}` where we may choose its id.
    new: tuple[str, ...] = ()
    # Continue the conversation `{session_id}`.
    resume: tuple[str, ...] = ()
    # Behind all others: hand over a first prompt, and leave the CLI open.
    prompt: tuple[str, ...] = (PROMPT,)
    # Switches that older versions refuse, each with the version that brought it; an older one is started without.
    since: tuple[tuple[str, str], ...] = ()
    # The process that is started only waits for the one that is the CLI.
    goes_on_in_child: bool = False

    @property
    def chooses_id(self) -> bool:
        """True when we may choose the id of a new conversation."""
        return any(SESSION_ID in part for part in self.new)

    @property
    def resumes(self) -> bool:
        """True when a conversation can be continued by its id."""
        return any(SESSION_ID in part for part in self.resume)

    @property
    def mints_id(self) -> bool:
        """True when the CLI chooses the id of a conversation that can be continued."""
        return self.resumes and not self.chooses_id


def _no_file(_subject: AgentEnvironment) -> str:
    return ""


def _unchanged(content: bytes, _folder: str) -> bytes:
    return content


class Trust(Struct, frozen=True):
    """How the CLI's question whether a folder is trusted is answered beforehand, where the user gives that trust."""

    # Arguments that skip the question; `{cwd}` is the folder.
    args: tuple[str, ...] = ()
    # The CLI's own file that remembers trusted folders; empty where there is none.
    file: Callable[[AgentEnvironment], str] = _no_file
    # The content of that file with a folder added; ValueError when it has another shape.
    with_folder: Callable[[bytes, str], bytes] = _unchanged
    # What the user can set by hand, in words.
    setting: str = ""

    @property
    def can_be_given(self) -> bool:
        """True when the question can be answered beforehand."""
        return bool(self.args) or self.file is not _no_file


class Shutdown(Struct, frozen=True):
    """How the CLI ends, and what is left of it."""

    # The text that ends it, typed at its prompt.
    quit: str = ""
    # A regular expression that finds the conversation's id, its one group, in what it prints when it ends.
    resume_line: str = ""
    # What is known to outlive a killed session, in words.
    survives_kill: str = ""


def with_conversation(template: tuple[str, ...], conversation: str) -> tuple[str, ...]:
    """The template with the conversation id in its place."""
    return tuple(part.replace(SESSION_ID, conversation) for part in template)


def trusting(trust: Trust, folder: str) -> tuple[str, ...]:
    """The arguments that make the CLI trust a folder."""
    return tuple(part.replace(CWD, folder) for part in trust.args)


def prompted(launch: Launch, text: str) -> tuple[str, ...]:
    """The arguments that hand over a first prompt."""
    return tuple(part.replace(PROMPT, text) for part in launch.prompt)
