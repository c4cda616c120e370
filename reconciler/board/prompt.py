"""The line in which the user types: a message, or a filter."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Static


class PromptLine(Horizontal):
    """A label, and an input beside it; hidden unless something is typed."""

    DEFAULT_CSS: ClassVar[str] = """
    PromptLine { height: 1; display: none; background: ansi_default; }
    PromptLine Static { width: auto; background: ansi_default; text-style: bold; }
    PromptLine Input, PromptLine Input:focus {
        width: 1fr; height: 1; border: none; padding: 0; background: ansi_default; color: ansi_default;
    }
    """

    def compose(self) -> ComposeResult:
        """The label and the input."""
        yield Static("", markup=False)
        yield Input(select_on_focus=False)

    def ask(self, label: str, text: str = "") -> None:
        """Show the line with this label, and let the user type."""
        self.query_one(Static).update(f"{label} ")
        typed = self.query_one(Input)
        typed.value = text
        typed.cursor_position = len(text)
        self.display = True
        self.screen.set_focus(typed)  # at once: the next key is typed

    def type(self, character: str) -> None:
        """Type a character at the cursor."""
        self.query_one(Input).insert_text_at_cursor(character)

    async def submit(self) -> None:
        """Submit what was typed."""
        await self.query_one(Input).action_submit()

    def hide(self) -> None:
        """Hide the line."""
        self.display = False
        self.screen.set_focus(None)
