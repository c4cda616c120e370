"""The client of a NATS server against a real one, and against a scripted one for what a real one never says."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nats
import pytest
from broker.jetstream import PASSWORD, JetStream, JetStreamKnobs, serving
from broker.mosquitto import Authority
from free_ports import free_port
from msgspec.structs import replace
from nats.js import api
from waiting import PATIENCE, wait_until

from reconciler.model.destination import Destination
from reconciler.model.errors import ReconcilerError, Unreachable, UsageError
from reconciler.model.exit_code import ExitCode
from reconciler.model.job_server import JobServer
from reconciler.ports.bus import LARGEST_PAYLOAD, BusRefused, BusUnreachable, Cause, Message
from reconciler.ports.nats_bus import NatsBus, nats_bus
from reconciler.ports.nats_queue import NatsQueue
from reconciler.ports.queue import Claim, QueuedJob

TOPIC = "python/mqtt/jobs/j1/events"
ALL = "python/mqtt/jobs/+/events"
SOON = 5.0  # seconds: how long a client tries
HERE = Destination(host="hB")


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() == before


@pytest.fixture
def jetstream(tmp_path: Path) -> Iterator[JetStream]:
    with serving(tmp_path) as server:
        yield server


def opened(server: JobServer, host: str = "hB", patience: float = PATIENCE):
    return closing(NatsQueue(server, host, patience=patience, ack_wait=0.5))


def received(bus: NatsBus, seconds: float = PATIENCE) -> Message:
    message = bus.receive(seconds)
    assert message is not None, "nothing arrived"
    return message


def asked(server: JetStream, question: Callable):
    """What a client of the test's own gets from the server."""

    async def ask():
        client = await nats.connect(f"nats://127.0.0.1:{server.port}", connect_timeout=PATIENCE)
        try:
            return await question(client.jetstream(timeout=PATIENCE))
        finally:
            await client.close()

    return asyncio.run(ask())


# --- what a server must be --------------------------------------------------------------------


def test_the_streams_are_made_once_and_keep_what_a_user_changed(jetstream) -> None:
    with opened(jetstream.server):
        pass

    async def change(js):
        found = (await js.stream_info("JOBS_STATUS")).config
        await js.update_stream(found.evolve(max_age=30 * 86_400.0))

    asked(jetstream, change)
    with opened(jetstream.server) as queue:
        queue.submit(QueuedJob("1", HERE, b"{}"))

    async def look(js):
        return [(await js.stream_info(name)).config for name in ("JOBS", "JOBS_DEAD", "JOBS_STATUS")]

    jobs, _dead, status = asked(jetstream, look)
    assert (jobs.retention, jobs.storage, jobs.subjects) == ("workqueue", "file", ["jobs.new.>"])
    assert status.max_age == 30 * 86_400


UNFIT = {
    "retention": {"name": "JOBS", "subjects": ["jobs.new.>"], "retention": "limits"},
    "storage": {"name": "JOBS", "subjects": ["jobs.new.>"], "retention": "workqueue", "storage": "memory"},
    "jobs.new.>": {"name": "JOBS", "subjects": ["jobs.old.>"], "retention": "workqueue"},
    "discards": {"name": "JOBS", "subjects": ["jobs.new.>"], "retention": "workqueue", "max_msgs": 10},
    "max_age": {"name": "JOBS_STATUS", "subjects": ["jobs.status.>", "jobs.begun.*"], "max_age": 3600.0},
}


@pytest.mark.parametrize("word", UNFIT)
def test_a_stream_that_could_lose_jobs_is_one_clear_error(jetstream, word) -> None:
    asked(jetstream, lambda js: js.add_stream(api.StreamConfig(**UNFIT[word])))
    with pytest.raises(Unreachable, match=word) as caught, opened(jetstream.server):
        pass
    assert UNFIT[word]["name"] in caught.value.summary
    assert caught.value.fix


def test_a_server_without_jetstream_is_told_with_its_version(tmp_path) -> None:
    with (
        serving(tmp_path, JetStreamKnobs(jetstream=False)) as server,
        pytest.raises(Unreachable, match=r"version 2\..*2\.9 or newer with JetStream") as caught,
    ):
        nats_bus(server.server, PATIENCE)
    assert caught.value.exit_code == ExitCode.UNREACHABLE
    assert str(server.port) in caught.value.summary


def test_an_old_server_is_told_with_its_version() -> None:
    with (
        scripted({"version": "2.8.4", "jetstream": True}) as (server, _heard),
        pytest.raises(Unreachable, match=r"version 2\.8\.4.*2\.9 or newer with JetStream"),
    ):
        nats_bus(server, PATIENCE)


def test_a_missing_library_is_told_with_the_command_that_adds_it() -> None:
    program = (
        "import sys; sys.modules['nats'] = None\n"
        "from reconciler.model.errors import ReconcilerError\n"
        "from reconciler.model.job_server import JobServer\n"
        "from reconciler.ports.nats_queue import NatsQueue\n"
        "try:\n    NatsQueue(JobServer('nats://localhost:1'), 'hA', patience=1)\n"
        "except ReconcilerError as error:\n    print(int(error.exit_code), error.summary)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("4 ")
    assert "pip install 'agent-reconciler[nats]'" in done.stdout


def test_nats_is_imported_only_when_a_server_is_opened() -> None:
    program = "import sys; import reconciler.ports.nats_queue; print('nats' in sys.modules, 'asyncio' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"


# --- connecting -------------------------------------------------------------------------------


def cause_of(server: JobServer, seconds: float = SOON) -> Cause:
    with pytest.raises(ReconcilerError) as caught:
        nats_bus(server, seconds)
    assert isinstance(caught.value, BusUnreachable | BusRefused)
    assert caught.value.fix
    assert PASSWORD not in str(vars(caught.value))
    return caught.value.cause


LOGINS = {
    "wrong password": {"password": "wrong"},
    "no such user": {"username": "nobody"},
    "anonymous": {"username": "", "password": ""},
}


@pytest.mark.parametrize("change", LOGINS.values(), ids=LOGINS)
def test_who_may_not_log_in_is_told_so(tmp_path, change) -> None:
    with serving(tmp_path, JetStreamKnobs(login=True)) as server:
        assert cause_of(replace(server.server, **change), PATIENCE) is Cause.BAD_LOGIN
        nats_bus(server.server, PATIENCE).close()


def test_every_fault_of_tls_has_its_name(tmp_path) -> None:
    Authority(tmp_path, "other")
    with serving(tmp_path, JetStreamKnobs(tls=True, names=("localhost",))) as server:
        good = server.server
        faults = {
            Cause.UNTRUSTED: replace(good, ca_certs=str(tmp_path / "other.crt")),
            Cause.WRONG_NAME: replace(good, url=f"tls://127.0.0.1:{server.port}"),
            Cause.NO_ANSWER: replace(good, url=f"tls://localhost:{free_port()}"),
        }
        assert {cause: cause_of(each) for cause, each in faults.items()} == {cause: cause for cause in faults}
        assert cause_of(replace(good, url=good.url.replace("tls", "nats"), ca_certs="")) is Cause.UNTRUSTED
        nats_bus(good, PATIENCE).close()
        nats_bus(replace(good, url=good.url.replace("tls", "nats")), PATIENCE).close()


def test_an_expired_certificate_is_told(tmp_path) -> None:
    with serving(tmp_path, JetStreamKnobs(tls=True, valid_days=(-60, -1))) as server:
        assert cause_of(server.server) is Cause.EXPIRED


def test_a_certificate_lets_in_where_the_server_asks_for_one(tmp_path) -> None:
    with serving(tmp_path, JetStreamKnobs(tls=True, client_certificates=True)) as server:
        nats_bus(server.server, PATIENCE).close()
        assert cause_of(replace(server.server, certfile="", keyfile="")) is Cause.CLIENT_CERTIFICATE


def test_a_broken_certificate_file_is_told_with_its_path(jetstream, tmp_path) -> None:
    (tmp_path / "broken").write_text("no certificate")
    with pytest.raises(ReconcilerError, match=str(tmp_path / "broken")):
        nats_bus(replace(jetstream.server, ca_certs=str(tmp_path / "broken")), PATIENCE)


def test_no_login_leaves_over_a_plain_connection_when_tls_is_wanted() -> None:
    with scripted({"version": "2.10.0", "jetstream": True}) as (server, heard):
        secure = replace(server, url=server.url.replace("nats", "tls"), username="runner", password=PASSWORD)
        assert cause_of(secure) is Cause.NO_TLS
    assert b"CONNECT" not in b"".join(heard)


def test_a_server_that_says_nothing_is_given_up_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(BusUnreachable) as caught:
        nats_bus(JobServer(f"nats://127.0.0.1:{silent.getsockname()[1]}"), 0.3)
    assert caught.value.cause is Cause.NO_ANSWER


def test_what_is_no_nats_server_is_told() -> None:
    with scripted(None) as (server, _heard):
        assert cause_of(server) is Cause.OTHER


def test_the_next_address_is_tried_when_the_first_does_not_answer(jetstream) -> None:
    nats_bus(replace(jetstream.server, url=f"nats://127.0.0.1:{free_port()},{jetstream.server.url}"), PATIENCE).close()


ADDRESSES = ["", "http://h:1", "nats://", "nats://runner:secret@h:4222", "nats://h:x", "nats://h:1/path", "nats://h:1,"]


@pytest.mark.parametrize("url", ADDRESSES)
def test_what_is_no_address_is_told_without_its_secrets(url) -> None:
    with pytest.raises(UsageError, match="`url`") as caught:
        nats_bus(JobServer(url), SOON)
    assert "secret" not in str(vars(caught.value))


@contextmanager
def scripted(info: dict[str, object] | None) -> Iterator[tuple[JobServer, list[bytes]]]:
    """A server that says what it is (without `info`: something else), answers pings, and keeps what it hears."""
    heard: list[bytes] = []

    def serve(client: socket.socket) -> None:
        hello = {"server_id": "x", "max_payload": 1_048_576, "headers": True} | (info or {})
        client.sendall(b"INFO " + json.dumps(hello).encode() + b"\r\n" if info else b"SSH-2.0-x\r\n")
        while data := client.recv(65_536):
            heard.append(data)
            if b"PING" in data:
                client.sendall(b"PONG\r\n")

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _address = listening.accept()
                with client, suppress(OSError):
                    serve(client)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield JobServer(f"nats://127.0.0.1:{listening.getsockname()[1]}"), heard
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(PATIENCE)


# --- rights and limits ------------------------------------------------------------------------


def test_a_denied_request_is_told_at_once(tmp_path) -> None:
    permissions = '{ publish: { deny: ["jobs.status.>", "$JS.API.STREAM.MSG.GET.JOBS_STATUS"] } }'
    knobs = JetStreamKnobs(login=True, permissions=permissions)
    with serving(tmp_path, knobs) as server, closing(nats_bus(server.server, PATIENCE)) as bus:
        for deed in (lambda: bus.publish(TOPIC, b"x"), lambda: bus.subscribe(TOPIC)):
            with pytest.raises(BusRefused) as caught:
                deed()
            assert caught.value.cause is Cause.NOT_AUTHORISED
            assert "runner" in caught.value.summary
            assert caught.value.fix


def test_a_follower_whose_user_was_removed_is_told(tmp_path) -> None:
    with serving(tmp_path, JetStreamKnobs(login=True)) as server, closing(nats_bus(server.server, PATIENCE)) as bus:
        bus.subscribe(TOPIC)
        conf = tmp_path / "conf"
        conf.write_text(conf.read_text().replace(PASSWORD, "another-password"))
        server.signal(signal.SIGHUP)
        for _ in range(2):
            with pytest.raises(BusRefused) as caught:
                bus.receive(PATIENCE)
            assert caught.value.cause is Cause.BAD_LOGIN
        with pytest.raises(BusRefused):
            bus.publish(TOPIC, b"x")


def test_a_payload_above_the_servers_own_limit_is_told(tmp_path) -> None:
    knobs = JetStreamKnobs(extra=("max_payload: 32KB",))
    with serving(tmp_path, knobs) as server, closing(nats_bus(server.server, PATIENCE)) as bus:
        with pytest.raises(BusRefused) as caught:
            bus.publish(TOPIC, b"x" * 40_000)
        assert caught.value.cause is Cause.TOO_LARGE
        bus.publish(TOPIC, b"x" * 30_000)


def test_a_full_store_is_told(tmp_path) -> None:
    def submit_many(queue: NatsQueue) -> None:
        for number in range(10):
            queue.submit(QueuedJob(str(number), HERE, b"x" * LARGEST_PAYLOAD))

    with (
        serving(tmp_path, JetStreamKnobs(limits=", max_file_store: 200KB")) as server,
        opened(server.server) as queue,
        pytest.raises(BusRefused) as caught,
    ):
        submit_many(queue)
    assert caught.value.cause is Cause.QUOTA


TOPICS = ["", "a.b/c", "a/*", "a/>", "a b", "a//b", "/a", "a/", "a/+/b", "a/#", "a\n", "jobs/x.1/events"]


@pytest.mark.parametrize("topic", TOPICS)
def test_what_has_no_subject_is_refused(jetstream, topic) -> None:
    with closing(nats_bus(jetstream.server, PATIENCE)) as bus:
        with pytest.raises(BusRefused):
            bus.publish(topic, b"x")
        if topic != "a/+/b":
            with pytest.raises(BusRefused):
                bus.subscribe(topic)


@pytest.mark.parametrize("job_id", ["", "a.b", "a*", ">", "a b", "x" * 102])
def test_an_id_that_is_no_part_of_a_subject_is_refused(jetstream, job_id) -> None:
    with opened(jetstream.server) as queue:
        with pytest.raises(UsageError):
            queue.submit(QueuedJob(job_id, HERE, b"{}"))
        with pytest.raises(UsageError):
            queue.withdraw(job_id, HERE)


# --- lost connections -------------------------------------------------------------------------


def test_a_follower_loses_and_repeats_nothing_while_the_server_is_killed_again_and_again(jetstream) -> None:
    said, heard = [str(number).encode() for number in range(120)], []
    with closing(nats_bus(jetstream.server, PATIENCE)) as follower, closing(nats_bus(jetstream.server, SOON)) as writer:
        follower.subscribe(ALL)
        for number, payload in enumerate(said):
            if number % 40 == 20:
                jetstream.kill()
                jetstream.start()
            writer.publish(f"python/mqtt/jobs/j{number % 3}/events", payload)
            if number % 2:
                heard.append(received(follower).payload)
        while len(heard) < len(said):
            heard.append(received(follower).payload)
        assert heard == said
        assert follower.receive(0.2) is None
        assert follower.drops >= 1
        wait_until(lambda: follower.connected)


def test_a_stopped_server_makes_each_call_an_error_in_time_and_nothing_is_done_twice(jetstream) -> None:
    with opened(jetstream.server, patience=1.0) as queue:
        queue.submit(QueuedJob("1", HERE, b"{}"))
        claim = queue.claim(PATIENCE)
        assert claim
        jetstream.pause()
        result = Message(TOPIC, b"completed")
        deeds = {
            "submit": lambda: queue.submit(QueuedJob("2", HERE, b"{}")),
            "claim": lambda: queue.claim(0.1),
            "begin": lambda: queue.begin(claim),
            "heartbeat": lambda: queue.heartbeat(claim),
            "finish": lambda: queue.finish(claim, result),
            "dead_letters": queue.dead_letters,
            "publish": lambda: queue.bus.publish(TOPIC, b"x"),
        }
        for deed in deeds.values():
            with pytest.raises(BusUnreachable):
                deed()
        jetstream.signal(signal.SIGCONT)
    with opened(jetstream.server) as queue:
        assert queue.begin(claim)
        queue.finish(claim, result)
        queue.submit(QueuedJob("2", HERE, b"{}"))
        found = wait_until(lambda: queue.claim(1))
        assert found.id == "2"
        queue.finish(found, Message(TOPIC.replace("j1", "j2"), b"completed"))
        assert queue.claim(1) is None
        queue.bus.subscribe(TOPIC)
        payloads = [received(queue.bus).payload]
        while message := queue.bus.receive(0.2):
            payloads.append(message.payload)
        assert payloads.count(b"completed") == 1


def test_closing_while_the_server_is_away_leaves_no_thread(jetstream) -> None:
    before = threading.active_count()
    bus = nats_bus(jetstream.server, PATIENCE)
    bus.subscribe(TOPIC)
    jetstream.kill()
    wait_until(lambda: bus.drops)
    assert not bus.connected
    bus.close()
    bus.close()
    assert threading.active_count() == before
    with pytest.raises(BusUnreachable):
        bus.publish(TOPIC, b"x")


def test_ctrl_c_ends_a_waiting_claim_at_once(jetstream) -> None:
    program = (
        "from reconciler.ports.nats_queue import NatsQueue; from reconciler.model.job_server import JobServer\n"
        f"queue = NatsQueue(JobServer({jetstream.server.url!r}), 'hB', patience=60)\n"
        "print('ready', flush=True)\n"
        "try:\n    queue.claim(3600)\n"
        "finally:\n    queue.close()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as waiting:
        assert waiting.stdout
        assert waiting.stdout.readline() == "ready\n"
        waiting.send_signal(signal.SIGINT)
        assert waiting.wait(PATIENCE) != 0  # not at the end of its hour


# --- jobs that nobody may do any more ---------------------------------------------------------


def abandoned(server: JetStream, times: int, to: Destination = HERE) -> QueuedJob:
    """A job that was claimed so often, each time by a connection that then was gone."""
    job = QueuedJob("20261130T100000000-00000000000000aa", to, b"{}")
    with opened(server.server, "hA") as sender:
        sender.submit(job)
    for number in range(times):
        with opened(server.server, f"h{number}" if to.pool else "hB") as queue:
            claim = queue.claim(PATIENCE, (to.pool,) if to.pool else ())
            assert claim
            assert claim.tries == number + 1
    return job


def test_a_job_that_was_given_out_three_times_is_a_dead_letter_of_who_claims_next(jetstream) -> None:
    job = abandoned(jetstream, 3, Destination(pool="claude"))
    with opened(jetstream.server, "hE") as queue:
        assert wait_until(lambda: queue.claim(1, ("claude",)) or queue.dead_letters())
        (letter,) = queue.dead_letters()
        assert (letter.id, letter.why, letter.to) == (job.id, "delivered 3 times without an end", job.to)
        assert queue.claim(1, ("claude",)) is None


def test_a_consumer_that_somebody_gave_a_limit_loses_no_job(jetstream) -> None:
    job = abandoned(jetstream, 1)

    async def limit(js):
        found = await js.consumer_info("JOBS", "host-hB")
        found.config.max_deliver = 3
        await js.add_consumer("JOBS", found.config)

    asked(jetstream, limit)
    for _ in range(2):
        with opened(jetstream.server) as queue:
            assert queue.claim(PATIENCE)
    with opened(jetstream.server) as queue:
        assert queue.claim(0.1) is None
        (letter,) = wait_until(lambda: queue.claim(0.5) or queue.dead_letters())
        assert letter.id == job.id


def test_a_job_that_is_as_old_as_a_mark_of_its_begin_may_be_is_a_dead_letter(jetstream) -> None:
    abandoned(jetstream, 0)

    class Later:
        def now(self) -> datetime:
            return datetime.now(UTC) + timedelta(days=13, minutes=1)  # noqa: TID251 - the server reads the real clock

    with opened(jetstream.server) as queue:
        queue._clock = Later()
        assert queue.claim(0) is None
        (letter,) = queue.dead_letters()
        assert letter.why == "queued for more than 13 days"


def test_a_dead_letter_that_cannot_be_read_can_be_seen_and_dropped(jetstream) -> None:
    with opened(jetstream.server) as queue:
        asked(jetstream, lambda js: js.publish("jobs.dead.x", b"\0 no letter"))
        (letter,) = queue.dead_letters()
        assert (letter.id, letter.why, letter.envelope) == ("x", "this dead letter cannot be read", b"\0 no letter")
        queue.drop(letter)
        assert queue.dead_letters() == ()


def test_a_claim_goes_on_when_somebody_deletes_its_message_or_the_consumer(jetstream) -> None:
    job = abandoned(jetstream, 0)
    with opened(jetstream.server) as queue:
        claim = queue.claim(PATIENCE)
        assert claim
        asked(jetstream, lambda js: js.purge_stream("JOBS"))
        asked(jetstream, lambda js: js.delete_consumer("JOBS", "host-hB"))
        queue._link.connection.patience = 1.0
        ended(queue, claim)
        queue.submit(QueuedJob("2", HERE, b"{}"))
        with suppress(BusUnreachable):  # an older server is silent
            queue.claim(0)
        found = wait_until(lambda: queue.claim(1))
        assert (claim.id, found.id) == (job.id, "2")


def ended(queue: NatsQueue, claim: Claim) -> None:
    assert queue.begin(claim)
    queue.heartbeat(claim)
    queue.finish(claim, Message(TOPIC, b"completed"))
    queue.bus.subscribe(TOPIC)
    assert received(queue.bus).payload == b"completed"
