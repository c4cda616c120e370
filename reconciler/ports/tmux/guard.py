"""tmux acts on what is meant, or not at all: it compares and acts in one command.

Ids come again with every server, sessions get other names, panes go to other sessions, and a look is old as soon as it
is told. A target that cannot be found is no error to `if-shell`, which then compares something else (seen with 3.3a):
that is why the ids themselves are compared, too.
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.model.errors import ReconcilerError
from reconciler.model.snapshot import TmuxTarget

from .language import all_of, command, same, sequence
from .rows import ADDRESS, LINEAGE

_REFUSED = "not the one that was meant"
_DONE = "done"


def place(target: TmuxTarget) -> str:
    """Where tmux looks for it."""
    return f"{target.session_id}:.{target.pane_id}" if target.pane_id else f"{target.session_id}:"


def still(target: TmuxTarget) -> str:
    """A format that is true while the target is what it was, its process included."""
    dead = same("pane_dead", "0" if target.pid else "1")
    process = [dead, *([same("pane_pid", str(target.pid))] if target.pid else [])] if target.pane_id else []
    return all_of([*_names(target), *process, *_tags(target)])


def _may_end(target: TmuxTarget, *, tagged: bool) -> str:
    """The same, but that its process may have ended by now: nothing lives in a dead pane."""
    same_or_dead = f"#{{||:#{{pane_dead}},{same('pane_pid', str(target.pid))}}}"
    process = [same_or_dead if target.pid else same("pane_dead", "1")] if target.pane_id else []
    return all_of([*_names(target), *process, *(_tags(target) if tagged else [])])


def _names(target: TmuxTarget) -> list[str]:
    pane = [same("pane_id", target.pane_id)] if target.pane_id else []
    return [same("session_id", target.session_id), *pane]


def _tags(target: TmuxTarget) -> list[str]:
    return [] if target.guest else [same(LINEAGE, target.lineage), same(ADDRESS, target.address)]


def guarded_command(target: TmuxTarget, act: str) -> str:
    """A command that acts on the target, or says that it is another one."""
    refused = command("display-message", "-p", _REFUSED)
    return command("if-shell", "-F", "-t", place(target), still(target), act, refused)


def expect_done(answer: str) -> None:
    """Raises ReconcilerError when tmux answered a guarded command that it is another one."""
    if answer == _REFUSED:
        raise ReconcilerError("it is not the session that was planned for", fix="plan again")


def ending(target: TmuxTarget, number: int, *, tagged: bool = True) -> str:
    """A command that ends the target, or tells what is in its place; its answer begins with `number`."""
    kill = _kill_guest(target) if target.guest else command("kill-session", "-t", target.session_id)
    done = sequence([kill, command("display-message", "-p", f"{number} {_DONE}")])
    there, field = (target.pane_id, "pane_id") if target.guest else (f"{target.session_id}:", "session_id")
    other = command("display-message", "-p", "-t", there, f"{number} #{{{field}}}")
    return command("if-shell", "-F", "-t", place(target), _may_end(target, tagged=tagged), done, other)


def _kill_guest(target: TmuxTarget) -> str:
    """The last pane of a session stays that is not ours: it would end with it."""
    kill = command("kill-pane", "-t", target.pane_id)
    if target.lineage:
        return kill
    return command("if-shell", "-F", "-t", target.pane_id, "#{==:#{session_windows} #{window_panes},1 1}", "", kill)


def outcomes(printed: str) -> Mapping[int, str]:
    """What tmux answered to `ending`, by number: the id of what is in its place, empty when it has ended."""
    answers = (line.split(" ", 1) for line in printed.splitlines())
    return {int(number): "" if said == _DONE else said for number, said in answers}
