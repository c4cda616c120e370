"""What is asked of JetStream, over one connection. Each method waits for its answer.

A request whose answer got lost is said again, so everything that is asked here may be carried out twice without harm.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

import msgspec
from nats.aio.msg import Msg
from nats.errors import ConnectionClosedError, Error
from nats.errors import TimeoutError as NoAnswer

from reconciler.model.errors import Unreachable
from reconciler.model.job_server import JobServer

from . import nats_errors
from .bus import BusRefused, Cause
from .nats_connection import NatsConnection
from .nats_words import ALREADY_THERE, NOT_FOUND, JetStreamRequest, Pulled, Reply, Stored, cause_in

Take = Callable[[Stored, bool], None]
"""Gets a message, and whether it was stored before the following began."""

_PAUSE = 0.1  # seconds until a JetStream that is not ready is asked again
_NOT_NOW = 503  # the code of an error that goes away by itself, but for limits
_SHORT, _LONG = 0.02, 2.0  # seconds between two looks for a new message: soon after a hint, rarely without one


def connect(server: JobServer, patience: float) -> NatsLink:
    """An open link. Raises what `NatsConnection.open` raises."""
    connection = NatsConnection(server, patience)
    try:
        connection.open()
    except BaseException:
        connection.close()
        raise
    return NatsLink(connection)


class NatsLink:
    """JetStream over a connection that is open."""

    def __init__(self, connection: NatsConnection) -> None:
        self.connection = connection
        self._followers: set[asyncio.Task[None]] = set()

    def close(self) -> None:
        """End the connection. Closing twice is fine."""
        self.connection.close()

    def publish(self, subject: str, payload: bytes, *, key: str = "", first: bool = False) -> bool:
        """Store a message; False if it is not the `first` of its subject.

        A second message with the same `key` is not stored, but counts as a success.
        """
        headers = {"Nats-Msg-Id": key} if key else {}
        if first:
            headers["Nats-Expected-Last-Subject-Sequence"] = "0"
        question = JetStreamRequest(subject, f"publish {len(payload)} bytes to {subject}", payload, headers)
        return self.connection.run(self._answer(question, (ALREADY_THERE,))).error is None

    def last(self, stream: str, subject: str) -> Stored | None:
        """The last stored message of a subject."""
        return self._stored(stream, {"last_by_subj": subject})

    def after(self, stream: str, subject: str, seq: int) -> Stored | None:
        """The first stored message of the subjects behind a sequence number."""
        return self._stored(stream, {"next_by_subj": subject, "seq": seq + 1})

    def api(self, verb: str, body: object = None, *, allowed: tuple[int, ...] = ()) -> Reply:
        """The answer of the JetStream API. Its error is in it if its code is `allowed`, else it is raised."""
        return self.connection.run(self._answer(_api_question(verb, body), allowed))

    def pull(self, stream: str, consumer: str, seconds: float) -> Pulled | None:
        """The next message of a consumer; None if none comes in time, or the connection was lost meanwhile.

        Raises LookupError if the consumer is gone.
        """
        return self.connection.run(self._pull(stream, consumer, seconds))

    def settle(self, receipt: str, word: bytes) -> None:
        """Answer a pulled message with `+ACK`, `+TERM` or `+WPI`, and wait until the server has read that."""
        self.connection.run(self.connection.ask(JetStreamRequest(receipt, "answer a job", word)))

    def follow(self, stream: str, subject: str, take: Take) -> None:
        """Call `take`, in the thread of the connection, for each stored message of the subjects, then for each new one.

        Each comes once and in order, however often the connection is lost.
        """
        self.connection.run(self._begin_to_follow(stream, subject, take))

    def _stored(self, stream: str, which: dict[str, object]) -> Stored | None:
        return self.api(f"STREAM.MSG.GET.{stream}", which, allowed=(NOT_FOUND,)).message

    async def _answer(self, question: JetStreamRequest, allowed: tuple[int, ...] = ()) -> Reply:
        deadline = monotonic() + self.connection.patience
        while True:
            reply = self._read(await self.connection.ask(question), question)
            if reply.error is None or reply.error.err_code in allowed:
                return reply
            cause = cause_in(reply.error)
            if reply.error.code != _NOT_NOW or cause is not Cause.OTHER or monotonic() > deadline:
                detail = f"{reply.error.description} ({reply.error.err_code})"
                raise nats_errors.no(self.connection.server, cause, question.what, detail)
            await asyncio.sleep(_PAUSE)

    def _read(self, payload: bytes, question: JetStreamRequest) -> Reply:
        try:
            return msgspec.json.decode(payload, type=Reply)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            detail = f"its answer cannot be read: {error}"
            raise nats_errors.no(self.connection.server, Cause.OTHER, question.what, detail) from error

    async def _pull(self, stream: str, consumer: str, seconds: float) -> Pulled | None:
        wish = {"batch": 1, "expires": int(seconds * 1e9)} if seconds > 0 else {"batch": 1, "no_wait": True}
        question = _api_question(f"CONSUMER.MSG.NEXT.{stream}.{consumer}", wish)
        patience, client = self.connection.patience, self.connection.client
        await self.connection.when_up(patience, question.what)
        inbox = client.new_inbox()
        answers = await client.subscribe(inbox)
        try:
            await client.publish(question.subject, question.payload, reply=inbox)
            # the server itself says when the time is over, so no message comes too late and is lost
            return _pulled(await self.connection.heard(answers.next_msg(max(seconds, 0) + patience), question))
        except NoAnswer:
            raise nats_errors.away(self.connection.server, Cause.NO_ANSWER, question.what) from None
        except (ConnectionError, ConnectionClosedError):
            return None
        finally:
            with suppress(Error):
                await answers.unsubscribe()

    async def _begin_to_follow(self, stream: str, subject: str, take: Take) -> None:
        hint = asyncio.Event()

        async def hinted(_message: Msg) -> None:
            hint.set()

        known = await self._answer(_api_question(f"STREAM.INFO.{stream}"))
        await self._next_of(stream, subject, 0)  # denied now rather than never heard of
        await self.connection.client.subscribe(subject, cb=hinted)
        boundary = known.state.last_seq
        following = self._follow(stream, subject, lambda message: take(message, message.seq <= boundary), hint)
        self._followers.add(asyncio.ensure_future(following))

    async def _follow(self, stream: str, subject: str, take: Callable[[Stored], None], hint: asyncio.Event) -> None:
        """Read the stream itself; what comes from the subscription is only a hint that there is something new.

        The hint may come before the message is stored, so it is looked for again and again, less and less often.
        """
        seq, pause = 0, _SHORT
        while True:
            hint.clear()
            message = None
            with suppress(Unreachable, BusRefused):  # it may be allowed again
                message = await self._next_of(stream, subject, seq)
            if message:
                take(message)
                seq, pause = message.seq, _SHORT
                continue
            try:
                await asyncio.wait_for(hint.wait(), pause)
                pause = _SHORT
            except TimeoutError:
                pause = min(pause * 2, _LONG)

    async def _next_of(self, stream: str, subject: str, seq: int) -> Stored | None:
        which = {"next_by_subj": subject, "seq": seq + 1}
        return (await self._answer(_api_question(f"STREAM.MSG.GET.{stream}", which), (NOT_FOUND,))).message


def _api_question(verb: str, body: object = None) -> JetStreamRequest:
    return JetStreamRequest(f"$JS.API.{verb}", verb, msgspec.json.encode(body) if body is not None else b"")


def _pulled(message: Msg) -> Pulled | None:
    """The job in a message; None if the message says that there is none.

    Raises LookupError if it says anything else.
    """
    if message.reply.startswith("$JS.ACK."):
        told = message.metadata
        return Pulled(
            message.subject, message.data, message.reply, told.sequence.stream, told.num_delivered, told.timestamp
        )
    if (message.headers or {}).get("Status") in {"404", "408"}:
        return None
    raise LookupError
