"""How a CLI is started, how it is made to trust a folder, and how it is ended."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from .subject import AgentEnvironment

SESSION_ID = "{session_id}"
PROMPT = "{prompt}"
CWD = "{cwd}"


class Launch(Struct, frozen=True):
    """The command line of a CLI. `{session_id}` and `{prompt}` in its arguments are filled in at the start."""

    # The program, with the arguments that are needed to run this CLI.
    command: tuple[str, ...]
    # Arguments for every start, directly after the command; they protect the user.
    args_always: tuple[str, ...] = ()
    # Arguments for a new conversation; with `{session_id}` if we may choose its id.
    new: tuple[str, ...] = ()
    # Arguments that continue the conversation `{session_id}`.
    resume: tuple[str, ...] = ()
    # Arguments for a first prompt, after all others; the CLI stays open after the answer.
    prompt: tuple[str, ...] = (PROMPT,)
    # Switches that older versions refuse, each with its first version; older versions are started without them.
    since: tuple[tuple[str, str], ...] = ()
    # True when the started process is a launcher that waits for the real CLI.
    goes_on_in_child: bool = False
    # The words before every command line.
    wrap: tuple[str, ...] = ()

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
        """True when the CLI itself chooses the ids of conversations, and can continue them."""
        return self.resumes and not self.chooses_id


def _no_file(_subject: AgentEnvironment) -> str:
    return ""


def _unchanged(content: bytes, _folder: str) -> bytes:
    return content


class Trust(Struct, frozen=True):
    """How to answer the CLI's trust dialog in advance, for folders that the manifest trusts."""

    # Arguments that skip the dialog; `{cwd}` is the folder.
    args: tuple[str, ...] = ()
    # The CLI's own file of trusted folders; empty when there is none.
    file: Callable[[AgentEnvironment], str] = _no_file
    # Adds a folder to the content of that file; ValueError when the content has another form.
    with_folder: Callable[[bytes, str], bytes] = _unchanged
    # What the user can set by hand instead, in words.
    setting: str = ""

    @property
    def can_be_given(self) -> bool:
        """True when the dialog can be answered in advance."""
        return bool(self.args) or self.file is not _no_file


class Shutdown(Struct, frozen=True):
    """How the CLI is ended, and what remains of it."""

    # The command that ends it, typed at its prompt.
    quit: str = ""
    # A regular expression for the conversation's id in what the CLI prints at its exit; the id is its only group.
    resume_line: str = ""
    # Which processes are known to outlive a killed session, in words.
    survives_kill: str = ""


def with_conversation(template: tuple[str, ...], conversation: str) -> tuple[str, ...]:
    """Fill the conversation id into the arguments."""
    return tuple(part.replace(SESSION_ID, conversation) for part in template)


def trusting(trust: Trust, folder: str) -> tuple[str, ...]:
    """The arguments that make the CLI trust a folder."""
    return tuple(part.replace(CWD, folder) for part in trust.args)


def prompted(launch: Launch, text: str) -> tuple[str, ...]:
    """The arguments for a first prompt."""
    return tuple(part.replace(PROMPT, text) for part in launch.prompt)
