"""Kilo 7.7.7, which is made from OpenCode: the same under names of its own, and titles that come later."""

from __future__ import annotations

from functools import partial

import opencode
from agent import Dialog, Program
from terminal import write

PROGRAM = Program(
    opencode.PROGRAM.valued,
    opencode.PROGRAM.switches | {"--cloud-fork", "--mini"},
    "Commands:\n  kilo [project]           start kilo tui",
    version="7.7.7",
)
NAMED_FROM = 200  # characters of a first prompt; a shorter one leaves the conversation without a title


class Kilo(opencode.OpenCode):
    """One running CLI and the conversation it is in. A second prompt gives it a title; that of a tool is not played."""

    program = "kilo"
    untitled, titled = "Kilo CLI", "Kilo CLI | "
    version = "Kilo 7.7.7"
    # A denial asks why; Escape goes back. Escape and Enter together are another key, and do nothing.
    reason = Dialog(
        "△ Reject permission\n\n  Tell Kilo what to do differently\n", ("enter confirm  esc cancel",), mark=""
    )

    def record(self, role: str, text: str) -> None:
        goes_on = bool(self.conversation)
        super().record(role, text)
        if role == "user" and goes_on and not self.name:
            self.name = super().named(text)
            self.database.execute("UPDATE session SET title = ? WHERE id = ?", (self.name, self.conversation))
            write(f"\x1b]2;{self.title('busy')}\x07")

    def named(self, prompt: str) -> str:
        return super().named(prompt) if len(prompt) >= NAMED_FROM else ""


start = partial(opencode.start, kind=Kilo)
