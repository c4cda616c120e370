"""The screens of agents, for everyone who looks at them: one question to tmux for each second."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from markupsafe import Markup, escape

from reconciler.app.board.service import AgentKey
from reconciler.model.harmless import one_line
from reconciler.model.sgr import SGR, without_colours
from reconciler.render.documents.peek import PeekDoc
from reconciler.render.peek import peek_note

from .threads import in_thread

_SECONDS = 1.0
_COLOURS = {code: f"c{code % 10 + (8 if code >= 90 else 0)}" for code in (*range(30, 38), *range(90, 98))}
_STYLES = {1: "b", 2: "d", 3: "i", 4: "u", 7: "r"}
_PALETTE = {38, 48, 58}
_ENDS = {22: ("1", "2"), 23: ("3",), 24: ("4",), 27: ("7",), 39: ("colour",)}


class ScreenCache:
    """Asks for screens."""

    def __init__(self, peek: Callable[[AgentKey], PeekDoc], monotonic: Callable[[], float]) -> None:
        self._peek, self._monotonic = peek, monotonic
        self._known: dict[AgentKey, tuple[float, PeekDoc]] = {}

    async def screen(self, key: AgentKey) -> PeekDoc:
        """The screen of an agent, at most a second old. Raises ReconcilerError."""
        now = self._monotonic()
        self._known = {each: found for each, found in self._known.items() if now - found[0] < _SECONDS}
        if key not in self._known:
            self._known[key] = (now, await in_thread(lambda: self._peek(key)))
        return self._known[key][1]


def screen_html(screen: PeekDoc) -> Markup:
    """The lines of a screen; of their escape sequences, those of the sixteen colours and the usual styles count."""
    lines = [Markup("").join(_spans(line["coloured"])) for line in screen["lines"]]
    return Markup("\n").join([*lines, *(one_line(note) for note in peek_note(screen))])


def _spans(line: str) -> Iterator[Markup]:
    classes: dict[str, str] = {}
    at = 0
    for found in SGR.finditer(line):
        yield _span(line[at : found.start()], classes)
        _note(classes, found.group()[2:-1])
        at = found.end()
    yield _span(line[at:], classes)


def _span(text: str, classes: dict[str, str]) -> Markup:
    shown = escape(one_line(without_colours(text) if not text.strip() else text))
    if not classes or not text:
        return shown
    return Markup('<span class="{}">{}</span>').format(" ".join(classes.values()), shown)


def _note(classes: dict[str, str], parameters: str) -> None:
    """Note what one sequence changes. Colours of a palette, which have parameters of their own, are left out."""
    codes = [int(each) if each.isdecimal() else 0 for each in parameters.split(";")] if parameters else [0]
    for code in codes:
        if code in _PALETTE:
            classes.pop("colour", None)
            return
        if code == 0:
            classes.clear()
        for name in _ENDS.get(code, ()):
            classes.pop(name, None)
        if code in _COLOURS:
            classes["colour"] = _COLOURS[code]
        elif code in _STYLES:
            classes[str(code)] = _STYLES[code]
