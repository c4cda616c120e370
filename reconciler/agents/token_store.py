"""Where a CLI stores what its answers used, and how its lines are read. Loaded only when tokens are counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b
from importlib import import_module
from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import Meta, Struct

from reconciler.model.tokens import MOST, TokenReaderState, TokenRow

from .defaults import nothing
from .profile import Profile
from .storage import Query
from .subject import AgentEnvironment

T = TypeVar("T")
Count = Annotated[int, Meta(ge=0, le=MOST)]
"""A number of tokens in JSON. A line with a negative number, a fraction or more than MOST is damaged."""


class Damaged(Exception):
    """A line has what its reader looks for, but not in a form that can be understood."""


class Shape(Generic[T]):
    """Decodes lines of one shape."""

    def __init__(self, shape: type[T]) -> None:
        self._decoder = msgspec.json.Decoder(shape)

    def read(self, line: bytes | str) -> T:
        """The line in that shape; other keys are ignored. Raises Damaged."""
        try:
            return self._decoder.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Damaged(str(error)) from error


class TokenLines(Struct, frozen=True):
    """Tokens in the lines of files, each of which only grows."""

    # Glob patterns of all files of all workspaces.
    files: Callable[[AgentEnvironment], tuple[str, ...]]
    # The conversation that a file at this path belongs to; empty when only its lines tell.
    owner: Callable[[str], str]
    # A line without any of these cannot say anything about tokens; they stand in its first `head` bytes.
    marks: tuple[bytes, ...]
    # Reads a line; the rows that it adds, and what is carried on to the next line. Raises Damaged.
    read: Callable[[bytes, TokenReaderState], tuple[Sequence[TokenRow], TokenReaderState]]
    head: int | None = None
    # Of several rows with one key in a file, the last one counts; else the one with the greatest total.
    last: bool = False
    # The reason why files of this name cannot be read; None for all others.
    unreadable: Callable[[str], str | None] = nothing
    # A digest of what a manifest says about the fields: rows that were read in another way are read again.
    fields: str = ""


class TokenDocuments(Struct, frozen=True):
    """Tokens in files that are one JSON document each, which is written as a whole."""

    # Glob patterns of all files of all workspaces.
    files: Callable[[AgentEnvironment], tuple[str, ...]]
    # The conversation that a file at this path belongs to.
    owner: Callable[[str], str]
    # Reads a document. Raises Damaged.
    read: Callable[[bytes], Sequence[TokenRow]]


class TokenTable(Struct, frozen=True):
    """Tokens in the rows of a database. Times are Unix milliseconds."""

    # Asks for the rows that were written at this time or later; 0 asks for all.
    query: Callable[[AgentEnvironment, int], Query]
    # Asks about the rows that were begun before this time: how many there are, and the sum of their times. The third
    # number of the answer is when the last of all rows was begun.
    earlier: Callable[[AgentEnvironment, int], Query]
    # Reads a row; None when it is not an answer. Raises Damaged.
    read: Callable[[Sequence[object]], TokenRow | None]


class TokenStore(Struct, frozen=True, kw_only=True):
    """What is known about the tokens that a CLI stores."""

    lines: TokenLines | None = None
    table: TokenTable | None = None
    documents: TokenDocuments | None = None
    # What the provider is called in the price list; empty when the model alone must tell.
    provider: str = ""
    # What a user must know of the numbers while a conversation is open, in words.
    open_note: str = ""


def token_store(profile: Profile) -> TokenStore | None:
    """The profile's token store; None when it has none."""
    if profile.tokens:
        module, _, name = profile.tokens.partition(":")
        store: TokenStore | None = getattr(import_module(module), name)
        return store
    if profile.form is None:
        return None
    declared: TokenStore | None = import_module("reconciler.agents.token_form").declared_store(profile.form)
    return declared


def row_key(*parts: str) -> int:
    """One number for what identifies an answer: equal parts give equal numbers, and others practically never."""
    said = "\0".join(parts).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(said, digest_size=8).digest(), "big", signed=True)


def no_owner(_path: str) -> str:
    """For files whose lines name their conversation."""
    return ""
