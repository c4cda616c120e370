"""What a CLI shows, and what may be typed into its pane."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from reconciler.model.activity import Activity

from .box import InputBox
from .permission import PermissionPrompt
from .screen import Rule


def unknown_activity(_title: str) -> Activity:
    """The default: the CLI's title shows nothing about its activity."""
    return Activity.UNKNOWN


def no_rules() -> tuple[Rule, ...]:
    """The default: the CLI's screens are not described."""
    return ()


class Display(Struct, frozen=True):
    """How to read the state of a running agent, and how to send it a prompt or an answer."""

    # True when the CLI normally shows its activity, so that "unknown" means "do not type".
    tells_activity: bool = False
    # The activity by the title of the pane alone.
    activity: Callable[[str], Activity] = unknown_activity
    # The rules by which `screen.py` reads the activity from the lines of the pane.
    rules: Callable[[], tuple[Rule, ...]] = no_rules
    # How its input box looks.
    box: InputBox | None = None
    # Keys that send the text in the box as Enter does, but that cannot answer a dialog of the CLI by mistake.
    submit: tuple[str, ...] = ()
    # Seconds after a paste in which it may ignore a key. Half a second was enough for every CLI that was tried.
    paste_pause: float = 0.5
    # How its permission prompt looks, and which keys answer it.
    permission: PermissionPrompt | None = None

    @property
    def reads_screens(self) -> bool:
        """True when the CLI's screens have been described."""
        return self.rules is not no_rules
