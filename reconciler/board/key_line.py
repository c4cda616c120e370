"""The last line: the keys that matter most; each can be clicked."""

from __future__ import annotations

from typing import ClassVar

from textual.events import Click
from textual.strip import Strip
from textual.widget import Widget

from .keys import KEYS, Key
from .paint import BOLD, DIM, styled

_GAP = "  "


class KeyLine(Widget):
    """Shows as many keys as fit."""

    DEFAULT_CSS: ClassVar[str] = "KeyLine { height: 1; background: ansi_default; }"

    def render_line(self, _y: int) -> Strip:
        """Draw the line."""
        parts = []
        for _start, key, word, _action in self._placed():
            parts += [(key, BOLD), (f" {word}{_GAP}", DIM)]
        return styled(parts).crop_extend(0, self.size.width, None)

    async def on_click(self, event: Click) -> None:
        """Do what the key under the mouse does."""
        for start, key, word, action in self._placed():
            if start <= event.x < start + len(key) + 1 + len(word):
                await self.app.run_action(action)

    def _placed(self) -> list[tuple[int, str, str, str]]:
        """The keys that fit, each with its first column."""
        placed, start = [], 0
        for each in _fitting(self.size.width):
            placed.append((start, each.key, each.word, each.action))
            start += _length(each)
        return placed


def _fitting(width: int) -> list[Key]:
    """The keys that fit, in their order: first those that stay, then the others as far as there is room."""
    shown = [each for each in KEYS if each.word]
    room = width + len(_GAP)
    found: set[str] = set()
    for each in sorted(shown, key=lambda each: not each.stays):
        if room < _length(each):
            break
        found.add(each.key)
        room -= _length(each)
    return [each for each in shown if each.key in found]


def _length(key: Key) -> int:
    return len(f"{key.key} {key.word}{_GAP}")
