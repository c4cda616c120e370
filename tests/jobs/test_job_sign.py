"""What is believed, and what is not; one row an attack."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from fakes.clock import EPOCH
from hypothesis import given
from hypothesis import strategies as st
from msgspec import to_builtins
from msgspec.structs import replace

from reconciler.jobs.sign import LARGEST_EVENT, LONGEST_DETAIL, SeenEvents, seen_of, sign, verify_hmac
from reconciler.model.event_kind import EventKind
from reconciler.model.job import DropReason, Job, JobEvent, Result
from reconciler.model.moment import to_millisecond
from reconciler.ports.bus import Message

AT = to_millisecond(EPOCH)
TOKEN, OTHER_TOKEN = "ab" * 32, "cd" * 32
JOB = Job("j1", "p", "a", "tmux:s", "/w", 3600, 120, AT, AT, "python/mqtt/jobs/j1/events", TOKEN)
EVENT = JobEvent("j1", EventKind.PROGRESS, "half", AT, "p1", 5, "e5")
LATER = EPOCH + timedelta(minutes=10)


def verdict(payload: bytes, topic: str = JOB.topic, seen: SeenEvents | None = None, now=EPOCH) -> JobEvent | DropReason:
    return verify_hmac(Message(topic, payload), JOB, seen or SeenEvents({}), now)


def forged_body(**changes: object) -> bytes:
    """A genuine payload, changed after it was signed."""
    return json.dumps({**json.loads(sign(EVENT, TOKEN)), **changes}, separators=(",", ":")).encode()


def signed(content: str) -> bytes:
    """Whatever text one who has the token may sign."""
    import hmac

    mac = hmac.digest(bytes.fromhex(TOKEN), content.encode(), "sha256").hex()
    return f'{content[:-1]},"hmac":"{mac}"}}'.encode()


def with_changes(**changes: object) -> bytes:
    return signed(json.dumps({**to_builtins(EVENT), **changes}))


ATTACKS = {
    "another's token": (sign(EVENT, OTHER_TOKEN), DropReason.FORGED),
    "changed detail": (forged_body(detail="all"), DropReason.FORGED),
    "changed kind": (forged_body(event="completed"), DropReason.FORGED),
    "signature not last": (
        sign(EVENT, TOKEN).replace(b"{", b'{"hmac":"' + b"0" * 64 + b'","x":', 1),
        DropReason.MALFORMED,
    ),
    "upper-case signature": (sign(EVENT, TOKEN)[:-66] + sign(EVENT, TOKEN)[-66:].upper(), DropReason.FORGED),
    "space after the signature": (sign(EVENT, TOKEN) + b" ", DropReason.FORGED),
    "signature is a number": (forged_body(hmac=1), DropReason.FORGED),
    "no signature": (json.dumps(to_builtins(EVENT)).encode(), DropReason.UNSIGNED),
    "another job's id": (sign(replace(EVENT, job_id="j2"), TOKEN), DropReason.FOREIGN_TOPIC),
    "empty": (b"", DropReason.MALFORMED),
    "no JSON": (b"\xff\x00{", DropReason.MALFORMED),
    "no object": (b"[1]", DropReason.MALFORMED),
    "deep nesting": (b"[" * 10_000, DropReason.MALFORMED),
    "huge number": (b"9" * 10_000, DropReason.MALFORMED),
    "too large": (b" " * (LARGEST_EVENT + 1), DropReason.OVERSIZED),
    "a key twice": (signed('{"detail":"x",' + json.dumps(to_builtins(EVENT))[1:]), DropReason.MALFORMED),
    "a key missing": (signed('{"job_id":"j1","event":"started"}'), DropReason.MALFORMED),
    "unknown kind": (with_changes(event="exploded"), DropReason.MALFORMED),
    "kind is a list": (with_changes(event=["started"]), DropReason.MALFORMED),
    "detail is a list": (with_changes(detail=[]), DropReason.MALFORMED),
    "number is a text": (with_changes(seq="6"), DropReason.MALFORMED),
    "number is true": (with_changes(seq=True), DropReason.MALFORMED),
    "number is zero": (with_changes(seq=0), DropReason.MALFORMED),
    "number is beyond all": (with_changes(seq=1 << 60), DropReason.MALFORMED),
    "publisher is a path": (with_changes(publisher="../x"), DropReason.MALFORMED),
    "id is empty": (with_changes(id=""), DropReason.MALFORMED),
    "no moment": (with_changes(timestamp="soon"), DropReason.MALFORMED),
    "no time zone": (with_changes(timestamp="2026-01-01T00:00:00"), DropReason.MALFORMED),
    "before the job": (with_changes(timestamp="2025-12-31T23:54:59Z", event="completed"), DropReason.STALE),
    "of the future": (with_changes(timestamp="2026-01-01T00:05:01Z"), DropReason.STALE),
}


@pytest.mark.parametrize(("payload", "reason"), ATTACKS.values(), ids=ATTACKS)
def test_an_attack_is_dropped_for_its_reason(payload, reason):
    assert verdict(payload) is reason


def test_a_genuine_event_is_believed():
    assert verdict(sign(EVENT, TOKEN)) == EVENT


def test_an_event_on_another_topic_is_foreign():
    assert verdict(sign(EVENT, TOKEN), topic="python/mqtt/jobs/j2/events") is DropReason.FOREIGN_TOPIC


def test_an_old_event_is_stale_unless_it_ends_the_job():
    end = replace(EVENT, event=EventKind.COMPLETED)
    assert verdict(sign(EVENT, TOKEN), now=LATER) is DropReason.STALE
    assert verdict(sign(end, TOKEN), now=LATER) == end


def test_the_same_event_again_is_a_replay_by_its_id_and_an_earlier_number_by_that():
    seen = SeenEvents({})
    seen.add(EVENT)
    assert verdict(sign(EVENT, TOKEN), seen=seen) is DropReason.REPLAYED_ID
    assert verdict(sign(replace(EVENT, seq=6), TOKEN), seen=seen) is DropReason.REPLAYED_ID
    assert verdict(sign(replace(EVENT, id="e4", seq=4), TOKEN), seen=seen) is DropReason.REPLAYED_SEQ
    other = replace(EVENT, id="o1", seq=1, publisher="p2")
    assert verdict(sign(other, TOKEN), seen=seen) == other


def test_the_numbers_are_remembered_by_the_record():
    job = replace(JOB, seen={"p1": 5})
    assert verdict(sign(EVENT, TOKEN), seen=seen_of(job)) is DropReason.REPLAYED_SEQ


def test_the_result_may_come_again_and_again():
    end = replace(EVENT, event=EventKind.COMPLETED)
    seen = SeenEvents({})
    seen.add(end)
    assert verdict(sign(end, TOKEN), seen=seen) is DropReason.REPEATED
    ended = replace(JOB, seen={"p1": 5}, result=Result("completed", "", AT, "e5"))
    assert verdict(sign(end, TOKEN), seen=seen_of(ended)) is DropReason.REPEATED


def test_the_first_ending_counts_and_a_later_one_is_not_taken_for_it():
    """It may come again after its id has been forgotten; another ending may not."""
    first = replace(EVENT, event=EventKind.COMPLETED)
    later = replace(EVENT, event=EventKind.ERROR, id="e6", seq=6)
    seen = SeenEvents({})
    seen.add(first)
    seen.add(later)
    assert verdict(sign(first, TOKEN), seen=seen) is DropReason.REPEATED
    assert verdict(sign(later, TOKEN), seen=seen) is DropReason.REPLAYED_ID


def test_what_does_not_end_a_job_is_never_its_result():
    seen = SeenEvents({})
    seen.add(EVENT)
    seen.add(replace(EVENT, event=EventKind.COMPLETED, id="e6", seq=6))
    assert seen.result == "e6"


def test_what_is_remembered_is_bounded():
    seen = SeenEvents({})
    for number in range(10_000):
        seen.add(replace(EVENT, seq=number + 1, id=f"e{number}"))
    assert len(seen.ids) <= 256
    assert seen.last == {"p1": 10_000}


@given(st.text(max_size=LONGEST_DETAIL), st.sampled_from(EventKind), st.integers(1, (1 << 53) - 1))
def test_whatever_is_said_arrives_as_it_was_said(detail, kind, seq):
    event = replace(EVENT, detail=detail, event=kind, seq=seq)
    payload = sign(event, TOKEN)
    assert verdict(payload) == event
    assert len(payload) <= LARGEST_EVENT


def test_the_longest_detail_fits_however_it_is_escaped():
    payload = sign(replace(EVENT, detail="\U0001f600" * LONGEST_DETAIL, job_id="j" * 64), TOKEN)
    assert len(payload) <= LARGEST_EVENT


@given(st.data())
def test_no_byte_can_be_changed(data):
    payload = bytearray(sign(EVENT, TOKEN))
    place = data.draw(st.integers(0, len(payload) - 1))
    payload[place] ^= data.draw(st.integers(1, 255))
    assert isinstance(verdict(bytes(payload)), DropReason)


@given(st.binary(max_size=400))
def test_no_noise_is_believed_or_breaks_anything(noise):
    assert isinstance(verdict(noise), DropReason)
