"""Registries of older shapes, one folder a shape: `before.yaml`, what it `means.yaml`, and the `completed.yaml`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from random_registries import JSON, SESSIONS, TEXTS, WORKSPACES
from random_registries import NAMES as WORDS

from reconciler.model.adoption import OlderShape
from reconciler.model.errors import RegistryUnreadable
from reconciler.model.record import RowEdit, Section
from reconciler.ports.files import RealFiles
from reconciler.state.assumptions import assumptions, left_alone, warnings
from reconciler.state.completion import completions
from reconciler.state.names import recorded_names
from reconciler.state.older import as_today
from reconciler.state.parse import parsed
from reconciler.state.registry import Registry, commit, complete, completion_copy, read
from reconciler.state.rows import record_from
from reconciler.state.schemas import load_schema
from reconciler.state.session_names import KnownNames, SessionParts, divided

CASES = Path(__file__).parent / "older"
NAMES = sorted(path.name for path in CASES.iterdir())
OF_JOBS = {OlderShape.JOB_RECORD, OlderShape.PLAIN_LOGIN}
LEFT_AS_IT_IS = {"name-that-says-nothing"}  # rows that nobody understands stay against the schema


@pytest.fixture
def registry(tmp_path):
    return Registry(str(tmp_path / "agent-sessions.yaml"), str(tmp_path / "cache"), RealFiles())


def put(registry, text):
    Path(registry.path).write_bytes(text if isinstance(text, bytes) else text.encode())
    return read(registry)


def before(case):
    return (CASES / case / "before.yaml").read_bytes()


def meaning(stored):
    """Each row on a line: what it is about, its status, its note and its conversations."""
    rows = {}
    for name, row in stored.record.sessions.items():
        known = stored.record.identity(row.address, row)
        ids = f" | {known.session_id} {list(known.previous)}" if known.session_id else ""
        rows[name] = f"{row.address} {row.type} {row.role or '-'} {row.status} | {row.note}{ids}"
    return {
        "rows": rows,
        "assumed": [
            f"{each.place.line}:{each.place.column} {each.shape} {each.subject}: {each.found} -> {each.assumed}"
            for each in assumptions(stored, "F")
        ],
        "left": [f"{each.place.line}:{each.place.column} {each.what}: {each.why}" for each in left_alone(stored, "F")],
    }


def ids_in(value):
    """Every text of a registry that is a conversation's id by its place, or was one."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in {"session_id", "previous"} or key.endswith("_session_id_own"):
                yield from map(str, inner if isinstance(inner, list) else [inner])
            elif key == "agent_identities" and isinstance(inner, dict):
                yield from (str(each) for each in inner.values() if not isinstance(each, dict))
                yield from ids_in(inner)
            else:
                yield from ids_in(inner)
    elif isinstance(value, list):
        for each in value:
            yield from ids_in(each)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("case", NAMES)
def test_an_older_registry_is_understood_and_nothing_is_written(registry, case, newline):
    text = before(case).replace(b"\n", newline.encode())
    stored = put(registry, text)

    assert meaning(stored) == yaml.safe_load((CASES / case / "means.yaml").read_text())
    assert Path(registry.path).read_bytes() == text
    assert os.listdir(Path(registry.path).parent) == ["agent-sessions.yaml"]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("case", NAMES)
def test_a_completed_registry_has_todays_shape_and_means_the_same(registry, case, newline):
    text = before(case).replace(b"\n", newline.encode())
    stored = put(registry, text)
    after = complete(registry, stored, new_lineage="1234")

    written = Path(registry.path).read_bytes()
    assert written.decode() == (CASES / case / "completed.yaml").read_text().replace("\n", newline)
    assert after == read(Registry(registry.path, "", RealFiles()))
    assert assumptions(after, "F") == ()
    for name, row in stored.record.sessions.items():
        now = after.record.sessions[name]
        assert (now.address, now.type, now.status, now.note, now.pane) == (
            row.address,
            row.type,
            row.status,
            row.note,
            row.pane,
        )
        known = after.record.identity(now.address, now)
        assert stored.record.identity(row.address, row).session_id in {known.session_id, *known.previous}
    if case not in LEFT_AS_IT_IS:
        assert list(Draft7Validator(load_schema("registry")).iter_errors(after.data)) == []


@pytest.mark.parametrize("case", NAMES)
def test_completing_loses_no_id_and_no_value(registry, case):
    stored = put(registry, before(case))
    after = complete(registry, stored, new_lineage="1234")

    assert set(ids_in(stored.data)) <= set(ids_in(after.data)) | {"None"}
    comments = [line.split("#")[1] for line in before(case).decode().splitlines() if " #" in line or line[:1] == "#"]
    text = Path(registry.path).read_text()
    assert [comment for comment in comments if comment not in text] == []


@pytest.mark.parametrize("case", NAMES)
def test_completing_keeps_the_original_and_a_second_time_does_nothing(registry, case):
    after = complete(registry, put(registry, before(case)), new_lineage="1234")
    written = Path(registry.path).read_bytes()

    assert complete(registry, after, new_lineage="5678") is after
    assert complete(registry, read(registry), new_lineage="5678") == after
    assert Path(registry.path).read_bytes() == written
    assert Path(completion_copy(registry)).read_bytes() == before(case)
    assert Path(f"{registry.path}.bak").read_bytes() == before(case)
    assert os.stat(completion_copy(registry)).st_mode & 0o777 == 0o600
    assert completions(after, "F") == ()


def test_the_original_is_kept_at_the_first_write_and_never_again(registry):
    stored = put(registry, before("name-only"))
    first = commit(
        registry, stored, [RowEdit(Section.SESSIONS, "lab-creator-claude-2", {"role": "x"})], new_lineage="1"
    )
    complete(registry, first, new_lineage="")
    put(registry, before("list"))
    complete(registry, read(registry), new_lineage="2")

    assert Path(completion_copy(registry)).read_bytes() == before("name-only")


@pytest.mark.parametrize("case", [name for name in NAMES if "sessions: {}" not in before(name).decode()])
def test_a_write_gives_its_own_row_todays_shape_and_leaves_every_other_byte(registry, case):
    stored = put(registry, before(case))
    name = list(stored.record.sessions)[-1]
    fields = {"status": "archived", "last_visible_status": "archived"}
    after = commit(registry, stored, [RowEdit(Section.SESSIONS, name, fields)], new_lineage="1234")

    assert after == read(Registry(registry.path, "", RealFiles()))
    row = after.data["sessions"][name]
    assert {"workspace", "agent", "status"} <= row.keys()
    assert row["status"] == "archived"
    assert after.record.sessions.keys() == stored.record.sessions.keys()
    assert {n: r for n, r in after.base["sessions"].items() if n != name} == {
        n: r for n, r in stored.base["sessions"].items() if n != name
    }
    if not case.startswith("list"):  # there every line of the table moves
        assert lines_outside(Path(registry.path).read_text(), name) == lines_outside(before(case).decode(), name)


def lines_outside(text, session):
    """The lines that are neither of the head nor of the session's row."""
    inside, found = False, []
    for line in text.splitlines():
        margin = len(line) - len(line.lstrip())
        inside = line.strip().startswith(f"{session}:") or (inside and (margin > 2 or not line.strip()))
        if not inside and line.split(":")[0] not in {"version", "lineage", "serial"}:
            found.append(line)
    return found


@pytest.mark.parametrize("case", NAMES)
def test_there_is_one_warning_a_kind_with_the_first_place_and_what_to_type(registry, case):
    stored = put(registry, before(case))
    said = list(warnings(stored, "F"))

    kinds = list(dict.fromkeys(each.shape for each in assumptions(stored, "F")))
    places = [next(a.place for a in assumptions(stored, "F") if a.shape is kind) for kind in kinds]
    places += [each.place for each in left_alone(stored, "F")[:1]]
    assert [each.place for each in said] == places
    assert all("adopt --write" in each.fix for each in said[: len(kinds)])


def test_every_shape_of_a_registry_is_among_the_cases(registry):
    found = {each.shape for case in NAMES for each in assumptions(put(registry, before(case)), "F")}
    assert found == set(OlderShape) - OF_JOBS


@pytest.mark.parametrize("case", NAMES)
def test_what_would_be_completed_is_told_for_each_row_that_is(registry, case):
    stored = put(registry, before(case))
    told = {(str(each.section), each.name) for each in completions(stored, "F")}
    after = complete(registry, stored, new_lineage="1234")

    changed = {
        (table, name)
        for table in ("workspaces", "sessions")
        for name, row in (after.data.get(table) or {}).items()
        if row != (stored.base.get(table) or {}).get(name)
    }
    assert {each for each in told if each[1]} == changed


# --- names --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("session", "known", "meant"),
    [
        ("a-creator-b-creator-claude", KnownNames(), ("a-creator-b", "creator", "claude")),
        ("a-b-c-claude", KnownNames(workspaces=frozenset({"a"})), ("a", "b-c", "claude")),
        ("a-b-c-claude", KnownNames(), ("a-b", "c", "claude")),
        ("a-b-c-d", KnownNames(roles=frozenset({"b-c"})), ("a", "b-c", "d")),
        ("a-b-c-d", KnownNames(types=frozenset({"c-d"})), ("a", "b", "c-d")),
        ("lab-creator-cursor-agent", KnownNames(), ("lab", "creator", "cursor-agent")),
        (
            "odd-name-here",
            KnownNames(sessions={"odd-name-here": SessionParts("w", "r", "a", "claude")}),
            ("w", "r", "a"),
        ),
    ],
)
def test_the_names_that_are_known_say_how_a_session_s_name_is_divided(tmp_path, session, known, meant):
    at = Registry(str(tmp_path / "r.yaml"), str(tmp_path / "cache"), RealFiles(), declared=lambda: known)
    row = put(at, f"sessions: {{{session}: {{status: running}}}}").record.sessions[session]
    assert (row.workspace, row.role, row.agent) == meant


def test_a_good_registry_asks_nobody_for_names(tmp_path):
    def never():
        raise AssertionError

    at = Registry(str(tmp_path / "r.yaml"), str(tmp_path / "cache"), RealFiles(), declared=never)
    assert put(at, "sessions: {a-creator-b: {workspace: w, agent: b, status: running}}").older is None


def test_completion_of_the_command_line_knows_older_rows(registry):
    put(registry, before("list"))
    assert recorded_names(registry.path, "").sessions == {
        "lab-creator-claude": "agent.lab.claude",
        "lab-creator-agy": "agent.lab.agy",
        "lab-creator-codex": "agent.lab.codex",
    }


# --- damage -------------------------------------------------------------------------------------

STATUSES = "one of running, stopped, terminated, archived"
DAMAGED = """\
serial: -1
workspaces:
  lab: /lab
sessions:
  a-creator-claude: {}
  b-creator-claude: running
  foo: {}
brokers:
  main: {target: process}
agent_identities:
  claude: [x]
"""


def test_all_damage_is_told_at_once_each_with_its_place(registry):
    with pytest.raises(RegistryUnreadable) as raised:
        put(registry, DAMAGED)

    said = [raised.value.summary, *raised.value.more]
    assert said == [
        f"{registry.path}:1:9: serial must be a whole number, 0 or more, not -1",
        f"{registry.path}:3:8: workspaces.lab must be a mapping, not '/lab'",
        f"{registry.path}:5:3: sessions.a-creator-claude.status must be {STATUSES}, not empty",
        f"{registry.path}:6:21: sessions.b-creator-claude must be a mapping, not 'running'",
        f"{registry.path}:9:3: brokers.main.dir must be filled in, not empty",
        f"{registry.path}:11:3: agent_identities.claude must be a mapping, not ['x']",
    ]
    assert [each.summary for each in raised.value.diagnostics] == said


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sessions: text\n", ":1:11: sessions must be a mapping, not 'text'"),
        ("sessions: [{status: running}]\n", ":1:12: sessions.0 must be a mapping with its name, as `name: NAME`"),
        ("sessions: [x]\n", ":1:12: sessions.0 must be a mapping with its name"),
        (
            "sessions: [{name: a-creator-agy, status: running}, {name: a-creator-agy}]\n",
            ":1:52: sessions.1 must be the",
        ),
        ("version: 2\nsessions: {a: {status: x}}\n", ":1:10: a newer reconciler wrote this registry: it has version 2"),
        ("version: 1.5\n", ":1:10: version must be 1, not 1.5"),
        ("lineage: [1]\n", ":1:1: lineage must be text"),
        ("origin: here\n", ":1:9: origin must be a mapping"),
        ("a: 1\na: 2\nb: 1\nb: 2\n", ':2:1: found duplicate key "a"'),
    ],
)
def test_damage_is_an_error_with_its_place(registry, text, message):
    with pytest.raises(RegistryUnreadable) as raised:
        put(registry, text)
    assert raised.value.summary.startswith(registry.path + message)


def test_every_mistake_of_yaml_is_told(registry):
    with pytest.raises(RegistryUnreadable) as raised:
        put(registry, "a: 1\na: 2\nb: 1\nb: 2\n")
    assert [each.split(": found")[0] for each in (raised.value.summary, *raised.value.more)] == [
        f"{registry.path}:2:1",
        f"{registry.path}:4:1",
    ]


def test_a_value_that_may_be_a_secret_is_in_no_message(registry):
    text = (
        "sessions:\n  lab-creator-claude:\n    status: running\n    managed: {token: hunter2}\n"
        "    spec: {args: [1, hunter2], env: {T: hunter2, N: 1}}\n"
    )
    stored = put(registry, text)
    assert "hunter2" not in str(list(warnings(stored, "F"))) + str(assumptions(stored, "F")) + str(
        completions(stored, "F")
    )
    assert parsed(text)["sessions"]["lab-creator-claude"]["spec"]["env"]["T"] == "hunter2"


def test_what_one_name_teaches_counts_for_another(registry):
    text = "sessions:\n  a-keeper-odd: {status: stopped}\n  b-keeper-claude: {status: stopped}\n"
    stored = put(registry, text)
    assert {row.address.workspace: row.role for row in stored.record.sessions.values()} == {
        "a": "keeper",
        "b": "keeper",
    }
    after = complete(registry, stored, new_lineage="1")
    assert complete(registry, read(registry), new_lineage="1") == after


# --- laws ---------------------------------------------------------------------------------------


@given(rows=st.dictionaries(WORDS, SESSIONS, max_size=4), places=st.dictionaries(WORDS, WORKSPACES, max_size=2))
@settings(max_examples=100, deadline=None)
def test_the_reader_of_older_shapes_finds_nothing_to_do_in_todays(rows, places):
    data = {"version": 1, "lineage": "a", "serial": 1, "workspaces": places, "sessions": rows}

    older = as_today(data, lambda _path: "", None)

    assert (older.data, older.base, older.taken, older.left, older.wrong) == (data, data, (), (), ())
    assert record_from(older.readable) == record_from(data)


OF_OURS = ("workspace", "agent", "role", "type", "last_visible_status", "last_visible_note", "resumable", "managed")
OF_ANY_KIND = dict.fromkeys((*OF_OURS, "pane", "server", "spec", "protect", "created_at"), JSON)
ANYTHING = st.fixed_dictionaries(
    {"status": st.sampled_from(["running", "Stopped", "gone for lunch", "was killed", "7"])},
    optional={**OF_ANY_KIND, "claude_session_id_own": TEXTS | st.integers()},
)
SESSION_NAMES = st.from_regex(r"[a-z]{1,3}-creator-(claude|agy)", fullmatch=True) | WORDS


@given(
    rows=st.dictionaries(SESSION_NAMES, ANYTHING, max_size=3),
    listed=st.booleans(),
    style=st.sampled_from([None, False, True]),
)
@example(rows={"a-creator-claude": {"status": "running", "last_visible_status": ""}}, listed=False, style=None)
@example(rows={"a-creator-claude": {"status": "running", "protect": 1e300}}, listed=False, style=True)
@settings(max_examples=60, deadline=None)
def test_whatever_stands_under_our_keys_is_read_kept_and_completed(tmp_path_factory, rows, listed, style):
    folder = str(tmp_path_factory.mktemp("r"))
    at = Registry(f"{folder}/r.yaml", f"{folder}/cache", RealFiles())
    sessions = [{"name": name, **row} for name, row in rows.items()] if listed else rows
    stored = put(at, yaml.safe_dump({"sessions": sessions}, default_flow_style=style))

    after = complete(at, stored, new_lineage="1")

    assert after == read(at)
    assert complete(at, after, new_lineage="1") is after
    assert assumptions(after, "F") == ()
    assert after.record.sessions.keys() == stored.record.sessions.keys()
    assert {id_ for id_ in ids_in(stored.data) if id_ not in {"None", ""}} <= set(ids_in(after.data))
    for name in stored.record.sessions:
        now = after.data["sessions"][name]
        for key, value in stored.base["sessions"][name].items():
            if isinstance(value, dict | list) and key not in {"pane", "server", "spec"}:
                assert value in now.values(), key
            elif key in {"status", "last_visible_status"} and isinstance(value, str) and value.strip():
                assert value in now["last_visible_note"] if value.strip().lower() not in STATUSES else True


@given(place=WORDS, role=WORDS, agent=WORDS)
@settings(max_examples=100, deadline=None)
def test_a_name_whose_role_and_type_are_known_is_divided_there(place, role, agent):
    known = KnownNames(frozenset({place}), frozenset({role}), frozenset({agent}))
    found = divided(f"{place}-{role}-{agent}", SessionParts(), known)
    assert f"{found.workspace}-{found.role}-{found.agent}" == f"{place}-{role}-{agent}"
    assert (found.workspace in known.workspaces) + (found.role in known.roles) + (found.agent in known.types) == 3


def test_a_registry_of_a_newer_reconciler_says_to_update_and_stays(registry):
    text = "version: 2\nsessions: {a: {status: x}}\n"
    with pytest.raises(RegistryUnreadable) as raised:
        put(registry, text)
    assert raised.value.fix.startswith("update reconciler")
    assert Path(registry.path).read_text() == text
