"""Describe the planned changes of a broker's files to the user."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.broker.files import layout
from reconciler.model.change import Change

from .make import BrokerFilePlan, FileAction, FileChange


def readable(making: BrokerFilePlan) -> Iterator[Change]:
    """The changes as the user sees them: lines of files, rights, users and certificates; never secrets."""
    for change in making.changes:
        yield from _lines(change)
    for grant in making.grants:
        line = f"{grant.grant.access} {grant.grant.topic}"
        who = f"acl.{grant.user or 'everybody'}"
        yield Change(who, "add", None, line) if grant.added else Change(who, "remove", line)
    yield from (Change(f"users.{name}", "add", None, "can log in") for name in making.users_added)
    yield from (Change(f"users.{name}", "remove", "can log in") for name in making.users_removed)
    yield from (Change(f"users.{name}.password", "replace", sensitive=True) for name in making.passwords)
    yield from renewed(making)


def renewed(making: BrokerFilePlan) -> Iterator[Change]:
    """The certificates that are issued again, and why."""
    for renewal in making.renewals:
        name = ".".join(part for part in ("certificates", renewal.kind, renewal.user) if part)
        yield Change(name, "replace", "as it is", f"renewed: {renewal.reason}")


def _lines(change: FileChange) -> Iterator[Change]:
    """The changed lines of a file, if it may be shown. The ACL is left out: its rights are listed instead."""
    if change.path == layout.ACL:
        return
    name = change.path.removeprefix(f"{layout.SET}/")
    lines = [line for line in change.diff if line[:1] in "+-" and not line.startswith(("+++", "---"))]
    if change.action is not FileAction.CHANGE or not lines:
        yield _whole(name, change.action)
        return
    for line in lines:
        text = line[1:].strip()
        if text and not text.startswith("#"):
            yield Change(name, "add", None, text) if line[0] == "+" else Change(name, "remove", text)


_WHOLE: Mapping[FileAction, tuple[str, str | None, str | None]] = {
    FileAction.CREATE: ("add", None, "made"),
    FileAction.CHANGE: ("replace", "as it is", "rewritten"),
    FileAction.REMOVE: ("remove", "there", None),
}


def _whole(name: str, action: FileAction) -> Change:
    return Change(name, *_WHOLE[action])
