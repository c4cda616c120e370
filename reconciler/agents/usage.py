"""How users type the command line of a CLI: with more forms and options than reconciler itself uses."""

from __future__ import annotations

from msgspec import Struct

from .keys import UUID


class Usage(Struct, frozen=True):
    """The words in a command line that show whether it starts an agent or a program that ends by itself.

    The options are those of the CLI's own documentation, with the short and the older ones.
    """

    # The names of the packages that `npx` and similar programs run.
    packages: tuple[str, ...] = ()
    # Words before the id of a conversation.
    resume: tuple[str, ...] = ()
    # A regular expression for such an id; any other text there is a title, a number or a search.
    id: str = UUID
    # Words that continue the newest conversation, or let the user choose one.
    newest: tuple[str, ...] = ()
    # Words that begin a new conversation from an old one.
    fork: tuple[str, ...] = ()
    # Words before a first prompt, after which the CLI stays open.
    prompt: tuple[str, ...] = ()
    # Words before a folder to work in.
    folder: tuple[str, ...] = ()
    # Options without a value: the word after them may be a prompt.
    switches: tuple[str, ...] = ()
    # Options with which the CLI answers once and ends.
    once: tuple[str, ...] = ()
    # First words that start something other than an agent: a login, a server, a list.
    commands: tuple[str, ...] = ()


ENDS = ("--help", "-h", "--version", "-v", "-V")  # options that nearly every CLI answers before it ends
