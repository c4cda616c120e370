"""What was told, on disk: one file a workspace, so that nobody is told twice, and nothing is lost with the monitor.

What is about to be told is written down before the registry follows, and struck off once it was told.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from reconciler.model.address import parse_address
from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import Absent, Present, Unknown
from reconciler.model.plan import Drift
from reconciler.model.watch import Notice
from reconciler.ports import lockfile
from reconciler.ports.world import Clock, Files

from .news import Key, Memory, Told, key_of

_VERSION = 1
_SUFFIX = ".state"
_NOBODY = "_"  # for what belongs to no workspace; no workspace is called that
_LARGEST = 1 << 25


@dataclass(frozen=True, slots=True)
class Notebook:
    """The folder of the state files, and the doors to it."""

    folder: str
    files: Files
    clock: Clock


@dataclass(frozen=True, slots=True)
class Page:
    """All that is known: what was told, and what was about to be told when somebody stopped writing.

    `strange` are the files that could not be understood.
    """

    told: Memory = field(default_factory=dict)
    pending: tuple[Notice, ...] = ()
    strange: tuple[str, ...] = ()


def load(book: Notebook) -> Page:
    """What the state files say; a damaged one, or one of another version, counts as empty.

    Raises:
        ReconcilerError: They cannot be read.
    """
    told: dict[Key, Told] = {}
    pending: list[Notice] = []
    strange: list[str] = []
    for path in _paths(book):
        try:
            page = _understood(_read(book, path))
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            strange.append(path)
        else:
            told |= page.told
            pending += page.pending
    return Page(told, tuple(pending), tuple(strange))


def set_aside(book: Notebook, paths: Iterable[str]) -> list[str]:
    """Rename files that could not be understood; their new paths.

    Raises:
        ReconcilerError: One cannot be renamed.
    """
    stamp = book.clock.now().strftime("%Y%m%dT%H%M%S%f")
    renamed = []
    for path in paths:
        aside = f"{path}.bad-{stamp}"
        try:
            os.rename(path, aside)
        except OSError as error:
            raise ReconcilerError(f"{path} cannot be set aside", detail=error.strerror or "") from error
        renamed.append(aside)
    return renamed


def save(book: Notebook, before: Page, after: Page) -> None:
    """Bring the files of those workspaces up to date of which something else is known now.

    Raises:
        ReconcilerError: One cannot be written; the others may be.
    """
    old, new = _by_workspace(before), _by_workspace(after)
    changed = [name for name in old.keys() | new.keys() if old.get(name) != new.get(name)]
    if changed:
        book.files.make_folder(book.folder, 0o700)
    for name in sorted(changed):
        content = {"version": _VERSION, **new.get(name, {"told": [], "pending": []})}
        path = os.path.join(book.folder, name + _SUFFIX)
        book.files.write(path, json.dumps(content, indent=1).encode() + b"\n", 0o600)


def strike_off(book: Notebook, told: Sequence[Notice]) -> Page:
    """What is known once these were told; what somebody beside us has written since stays.

    Raises:
        ReconcilerError: It cannot be read, or not written.
    """
    done = [_mark(notice) for notice in told]
    with lockfile.one_at_a_time(book.folder):
        before = load(book)
        pending = tuple(each for each in before.pending if _mark(each) not in done)
        after = replace(before, pending=pending, strange=())
        save(book, before, after)
    return after


def _mark(notice: Notice) -> tuple[Key, int]:
    """What a notice on disk has in common with the one that was told, which has its edits too."""
    return key_of(notice.drift), notice.count


def _paths(book: Notebook) -> tuple[str, ...]:
    try:
        names = sorted(os.listdir(book.folder))
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:
        raise ReconcilerError(f"{book.folder} cannot be read", detail=error.strerror or "") from error
    return tuple(os.path.join(book.folder, name) for name in names if name.endswith(_SUFFIX))


def _read(book: Notebook, path: str) -> Any:
    match book.files.read(path, _LARGEST):
        case Present(data):
            return json.loads(data)
        case Absent():
            return {"version": _VERSION, "told": [], "pending": []}
        case Unknown(reason):
            raise ReconcilerError(f"what was told cannot be read: {reason}", fix=f"see that you may read {path}")


def _understood(content: Any) -> Page:
    if content["version"] != _VERSION:
        raise ValueError("another version")
    told = {_key(each): Told(str(each["digest"]), int(each["count"]), bool(each["there"])) for each in content["told"]}
    return Page(told, tuple(map(_notice, content["pending"])))


def _key(entry: Mapping[str, Any]) -> Key:
    return (str(entry["class"]), str(entry["session"]), str(entry["address"]))


def _notice(entry: Mapping[str, Any]) -> Notice:
    letter, session, address = _key(entry)
    drift = Drift(letter, session, parse_address(address), str(entry["message"]), entry["before"], entry["after"])
    return Notice(drift, int(entry["count"]))


def _by_workspace(page: Page) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = defaultdict(lambda: {"told": [], "pending": []})
    for key, told in page.told.items():
        found[_workspace(key)]["told"].append({**_head(key), **asdict(told)})
    for notice in page.pending:
        drift, key = notice.drift, key_of(notice.drift)
        said = {"message": drift.message, "before": drift.before, "after": drift.after, "count": notice.count}
        found[_workspace(key)]["pending"].append({**_head(key), **said})
    return dict(found)


def _head(key: Key) -> dict[str, str]:
    return dict(zip(("class", "session", "address"), key, strict=True))


def _workspace(key: Key) -> str:
    """The workspace that a drift belongs to, by its address, else by the name of its session."""
    _letter, session, text = key
    address = parse_address(text)
    if address is not None:
        return address.workspace if address.kind != "broker" else _NOBODY
    return session.rsplit("-", 2)[0] if session.count("-") > 1 and os.sep not in session else _NOBODY
