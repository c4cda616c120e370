"""Describe in words what a user changed by hand in a file of a broker."""

from __future__ import annotations

import re

from reconciler.model.broker import HandEdit
from reconciler.model.deep import DeepChange

_MOST = 5  # changes that are named one by one
_WHOLE = {"add": "it was not written by reconciler", "remove": "it was removed", "replace": "its content was replaced"}


def edit_words(edit: HandEdit) -> str:
    """One phrase that says what differs, or that only the layout does. A secret is named, never shown."""
    if not edit.changes:
        return "it means what the settings say now" if edit.against_now else "same meaning, other layout"
    parts = [_words(change) for change in edit.changes[:_MOST]]
    if more := len(edit.changes) - _MOST:
        parts += [f"{more} more"] if more > 0 else []
    return f"{'unlike the settings of now, ' if edit.against_now else ''}{'; '.join(parts)}"


def _words(change: DeepChange) -> str:
    if not change.path:
        return _WHOLE[change.op]
    kind, _, name = change.path.partition(".")
    if kind == "acl" and name:
        return _done(f"{_who(name)}: topic {change.after or change.before}", change)
    if kind == "users" and name.endswith(".password"):
        return f"user {name.removesuffix('.password')}: another password"
    if kind == "users" and name:
        return _done(f"user {name}", change)
    if kind in ("acl", "users"):
        return str(change.after)
    return _setting(change)


def _who(name: str) -> str:
    return name if name in ("everybody", "clients without a name") else f"user {name}"


def _setting(change: DeepChange) -> str:
    """Describe a changed line of the configuration; the path of a listener's line begins with the listener."""
    steps = re.findall(r'[^.\[\]"]+|"[^"]*"', re.sub(r"\[\d+\]$", "", change.path))
    name = " ".join(step.strip('"') for step in steps)
    if change.sensitive:
        return f"{name} {'changed' if change.op == 'replace' else _DONE[change.op]}"
    if change.op == "replace":
        return f"{name} {_text(change.before)} -> {_text(change.after)}"
    return _done(f"{name} {_text(change.after if change.op == 'add' else change.before)}", change)


def _text(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


_DONE = {"add": "added", "remove": "removed"}


def _done(what: str, change: DeepChange) -> str:
    return f"{what} {_DONE[change.op]}"
