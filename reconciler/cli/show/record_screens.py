"""Ask what each screen of an agent shows, and keep it."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from msgspec import Struct

from reconciler.app.agents.screens import (
    STATES,
    ScreenSource,
    SeenScreen,
    keep,
    kept_screen,
    outline,
    screen_source,
    seen_screen,
)
from reconciler.app.project.project import Project
from reconciler.model.errors import UsageError
from reconciler.model.exit_code import ExitCode
from reconciler.model.harmless import one_line
from reconciler.ports.hangup import end_on_hangup
from reconciler.render.output import ask, tell, tell_json

_STILL = 1.0  # seconds without a change: then a screen is worth a question


class RecordRequest(Struct, frozen=True):
    """The agent, the folder for the screens, and what is already said of the screen and the CLI."""

    agent: str
    folder: str
    state: str = ""
    situation: str = ""
    version: str = ""


def record(at: Project, request: RecordRequest, *, as_json: bool) -> int:
    """Keep the screen that the request names, or ask about each new one until the user ends it."""
    if request.state:
        source = screen_source(at, request.agent, request.version)
        file = kept_screen(at, source, seen_screen(source), request.state, request.situation)
        _tell(keep(at, request.folder, file), as_json=as_json)
        return ExitCode.OK
    if not sys.stdin.isatty():
        raise UsageError("nobody can be asked what the screen shows", fix=f"add --state: {', '.join(STATES)}")
    end_on_hangup()
    source = screen_source(at, request.agent, request.version)
    tell(f"Watching {source.pane.session} ({source.profile.name} {source.version}). Use it; Ctrl-C ends this.")
    for screen in _settled(at, source):
        answer = _asked(screen)
        if answer:
            state, _, situation = answer.partition(" ")
            _tell(keep(at, request.folder, kept_screen(at, source, screen, state, situation)), as_json=as_json)
    return ExitCode.OK


def _settled(at: Project, source: ScreenSource) -> Iterator[SeenScreen]:
    """Each new screen that stays for a second; what a spinner or a counter changes does not count."""
    told: tuple[str, ...] = ()
    while True:
        before = seen_screen(source)
        at.clock.wait(_STILL)
        now = seen_screen(source)
        if outline(before) == outline(now) != told:
            told = outline(now)
            yield now


def _asked(screen: SeenScreen) -> str:
    """The state and the situation that the user types; empty to leave the screen out."""
    tell("", *(one_line(line) for line in screen.lines[-12:]))
    while True:
        answer = ask(f"What does it show? {', '.join(STATES)} and a few words, or Enter for nothing: ")
        if not answer:
            raise EOFError
        words = answer.split()
        if not words or words[0] in STATES:
            return " ".join(words)
        tell(f"`{one_line(words[0])}` is no state.")


def _tell(path: str, *, as_json: bool) -> None:
    if as_json:
        tell_json({"path": path})
    else:
        tell(f"Kept: {path}")
