"""Everything that reconciler knows about one agent CLI."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from .binding import Binding
from .display import Display, unknown_activity
from .hooks import Hooks
from .launch import Launch, Shutdown, Trust
from .storage import Database, Storage, Transcript
from .usage import Usage

if TYPE_CHECKING:
    from .form import TypeForm


class Profile(Struct, frozen=True, kw_only=True):
    """What is known about one agent CLI. The default of a part means that nothing is known of it."""

    name: str
    # The versions that were run when its screens were captured, oldest first; empty if it was not run.
    tested: tuple[str, ...] = ()
    # How it is started: with a new conversation, with an earlier one, with a first prompt.
    launch: Launch
    # How users type its command line.
    usage: Usage = field(default_factory=Usage)
    # How it is made to trust a folder.
    trust: Trust = field(default_factory=Trust)
    # How it is ended, and what it prints and leaves behind.
    shutdown: Shutdown = field(default_factory=Shutdown)
    # The files in which it stores conversations.
    storage: Storage = field(default_factory=Storage)
    # The database in which it stores conversations.
    database: Database = field(default_factory=Database)
    # What a stored conversation contains.
    transcript: Transcript = field(default_factory=Transcript)
    # How a running process proves which conversation it has.
    binding: Binding = field(default_factory=Binding)
    # How its state is read from title and screen, and what may be typed.
    display: Display = field(default_factory=Display)
    # The hooks that can report its events; None when it has none that we know of.
    hooks: Hooks | None = None
    # The `module:NAME` of its TokenStore, loaded when tokens are counted; empty when it is not known.
    tokens: str = ""
    # The data that it was made of; None for a type that is written in Python alone.
    form: TypeForm | None = None

    @property
    def keeps_conversations(self) -> bool:
        """True when it is known where the CLI stores a conversation, in files or in a database."""
        return self.storage.keeps_files or self.database.finds_by_id

    @property
    def counts_tokens(self) -> bool:
        """True when it is known where the CLI stores what its answers used."""
        return bool(self.tokens or (self.form and self.form.usage))

    @property
    def shows_activity(self) -> bool:
        """True when there is a way to see what its agents do: their notes, titles or screens."""
        display = self.display
        return display.tells_activity or display.reads_screens or display.activity is not unknown_activity

    @property
    def proof(self) -> str:
        """How the conversation of a running agent is found, by the most reliable way, in words."""
        ways = {
            "by its own notes": self.binding.leaves_notes,
            "by its open files": self.binding.proves_by_files,
            "by the id that reconciler chose": self.launch.chooses_id,
            "by the title of its pane": self.binding.titles_name,
            "by hooks": self.hooks is not None,
        }
        return next((way for way, holds in ways.items() if holds), "not known")

    @property
    def starts_in_queue(self) -> bool:
        """True when agents in one folder must start one after the other, so that their conversations are known."""
        stores = self.storage.keeps_files or self.database.keeps_rows
        return self.launch.mints_id and stores and not self.binding.held_from_start
