"""Keep what a running agent shows, as a fixture for the rules that read screens."""

from __future__ import annotations

import os
import re

from msgspec import Struct

from reconciler.agents.profile import Profile
from reconciler.app.agents.look import look, unseen
from reconciler.app.agents.names import resolve_names
from reconciler.app.project.project import Project
from reconciler.app.project.versions import version as asked_version
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.model.moment import to_second
from reconciler.model.observed import Present, Unknown
from reconciler.model.sgr import colour_lines, last_of, without_colours
from reconciler.model.snapshot import Pane
from reconciler.ports.world import Tmux

STATES = ("idle", "busy", "waiting", "dialog")
_MOVING = re.compile("[0-9\u2800-\u28ff\u25d0-\u25d3]+")
_VERSION = re.compile(r"[0-9]+(?:\.[0-9]+)+")


class SeenScreen(Struct, frozen=True):
    """What a pane shows: harmless lines, of which the user's home folder is only `~`."""

    title: str
    lines: tuple[str, ...]
    size: str


class ScreenSource(Struct, frozen=True):
    """A running agent whose screens are kept."""

    profile: Profile
    version: str
    pane: Pane
    tmux: Tmux
    home: str


def screen_source(at: Project, name: str, version: str = "") -> ScreenSource:
    """The agent that the name stands for; its CLI is asked for its version if none is given.

    Raises:
        UsageError: There is no such agent, or several; the version is not one, or the CLI does not say it.
        ReconcilerError: It does not run, or tmux cannot be asked.
    """
    seen = look(at, everyone=False)
    (address,) = resolve_names(seen, [name], found=True)
    if isinstance(seen.snapshot.tmux, Unknown):
        raise unseen(seen.snapshot.tmux)
    pane, case = seen.pane(address), seen.cases.get(address)
    if not isinstance(pane, Present) or pane.value.dead or case is None or case.profile is None:
        raise ReconcilerError(f"{address} does not run", fix=f"start it: reconciler resume {address}")
    told = version or asked_version(at, case.profile.launch.command[0], {})
    if not _VERSION.fullmatch(told):
        summary = f"`{told}` is not a version" if told else f"{case.profile.name} does not say its version"
        raise UsageError(summary, fix="give it: --cli-version 1.2.3")
    return ScreenSource(case.profile, told, pane.value, at.world(seen.desired.socket).tmux, at.home)


def seen_screen(source: ScreenSource) -> SeenScreen:
    """What the pane shows now. Raises ReconcilerError when it is gone."""
    captured = source.tmux.picture(source.pane.pane_id)
    lines = [without_colours(line) for line in colour_lines(captured)]
    if not captured.strip():
        raise ReconcilerError(f"the screen of {source.pane.session} is empty, or it has ended")
    kept = tuple(_harmless(line, source.home) for line in last_of(lines, 0))
    return SeenScreen(_harmless(source.pane.title, source.home).strip(), kept, f"{_width(lines)}x{len(lines)}")


def outline(screen: SeenScreen) -> tuple[str, ...]:
    """The lines without what changes all the time: digits and spinners."""
    return tuple(_MOVING.sub("", line).rstrip() for line in screen.lines)


def _width(lines: list[str]) -> int:
    return max(map(len, lines), default=0)


def _harmless(line: str, home: str) -> str:
    """The line without control characters, and as wide as before without the home folder of who keeps it."""
    shown = line.replace(f"{home}/", f"{'~' * len(home)}/") if len(home) > 1 else line
    return "".join(each if each.isprintable() else " " for each in shown).rstrip()


def kept_screen(at: Project, source: ScreenSource, screen: SeenScreen, state: str, situation: str) -> tuple[str, str]:
    """The name and the content of the file for a screen. Raises UsageError for a state that is none."""
    if state not in STATES:
        raise UsageError(f"`{state}` is no state", fix=f"one of: {', '.join(STATES)}")
    words = re.sub(r"[^A-Za-z0-9 -]+", " ", situation or state).strip()
    fields = {
        "cli": source.profile.name,
        "version": source.version,
        "captured": to_second(at.now())[:10],
        "state": state,
        "what": words,
        "size": screen.size,
        "title": screen.title,
    }
    head = [f"{key}: {value}" for key, value in fields.items() if value]
    name = os.path.join(source.profile.name, f"{state}-{words.replace(' ', '_')}.{source.version}.txt")
    return name, "\n".join([*head, "---", *screen.lines]) + "\n"


def keep(at: Project, folder: str, file: tuple[str, str]) -> str:
    """Write a screen below the folder; the path. Raises ReconcilerError when it cannot be written."""
    name, content = file
    path = os.path.join(os.path.abspath(os.path.expanduser(folder)), name)
    at.files.make_folder(os.path.dirname(path), 0o700)
    at.files.write(path, content.encode("utf-8", "replace"), 0o600)
    return path
