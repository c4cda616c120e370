from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from random_registries import SESSIONS, WORKSPACES, session_edits
from ruamel.yaml import YAML

from reconciler.model.errors import ReconcilerError, RegistryUnreadable
from reconciler.model.record import Origin, Record, RowEdit, Section
from reconciler.ports.files import RealFiles
from reconciler.state import splice
from reconciler.state.emit import row_text
from reconciler.state.parse import parsed
from reconciler.state.registry import Registry, StoredRegistry, commit, read
from reconciler.state.rows import merge_edits

CASES = Path(__file__).parent / "registries"
ROW = {"workspace": "lab", "agent": "claude", "status": "running"}
CHECKOUT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
ADD = RowEdit(Section.SESSIONS, "s", ROW)


@pytest.fixture
def registry(tmp_path):
    return Registry(str(tmp_path / ".hermes" / "agent-sessions.yaml"), str(tmp_path / "cache"), RealFiles())


def put(registry, text):
    path = Path(registry.path)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read(registry)


def text_of(registry):
    return Path(registry.path).read_bytes().decode()


def edits_of(case):
    return [
        RowEdit(Section(edit.pop("section")), edit.pop("name"), **edit)
        for edit in yaml.safe_load((CASES / case / "edits.yaml").read_text())
    ]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_a_registry_written_by_hand_keeps_its_style(registry, case, bom, newline):
    before = bom + (CASES / case / "before.yaml").read_text().replace("\n", newline)
    after = bom + (CASES / case / "after.yaml").read_text().replace("\n", newline)

    stored = commit(registry, put(registry, before), edits_of(case), new_lineage="1234")

    assert text_of(registry) == after
    assert read(Registry(registry.path, "", RealFiles())) == stored


@given(
    rows=st.dictionaries(st.from_regex(r"[a-z0-9]{1,4}", fullmatch=True), SESSIONS, max_size=4),
    workspaces=st.dictionaries(st.from_regex(r"[a-z0-9]{1,4}", fullmatch=True), WORKSPACES, max_size=2),
    data=st.data(),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_was_committed_is_what_every_reader_finds(tmp_path_factory, rows, workspaces, data):
    folder = str(tmp_path_factory.mktemp("r"))
    registry = Registry(f"{folder}/r.yaml", f"{folder}/cache", RealFiles())
    rows = {"s": ROW, **rows}
    first = [RowEdit(Section.SESSIONS, name, row) for name, row in rows.items()]
    first += [RowEdit(Section.WORKSPACES, name, row) for name, row in workspaces.items()]
    before = commit(registry, read(registry), first, new_lineage="0c7e")
    edits = data.draw(st.lists(session_edits(list(rows)), min_size=1, max_size=4))
    wanted = merge_edits(before.data, edits)

    try:
        after = commit(registry, before, edits, new_lineage="")
    except ReconcilerError as error:  # a random edit may leave a row without what it needs
        assert "is a required property" in error.summary  # noqa: PT017 - other edits must pass
        assert text_of(registry) == before.text.decode()
        return

    assert after.data == {**wanted, "serial": 1 if wanted == before.data else 2}
    assert after.data == parsed(text_of(registry))
    assert after.data == YAML(typ="safe", pure=True).load(text_of(registry))
    assert after.data == yaml.safe_load(text_of(registry))  # YAML 1.1
    touched = {edit.name for edit in edits} | {edit.rename_to for edit in edits}
    for name in rows.keys() - touched:
        assert row_text(name, rows[name], 2) in text_of(registry)


@given(
    rows=st.dictionaries(st.from_regex(r"[a-z0-9]{1,4}", fullmatch=True), SESSIONS, min_size=1, max_size=4),
    style=st.fixed_dictionaries(
        {"default_flow_style": st.sampled_from([None, False, True]), "indent": st.integers(2, 6)},
        optional={"default_style": st.sampled_from(["'", '"', "|"]), "width": st.integers(20, 100)},
    ),
    data=st.data(),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_registry_that_another_tool_wrote_takes_edits_too(tmp_path_factory, rows, style, data):
    folder = str(tmp_path_factory.mktemp("r"))
    registry = Registry(f"{folder}/r.yaml", f"{folder}/cache", RealFiles())
    before = put(registry, yaml.safe_dump({"version": 1, "lineage": "a", "sessions": rows}, **style))
    assert before.data == parsed(before.text.decode())
    edits = data.draw(st.lists(session_edits(list(rows)), min_size=1, max_size=4))
    wanted = merge_edits(before.data, edits)

    try:
        after = commit(registry, before, edits, new_lineage="")
    except ReconcilerError as error:  # a random edit may leave a row without what it needs
        assert "is a required property" in error.summary  # noqa: PT017 - other edits must pass
        return

    assert after.data == (before.data if wanted == before.data else {**wanted, "serial": 1})
    assert after.data == parsed(text_of(registry))


def test_no_file_is_an_empty_registry_and_reading_leaves_no_trace(registry, tmp_path):
    assert read(registry) == StoredRegistry(Record(), {})
    assert list(tmp_path.iterdir()) == []


def test_the_first_commit_makes_a_private_file_in_a_private_folder(registry):
    stored = commit(registry, read(registry), [ADD], new_lineage="0c7e")

    assert (stored.record.lineage, stored.record.serial) == ("0c7e", 1)
    assert text_of(registry).startswith('version: 1\nlineage: "0c7e"\nserial: 1\nsessions:\n  s:\n')
    assert stat.S_IMODE(os.stat(registry.path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(os.path.dirname(registry.path)).st_mode) == 0o700
    assert all(stat.S_IMODE(entry.stat().st_mode) == 0o600 for entry in Path(registry.cache).iterdir())


def test_the_file_before_is_kept_as_a_private_backup(registry):
    first = commit(registry, read(registry), [ADD], new_lineage="0c7e")
    commit(registry, first, [RowEdit(Section.SESSIONS, "s", {"role": "x"})], new_lineage="")

    backup = Path(f"{registry.path}.bak")
    assert backup.read_bytes() == first.text
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600


@pytest.mark.parametrize("edits", [[], [RowEdit(Section.SESSIONS, "s", {"agent": "claude"})]])
def test_edits_that_change_nothing_write_nothing(registry, edits):
    before = commit(registry, read(registry), [ADD], new_lineage="0c7e")
    moment = os.stat(registry.path).st_mtime_ns

    assert commit(registry, before, edits, new_lineage="") == before
    assert os.stat(registry.path).st_mtime_ns == moment


def test_what_was_edited_by_hand_meanwhile_stays(registry):
    before = commit(registry, read(registry), [ADD], new_lineage="0c7e")
    put(registry, text_of(registry).replace("    status: running", "    status: running  # mine\n    mine: 1"))

    after = commit(registry, before, [RowEdit(Section.SESSIONS, "s", {"role": "x"})], new_lineage="")

    assert after.data["sessions"]["s"] == {**ROW, "mine": 1, "role": "x"}
    assert "# mine" in text_of(registry)


def test_a_row_of_a_broker_comes_and_goes_and_what_others_wrote_beside_it_stays(registry):
    mine = "version: 1\nlineage: a\nserial: 1\nbrokers:\n  # the old one\n  bus: {dir: /bus, mine: 1}  # hands off\n"
    fields = {"dir": "/b", "target": "process", "managed": True}

    after = commit(registry, put(registry, mine), [RowEdit(Section.BROKERS, "main", fields)], new_lineage="")
    row = "  main:\n    dir: /b\n    target: process\n    managed: true\n"
    assert text_of(registry) == mine.replace("serial: 1", "serial: 2") + row
    commit(registry, after, [RowEdit(Section.BROKERS, "main", remove=True)], new_lineage="")
    assert text_of(registry) == mine.replace("serial: 1", "serial: 3")


def test_what_was_broken_by_hand_meanwhile_is_not_replaced(registry):
    before = commit(registry, read(registry), [ADD], new_lineage="0c7e")
    Path(registry.path).write_text("sessions: [")

    with pytest.raises(RegistryUnreadable):
        commit(registry, before, [RowEdit(Section.SESSIONS, "s", {"role": "x"})], new_lineage="")
    assert text_of(registry) == "sessions: ["


def test_a_file_that_vanished_meanwhile_comes_back_with_the_edits_alone(registry):
    before = commit(registry, read(registry), [ADD], new_lineage="0c7e")
    os.unlink(registry.path)

    after = commit(registry, before, [RowEdit(Section.SESSIONS, "t", ROW)], new_lineage="1234")

    assert (after.record.lineage, after.record.serial, list(after.record.sessions)) == ("1234", 1, ["t"])


@pytest.mark.parametrize("head", ["lineage: a\n", "version: 1\nlineage: a\n", "version: 1\n", ""])
def test_an_older_head_is_completed_although_the_registry_also_learns_where_it_lives(registry, head):
    settled = replace(registry, origin_of=lambda folder: Origin("machine", folder=folder))

    after = commit(settled, put(registry, f"{head}sessions: {{}}\n"), [ADD], new_lineage="1234")

    assert (after.data["version"], after.record.serial) == (1, 1)
    assert after.record.lineage == ("a" if "a" in head.split() else "1234")
    assert after.record.origin is not None


def test_a_symbolic_link_stays_one_and_its_target_is_written(registry, tmp_path):
    target = tmp_path / "elsewhere.yaml"
    target.write_text("sessions: {}\n")
    os.makedirs(os.path.dirname(registry.path))
    os.symlink(target, registry.path)

    commit(registry, read(registry), [ADD], new_lineage="0c7e")

    assert os.path.islink(registry.path)
    assert "  s:\n" in target.read_text()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1\n", ":2:1: expected ',' or ']', but got '<stream end>'"),
        ("a: 1\na: 2\n", ':2:1: found duplicate key "a" with value "2" (original value: "1")'),
        ("sessions:\n  s:\n    a: 1\n  s:\n    a: 2\n", ':4:3: found duplicate key "s"'),
        ("sessions:\n  s:\n    a: 1\n    a: 2\n", ':4:5: found duplicate key "a"'),
        ("a: 1\n---\nb: 2\n", ":2:1: but found another document"),
        ("- a\n", ":a mapping is expected at the top"),
        ("a: !python/object:os.system x\n", ":1:4: could not determine a constructor for the tag"),
        (b"a: 1\nb: \xff\n", ":2: byte 8 is not UTF-8"),
        ("a: &a [*a]\n", ":nested too deeply"),
        ("[" * 600, ":nested too deeply"),
        ("\ta: 1\n", ":1:1: found character"),
        ("a: \x07\n", ":1:4: the control character U+0007"),
        ("? [a, b]\n: c\n", ":1:3: a key must be a word"),
        (
            "sessions:\n  s:\n    workspace: lab\n    agent: claude\n    status:\n",
            ":5:5: sessions.s.status must be one of running, stopped, terminated, archived, not empty",
        ),
        ("sessions:\n  s: 5\n", ":2:6: sessions.s must be a mapping, not 5"),
    ],
)
def test_a_file_that_cannot_be_trusted_is_an_error_with_its_place(registry, text, message):
    with pytest.raises(RegistryUnreadable) as raised:
        put(registry, text)
    assert raised.value.summary.startswith(registry.path + message)
    assert raised.value.fix == "correct the file"


def test_what_another_tool_wrote_with_tags_is_read(registry):
    text = "a: !!int '5'\nb: !!str 5\nc: !!set {x, y}\nd: !!binary aGk=\ne: !!timestamp 2026-01-01\n"
    assert put(registry, text).data == {"a": 5, "b": "5", "c": {"x": None, "y": None}, "d": "aGk=", "e": "2026-01-01"}


def test_a_good_backup_is_named_as_the_way_out(registry):
    before = commit(registry, read(registry), [ADD], new_lineage="0c7e")
    commit(registry, before, [RowEdit(Section.SESSIONS, "s", {"role": "x"})], new_lineage="")

    with pytest.raises(RegistryUnreadable) as raised:
        put(registry, "broken: [")
    assert f"cp {registry.path}.bak {registry.path}" in raised.value.fix


@pytest.mark.parametrize("text", ["", "\n"])
def test_a_file_that_was_cut_off_is_not_taken_for_an_empty_registry(registry, text):
    before = commit(registry, read(registry), [ADD], new_lineage="0c7e")
    whole = Path(registry.path).read_bytes()
    Path(registry.path + ".bak").write_bytes(whole)
    with pytest.raises(RegistryUnreadable, match="is empty") as raised:
        put(registry, text)
    assert f"cp {registry.path}.bak {registry.path}; to start with an empty registry, delete it" in raised.value.fix
    with pytest.raises(RegistryUnreadable):
        commit(registry, before, [RowEdit(Section.SESSIONS, "s", {"role": "x"})], new_lineage="")


def test_what_the_schema_forbids_is_not_written(registry):
    edit = RowEdit(Section.SESSIONS, "s", {"workspace": "w", "agent": "a"})

    with pytest.raises(ReconcilerError, match=r"sessions\.s: 'status' is a required property"):
        commit(registry, read(registry), [edit], new_lineage="1")
    assert not os.path.exists(registry.path)


@pytest.mark.parametrize("row", ["first", "second"])
def test_a_value_shared_through_an_alias_is_not_changed_for_everybody(registry, row):
    text = (
        "version: 1\nlineage: a\nserial: 1\nsessions:\n"
        "  first: {workspace: w, agent: a, status: running, pane: &x {pid: 1}}\n"
        "  second: {workspace: w, agent: a, status: running, pane: *x}\n"
    )
    edit = RowEdit(Section.SESSIONS, row, {"pane": {"pid": 2}})

    with pytest.raises(ReconcilerError, match="cannot be changed row by row"):
        commit(registry, put(registry, text), [edit], new_lineage="")
    assert text_of(registry) == text


def test_a_row_that_does_not_read_back_is_not_written(registry, monkeypatch):
    monkeypatch.setattr(splice, "row_text", lambda name, row, indent: row_text(name, {**row, "role": "other"}, indent))

    after = commit(registry, put(registry, "version: 1\nlineage: a\nsessions: {}\n"), [ADD], new_lineage="")

    assert after.data["sessions"] == {"s": ROW}
    assert parsed(text_of(registry)) == after.data


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(registry, monkeypatch, call):
    before = commit(registry, read(registry), [ADD], new_lineage="0c7e")
    names = sorted(os.listdir(os.path.dirname(registry.path)))

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, full)
    with pytest.raises(ReconcilerError) as raised:
        commit(registry, before, [RowEdit(Section.SESSIONS, "s", {"role": "x"})], new_lineage="")

    assert "No space left on device" in raised.value.detail
    assert text_of(registry) == before.text.decode()
    assert sorted(os.listdir(os.path.dirname(registry.path))) == names


def test_reading_a_cached_registry_imports_no_parser_and_no_validator(registry):
    commit(registry, read(registry), [ADD], new_lineage="0c7e")
    program = (
        "import sys; from reconciler.state.registry import *; from reconciler.ports.files import RealFiles\n"
        f"assert read(Registry({registry.path!r}, {registry.cache!r}, RealFiles())).record.serial == 1\n"
        "print(sorted({'ruamel.yaml', 'jsonschema', 'pydantic'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=CHECKOUT)

    assert done.stdout == "[]\n"
