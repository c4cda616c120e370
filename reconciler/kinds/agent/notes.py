"""The note of a registry row: the texts that reconciler writes there. A note that a user wrote is kept.

A note counts as ours when it is one of these texts, so every text that was ever written has to stay listed here.
"""

from __future__ import annotations

import re

from reconciler.model.record import Json, SessionRow, Status

STARTING, STARTED, RESUMED = "starting", "started by reconciler", "resumed by reconciler"
IMPORTED, FOUND_RUNNING, REGISTERED = "imported", "found running", "auto-registered"
TMUX_GONE, PANE_GONE, LEFT_BEHIND = "tmux gone", "its pane is gone", "left behind"
_RESTING = " by reconciler"
_WHOLE = frozenset(
    {
        *("", STARTING, STARTED, RESUMED, IMPORTED, FOUND_RUNNING, REGISTERED, TMUX_GONE, PANE_GONE, LEFT_BEHIND),
        *(f"{status.value}{_RESTING}" for status in Status),
    }
)
_OF_A_START = r"start failed: .*|.* exited at once, (with|by) (unknown status|(status|signal) \w+)"
_OF_A_PROMPT = r"nothing shows that it took its first prompt \(.*\)|its first prompt could not be looked for: .*"
_EXITED = r"exited, (status \d+|signal \w+|unknown status)"
_OF_A_JOB = (
    r"job [A-Za-z0-9_]([A-Za-z0-9_:@-]|\.[0-9]){0,100} "  # `JOB_ID`, which `plan` need not load
    r"(waits for a permission|pending|delivered|running|completed|error|timed_out|cancelled)"
)
_PATTERN = f"{_OF_A_START}|{_OF_A_PROMPT}|{_EXITED}|{_OF_A_JOB}"  # compiled when it is first needed


def note_fields(row: SessionRow | None, note: str) -> dict[str, Json]:
    """The field that sets `note`; empty when the row has a note that a user wrote."""
    return {"last_visible_note": note} if row is None or _is_ours(row.note) else {}


def at_rest(status: Status) -> str:
    """The note about an agent that reconciler has stopped or archived."""
    return f"{status.value}{_RESTING}"


def exited(how: str) -> str:
    """The note about an agent whose process has ended, while its pane is still there."""
    return f"exited, {how}"


def start_failed(problem: str) -> str:
    """The note about an agent that could not be started, or that ended right after its start."""
    return f"start failed: {problem}"


def no_trace_of_prompt(why: str) -> str:
    """The note about an agent that shows no sign of its first prompt."""
    return f"nothing shows that it took its first prompt ({why})"


def prompt_not_looked_for(why: str) -> str:
    """The note about an agent whose screen could not be checked for its first prompt."""
    return f"its first prompt could not be looked for: {why}"


def _is_ours(note: str) -> bool:
    return note in _WHOLE or re.fullmatch(_PATTERN, note, re.DOTALL) is not None
