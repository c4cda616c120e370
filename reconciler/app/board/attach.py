"""How a user gets from the board into an agent's session, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from shlex import quote

from msgspec import Struct

from reconciler.app.agents.look import look, unseen
from reconciler.app.agents.names import resolve_names
from reconciler.app.board.actions import ActionResult
from reconciler.app.project.project import Project
from reconciler.model.address import Address
from reconciler.model.desired import Socket
from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import Present, Unknown
from reconciler.ports.tmux import RealTmux
from reconciler.ports.tmux.terminal import attach_terminal

_USUAL = "Ctrl-b d"  # detaches from a tmux that nobody configured


class AttachMethod(StrEnum):
    """What the command does with the terminal."""

    TERMINAL = "terminal"  # it takes the terminal until the user detaches
    POPUP = "popup"  # it shows a popup over the terminal until the user detaches
    SWITCH = "switch"  # it makes the terminal show the session; the board goes on out of sight
    NESTED = "nested"  # it takes the terminal, which is in another tmux server


class Attachment(Struct, frozen=True):
    """The command that attaches to an agent, and what the user presses to come back."""

    way: AttachMethod
    command: tuple[str, ...]
    back: str

    @property
    def must_be_told(self) -> bool:
        """Whether the way back is not the usual one, so that the user must read it first."""
        return self.way in {AttachMethod.SWITCH, AttachMethod.NESTED}


def attachment(at: Project, address: Address) -> Attachment:
    """How to attach to the live agent at this address, in the tmux that the terminal is in, if it is in one.

    Raises:
        UsageError: There is no such agent.
        ReconcilerError: It has no live session, or tmux does not answer.
    """
    seen = look(at, everyone=False)
    (address,) = resolve_names(seen, [str(address)], found=True)
    if isinstance(seen.snapshot.tmux, Unknown):
        raise unseen(seen.snapshot.tmux)
    pane = seen.pane(address)
    if not isinstance(pane, Present):
        raise ReconcilerError(
            f"{address} has no live session", fix=f"start it: reconciler resume {quote(str(address))}"
        )
    return way_to(RealTmux(at.socket(seen.desired.socket), at.env), pane.value.session)


def way_to(tmux: RealTmux, session: str) -> Attachment:
    """How to attach to a session of this server. Raises ReconcilerError if tmux does not answer."""
    around, command = tmux.around, tuple(tmux.attaching(session))
    prefix = _spelt(tmux.prefix())
    if around is None:
        return Attachment(AttachMethod.TERMINAL, command, f"{prefix} d")
    if popup := around.popup(tmux.nested(session)):
        return Attachment(AttachMethod.POPUP, tuple(popup), f"{prefix} d")
    if "switch-client" in command:
        return Attachment(AttachMethod.SWITCH, command, f"{prefix} L")
    outer = _spelt(around.prefix())
    both = f"{outer} {prefix} d" if outer == prefix else f"{prefix} d"
    return Attachment(AttachMethod.NESTED, command, both)


def way_by(command: Sequence[str], env: Mapping[str, str]) -> Attachment:
    """How to run a command that attaches to tmux on another host, whose prefix is taken to be tmux's own.

    Raises ReconcilerError if the tmux that the terminal is in does not answer.
    """
    around = RealTmux(Socket(), env).around
    if around is None:
        return Attachment(AttachMethod.TERMINAL, tuple(command), _USUAL)
    if popup := around.popup(command):
        return Attachment(AttachMethod.POPUP, tuple(popup), _USUAL)
    outer = _spelt(around.prefix())
    return Attachment(AttachMethod.NESTED, tuple(command), f"{outer} {_USUAL}" if _USUAL.startswith(outer) else _USUAL)


def run_attachment(attachment: Attachment) -> ActionResult:
    """Attach, and return the verdict when the user is back. A way that takes the terminal needs all of it."""
    if complaint := attach_terminal(attachment.command):
        return ActionResult(done=False, lines=(f"could not attach: {complaint}",))
    return ActionResult(done=True, lines=("You are back.",))


def _spelt(key: str) -> str:
    """A key of tmux as people write it."""
    return key.replace("C-", "Ctrl-").replace("M-", "Alt-")
