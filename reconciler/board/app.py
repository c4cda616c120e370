"""The board as a Textual application."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import ClassVar

from msgspec.structs import replace
from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Key, Resize
from textual.message import Message
from textual.widgets import Input, Static

from reconciler.agents.permission import Answer
from reconciler.app.board.attach import Attachment, AttachMethod, run_attachment
from reconciler.app.board.service import AgentKey, key_of
from reconciler.model.harmless import one_line
from reconciler.render.board_words import (
    SYMBOLS,
    counted,
    counts_of,
    labelled,
    names_of,
    nothing_of,
    projects_of,
    troubles_of,
)
from reconciler.render.documents.board import BoardDoc

from .agent_list import AgentList
from .columns import is_narrow, rest_of
from .key_line import KeyLine
from .keys import KEYS, MOVES
from .lower_pane import LowerPane, PaneContent
from .paint import BOLD, DIM, Palette
from .pane import TextPane
from .prompt import PromptLine
from .rows import Arrangement, lines_of, next_grouping
from .service import Service
from .tasks import BoardTasks

_PEEK_SECONDS, _AGE_SECONDS = 1.0, 10.0


class DocumentArrived(Message):
    """A new document is there."""


class BoardApp(App[None]):
    """Shows the board until the user leaves. See the room for its promises."""

    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS = None
    CSS: ClassVar[str] = """
    Screen { background: ansi_default; color: ansi_default; }
    AgentList, TextPane {
        scrollbar-color: ansi_bright_black; scrollbar-color-hover: ansi_bright_black;
        scrollbar-color-active: ansi_white;
        scrollbar-background: ansi_default; scrollbar-background-hover: ansi_default;
        scrollbar-background-active: ansi_default;
    }
    #head, #rest { height: 1; background: ansi_default; }
    #said { height: auto; max-height: 3; background: ansi_default; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(each.bound, each.action, each.word, show=False) for each in KEYS if each.bound),
        *(Binding(bound, action, show=False) for bound, action in MOVES),
    ]

    def __init__(self, service: Service, now: Callable[[], datetime], *, coloured: bool = True) -> None:
        super().__init__(ansi_color=True)
        for capture in (self._capture_stdout, self._capture_stderr):
            vars(capture)["encoding"] = "utf-8"  # libtmux asks for it when a thread loads it
        self._service, self._now = service, now
        self._palette = Palette(coloured=coloured)
        self._document: BoardDoc | None = None
        self._latest: BoardDoc | None = None
        self._arrangement = Arrangement()
        self._typing = False
        self._message_to: AgentKey | None = None
        self._way_told: AgentKey | None = None

    def compose(self) -> ComposeResult:
        """The parts of the board, from the top down."""
        yield Static(Text("reconciler", BOLD), id="head")
        yield AgentList(self._palette)
        yield TextPane()
        yield Static("", id="rest", markup=False)
        yield Static("", id="said", markup=False)
        yield PromptLine()
        yield KeyLine()

    def on_mount(self) -> None:
        """Begin to look."""
        self._list, self._prompt = self.query_one(AgentList), self.query_one(PromptLine)
        self._head, self._rest = self.query_one("#head", Static), self.query_one("#rest", Static)
        said = self.query_one("#said", Static)
        self._tasks = BoardTasks(self, said, self._palette, self._service.look_again)
        self._below = LowerPane(self.query_one(TextPane), self._service, self._tasks, self._palette)
        self._below.timer = self.set_interval(_PEEK_SECONDS, self._below.peek_again, pause=True)
        self.set_interval(_AGE_SECONDS, lambda: self._list.tick(self._now()))
        self._service.start(self._receive)

    # --- documents --------------------------------------------------------------------------------

    def _receive(self, document: BoardDoc) -> None:
        """Take a document; this is called in other threads. Of several that wait, the newest counts."""
        self._latest = labelled(document)
        self.post_message(DocumentArrived())

    def on_document_arrived(self) -> None:
        """Show the newest document."""
        if self._latest is not self._document:
            self._document = self._latest
            self._rearrange()

    def _rearrange(self) -> None:
        if self._document:
            lines = lines_of(self._document, self._arrangement)
            self._list.show(lines, self._now(), len(names_of(self._document)))
            self._head.update(self._summary(self._document), layout=False)
            self._show_rest()
            nothing = "" if self._document["agents"] or self._tasks.said else nothing_of(self._document)
            if nothing:
                self._tasks.say(nothing)

    def on_resize(self, event: Resize) -> None:
        """Show what this width has no columns for."""
        if self._document:
            self._show_rest(event.size.width)

    def _show_rest(self, width: int = 0) -> None:
        """On a narrow terminal, show in one line what the selected agent's line has no room for."""
        row, narrow = self._list.selected_row, is_narrow(width or self.size.width)
        self._rest.display = narrow
        if narrow:
            several = self._document is not None and len(names_of(self._document)) > 1
            said = rest_of(row, with_folder=several) if row else ""
            self._rest.update(Text(said, DIM, no_wrap=True, overflow="ellipsis"), layout=False)

    def _summary(self, document: BoardDoc) -> Text:
        """The projects, how many agents each group has, and what is wrong."""
        text = Text("reconciler", BOLD, no_wrap=True, overflow="ellipsis")
        text.append(f"  {one_line(projects_of(document))}", "none")
        for group, count in counts_of(document["agents"]).items():
            text.append("  ")
            text.append(f"{SYMBOLS[group]} {counted(group, count)}", self._palette.groups[group])
        if self._arrangement.wanted:
            text.append(f"  filter: {one_line(self._arrangement.wanted)}", BOLD)
        for line in [*troubles_of(document)][:1]:
            text.append(f"  {one_line(line)}", self._palette.bad)
        return text

    # --- selecting --------------------------------------------------------------------------------

    def action_move(self, by: int) -> None:
        """Select another agent."""
        self._list.move(by)

    def action_page(self, by: int) -> None:
        """Scroll what is open, or move a page in the list."""
        if self._below.is_open:
            self._below.scroll(by)
        else:
            self._list.move(by * self._list.page)

    def on_agent_list_agents_shown(self) -> None:
        """Ask for the facts of the visible agents."""
        self._service.show(self._list.shown_agents)

    def on_agent_list_agent_selected(self) -> None:
        """Let what is open follow the selection."""
        self._way_told = None
        self._below.follow(self._list.selected_row)
        self._show_rest()

    def on_agent_list_agent_chosen(self) -> None:
        """Attach after the second click."""
        self.action_attach()

    def action_group(self) -> None:
        """Group the agents by something else."""
        grouping = next_grouping(self._arrangement.grouping, self._document)
        self._arrangement = replace(self._arrangement, grouping=grouping)
        self._tasks.say(f"Grouped by {grouping.value}.")
        self._rearrange()

    # --- looking ----------------------------------------------------------------------------------

    def action_peek(self) -> None:
        """Show the screen of the selected agent."""
        self._below.toggle(PaneContent.PEEK, self._list.selected_row)

    def action_last(self) -> None:
        """Show its last messages."""
        self._below.toggle(PaneContent.LAST, self._list.selected_row)

    def action_diff(self) -> None:
        """Show what it changed."""
        self._below.toggle(PaneContent.DIFF, self._list.selected_row)

    def action_keys(self) -> None:
        """Show what each key does."""
        self._below.show_keys()

    def action_plan(self) -> None:
        """Show what an apply would do."""
        self._below.show_plan(self._list.selected_row, to_apply=False)

    def action_close(self) -> None:
        """Close the line in which the user types, else what is open, else end the filter."""
        if self._typing:
            self._end_typing()
        elif self._below.is_open:
            self._below.close()
        elif self._arrangement.wanted:
            self._filter("")

    # --- acting -----------------------------------------------------------------------------------

    def action_approve(self) -> None:
        """Approve what is shown."""
        self._below.answer(Answer.APPROVE, self._list.selected_row)

    def action_deny(self) -> None:
        """Deny what is shown."""
        self._below.answer(Answer.DENY, self._list.selected_row)

    def action_apply(self) -> None:
        """Show the plan, and ask whether to apply it."""
        self._below.show_plan(self._list.selected_row, to_apply=True)

    def action_stop(self) -> None:
        """Stop the selected agent."""
        if row := self._list.selected_row:
            key, tell = key_of(row), self._tasks.tell
            self._tasks.act(f"Stopping {key.title}", lambda: self._service.stop(key, tell))

    def action_resume(self) -> None:
        """Start it again."""
        if row := self._list.selected_row:
            key, tell = key_of(row), self._tasks.tell
            self._tasks.act(f"Resuming {key.title}", lambda: self._service.resume(key, tell))

    def action_restart(self) -> None:
        """Stop it and start it again."""
        if row := self._list.selected_row:
            key, tell = key_of(row), self._tasks.tell
            self._tasks.act(f"Restarting {key.title}", lambda: self._service.restart(key, tell))

    def action_leave(self) -> None:
        """Leave the board."""
        self.exit()

    async def on_unmount(self) -> None:
        """Stop looking."""
        self._service.close()

    # --- typing -----------------------------------------------------------------------------------

    def action_message(self) -> None:
        """Let the user type a message to the selected agent."""
        if row := self._list.selected_row:
            self._message_to = key_of(row)
            self._typing = True
            self._prompt.ask(f"Message to {one_line(self._message_to.title)}:")

    def action_filter(self) -> None:
        """Let the user type what the lines must have in them."""
        self._message_to, self._typing = None, True
        self._prompt.ask("Show only:", self._arrangement.wanted)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual gives it
        """Whether an action may run now: while the user types, a key is a character and nothing else."""
        return action == "close" or not self._typing

    async def on_key(self, event: Key) -> None:
        """Type a key that came before the input had the focus."""
        if self._typing and event.key == "enter":
            await self._prompt.submit()
        elif self._typing and event.character and event.is_printable:
            self._prompt.type(event.character)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while the user types."""
        if self._typing and self._message_to is None:
            self._filter(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Send the message, or keep the filter."""
        key, text = self._message_to, event.value
        self._end_typing()
        if key and text.strip():
            self._tasks.act(f"Sending to {key.title}", lambda: self._service.send(key, text))

    def _end_typing(self) -> None:
        self._message_to, self._typing = None, False
        self._prompt.hide()

    def _filter(self, wanted: str) -> None:
        self._arrangement = replace(self._arrangement, wanted=wanted)
        self._rearrange()

    # --- attaching --------------------------------------------------------------------------------

    def action_attach(self) -> None:
        """Attach to the selected agent; where the way back is unusual, only after it was shown."""
        if row := self._list.selected_row:
            key = key_of(row)
            self._tasks.look(lambda: self._service.attachment(key), lambda found: self._go_to(key, found))

    def _go_to(self, key: AgentKey, attachment: Attachment) -> None:
        if attachment.must_be_told and self._way_told != key:
            self._way_told = key
            self._tasks.say(f"{attachment.back} brings you back here. Press enter again to go to {key.title}.", BOLD)
            return
        self._way_told = None
        if attachment.way in {AttachMethod.TERMINAL, AttachMethod.NESTED}:
            with self.suspend():
                verdict = run_attachment(attachment)
            self._tasks.conclude(verdict)
            self._service.look_again()
            return
        self._tasks.act(f"{key.title} ({attachment.back} comes back)", lambda: run_attachment(attachment))

    # --- failures ---------------------------------------------------------------------------------

    def _fatal_error(self) -> None:
        """End without Textual's traceback; `run_board` raises the error again for the program's last catch."""
        self._close_messages_no_wait()


def run_board(service: Service, now: Callable[[], datetime], *, coloured: bool = True) -> None:
    """Show the board until the user leaves."""
    app = BoardApp(service, now, coloured=coloured)
    app.run()
    if app._exception:  # noqa: SLF001 - Textual would print it with a traceback and all local values
        raise app._exception  # noqa: SLF001 - as above
