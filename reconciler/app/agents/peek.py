"""What is on an agent's screen now."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from reconciler.app.agents.look import ProjectView, look, unseen
from reconciler.app.agents.names import resolve_names
from reconciler.app.project.project import Project
from reconciler.model.address import Address
from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import Present, Unknown
from reconciler.render.peek import peek_document

if TYPE_CHECKING:
    from reconciler.render.documents.peek import PeekDoc

_LAST_WORDS = 40  # lines: what tmux says of the end may have pushed them off the screen


def peek(at: Project, name: str, lines: int = 0) -> PeekDoc:
    """The screen of the agent that `name` stands for; with `lines`, that many of its last lines.

    Raises:
        UsageError: There is no such agent, or several.
        ReconcilerError: It has no session, or tmux cannot be asked.
    """
    seen = look(at, everyone=False)
    (address,) = resolve_names(seen, [name], found=True)
    return screen_of(at, seen, address, lines)


def screen_of(at: Project, seen: ProjectView, address: Address, lines: int = 0) -> PeekDoc:
    """The same of an agent in a view. Raises ReconcilerError if it has no session, or tmux cannot be asked."""
    if isinstance(seen.snapshot.tmux, Unknown):
        raise unseen(seen.snapshot.tmux)
    pane = seen.pane(address)
    if isinstance(pane, Unknown):
        raise ReconcilerError(f"cannot tell which session is that of {address}", detail=pane.reason)
    if not isinstance(pane, Present):
        raise ReconcilerError(
            f"{address} has no live session", fix=f"start it: reconciler resume {quote(str(address))}"
        )
    shown = lines or (_LAST_WORDS if pane.value.dead else 0)
    captured = at.world(seen.desired.socket).tmux.picture(pane.value.pane_id, history=shown > 0)
    return peek_document(address, pane.value, captured, shown)
