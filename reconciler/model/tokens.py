"""What the answers of models used, as the CLIs stored it: rows, and the files that they were read from."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

MOST = 1 << 53
"""More tokens than this in one row are no count: JSON numbers of other programs are exact up to here."""


class TokenRow(Struct, frozen=True, array_like=True, gc=False):
    """What one answer used. The four counts never overlap, so their sum is the total."""

    # Equal rows of several files are one answer; see `agents.token_store.row_key`.
    key: int
    # Unix seconds; 0 when the CLI stored no time.
    at: int
    model: str
    # Input that was neither read from a cache nor written into one.
    input: int = 0
    # With what the model thought.
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    # The part of `cache_write` that is kept for an hour, which costs more.
    cache_write_1h: int = 0
    # What the CLI says it cost, in US dollars; None when it says nothing.
    usd: float | None = None
    # The conversation, when the file's place does not tell it.
    conversation: str = ""

    @property
    def total(self) -> int:
        """All tokens."""
        return self.input + self.output + self.cache_read + self.cache_write


class TokenReaderState(Struct, frozen=True, array_like=True):
    """What the lines so far say about the lines that follow. Each reader uses what it needs."""

    model: str = ""
    # The conversation that the file's lines name.
    conversation: str = ""
    # What else identifies the lines: the conversation that they were first written for.
    origin: str = ""
    # True when the file holds the more exact of two kinds of lines: the other kind no longer counts.
    exact: bool = False
    # Counts up to here, by model; what they are is up to the reader.
    counts: Mapping[str, tuple[int, int, int, int]] = field(default_factory=dict)
    # True when the input of the last answers is not stored yet.
    is_open: bool = False


class FileMark(Struct, frozen=True, array_like=True):
    """What tells that a file is the same and has not been written since."""

    device: int
    inode: int
    size: int
    mtime_ns: int


class TokenFile(Struct, frozen=True, array_like=True):
    """The rows of one file or database, and how far it was read."""

    # The name of the profile whose reader read it.
    type: str
    mark: FileMark
    # The conversation of all rows; empty when each row names its own.
    conversation: str = ""
    # The byte after the last complete line; for a database a time, in Unix milliseconds: only what was written since
    # then is to be read.
    offset: int = 0
    # A digest of what is before `offset`: a file or a database that was rewritten has something else there.
    before: bytes = b""
    carried: TokenReaderState = field(default_factory=TokenReaderState)
    rows: tuple[TokenRow, ...] = ()
    # The row of a last line that has no line end yet.
    loose: tuple[TokenRow, ...] = ()
    # How many lines could not be understood.
    damaged: int = 0
    # A digest of what a manifest said about the fields; empty for a built-in type.
    fields: str = ""


class Unread(Struct, frozen=True):
    """A file of which the tokens are not known, and why."""

    path: str
    reason: str
    # The name of the profile whose store it is.
    type: str = ""
