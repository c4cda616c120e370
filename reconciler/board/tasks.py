"""Do what takes time in threads, and say what came of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from rich.style import Style
from rich.text import Text
from textual.app import App
from textual.widgets import Static

from reconciler.app.board.actions import ActionResult, failed
from reconciler.model.errors import ReconcilerError
from reconciler.model.harmless import one_line

from .paint import PLAIN, Palette

_T = TypeVar("_T")
_MOST = 3  # lines of a verdict that are shown


class BoardTasks:
    """Runs tasks in threads; the line `said` shows what is done and each verdict. `after` is called after an action."""

    def __init__(self, app: App[None], said: Static, palette: Palette, after: Callable[[], None]) -> None:
        self._app, self._said, self._palette, self._after = app, said, palette, after
        self.said = False
        """Whether anything was said."""

    def look(self, task: Callable[[], _T], then: Callable[[_T], None]) -> None:
        """Find something out in a thread, then go on here with the result. An error is shown."""

        def run() -> None:
            try:
                found = task()
            except ReconcilerError as error:
                self._app.call_from_thread(self.conclude, failed(error))
            else:
                self._app.call_from_thread(then, found)

        self._app.run_worker(run, thread=True)

    def act(self, doing: str, task: Callable[[], ActionResult]) -> None:
        """Do something in a thread, and show the verdict."""

        def conclude(verdict: ActionResult) -> None:
            self.conclude(verdict)
            self._after()

        self.say(f"… {doing}")
        self.look(task, conclude)

    def tell(self, line: str) -> None:
        """Show what an action does now; for the thread of the action."""
        self._app.call_from_thread(self.say, f"… {line}")

    def say(self, text: str, style: Style = PLAIN) -> None:
        """Show one line."""
        self.said = True
        self._said.update(Text(one_line(text), style, no_wrap=True, overflow="ellipsis"))

    def conclude(self, verdict: ActionResult) -> None:
        """Show a verdict: its first line, and what follows as far as there is room."""
        self.said = True
        first, *more = [one_line(line.strip()) for line in verdict.lines[:_MOST]] or [""]
        text = Text(no_wrap=True, overflow="ellipsis")
        text.append(
            f"✓ {first}" if verdict.done else f"✗ {first}", self._palette.good if verdict.done else self._palette.bad
        )
        for line in more:
            text.append(f"\n  {line}")
        self._said.update(text)
