"""Who else lives on the tmux server, as data: each does what a user, a program or somebody hostile can do there.

A step is the words of one tmux command; `{home}` in them is the home of the lab.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from project import Project

from .operations import A, B

FOREIGN_TAGS = ["@reconciler_lineage", "@reconciler_address", "@reconciler_session_id", "@reconciler_project"]
_WAIT = "sleep 1000"
_FORGED = f"{A} $0 %0 1 sleep / 0 - - 1 0 x agent.lab.a c /t 1 1 3.3a -".replace(" ", "\x1f").replace("-\x1f", "\x1f")


def _session(name: str, *, at: str = "{home}", run: str = _WAIT) -> tuple[str, ...]:
    return ("new-session", "-d", "-s", name, "-c", at, run)


def _named(argv0: str) -> str:
    """A process that calls itself so."""
    return f"exec bash -c 'exec -a \"$0\" sleep 1000' '{argv0}'"


def _titled(title: str) -> str:
    return f"printf '\\033]2;{title}\\007'; exec {_WAIT}"


# Sessions that have nothing to do with ours.
STRANGERS: Mapping[str, tuple[Sequence[str], ...]] = MappingProxyType(
    {
        "a name that begins like ours": (_session(f"{A}2"),),
        "a name that ours begins with": (_session("lab-creator"),),
        "a name in other letters": (_session(A.upper()),),
        "a name like an agent of ours": (_session("lab-reviewer-claude"),),
        "a name like a session that holds the server": (_session("_reconciler-notes"),),
        "a name of an id": (_session("$1"), _session("%3"), _session("@1")),
        "a name of a format": (_session("#{session_id}"), _session("##{session_id}")),
        "a name of an option": (_session("-t"), _session("--"), _session("=x")),
        "a name of blanks and quotes": (_session(" "), _session("a b'c\"d;e\\f"), _session("é😀")),
        "a long name": (_session("n" * 200),),
        "a folder with a line break": (_session("folder-1", at="{home}/x\n" + _FORGED.replace("/", ":")),),
        "a folder with a separator": (_session("folder-2", at="{home}/a\x1fb\\037c"),),
        "a folder of a format": (_session("folder-3", at="{home}/#{pane_pid}"),),
        "a folder with escape sequences": (_session("folder-4", at="{home}/\x1b[2J\x9b\x07"),),
        "a folder that is no UTF-8": (_session("folder-5", at="{home}/\udcff\udcfe"),),
        "a folder that is gone": (_session("folder-6", at="{home}/gone", run=f"rmdir {{home}}/gone; exec {_WAIT}"),),
        "a process named with a line break": (_session("process-1", run=_named("a\n" + _FORGED)),),
        "a process named with a separator": (_session("process-2", run=_named("a\x1fb\\037c")),),
        "a process named as an agent": (
            _session("process-3", run=_named("claude")),
            _session("process-4", run=_named("talker")),
        ),
        "a process named with escape sequences": (_session("process-5", run=_named("\x1b]2;x\x07")),),
        "a title with a separator": (_session("title-1", run=_titled("a\\037b")),),
        "a title that is a row": (_session("title-2", run=_titled(_FORGED.replace("\x1f", "\\037"))),),
        "a title of a format": (
            _session("title-3"),
            ("select-pane", "-t", "=title-3:", "-T", "##{pane_pid}##(touch {home}/pwned)"),
        ),
        "a pane that died": (
            _session("dead"),
            ("set-option", "-t", "=dead:", "remain-on-exit", "on"),
            ("respawn-pane", "-k", "-t", "=dead:", "exit 3"),
        ),
        "tags of another project": (
            _session("tagged-1"),
            *(
                ("set-option", "-t", "=tagged-1:", tag, value)
                for tag, value in zip(FOREIGN_TAGS, ("theirs", "agent.lab.a", "c", "/theirs"), strict=True)
            ),
        ),
        "tags that break a row": (
            _session("tagged-2"),
            *(("set-option", "-t", "=tagged-2:", tag, f"x\n\x1f{_FORGED}") for tag in FOREIGN_TAGS),
        ),
        "many windows and panes": (
            _session("many"),
            *[("new-window", "-d", "-t", "=many:", _WAIT)] * 3,
            *[("split-window", "-d", "-t", "=many:", _WAIT)] * 3,
        ),
    }
)
# What others do to sessions of ours, on purpose or not.
MEDDLERS: Mapping[str, tuple[Sequence[str], ...]] = MappingProxyType(
    {
        "a window of ours is linked": (_session("linked"), ("link-window", "-d", "-s", f"={A}:", "-t", "=linked:")),
        "a session of ours gets a group": (("new-session", "-d", "-s", "aa-grouped", "-t", f"={A}"),),
        "an agent splits its window": (("split-window", "-d", "-t", f"={A}:", _WAIT),),
        "an agent splits its window before itself": (("split-window", "-d", "-b", "-t", f"={A}:", _WAIT),),
        "an agent opens a window": (("new-window", "-d", "-t", f"={A}:", _WAIT),),
        "a shell beside an agent is the one in front": (("split-window", "-t", f"={A}:", _WAIT),),
        "windows and panes count from one": (
            ("set-option", "-g", "base-index", "1"),
            ("set-option", "-g", "pane-base-index", "1"),
        ),
        "an agent is in copy mode": (("copy-mode", "-t", f"={A}:"),),
        "a window of ours has another name": (("rename-window", "-t", f"={A}:", "x\x1by#{pane_pid}"),),
        "an agent is zoomed beside a shell": (
            ("split-window", "-d", "-t", f"={B}:", _WAIT),
            ("resize-pane", "-Z", "-t", f"={B}:"),
        ),
    }
)


def come(project: Project, steps: Sequence[Sequence[str]]) -> None:
    """Let them move in; tmux says nothing of what it does not take, as some names."""
    for step in steps:
        words = [word.replace("{home}", str(project.home)) for word in step]
        if "-c" in words:
            os.makedirs(words[words.index("-c") + 1], exist_ok=True)
        project.tmux(*words)
