"""Audit folders that other tools filled: shown with every file, and never said to hold where nothing proves it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from jobs.test_older_records import shelf

from reconciler.app.jobs import audits
from reconciler.jobs.audit import EVENTS, Chain, append_events, verify_chain
from reconciler.jobs.record import Records
from reconciler.jobs.transitions import end_job
from reconciler.model.errors import UsageError
from reconciler.model.job import Ending, Result
from reconciler.render.jobs import audit_text, other_file_text

SECRET, TOKEN = "hunter22", "0123456789abcdef" * 4
LINES = (
    b'{"timestamp": "2026-06-25T03:19:24Z", "event": "started", "detail": "\\u001b[31m hunter22"}\n'
    b"a line of text\n"
    b'{"event": "completed", "auth_token": "x", "more": {"password": "y"}}'
)


@pytest.fixture
def records(tmp_path: Path) -> Records:
    broker = {"host": "h", "username": "u", "password": SECRET}
    return shelf(tmp_path, {"job_id": "smoke", "prompt": "p", "auth_token": TOKEN, "broker": broker})


def folder(records: Records, job_id: str = "smoke") -> Path:
    path = Path(records.env["DELEGATE_JOB_LOGS_DIR"]) / job_id
    path.mkdir(parents=True, exist_ok=True)
    (path / EVENTS).write_bytes(LINES)
    return path


def shown(records: Records, job_id: str = "smoke") -> list[str]:
    told = [audit_text(entry) for entries in audits.entries(records, job_id, follow=False) for entry in entries]
    return told + [
        line
        for each in audits.beside(records, job_id)
        for line in other_file_text(Path(each.path).name, each.size, each.text, each.why)
    ]


def test_the_lines_of_another_tool_are_shown_without_secrets(records):
    folder(records)
    assert shown(records) == [
        r"2026-06-25T03:19:24Z  event: started, detail: \x1b[31m [secret]",
        "-  -          unreadable  a line of text",
        '-  event: completed, auth_token: [secret], more: {"password": "[secret]"}',
    ]


def test_every_file_is_shown_or_named(records):
    path = folder(records)
    (path / "subscriber.log").write_text(f'\x1b[31mred {SECRET} {TOKEN}\n{{"auth_token": "z\\"z"}}\n')
    (path / "core.bin").write_bytes(b"\0\1")
    (path / "prompt.txt").write_text("do it\n")
    (path / "deep").mkdir()
    (path / "link").symlink_to("/etc/passwd")
    Path(records.folder, "smoke.subscriber.out").write_text("heard\n")
    assert shown(records)[3:] == [
        "--- core.bin (2 bytes: it is not a text file)",
        "--- deep (0 bytes: it is a folder)",
        "--- link (0 bytes: it is a link; links are not followed)",
        "--- prompt.txt (6 bytes)",
        "do it",
        f"--- subscriber.log ({(path / 'subscriber.log').stat().st_size} bytes)",
        r"\x1b[31mred [secret] [auth_token]",
        '{"auth_token": "[secret]"}',
        "--- smoke.subscriber.out (6 bytes)",
        "heard",
    ]


def test_a_long_file_is_cut_and_says_so(records):
    (folder(records) / "long.log").write_bytes(b"x\n" * 200_000)
    [each] = audits.beside(records, "smoke")
    assert (len(each.text), each.why) == (1 << 18, "only its last 256 KiB are shown")


def test_a_log_is_shown_without_its_record_and_with_a_broken_one(records, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for job_id in ("gone", "broken"):
        folder(records, job_id)
    shelf(tmp_path, {"prompt": 7}, "broken")
    assert len(shown(records, "gone")) == len(shown(records, "broken")) == 3
    assert audits.unreadable_record(records, "gone") is None
    assert audits.unreadable_record(records, "smoke") is None
    assert "prompt" in audits.unreadable_record(records, "broken").summary
    with pytest.raises(UsageError):
        shown(records, "never")


def test_all_folders_are_listed_and_nothing_else(records, tmp_path):
    for job_id in ("smoke", "gone"):
        folder(records, job_id)
    Path(records.env["DELEGATE_JOB_LOGS_DIR"], "README").touch()
    listed = audits.list_all(records, str(tmp_path))["audits"]
    assert [each["id"] for each in listed] == ["gone", "smoke"]


# --- what holds -------------------------------------------------------------------------------


def test_what_another_tool_wrote_is_never_said_to_hold(records):
    path = folder(records)
    (path / "subscriber.log").touch()
    found = audits.check(records, "smoke")
    assert "lines 1 to 3: another tool wrote them" in found.error.summary
    assert "subscriber.log: it has no digest" in found.error.detail
    assert found.document["audits"][0]["chain"]["foreign"] == 3


def test_our_lines_hold_behind_those_of_another_tool(records):
    path = folder(records)
    end_job(records, "smoke", Result(Ending.CANCELLED, "", "2026-06-25T04:00:00.000Z"))
    chain = verify_chain(str(path))
    assert (chain.foreign, chain.broken) == (3, 0)
    assert chain.lines == len((path / EVENTS).read_bytes().splitlines()) - 3 > 1
    assert "lines of reconciler are intact" in audits.check(records, "smoke").error.detail


TAMPERED = {
    "the last foreign line": (b'"event": "completed"', b'"event": "error"', 4),
    "one of ours": (b'"n":1', b'"n":7', 6),
}


@pytest.mark.parametrize(("old", "new", "broken"), TAMPERED.values(), ids=TAMPERED)
def test_a_change_that_our_lines_can_prove_is_found(records, old, new, broken):
    path = folder(records)
    append_events(str(path), [{"n": number} for number in range(3)])
    assert verify_chain(str(path)) == Chain(3, foreign=3)
    (path / EVENTS).write_bytes((path / EVENTS).read_bytes().replace(old, new))
    assert verify_chain(str(path)).broken == broken


def test_a_chain_of_ours_that_lost_its_digests_at_the_beginning_does_not_hold(tmp_path):
    append_events(str(tmp_path), [{"n": number} for number in range(4)])
    lines = (tmp_path / EVENTS).read_bytes().splitlines(keepends=True)
    forged = [json.dumps({"n": 9}).encode() + b"\n", *lines[1:]]
    (tmp_path / EVENTS).write_bytes(b"".join(forged))
    assert verify_chain(str(tmp_path)).broken == 2


def test_a_file_of_another_tool_is_copied_before_one_of_ours_takes_its_name(records):
    path = folder(records)
    (path / "record.json").write_text('{"theirs": 1}')
    os.chmod(path / "record.json", 0o644)
    end_job(records, "smoke", Result(Ending.CANCELLED, "", "2026-06-25T04:00:00.000Z"))
    assert (path / "record.json.original").read_text() == '{"theirs": 1}'
    assert json.loads((path / "record.json").read_text())["status"] == "cancelled"
    assert SECRET not in (path / "record.json").read_text()
    assert [Path(each.path).name for each in audits.beside(records, "smoke")] == ["record.json.original"]
