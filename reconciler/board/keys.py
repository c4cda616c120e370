"""The keys of the board: one table for what is bound, what the last line shows, and what `?` explains."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct


class Key(Struct, frozen=True):
    """One key."""

    key: str
    """As people write it."""
    bound: str
    """As Textual names it; several names are separated by commas."""
    action: str
    word: str
    """The word beside it in the last line; empty if it is not shown there."""
    help: str
    stays: bool = False
    """Whether the last line shows it on a narrow terminal, too."""


# In the order of the help.
KEYS = (
    Key("enter", "enter", "attach", "attach", "attach to the agent; you come back here when you detach"),
    Key("space", "space", "peek", "peek", "show the agent's screen, live"),
    Key("y", "y", "approve", "yes", "approve it: the first y shows the whole dialog, the second answers"),
    Key("n", "n", "deny", "no", "deny it"),
    Key("m", "m", "message", "message", "send a message to an agent that is idle"),
    Key("l", "l", "last", "last", "show its last messages"),
    Key("d", "d", "diff", "diff", "show what it changed"),
    Key("s", "s", "stop", "stop", "stop it, unless it is in use"),
    Key("r", "r", "resume", "resume", "start it again in its conversation"),
    Key("R", "R,shift+r", "restart", "", "stop it and start it again"),
    Key("p", "p", "plan", "plan", "show what an apply would do in its project"),
    Key("a", "a", "apply", "", "show the plan, ask, and apply exactly that plan"),
    Key("/", "slash", "filter", "filter", "show only agents that match; esc shows all again"),
    Key("g", "g", "group", "", "group by need, workspace, project, host, or not at all"),
    Key("?", "question_mark", "keys", "keys", "show these keys", stays=True),
    Key("q", "q,ctrl+c,ctrl+q", "leave", "quit", "leave the board; the agents go on", stays=True),
    Key("esc", "escape", "close", "", "close what is open below the list"),
    Key("↑ ↓ j k", "", "", "", "select another agent; home and end: the first and the last one"),
    Key("pgup pgdn", "", "", "", "scroll what is open below, or the list"),
)
MOUSE = (
    Key("click", "", "", "", "select an agent; on a key in the last line: do what it does"),
    Key("twice", "", "", "", "attach to the agent"),
    Key("wheel", "", "", "", "scroll what is open below, or the list"),
)
MOVES = (
    ("up,k", "move(-1)"),
    ("down,j", "move(1)"),
    ("home", "move(-100000)"),
    ("end", "move(100000)"),
    ("pageup", "page(-1)"),
    ("pagedown", "page(1)"),
)


def help_lines() -> Iterator[str]:
    """What each key does."""
    width = max(len(each.key) for each in KEYS)
    yield from (f"  {each.key:<{width}}  {each.help}" for each in KEYS)
    yield "With the mouse:"
    yield from (f"  {each.key:<{width}}  {each.help}" for each in MOUSE)
