from __future__ import annotations

import pytest

from reconciler.model.errors import RegistryUnreadable
from reconciler.model.record import (
    BrokerRow,
    Identity,
    PaneRow,
    Record,
    RowEdit,
    Section,
    ServerRow,
    SessionRow,
    StartedWith,
    Status,
    WorkspaceRow,
)
from reconciler.state.rows import merge_edits, record_from

SESSION = {"workspace": "lab", "agent": "claude", "status": "running"}


def test_a_full_registry_becomes_a_record():
    data = {
        "version": 1,
        "lineage": "0c7e",
        "serial": 42,
        "workspaces": {
            "lab": {
                "path": "/lab",
                "created": True,
                "git": {"repo": "/src", "branch": "wt/lab"},
                "managed": False,
                "agent_identities": {"claude": {"session_id": "b3a7", "previous": ["a1"]}, "agy": None},
            }
        },
        "sessions": {
            "lab-reviewer-claude": {
                **SESSION,
                "type": "my-claude",
                "role": "reviewer",
                "last_visible_status": "running",
                "last_visible_note": "auto-registered",
                "claude_session_id_own": "b3a7",
                "resumable": True,
                "pane": {"id": "%3", "pid": 7, "cmd": "claude", "cwd": "/lab"},
                "server": {"socket": "lab", "pid": 8, "started": "2026-06-25T03:19:24Z"},
                "spec": {
                    "type": "claude",
                    "command": ["claude"],
                    "args": ["-v"],
                    "env": {"A": "1", "GONE": None},
                    "cwd": "/lab",
                },
                "spec_digest": "5f0c",
                "managed": False,
                "protect": True,
                "created_at": "t1",
                "updated_at": "t2",
                "terminated_at": "t3",
                "termination_mode": "quit",
                "stopped_reason": "asked",
                "x-other-tool": {"any": ["thing"]},
            }
        },
    }

    assert record_from(data) == Record(
        lineage="0c7e",
        serial=42,
        workspaces={
            "lab": WorkspaceRow(
                name="lab",
                path="/lab",
                created=True,
                git_repo="/src",
                git_branch="wt/lab",
                managed=False,
                identities={"claude": Identity("b3a7", ("a1",)), "agy": Identity()},
            )
        },
        sessions={
            "lab-reviewer-claude": SessionRow(
                session="lab-reviewer-claude",
                workspace="lab",
                agent="claude",
                type="my-claude",
                role="reviewer",
                status=Status.RUNNING,
                note="auto-registered",
                session_id_own="b3a7",
                resumable=True,
                pane=PaneRow("%3", 7, "claude", "/lab"),
                server=ServerRow("lab", 8, "2026-06-25T03:19:24Z"),
                started_with=StartedWith("claude", ("claude",), ("-v",), {"A": "1"}, "/lab"),
                spec_digest="5f0c",
                managed=False,
                protect=True,
                created_at="t1",
                updated_at="t2",
                terminated_at="t3",
                termination_mode="quit",
                stopped_reason="asked",
            )
        },
    )


def test_a_broker_is_a_process_and_managed_unless_the_row_says_something_else():
    rows = {"main": {"dir": "/b", "mine": 1}, "bus": {"dir": "/c", "target": "docker", "managed": False}}
    assert record_from({"brokers": rows}).brokers == {
        "main": BrokerRow("main", "/b", "process", managed=True),
        "bus": BrokerRow("bus", "/c", "docker", managed=False),
    }


def test_an_older_registry_lacks_its_head_and_most_fields():
    record = record_from({"workspaces": None, "sessions": {"s": SESSION}})

    assert record == Record(sessions={"s": SessionRow("s", "lab", "claude", type="claude", older=True)})


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"version": 0}, "version must be 1, not 0"),
        ({"version": 2}, "a newer reconciler wrote this registry: it has version 2, and this one reads 1"),
        ({"serial": "1"}, "serial must be a whole number, 0 or more, not '1'"),
        ({"serial": -1}, "serial must be a whole number, 0 or more, not -1"),
        ({"serial": True}, "serial must be a whole number, 0 or more, not True"),
        ({"lineage": 7}, "lineage must be text (write it in quotes), not 7"),
        ({"sessions": ["a"]}, "sessions must be a mapping, not ['a']"),
        ({"sessions": {"s": None}}, "sessions.s.agent must be filled in, not empty"),
        ({"sessions": {"s": {**SESSION, "workspace": ""}}}, "sessions.s.workspace must be filled in, not empty"),
        (
            {"sessions": {"s": {**SESSION, "status": "on"}}},
            "sessions.s.status must be one of running, stopped, terminated, archived, not 'on'",
        ),
        (
            {"sessions": {"s": {**SESSION, "last_visible_status": "idle"}}},
            "sessions.s.last_visible_status must be one of running, stopped, terminated, archived, not 'idle'",
        ),
        (
            {"sessions": {"s": {**SESSION, "pane": {"pid": "x"}}}},
            "sessions.s.pane.pid must be a whole number, 0 or more, not 'x'",
        ),
        (
            {"sessions": {"s": {**SESSION, "spec": {"args": "-v"}}}},
            "sessions.s.spec.args must be a list of texts, not '-v'",
        ),
        ({"sessions": {"s": {**SESSION, "protect": "no"}}}, "sessions.s.protect must be true or false, not 'no'"),
        ({"brokers": {"main": {"target": "docker"}}}, "brokers.main.dir must be filled in, not empty"),
        (
            {"workspaces": {"w": {"agent_identities": {"a": {"session_id": 1}}}}},
            "workspaces.w.agent_identities.a.session_id must be text (write it in quotes), not 1",
        ),
    ],
)
def test_a_wrong_shape_is_named_with_the_keys_that_lead_to_it(data, message):
    with pytest.raises(RegistryUnreadable) as raised:
        record_from(data)
    assert raised.value.summary == message


def test_an_edit_sets_its_fields_and_leaves_everything_else_alone():
    data = {"sessions": {"s": {"a": 1, "pane": {"id": "%1", "pid": 2}, "args": ["x"]}}, "x": 1}
    edit = RowEdit(Section.SESSIONS, "s", {"b": None, "pane": {"pid": 3}, "args": ("y",), "spec": {"env": {}}})

    assert merge_edits(data, [edit]) == {
        "sessions": {"s": {"a": 1, "pane": {"id": "%1", "pid": 3}, "args": ["y"], "b": None, "spec": {"env": {}}}},
        "x": 1,
    }
    assert data == {"sessions": {"s": {"a": 1, "pane": {"id": "%1", "pid": 2}, "args": ["x"]}}, "x": 1}


def test_a_row_that_moves_keeps_its_place_and_its_keys_and_replaces_what_was_there():
    data = {"sessions": {"a": {"n": 1}, "b": {"n": 2}, "c": {"n": 3}}}

    after = merge_edits(data, [RowEdit(Section.SESSIONS, "a", {"m": 4}, rename_to="c")])

    assert list(after["sessions"].items()) == [("c", {"n": 1, "m": 4}), ("b", {"n": 2})]


def test_edits_are_laid_over_each_other_in_their_order():
    edits = [
        RowEdit(Section.WORKSPACES, "w", {"path": "/a"}),
        RowEdit(Section.SESSIONS, "s", {"n": 1}),
        RowEdit(Section.SESSIONS, "s", rename_to="t"),
        RowEdit(Section.SESSIONS, "t", {"n": 2}),
        RowEdit(Section.WORKSPACES, "w", remove=True),
        RowEdit(Section.WORKSPACES, "never-there", remove=True),
    ]

    assert merge_edits({}, edits) == {"workspaces": {}, "sessions": {"t": {"n": 2}}}
