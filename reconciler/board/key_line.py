"""The last line: the keys that matter most; each can be clicked."""

from __future__ import annotations

from typing import ClassVar

from textual.events import Click
from textual.strip import Strip
from textual.widget import Widget

from .keys import KEYS
from .paint import BOLD, DIM, styled


class KeyLine(Widget):
    """Shows as many keys as fit."""

    DEFAULT_CSS: ClassVar[str] = "KeyLine { height: 1; background: ansi_default; }"

    def render_line(self, _y: int) -> Strip:
        """Draw the line."""
        parts = []
        for _start, key, word, _action in self._placed():
            parts += [(key, BOLD), (f" {word}  ", DIM)]
        return styled(parts).crop_extend(0, self.size.width, None)

    async def on_click(self, event: Click) -> None:
        """Do what the key under the mouse does."""
        for start, key, word, action in self._placed():
            if start <= event.x < start + len(key) + 1 + len(word):
                await self.app.run_action(action)

    def _placed(self) -> list[tuple[int, str, str, str]]:
        """The keys that fit, each with its first column."""
        placed, start = [], 0
        for each in KEYS:
            length = len(each.key) + len(each.word) + 3
            if each.word and start + length <= self.size.width + 2:
                placed.append((start, each.key, each.word, each.action))
                start += length
        return placed
