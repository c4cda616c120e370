"""Everything that the product knows about one agent CLI, in its parts."""

from __future__ import annotations

from msgspec import Struct, field

from .binding import Binding
from .display import Display
from .hooks import Hooks
from .launch import Launch, Shutdown, Trust
from .storage import Database, Storage, Transcript
from .usage import Usage


class Profile(Struct, frozen=True, kw_only=True):
    """What is known about one agent CLI; a part that is left out says that nothing is known of it."""

    name: str
    # How it is started: for a new conversation, to continue one, with a first prompt.
    launch: Launch
    # How people type its command line.
    usage: Usage = field(default_factory=Usage)
    # How it gets to trust a folder.
    trust: Trust = field(default_factory=Trust)
    # How it is ended, and what it says and leaves then.
    shutdown: Shutdown = field(default_factory=Shutdown)
    # In which files it stores conversations, ...
    storage: Storage = field(default_factory=Storage)
    # ... or in which rows of a database, ...
    database: Database = field(default_factory=Database)
    # ... and what is in them.
    transcript: Transcript = field(default_factory=Transcript)
    # How it is proved which conversation a running process has.
    binding: Binding = field(default_factory=Binding)
    # How its state is read from title and screen, and what may be typed.
    display: Display = field(default_factory=Display)
    # Where a program of ours can be told of, and what the CLI tells it.
    hooks: Hooks | None = None

    @property
    def keeps_conversations(self) -> bool:
        """True when it is known where the CLI stores a conversation, in files or in a database."""
        return self.storage.keeps_files or self.database.finds_by_id

    @property
    def starts_in_line(self) -> bool:
        """True when agents in one folder are told apart best when they start one after the other."""
        stores = self.storage.keeps_files or self.database.keeps_rows
        return self.launch.mints_id and stores and not self.binding.held_from_start
