"""Sessions that nobody declared come and go: the registry knows the newest of them, and loses nothing."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from reconciler.kinds.agent.unmanaged import _KEPT, register_unmanaged
from reconciler.model.plan import Unmanaged
from reconciler.model.record import Identity, Record, SessionRow, Status, WorkspaceRow
from reconciler.state.rows import merge_edits, record_from

MINE = {"workspace": "w", "agent": "a", "status": "running"}
ENDED = {
    "status": "terminated",
    "last_visible_status": "terminated",
    "last_visible_note": "tmux gone",
    "termination_mode": "auto-detected",
}


def stranger(number: int) -> Unmanaged:
    return Unmanaged(f"w1-x-n{number}", "sleep", "/", number, workspace="w1", role="x", agent=f"n{number}")


def at(number: int) -> str:
    return f"2026-01-01T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}Z"


def test_however_many_come_and_go_the_registry_stays_small() -> None:
    data: dict[str, object] = {"version": 1, "lineage": "l", "serial": 1, "sessions": {"mine": MINE}}
    for number in range(4 * _KEPT):
        found = list(register_unmanaged([stranger(number)], record_from(data), at(number)))
        data = merge_edits(data, [edit for drift in found for edit in drift.edits])
        data["sessions"][f"w1-x-n{number}"] |= {**ENDED, "terminated_at": at(number)}
        assert len(data["sessions"]) <= _KEPT + 2
    assert "mine" in data["sessions"]
    assert list(data["sessions"])[1:] == [f"w1-x-n{number}" for number in range(3 * _KEPT - 1, 4 * _KEPT)]


def test_nothing_goes_while_nothing_comes() -> None:
    assert list(register_unmanaged([], many(2 * _KEPT), "")) == []


def many(count: int, **changes: object) -> Record:
    row = SessionRow(
        "", "w1", "", status=Status.TERMINATED, note="tmux gone", managed=False, termination_mode="auto-detected"
    )
    rows = [replace(row, session=f"w1-x-o{n}", agent=f"o{n}", terminated_at=at(n)) for n in range(count)]
    rows[0] = replace(rows[0], **changes)
    return Record("l", 1, {}, {row.session: row for row in rows})


def going(record: Record) -> list[str]:
    found = list(register_unmanaged([stranger(1), stranger(2)], record, "now"))
    edits = [edit for drift in found for edit in drift.edits if edit.remove]
    assert len(found) == 2
    return [edit.name for edit in edits]


def test_the_oldest_go_first_and_once() -> None:
    assert going(many(_KEPT)) == []
    assert going(many(_KEPT + 2)) == ["w1-x-o0", "w1-x-o1"]


@pytest.mark.parametrize(
    "changes",
    [
        {"managed": True},
        {"protect": True},
        {"status": Status.RUNNING},
        {"status": Status.ARCHIVED},
        {"session_id_own": "c-1"},
        {"note": "keep this one"},
        {"stopped_reason": "later"},
        {"termination_mode": "user"},
    ],
    ids=str,
)
def test_what_anybody_touched_or_what_has_a_conversation_stays(changes: dict[str, object]) -> None:
    assert going(many(_KEPT + 1, **changes)) == []


def test_what_a_workspace_knows_a_conversation_of_stays() -> None:
    record = many(_KEPT + 1)
    home = WorkspaceRow("w1", identities={"o0": Identity("c-1", ())})
    assert going(replace(record, workspaces={"w1": home})) == []
