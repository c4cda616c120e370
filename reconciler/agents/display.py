"""What a CLI shows, and what may be typed into it."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from reconciler.model.activity import Activity

from .box import InputBox
from .permission import PermissionPrompt
from .screen import Rule


def unknown_activity(_title: str) -> Activity:
    """The judgement of a CLI whose title tells nothing."""
    return Activity.UNKNOWN


def no_rules() -> tuple[Rule, ...]:
    """The rules for a CLI whose screens nobody has described."""
    return ()


class Display(Struct, frozen=True):
    """How the state of a running agent is read, and how a prompt and an answer reach it."""

    # The CLI can be asked what it does, so that "unknown" means "do not type".
    tells_activity: bool = False
    # What it does, by the title of its pane alone.
    activity: Callable[[str], Activity] = unknown_activity
    # What it does, by the lines of its pane: `screen.py` judges by them.
    rules: Callable[[], tuple[Rule, ...]] = no_rules
    # How its input box looks.
    box: InputBox | None = None
    # Keys that hand over the text in it as Enter does, and that no question of the CLI's takes for an answer.
    submit: tuple[str, ...] = ()
    # How a question for a permission looks, and how it is answered.
    permission: PermissionPrompt | None = None

    @property
    def reads_screens(self) -> bool:
        """True when the CLI's screens have been described."""
        return self.rules is not no_rules
