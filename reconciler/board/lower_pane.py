"""What is open below the list: a screen, messages, changes, a permission dialog, a plan, the keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum

from msgspec import Struct
from textual.timer import Timer

from reconciler.agents.permission import Answer
from reconciler.app.board.actions import DialogToAnswer
from reconciler.app.board.service import AgentKey, key_of
from reconciler.model.harmless import one_line
from reconciler.render.diff import diff_text
from reconciler.render.documents.board import BoardRow
from reconciler.render.documents.peek import PeekDoc
from reconciler.render.documents.plan import PlanDoc
from reconciler.render.last import last_text
from reconciler.render.peek import peek_text
from reconciler.render.text import plan_text

from .keys import help_lines
from .paint import Palette
from .pane import PaneText, TextPane
from .service import Service
from .tasks import BoardTasks


class PaneContent(StrEnum):
    """What is shown."""

    PEEK = "its screen"
    LAST = "its last messages"
    DIFF = "what it changed"
    DIALOG = "it asks"
    PLAN = "plan"
    KEYS = "keys"


_FOLLOWS = {
    PaneContent.PEEK,
    PaneContent.LAST,
    PaneContent.DIFF,
}  # about the selected agent
_CLOSES = "esc closes"


class OpenPane(Struct, frozen=True):
    """What is open."""

    content: PaneContent
    key: AgentKey | None = None
    """The agent that it is about, or whose project the plan is of."""
    request: str = ""
    """The request under which a dialog was shown."""
    plan: PlanDoc | None = None
    """The plan that is shown to be applied."""


class LowerPane:
    """Opens and closes what is below the list. `timer` asks for the screen again and again while one is open."""

    def __init__(self, pane: TextPane, service: Service, tasks: BoardTasks, palette: Palette) -> None:
        self._pane, self._service, self._tasks, self._palette = pane, service, tasks, palette
        self._opened: OpenPane | None = None
        self._peeking: set[AgentKey] = set()
        self.timer: Timer | None = None

    @property
    def is_open(self) -> bool:
        """Whether anything is open."""
        return self._opened is not None

    def toggle(self, content: PaneContent, row: BoardRow | None) -> None:
        """Show this about an agent, or close it where it is open."""
        if self._opened and self._opened.content is content:
            self.close()
        elif row:
            self._open_about(content, key_of(row))

    def follow(self, row: BoardRow | None) -> None:
        """Another agent is selected: show the same of it; a dialog or a plan that waits for an answer closes."""
        if self._opened and self._opened.content in _FOLLOWS and row:
            self._open_about(self._opened.content, key_of(row))
        elif self._opened and (self._opened.content is PaneContent.DIALOG or self._opened.plan):
            self.close()

    def close(self) -> None:
        """Close what is open."""
        if self._opened and (self._opened.plan or self._opened.content is PaneContent.DIALOG):
            self._tasks.say("")  # it asked for an answer
        self._opened = None
        self._let_timer_run()
        self._pane.hide()

    def scroll(self, by: int) -> None:
        """Scroll so many pages down."""
        self._pane.page(by)

    def show_keys(self) -> None:
        """Show what each key does, or close it."""
        if self._opened == OpenPane(PaneContent.KEYS):
            self.close()
        else:
            self._open(OpenPane(PaneContent.KEYS))
            self._pane.show(PaneText("keys", _CLOSES, list(self._palette.plain_lines(help_lines()))))

    # --- about an agent ---------------------------------------------------------------------------

    def _open_about(self, content: PaneContent, key: AgentKey) -> None:
        self._open(OpenPane(content, key))
        self._show(OpenPane(content, key), ["…"])
        finders: dict[PaneContent, Callable[[], Iterable[str]]] = {
            PaneContent.LAST: lambda: list(last_text(self._service.last(key))),
            PaneContent.DIFF: lambda: list(diff_text(self._service.diff(key), stat=True)),
        }
        if content is PaneContent.PEEK:
            self.peek_again()
        else:
            self._tasks.look(finders[content], lambda lines: self._show(OpenPane(content, key), lines))

    def _show(self, opened: OpenPane, lines: Iterable[str]) -> None:
        if self._opened == opened and opened.key:
            strips = list(self._palette.plain_lines(lines))
            title = f"{opened.key.title}: {opened.content.value}"
            self._pane.show(PaneText(title, _CLOSES, strips, from_end=opened.content is PaneContent.LAST))

    def peek_again(self) -> None:
        """Show the screen as it is now."""
        opened = self._opened
        if opened and opened.content is PaneContent.PEEK and opened.key:
            key = opened.key
            if key not in self._peeking:  # a host may take longer than a second
                self._peeking.add(key)
                self._tasks.look(lambda: self._peek(key), lambda found: self._show_screen(opened, found))

    def _peek(self, key: AgentKey) -> PeekDoc:
        try:
            return self._service.peek(key)
        finally:
            self._peeking.discard(key)

    def _show_screen(self, opened: OpenPane, screen: PeekDoc) -> None:
        if self._opened == opened and opened.key:
            strips = list(self._palette.screen_lines(peek_text(screen)))
            title = f"{opened.key.title}: {opened.content.value}"
            self._pane.show(PaneText(title, _CLOSES, strips, from_end=True, wraps=False))

    # --- what is asked ----------------------------------------------------------------------------

    def answer(self, choice: Answer, row: BoardRow | None) -> None:
        """Answer what is open: a dialog, or a plan. If nothing is, show the whole dialog of the agent first."""
        opened = self._opened
        if opened and opened.content is PaneContent.DIALOG:
            self._answer_dialog(opened, choice)
        elif opened and opened.plan:
            self._answer_plan(opened, choice)
        elif row:
            key = key_of(row)
            self._tasks.look(lambda: self._service.dialog(key), lambda dialog: self._show_dialog(key, dialog))

    def _show_dialog(self, key: AgentKey, dialog: DialogToAnswer) -> None:
        self._open(OpenPane(PaneContent.DIALOG, key, dialog.request))
        job = f" (job {one_line(dialog.job)})" if dialog.job else ""
        strips = list(self._palette.plain_lines(dialog.lines))
        self._pane.show(PaneText(f"{key.title} asks{job}", "y approves once, n denies, esc closes", strips))
        self._tasks.say("")

    def _answer_dialog(self, opened: OpenPane, choice: Answer) -> None:
        key = opened.key
        if key is None:
            return
        if not self._pane.was_read:
            self._tasks.say("Read it to its end first: press pgdn.")
            return
        self.close()
        verb = "Approving" if choice is Answer.APPROVE else "Denying"
        self._tasks.act(f"{verb}: {key.title}", lambda: self._service.answer(key, opened.request, choice))

    # --- plans ------------------------------------------------------------------------------------

    def show_plan(self, row: BoardRow | None, *, to_apply: bool) -> None:
        """Show what an apply would do in the project of the agent; `to_apply` asks whether to do it."""
        if row:
            key, project = key_of(row), f"{row['project']} on {row['host']}" if row["host"] else row["project"]
            self._tasks.say(f"… Planning {project}")
            self._tasks.look(
                lambda: self._service.plan(key),
                lambda plan: self._show_plan(key, project, plan, to_apply=to_apply),
            )

    def _show_plan(self, key: AgentKey, project: str, plan: PlanDoc, *, to_apply: bool) -> None:
        asked = plan if to_apply and _changes_something(plan) else None
        self._open(OpenPane(PaneContent.PLAN, key, plan=asked))
        hint = "y applies exactly this plan, n does not" if asked else _CLOSES
        lines = list(self._palette.text_lines(plan_text(plan)))
        self._pane.show(PaneText(f"plan of {one_line(project)}", hint, lines))
        self._tasks.say("Apply this plan? Only y does it." if asked else "")

    def _answer_plan(self, opened: OpenPane, choice: Answer) -> None:
        self.close()
        if choice is Answer.DENY or opened.plan is None or opened.key is None:
            self._tasks.say("Nothing was done.")
            return
        key, plan, tell = opened.key, opened.plan, self._tasks.tell
        self._tasks.act("Applying the plan", lambda: self._service.apply(key, plan, tell))

    def _open(self, opened: OpenPane) -> None:
        self._opened = opened
        self._let_timer_run()

    def _let_timer_run(self) -> None:
        if self.timer is None:
            return
        if self._opened and self._opened.content is PaneContent.PEEK:
            self.timer.resume()
        else:
            self.timer.pause()


def _changes_something(plan: PlanDoc) -> bool:
    return any(change["actions"] not in (["no-op"], ["defer"]) for change in plan["resource_changes"])
