"""Show an apply: events as JSON lines or text, questions, Ctrl-C and the exit code."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from itertools import chain
from types import FrameType, TracebackType

from msgspec import Struct
from msgspec.structs import replace

from reconciler.app.plan.apply import Work, work
from reconciler.app.plan.event_text import event_lines
from reconciler.app.plan.events import (
    ActionReported,
    AdoptionConcluded,
    AdoptionFound,
    ApplyEnded,
    ApplyEvent,
    Concluded,
    FileReported,
    InfoMessage,
    PlanMade,
    Question,
    WalkBegan,
    WalkEnded,
)
from reconciler.app.plan.options import ApplyOptions
from reconciler.app.project.manifests import from_here
from reconciler.app.project.project import Project
from reconciler.cli.approval import approved, confirmation_needed, has_terminal, terminal_name
from reconciler.model.errors import ReconcilerError, Refused
from reconciler.model.event import ActionStarted, ActionWaiting, PromptUnverified
from reconciler.model.exit_code import ExitCode
from reconciler.plan.request import Request
from reconciler.plan.verdict import Verdict
from reconciler.render.adoption import adopted_text, adoption_text, file_text
from reconciler.render.displays import Progress
from reconciler.render.documents.plan import PlanDoc
from reconciler.render.events import deed_text, event_text, progress_text
from reconciler.render.output import json_text
from reconciler.render.terminal import progress, show
from reconciler.render.text import before_deeds_text, can_all_be_done


class ApplyDisplay(Struct, frozen=True):
    """How an apply is shown. `consent` is the option that answers its question beforehand.

    `by_name` is for a command that names its agents: it shows one line about each of them. It is what an agent already
    is when there is nothing to do: `stopped`, `running`. Such a command shows its plan only if it asks, which `asks`
    says, or if not all of it can be done.
    """

    as_json: bool = False
    full: bool = False
    may_ask: bool = True
    consent: str = "--auto-approve"
    by_name: str = ""
    asks: bool = False

    @property
    def can_ask(self) -> bool:
        """Whether the user can be asked."""
        return self.may_ask and not self.as_json and has_terminal()

    def shows_plan(self, document: PlanDoc) -> bool:
        """Whether the plan is shown: always, except for a command that names its agents and can do all of it."""
        return self.asks or not self.by_name or not can_all_be_done(document)


TEXT = ApplyDisplay()


def carry_out(
    at: Project, request: Request, options: ApplyOptions, display: ApplyDisplay = TEXT, saved: PlanDoc | None = None
) -> int:
    """Carry out the request or the saved plan, show it, and return the exit code."""
    return show_work(at, options, display, lambda here: work(at, request, here, saved))


def show_work(at: Project, options: ApplyOptions, display: ApplyDisplay, begin: Callable[[ApplyOptions], Work]) -> int:
    """Begin the work with the options completed for this terminal, and show its events. Returns the exit code."""
    interrupts = _Interrupts()
    printer = _Printer(at=at, display=display, interrupts=interrupts)
    here = replace(
        options,
        terminal=terminal_name(at.env),
        approve=printer.answer,
        interrupted=lambda: interrupts.seen,
    )
    try:
        with closing(begin(here)) as events, printer:
            for event in events:
                printer.tell(event)
    except ReconcilerError as error:
        if not display.as_json:
            raise
        return error.exit_code
    return printer.exit_code


@dataclass(slots=True)
class _Interrupts:
    """Remembers the first Ctrl-C instead of ending the program; the second one ends it at once."""

    seen: bool = False

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Handle Ctrl-C like this while the block runs."""
        before = signal.signal(signal.SIGINT, self._note)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        if self.seen:
            raise KeyboardInterrupt
        self.seen = True
        show(["", "Interrupted: finishing the running actions. Ctrl-C again stops at once."], sys.stderr, os.environ)


@dataclass(slots=True)
class _Printer:
    """Prints the events of one apply: results on standard output, progress and notes on standard error."""

    at: Project
    display: ApplyDisplay
    interrupts: _Interrupts
    exit_code: int = ExitCode.ERROR
    _unfinished: tuple[str, ...] = ()
    _walk: ExitStack = field(default_factory=ExitStack)
    _progress: Progress | None = None

    def __enter__(self) -> None:
        """Do nothing; nothing is shown yet."""

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        """Describe manifests that were already written if the work did not finish."""
        self._walk.close()
        if kind is not None or self.exit_code != ExitCode.OK:
            for sentence in self._unfinished:
                self._note(sentence)

    def tell(self, event: ApplyEvent) -> None:
        """Print the event, and remember what is needed later."""
        if self.display.as_json and event.line is not None:
            self._show([json_text(event.line)])
        match event:
            case InfoMessage(text=text):
                self._note(text)
            case WalkBegan():
                self._begin_walk(event)
            case WalkEnded():
                self._walk.close()
            case ActionReported():
                self._tell_action(event)
            case ApplyEnded(exit_code=code):
                self.exit_code = code
        if not self.display.as_json:
            self._show(self._lines(event))

    def _lines(self, event: ApplyEvent) -> Iterable[str]:
        if isinstance(event, PlanMade):
            event = replace(event, document=from_here(self.at, event.document))
        if self.display.by_name and isinstance(event, PlanMade | Concluded):
            return self._lines_by_name(event)
        return chain(_adoption_text(event, full=self.display.full), event_lines(event, full=self.display.full))

    def _lines_by_name(self, event: PlanMade | Concluded) -> Iterable[str]:
        """The same for a command that names its agents: no summary after their lines, and often no plan before them."""
        if isinstance(event, PlanMade) and not self.display.shows_plan(event.document):
            return before_deeds_text(event.document, self.display.by_name)
        if isinstance(event, Concluded) and event.verdict is Verdict.DONE:
            return ()
        return event_lines(event, full=self.display.full)

    def answer(self, question: Question) -> bool:
        """Whether the user agrees to the plan that was just shown."""
        named = ", ".join(f"{action.address} ({action.verb})" for action in question.others)
        if self.display.can_ask:
            if named:
                self._show(["", f"Not approved beforehand: {named}."])
            return approved()
        if not named:
            raise confirmation_needed(self.display.consent)
        detail = f"--approve names {', '.join(question.approved)}"
        raise Refused(f"not approved: {named}", detail=detail, fix="check the plan, then approve these, too")

    def _begin_walk(self, event: WalkBegan) -> None:
        self._unfinished = event.unfinished
        self._walk.enter_context(self.interrupts.noted())
        self._progress = self._walk.enter_context(progress(event.actions, sys.stderr, self.at.env))

    def _tell_action(self, reported: ActionReported) -> None:
        if self._progress is None:
            return
        if isinstance(reported.event, ActionStarted | ActionWaiting):
            self._progress.doing(progress_text(reported.line))
            return
        if not isinstance(reported.event, PromptUnverified):  # its action is already counted
            self._progress.done()
        if not self.display.as_json:
            with self._progress.aside():
                by_name = self.display.by_name and "deed" in reported.line
                self._show([deed_text(reported.line)] if by_name else event_text(reported.line))

    def _show(self, lines: Iterable[str]) -> None:
        """Print lines; the work continues even if the reader has left or the disk is full."""
        show(lines, sys.stdout, {} if self.display.as_json else self.at.env)
        sys.stdout.flush()

    def _note(self, text: str) -> None:
        """Print a note on standard error."""
        show([text], sys.stderr, self.at.env)


def _adoption_text(event: ApplyEvent, *, full: bool) -> Iterator[str]:
    """The sentences for events that only an adoption has."""
    match event:
        case AdoptionFound(document=document):
            yield from adoption_text(document, full=full)
        case FileReported(line=line):
            yield from file_text(line)
        case AdoptionConcluded():
            yield from adopted_text(event.done, event.remaining)
