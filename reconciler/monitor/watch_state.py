"""The reported drifts on disk, one file per workspace: nothing is reported twice, and a crash loses nothing.

Changes are stored before the registry is corrected, and marked as reported afterwards.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from msgspec import Struct, field, to_builtins
from msgspec.structs import replace

from reconciler.model.address import parse_address
from reconciler.model.watch import Notice
from reconciler.ports import lockfile

from .news import DriftKey, ReportedDrift, ToldDrifts, key_of, mark
from .state_folder import MALFORMED, StateFolder, entry_of, head, key_in, notice_in, read, state_files, write

_VERSION = 1
_SUFFIX = ".state"
_NO_WORKSPACE = "_"  # for drifts outside of workspaces; not a valid workspace name


class WatchState(Struct, frozen=True):
    """The stored state: what was reported, and what was about to be reported at the last write.

    `strange` are the damaged files.
    """

    told: ToldDrifts = field(default_factory=dict)
    pending: tuple[Notice, ...] = ()
    strange: tuple[str, ...] = ()


def load(folder: StateFolder) -> WatchState:
    """Load the state files; a damaged one, or one of another version, counts as empty.

    Raises:
        ReconcilerError: They cannot be read.
    """
    told: dict[DriftKey, ReportedDrift] = {}
    pending: list[Notice] = []
    strange: list[str] = []
    for path in state_files(folder, _SUFFIX):
        try:
            state = _understood(read(folder, path))
        except MALFORMED:
            strange.append(path)
        else:
            told |= state.told
            pending += state.pending
    return WatchState(told, tuple(pending), tuple(strange))


def save(folder: StateFolder, before: WatchState, after: WatchState) -> None:
    """Write the files of the workspaces whose state changed.

    Raises:
        ReconcilerError: A file cannot be written; others may have been written.
    """
    old, new = _by_workspace(before), _by_workspace(after)
    changed = [name for name in old.keys() | new.keys() if old.get(name) != new.get(name)]
    for name in sorted(changed):
        content = {"version": _VERSION, **new.get(name, {"told": [], "pending": []})}
        write(folder, os.path.join(folder.path, name + _SUFFIX), content)


def strike_off(folder: StateFolder, told: Sequence[Notice]) -> WatchState:
    """The state after these notices were reported; what another process stored since stays.

    Raises:
        ReconcilerError: It cannot be read or written.
    """
    done = set(map(mark, told))
    with lockfile.one_at_a_time(folder.path):
        before = load(folder)
        pending = tuple(each for each in before.pending if mark(each) not in done)
        after = replace(before, pending=pending, strange=())
        save(folder, before, after)
    return after


def _understood(content: Any) -> WatchState:
    if content is None:
        return WatchState()
    if content["version"] != _VERSION:
        raise ValueError("another version")
    told = {key_in(each): _told_drift(each) for each in content["told"]}
    return WatchState(told, tuple(map(notice_in, content["pending"])))


def _told_drift(entry: Any) -> ReportedDrift:
    return ReportedDrift(str(entry["digest"]), int(entry["count"]), bool(entry["there"]))


def _by_workspace(state: WatchState) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = defaultdict(lambda: {"told": [], "pending": []})
    for key, told in state.told.items():
        found[_workspace(key)]["told"].append({**head(key), **to_builtins(told)})
    for notice in state.pending:
        found[_workspace(key_of(notice.drift))]["pending"].append(entry_of(notice))
    return dict(found)


def _workspace(key: DriftKey) -> str:
    """The workspace of a drift, from its address, else from its session name."""
    _letter, session, text = key
    address = parse_address(text)
    if address is not None:
        return address.workspace if address.kind != "broker" else _NO_WORKSPACE
    return session.rsplit("-", 2)[0] if session.count("-") > 1 and os.sep not in session else _NO_WORKSPACE
