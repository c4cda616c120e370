"""Make tmux act on exactly the intended target or not at all: it compares and acts in one command.

A new server uses the same ids again, sessions are renamed, panes are moved to other sessions, and a snapshot is out of
date at once. If `if-shell` does not find its target, it does not fail, but compares another one (seen with 3.3a). So
the ids are compared, too.
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.model.errors import ReconcilerError
from reconciler.model.snapshot import TmuxTarget

from .language import all_of, command, same, sequence
from .rows import ADDRESS, LINEAGE

_REFUSED = "another target"
_DONE = "done"


def place(target: TmuxTarget) -> str:
    """The target in the syntax of tmux's `-t`."""
    return f"{target.session_id}:.{target.pane_id}" if target.pane_id else f"{target.session_id}:"


def still(target: TmuxTarget) -> str:
    """A format that is true while the target is unchanged, including its process."""
    dead = same("pane_dead", "0" if target.pid else "1")
    process = [dead, *([same("pane_pid", str(target.pid))] if target.pid else [])] if target.pane_id else []
    return all_of([*_names(target), *process, *_tags(target)])


def _may_end(target: TmuxTarget, *, tagged: bool) -> str:
    """Like `still`, but its process may have ended, because a dead pane can be ended without a loss."""
    same_or_dead = f"#{{||:#{{pane_dead}},{same('pane_pid', str(target.pid))}}}"
    process = [same_or_dead if target.pid else same("pane_dead", "1")] if target.pane_id else []
    return all_of([*_names(target), *process, *(_tags(target) if tagged else [])])


def _names(target: TmuxTarget) -> list[str]:
    pane = [same("pane_id", target.pane_id)] if target.pane_id else []
    return [same("session_id", target.session_id), *pane]


def _tags(target: TmuxTarget) -> list[str]:
    return [] if target.guest else [same(LINEAGE, target.lineage), same(ADDRESS, target.address)]


def guarded_command(target: TmuxTarget, act: str) -> str:
    """A command that does `act` if the target is unchanged, else prints a refusal."""
    refused = command("display-message", "-p", _REFUSED)
    return command("if-shell", "-F", "-t", place(target), still(target), act, refused)


def expect_done(answer: str) -> None:
    """Raise ReconcilerError when the answer to a guarded command is a refusal."""
    if answer == _REFUSED:
        raise ReconcilerError("the session has changed since the plan was made", fix="plan again")


def ending(target: TmuxTarget, number: int, *, tagged: bool = True) -> str:
    """A command that ends the target, or prints the id of what is there instead. Its answer begins with `number`."""
    kill = _kill_guest(target) if target.guest else command("kill-session", "-t", target.session_id)
    done = sequence([kill, command("display-message", "-p", f"{number} {_DONE}")])
    there, field = (target.pane_id, "pane_id") if target.guest else (f"{target.session_id}:", "session_id")
    other = command("display-message", "-p", "-t", there, f"{number} #{{{field}}}")
    return command("if-shell", "-F", "-t", place(target), _may_end(target, tagged=tagged), done, other)


def _kill_guest(target: TmuxTarget) -> str:
    """End the pane of a guest. In a session that is not ours, the last pane stays, because the session would end."""
    kill = command("kill-pane", "-t", target.pane_id)
    if target.lineage:
        return kill
    return command("if-shell", "-F", "-t", target.pane_id, "#{==:#{session_windows} #{window_panes},1 1}", "", kill)


def outcomes(printed: str) -> Mapping[int, str]:
    """The answers to `ending` by number: the id of what is there instead, empty when the target has ended."""
    answers = (line.split(" ", 1) for line in printed.splitlines())
    return {int(number): "" if answer == _DONE else answer for number, answer in answers}
