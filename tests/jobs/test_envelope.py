"""What travels to another host: whole, or not believed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jobs.desk import desk, opened

from reconciler.jobs.envelope import BrokenEnvelope, cancel_topic, cancel_wish, envelope_of, is_cancel_wish, packed
from reconciler.jobs.envelope import unpacked as opened_envelope
from reconciler.jobs.sign import sealed
from reconciler.model.errors import UsageError
from reconciler.model.job import Job
from reconciler.ports.bus import LARGEST_PAYLOAD

TOKEN = "ab" * 32
JOB = Job(
    id="20261130T100000000-0123456789abcdef",
    prompt="say hi, please: é",
    agent="claude",
    agent_session="",
    workdir="/here",
    timeout=60.0,
    idle_timeout=30.0,
    created_at="2026-11-30T10:00:00.000Z",
    updated_at="2026-11-30T10:00:00.000Z",
    topic="python/mqtt/jobs/20261130T100000000-0123456789abcdef/events",
    auth_token=TOKEN,
    retry_of="before",
    retries=1,
)
WHOLE = packed(envelope_of(JOB, "a", "site", "ci/check.sh"))


def changed(token: str = TOKEN, *, job: object = None, **fields: object) -> bytes:
    """The envelope with other values, signed anew: only its content is wrong."""
    content = json.loads(WHOLE)
    del content["hmac"]
    content |= fields
    if isinstance(job, dict):
        content["job"] |= job
    elif job is not None:
        content["job"] = job
    return sealed(json.dumps({key: value for key, value in content.items() if value != "away"}).encode(), token)


def test_everything_that_the_other_host_needs_arrives() -> None:
    found = opened_envelope(WHOLE, JOB.id)
    assert (found.origin, found.workdir, found.job.validate) == ("a", "site", "ci/check.sh")
    names = ("id", "prompt", "agent", "timeout", "idle_timeout", "created_at", "topic", "auth_token", "retries")
    assert [getattr(found.job, name) for name in names] == [getattr(JOB, name) for name in names]


def test_where_it_was_done_and_how_to_log_in_does_not_travel() -> None:
    assert b"/here" not in WHOLE
    assert b"broker" not in WHOLE


def test_it_does_not_show_its_secret() -> None:
    assert TOKEN not in repr(opened_envelope(WHOLE, JOB.id))


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (b"", "not a JSON object"),
        (b"[1]", "not a JSON object"),
        (WHOLE[:-1], "not a JSON object"),
        (WHOLE.replace(b"say hi", b"say ho"), "not signed"),
        (WHOLE[: WHOLE.index(b',"hmac"')] + b"}", "not signed"),
        (changed("cd" * 32), "not signed"),
        (changed(format_version="2.0"), "its format is not version 1"),
        (changed(format_version=1), "its format is not version 1"),
        (changed(format_version="away"), "its format is not version 1"),
        (changed(origin="away"), "it is damaged"),
        (changed(job="text"), "it is damaged"),
        (changed(job={"timeout": "soon"}), "it is damaged"),
        (changed(job={"prompt": None}), "it is damaged"),
        (changed(job={"id": "another"}), "about another job"),
        (changed(job={"topic": "python/mqtt/jobs/another/events"}), "its topic"),
        (changed(job={"topic": f"+/{JOB.id}/events"}), "its topic"),
        (changed(job={"prompt": "  \n"}), "no prompt"),
        (changed(job={"timeout": 0}), "no time"),
        (changed(job={"idle_timeout": -1}), "no time"),
        (changed(job={"timeout": 1e300}), "no time"),
        (changed(job={"created_at": "yesterday"}), "by whom and when"),
        (changed(origin="a/../b"), "by whom and when"),
        (changed(job={"auth_token": "short"}), "not signed"),
        (WHOLE + b" " * LARGEST_PAYLOAD, "bytes; the limit is"),
    ],
)
def test_what_is_not_whole_is_not_believed(payload: bytes, why: str) -> None:
    with pytest.raises(BrokenEnvelope, match=why) as told:
        opened_envelope(payload, JOB.id)
    assert TOKEN not in f"{told.value.summary}{told.value.detail}{told.value.fix}"


@given(st.binary(max_size=300) | st.integers(0, len(WHOLE) - 1).map(lambda at: WHOLE[:at] + b"\0" + WHOLE[at + 1 :]))
def test_nothing_that_comes_over_the_wire_is_more_than_a_broken_envelope(payload: bytes) -> None:
    with pytest.raises(BrokenEnvelope):
        opened_envelope(payload, JOB.id)


def test_a_later_minor_version_may_say_more() -> None:
    assert opened_envelope(changed(format_version="1.9", more={"a": 1}), JOB.id).origin == "a"


def test_what_does_not_fit_into_a_message_is_refused_at_home() -> None:
    long = "x" * LARGEST_PAYLOAD
    with pytest.raises(UsageError, match="too long for another host"):
        packed(envelope_of(Job(**{**_fields(), "prompt": long}), "a", "", ""))


def test_only_who_has_the_token_can_wish_to_cancel(tmp_path: Path) -> None:
    records = desk(tmp_path)
    job, other = opened(records), opened(records)
    wish = cancel_wish(job, "2026-11-30T10:00:00.000Z")
    assert is_cancel_wish(wish, job)
    assert not is_cancel_wish(wish, other)
    assert not is_cancel_wish(cancel_wish(other, "2026-11-30T10:00:00.000Z"), job)
    assert not is_cancel_wish(wish.replace(b"cancel", b"cancal"), job)
    assert not is_cancel_wish(b"{}", job)
    assert cancel_topic(job, "b") == f"python/mqtt/jobs/hosts/b/cancels/{job.id}"


def _fields() -> dict[str, object]:
    return {name: getattr(JOB, name) for name in JOB.__struct_fields__}
