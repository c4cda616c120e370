"""Read the activity of a CLI from the lines of its pane, by rules that are data: `screens/` has one file per CLI.

A rule has a `state` (an Activity), and for a start dialog a `name`. It matches when the last `tail` lines that are not
blank contain `all` of its texts and at least one of `any`, in upper or lower case. The first rule that matches wins.
`since` and `until` (exclusive) are versions of the CLI.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

from reconciler.model.activity import Activity, LiveAgent

from .versions import number


class Rule(NamedTuple):
    """One rule. An empty `any` always matches."""

    state: str
    name: str = ""
    any: Sequence[str] = ()
    all: Sequence[str] = ()
    tail: int = 15
    since: str | None = None
    until: str | None = None


@cache
def rules(name: str) -> tuple[Rule, ...]:
    """Load the rules for one of the built-in CLIs."""
    from importlib.resources import files  # noqa: PLC0415 - slow to load, and only a screen that is looked at needs it

    content = files(__package__ or "").joinpath("screens", f"{name}.json").read_text("utf-8")
    return tuple(Rule(**each) for each in json.loads(content))


def questions(known: Iterable[Rule]) -> tuple[tuple[str, ...], ...]:
    """The groups of texts that are on the screen together while the CLI asks the user something, in any version."""
    return _texts(rule for rule in known if Activity(rule.state) in {Activity.WAITING, Activity.DIALOG})


def works(known: Iterable[Rule]) -> tuple[tuple[str, ...], ...]:
    """The groups of texts that are on the screen together while the CLI works, in any version."""
    return _texts(rule for rule in known if Activity(rule.state) is Activity.BUSY)


def _texts(selected: Iterable[Rule]) -> tuple[tuple[str, ...], ...]:
    return tuple((*rule.all, *filter(None, [text])) for rule in selected for text in rule.any or ("",))


def classify_screen(known: Sequence[Rule], lines: Sequence[str], version: str = "") -> LiveAgent:
    """The state by the first rule that matches; UNKNOWN when none does."""
    shown = [line.rstrip().casefold() for line in lines if line.strip()]
    for rule in known:
        if _is_for(rule, version) and _matches(rule, "\n".join(shown[-rule.tail :])):
            return LiveAgent(Activity(rule.state), dialog=rule.name)
    return LiveAgent()


def _matches(rule: Rule, shown: str) -> bool:
    if not all(text.casefold() in shown for text in rule.all):
        return False
    return not rule.any or any(text.casefold() in shown for text in rule.any)


def _is_for(rule: Rule, version: str) -> bool:
    if not version:
        return True
    if rule.since and number(version) < number(rule.since):
        return False
    return not rule.until or number(version) < number(rule.until)
