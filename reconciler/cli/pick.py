"""Let the user pick an agent on the terminal."""

from __future__ import annotations

import shutil
import sys

from reconciler.app.agents.status import status
from reconciler.app.project.project import Project
from reconciler.cli.approval import has_terminal
from reconciler.cli.keyboard import keyboard
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.render.output import ask, repainted
from reconciler.render.picker import Picker, numbered_lines, picker_lines, picker_of, press
from reconciler.render.terminal import draws, show_screen, wants_colour


def pick_agent(at: Project) -> str:
    """The address of the agent that the user picks; empty if the user leaves.

    Raises:
        UsageError: There is no terminal to pick on; the error lists the agents.
        ReconcilerError: No agent has a session.
    """
    picker = picker_of(status(at)["agents"])
    if not picker.agents:
        raise ReconcilerError("no agent has a live session", fix="start them: reconciler resume --all")
    if not (has_terminal() and sys.stdout.isatty()):
        names = "\n".join(agent["address"].partition(".")[2] for agent in picker.agents)
        raise UsageError(
            "there is no terminal to pick an agent on", detail=names, fix="name one: reconciler attach NAME"
        )
    return _drawn(at, picker) if draws(sys.stdout, at.env) else _asked(at, picker)


def _drawn(at: Project, picker: Picker) -> str:
    """Draw the list again after each key."""
    with keyboard() as keys, repainted(sys.stdout, coloured=wants_colour(sys.stdout, at.env)) as paint:
        while not (picker.picked or picker.left):
            size = shutil.get_terminal_size()
            paint(picker_lines(picker, at.now(), size.columns, size.lines))
            picker = press(picker, keys.key())
    return picker.picked


def _asked(at: Project, picker: Picker) -> str:
    """Ask for a number, on a terminal that cannot be drawn over."""
    show_screen(numbered_lines(picker, at.now(), shutil.get_terminal_size().columns), sys.stdout, at.env)
    answer = ask("Number of the agent, or Enter to leave: ").strip()
    if not answer:
        return ""
    if not (answer.isascii() and answer.isdecimal() and 0 < int(answer) <= len(picker.agents)):
        raise UsageError(f"{answer} is not a number from 1 to {len(picker.agents)}")
    return picker.agents[int(answer) - 1]["address"]
