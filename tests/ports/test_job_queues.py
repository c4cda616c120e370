"""What every queue of jobs promises: retained messages of a real Mosquitto, and a real NATS server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from itertools import count
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from typing import Protocol

import pytest
from broker.jetstream import JetStream, serving
from broker.mosquitto import Knobs, Mosquitto, running
from msgspec.structs import replace
from waiting import PATIENCE

from reconciler.model.destination import Destination
from reconciler.model.errors import UsageError
from reconciler.ports.bus import LARGEST_PAYLOAD, Bus, BusRefused, BusUnreachable, Cause, Message
from reconciler.ports.mqtt_queue import MqttQueue
from reconciler.ports.nats_queue import NatsQueue
from reconciler.ports.queue import Claim, JobQueue, QueuedJob

HERE = Destination(host="hB")
BACKENDS = ["mqtt", "nats"]


class Backend(Protocol):
    """One real server, and how a test uses it."""

    has_pools: bool

    def open(self, host: str, seconds: float = 30.0, patience: float = PATIENCE) -> JobQueue:
        """A connection of the host, whose claims hold for some seconds where the backend counts them."""

    def restart(self) -> None: ...
    def stop(self) -> None: ...
    def start(self) -> None: ...


class OverMqtt:
    has_pools = False

    def __init__(self, broker: Mosquitto, prefix: str) -> None:
        self._broker = broker
        self._prefix = prefix

    def open(self, host: str, seconds: float = 30.0, patience: float = PATIENCE) -> JobQueue:  # noqa: ARG002 - MQTT counts no time
        return MqttQueue(self._broker.connection("hermes"), self._prefix, host, patience=patience)

    def restart(self) -> None:
        self.stop()
        self.start()

    def stop(self) -> None:
        self._broker.stop()

    def start(self) -> None:
        self._broker.start()


class OverNats:
    has_pools = True

    def __init__(self, server: JetStream) -> None:
        self._server = server

    def open(self, host: str, seconds: float = 30.0, patience: float = PATIENCE) -> JobQueue:
        return NatsQueue(self._server.server, host, patience=patience, ack_wait=seconds)

    def restart(self) -> None:
        self._server.kill()
        self._server.start()

    def stop(self) -> None:
        self._server.kill()

    def start(self) -> None:
        self._server.start()


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    if request.param == "nats":
        with serving(tmp_path) as server:
            yield OverNats(server)
    else:
        with running(tmp_path, Knobs(tls=False, acl=None)) as broker:
            yield OverMqtt(broker, "python/mqtt")


@pytest.fixture
def opened(backend: Backend) -> Iterator[Callable[..., JobQueue]]:
    """Opens connections that are closed with the test."""
    with ExitStack() as stack:
        yield lambda *args, **more: stack.enter_context(closing(backend.open(*args, **more)))


@pytest.fixture
def pool(backend: Backend) -> Destination:
    if not backend.has_pools:
        pytest.skip("MQTT has no pools")
    return Destination(pool="claude")


_ids = count(1)


def job(to: Destination = HERE, envelope: bytes = b'{"prompt": "say hi"}') -> QueuedJob:
    return QueuedJob(f"20261130T100000000-{next(_ids):016x}", to, envelope)


def result_of(queued: QueuedJob | Claim, payload: bytes = b"completed") -> Message:
    return Message(f"python/mqtt/jobs/{queued.id}/events", payload)


def claimed(queue: JobQueue, *pools: str) -> Claim:
    claim = queue.claim(PATIENCE, pools)
    assert claim is not None, "nothing was claimed"
    return claim


def received(bus: Bus) -> Message:
    message = bus.receive(PATIENCE)
    assert message is not None, "nothing arrived"
    return message


def test_a_job_waits_for_a_host_that_comes_later_and_arrives_as_it_was(opened) -> None:
    queued = job()
    opened("hA").submit(queued)
    claim = claimed(opened("hB"))
    assert (claim.id, claim.to, claim.envelope, claim.tries) == (queued.id, HERE, queued.envelope, 1)


def test_a_job_arrives_at_a_host_that_waits(opened) -> None:
    waiting, queued = opened("hB"), job()
    assert waiting.claim(0) is None
    found: list[Claim] = []
    thread = Thread(target=lambda: found.append(claimed(waiting)))
    thread.start()
    opened("hA").submit(queued)
    thread.join(PATIENCE)
    assert [claim.id for claim in found] == [queued.id]


def test_the_same_id_again_changes_nothing(opened) -> None:
    sender, queued = opened("hA"), job()
    sender.submit(queued)
    sender.submit(queued)
    here = opened("hB")
    assert claimed(here).id == queued.id
    assert here.claim(0) is None


def test_a_job_that_is_done_is_not_queued_again_by_its_sender_even_after_a_restart(opened, backend) -> None:
    if not backend.has_pools:
        pytest.skip("over MQTT, the record on the host answers for a job that is submitted again")
    sender, queued = opened("hA"), job()
    sender.submit(queued)
    here = opened("hB")
    claim = claimed(here)
    assert here.begin(claim)
    here.finish(claim, result_of(claim))
    backend.restart()
    sender.submit(queued)
    assert here.claim(0.5) is None


def test_each_host_gets_its_own_jobs(opened) -> None:
    sender, here, there = opened("hA"), opened("hB"), opened("hC")
    sender.submit(queued := job())
    assert there.claim(0.2) is None
    assert claimed(here).id == queued.id
    assert sender.claim(0) is None


def test_jobs_come_in_the_order_of_their_submission(opened) -> None:
    sender, jobs = opened("hA"), [job() for _ in range(5)]
    for each in jobs:
        sender.submit(each)
    here = opened("hB")
    assert [claimed(here).id for _ in jobs] == [each.id for each in jobs]


def test_what_a_connection_holds_is_not_returned_to_it_again(opened) -> None:
    opened("hA").submit(job())
    here = opened("hB", seconds=0.3)
    claim = claimed(here)
    assert here.claim(1) is None
    here.finish(claim, result_of(claim))


def test_a_result_waits_for_who_follows_later_and_the_job_is_gone(opened) -> None:
    sender, here = opened("hA"), opened("hB")
    sender.submit(job())
    claim = claimed(here)
    assert here.begin(claim)
    here.heartbeat(claim)
    here.finish(claim, result_of(claim))
    sender.bus.subscribe("python/mqtt/jobs/+/events")
    found = received(sender.bus)
    assert (found.topic, found.payload) == (result_of(claim).topic, b"completed")
    here.close()
    assert opened("hB").claim(0.2) is None


def test_finishing_twice_says_the_result_once(opened) -> None:
    sender, here = opened("hA"), opened("hB")
    sender.submit(job())
    claim = claimed(here)
    here.finish(claim, result_of(claim))
    here.finish(claim, result_of(claim))
    sender.bus.subscribe(result_of(claim).topic)
    assert received(sender.bus).payload == b"completed"
    assert sender.bus.receive(0.2) is None


def test_events_of_a_job_reach_who_follows_it(opened) -> None:
    sender, here, queued = opened("hA"), opened("hB"), job()
    sender.bus.subscribe(result_of(queued).topic)
    here.bus.publish(result_of(queued).topic, b"claimed")
    here.bus.publish(result_of(queued).topic, b"started")
    assert [received(sender.bus).payload for _ in range(2)] == [b"claimed", b"started"]
    assert sender.bus.receive(0) is None


def test_only_one_host_may_begin_a_job_and_it_may_again(opened, pool) -> None:
    opened("hA").submit(job(pool))
    here, there = opened("hB", seconds=0.3), opened("hC", seconds=0.3)
    first = claimed(here, pool.pool)
    again = claimed(there, pool.pool)
    assert (again.id, again.tries) == (first.id, 2)
    assert there.begin(again)
    assert not here.begin(first)
    assert there.begin(again)
    assert opened("hC").begin(again)


def test_a_host_may_begin_its_own_job_again_after_it_was_killed(opened) -> None:
    opened("hA").submit(job())
    here = opened("hB", seconds=0.3)
    assert here.begin(claimed(here))
    here.close()
    again = opened("hB", seconds=0.3)
    assert again.begin(claimed(again))


def test_a_job_whose_holder_was_killed_is_claimed_again(opened) -> None:
    opened("hA").submit(queued := job())
    killed = opened("hB", seconds=0.3)
    assert claimed(killed).id == queued.id
    killed.close()
    assert claimed(opened("hB", seconds=0.3)).id == queued.id


def test_a_pool_gives_each_job_to_one_host_and_that_of_a_killed_one_to_another(opened, pool) -> None:
    sender, here, there = opened("hA"), opened("hB", seconds=0.5), opened("hC", seconds=0.5)
    sender.submit(first := job(pool))
    sender.submit(second := job(pool))
    assert claimed(here, pool.pool).id == first.id
    claim = claimed(there, pool.pool)
    assert (claim.id, claim.to) == (second.id, pool)
    there.finish(claim, result_of(claim))
    here.close()
    again = claimed(there, pool.pool)
    assert (again.id, again.tries) == (first.id, 2)


def test_a_host_gets_its_own_jobs_beside_those_of_its_pools(opened, pool) -> None:
    sender, here = opened("hA"), opened("hB")
    jobs = [job(), job(pool), job(Destination(pool="codex"))]
    for each in jobs:
        sender.submit(each)
    assert {claimed(here, "claude", "codex").id for _ in jobs} == {each.id for each in jobs}
    assert here.claim(0, ("claude", "codex")) is None


def test_heartbeats_keep_a_job(opened, pool) -> None:
    seconds = 1.0
    sender, here, there = opened("hA"), opened("hB", seconds=seconds), opened("hC", seconds=seconds)
    while True:
        sender.submit(job(pool))
        claim = claimed(here, pool.pool)
        pause = longest_pause_between_heartbeats(here, claim, lambda: there.claim(3 * seconds, (pool.pool,)))
        here.finish(claim, result_of(claim))
        if pause[0] < seconds / 2:
            assert pause[1] is None
            return


def longest_pause_between_heartbeats(queue: JobQueue, claim: Claim, meanwhile: Callable) -> tuple[float, object]:
    """How far apart the heartbeats were, on a machine that may be busy, and what came of `meanwhile`."""
    done, pauses = Event(), [0.0]

    def beat() -> None:
        last = monotonic()
        while not done.wait(0.1):
            queue.heartbeat(claim)
            pauses.append(monotonic() - last)
            last = monotonic()

    thread = Thread(target=beat)
    thread.start()
    try:
        found = meanwhile()
    finally:
        done.set()
        thread.join(PATIENCE)
    return max(pauses), found


def test_a_dead_letter_is_kept_with_its_reason_until_it_is_dropped(opened) -> None:
    sender, here = opened("hA"), opened("hB")
    for each in (first := job(envelope=b"\0\xff broken"), second := job()):
        sender.submit(each)
        here.dead_letter(claimed(here), f"no agent \u2028 can do {each.id}\n")
    assert here.claim(0) is None
    letters = sender.dead_letters()
    assert [(each.id, each.to, each.envelope, each.host) for each in letters] == [
        (first.id, HERE, b"\0\xff broken", "hB"),
        (second.id, HERE, second.envelope, "hB"),
    ]
    assert letters[0].why == f"no agent \u2028 can do {first.id}\n"
    assert letters[0].at <= letters[1].at
    sender.drop(letters[0])
    sender.drop(letters[0])
    assert [each.id for each in opened("hC").dead_letters()] == [second.id]


def test_a_dead_letter_said_twice_is_one_and_its_job_is_gone(opened) -> None:
    sender, here = opened("hA"), opened("hB", seconds=0.3)
    sender.submit(job())
    claim = claimed(here)
    here.dead_letter(claim, "uncertain")
    here.dead_letter(claim, "uncertain")
    here.close()
    assert opened("hB", seconds=0.3).claim(1) is None
    assert [each.id for each in sender.dead_letters()] == [claim.id]


def test_a_job_that_was_taken_back_is_claimed_by_nobody(opened) -> None:
    sender, queued = opened("hA"), job()
    sender.submit(queued)
    sender.withdraw(queued.id, queued.to)
    sender.withdraw(queued.id, queued.to)
    assert opened("hB").claim(0.2) is None


def test_a_claimed_job_goes_on_when_it_is_taken_back(opened) -> None:
    sender, here, queued = opened("hA"), opened("hB"), job()
    sender.submit(queued)
    claim = claimed(here)
    here.heartbeat(claim)
    sender.withdraw(queued.id, queued.to)
    assert here.begin(claim)
    here.heartbeat(claim)
    here.finish(claim, result_of(claim))
    sender.bus.subscribe(result_of(claim).topic)
    assert received(sender.bus).payload == b"completed"


def test_a_pool_job_that_was_claimed_once_stays_when_it_is_taken_back(opened, pool) -> None:
    sender, here, queued = opened("hA"), opened("hB", seconds=0.3), job(pool)
    sender.submit(queued)
    claimed(here, pool.pool)
    sender.withdraw(queued.id, pool)
    here.close()
    assert claimed(opened("hC", seconds=0.3), pool.pool).id == queued.id


PAYLOADS = {"empty object": b"{}", "no JSON": b"\0\xff\n", "64 KiB": b"x" * LARGEST_PAYLOAD}


@pytest.mark.parametrize("envelope", PAYLOADS.values(), ids=PAYLOADS)
def test_an_envelope_arrives_byte_for_byte(opened, envelope: bytes) -> None:
    opened("hA").submit(job(envelope=envelope))
    here = opened("hB")
    claim = claimed(here)
    assert claim.envelope == envelope
    here.finish(claim, result_of(claim))


def test_an_envelope_above_the_cap_never_leaves(opened) -> None:
    with pytest.raises(BusRefused) as caught:
        opened("hA").submit(job(envelope=b"x" * (LARGEST_PAYLOAD + 1)))
    assert caught.value.cause is Cause.TOO_LARGE
    assert caught.value.fix
    assert opened("hB").claim(0.2) is None


def test_everything_goes_on_after_a_restart_of_the_server(opened, backend) -> None:
    sender, here = opened("hA", seconds=0.5), opened("hB", seconds=0.5)
    first, second = job(), job()
    sender.bus.subscribe("python/mqtt/jobs/+/events")
    sender.submit(first)
    claim = claimed(here)
    here.bus.publish(result_of(claim).topic, b"claimed")
    assert received(sender.bus).payload == b"claimed"
    backend.restart()
    said(lambda: here.finish(claim, result_of(claim)))
    # it may have been kept for a subscription that came back only afterwards
    assert replace(received(sender.bus), retained=False) == result_of(claim)
    said(lambda: sender.submit(second))
    assert claimed(here).id == second.id
    assert sender.bus.receive(0) is None
    assert sender.bus.connected


def said(deed: Callable[[], None]) -> None:
    """Do something as often as it takes until the server has answered."""
    deadline = monotonic() + PATIENCE
    while True:
        try:
            return deed()
        except BusUnreachable:
            assert monotonic() < deadline


def test_what_a_server_does_not_answer_is_told_in_time_and_can_be_said_again(opened, backend) -> None:
    sender, queued = opened("hA", patience=1.0), job()
    backend.stop()
    with pytest.raises(BusUnreachable) as caught:
        sender.submit(queued)
    assert caught.value.fix
    backend.start()
    said(lambda: sender.submit(queued))
    here = opened("hB")
    assert claimed(here).id == queued.id
    assert here.claim(0) is None


def test_pools_are_refused_where_there_are_none(opened, backend) -> None:
    if backend.has_pools:
        pytest.skip("it has pools")
    with pytest.raises(UsageError, match=r"needs jobs\.backend: nats"):
        opened("hA").submit(job(Destination(pool="claude")))
    with pytest.raises(UsageError, match=r"needs jobs\.backend: nats"):
        opened("hA").claim(0, ("claude",))


def test_closing_twice_is_fine(backend) -> None:
    queue = backend.open("hB")
    queue.close()
    queue.close()


def test_a_claim_whose_receipt_was_lost_is_ended_all_the_same(opened: Callable[..., JobQueue]) -> None:
    """A runner that was killed knows what it had claimed from its records alone."""
    queued, other = job(), job()
    opened("hA").submit(queued)
    first = claimed(opened("hB"))
    b = opened("hB")
    lost = Claim(first.id, first.to, first.envelope)
    b.heartbeat(lost)
    b.finish(lost, result_of(queued))
    opened("hA").submit(other)
    assert claimed(opened("hB", seconds=0.5)).id == other.id, "the first one is gone"
