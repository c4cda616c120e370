"""How people type the command line of a CLI: more than what reconciler itself starts."""

from __future__ import annotations

from msgspec import Struct

from .keys import UUID


class Usage(Struct, frozen=True):
    """The words of a command line that tell an agent apart from what ends by itself.

    The options are those of the CLI's own documentation, the short and the older ones included.
    """

    # The packages that npx and its like run.
    packages: tuple[str, ...] = ()
    # Words before the id of a conversation.
    resume: tuple[str, ...] = ()
    # The expression that such an id matches; whatever else stands there is a title, a number or a search.
    id: str = UUID
    # Words that continue the newest conversation, or ask which.
    newest: tuple[str, ...] = ()
    # Words that begin another conversation from an old one.
    fork: tuple[str, ...] = ()
    # Words before a first prompt that leave the CLI open.
    prompt: tuple[str, ...] = ()
    # Words before a folder to work in.
    folder: tuple[str, ...] = ()
    # Options without a value: the word behind them may be a prompt.
    switches: tuple[str, ...] = ()
    # Options with which the CLI answers once and ends.
    once: tuple[str, ...] = ()
    # First words that make it something else than an agent: a login, a server, a list.
    commands: tuple[str, ...] = ()


ENDS = ("--help", "-h", "--version", "-v", "-V")  # what nearly every CLI answers, and ends
