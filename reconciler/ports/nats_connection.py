"""A connection to a NATS server that code without asyncio can use.

nats-py and its loop live in a thread of their own. A lost connection is restored by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from threading import Thread
from time import monotonic
from typing import Any, TypeVar

import msgspec
from nats.errors import (
    ConnectionClosedError,
    Error,
    MaxPayloadError,
    NoRespondersError,
    SecureConnWantedError,
)
from nats.errors import TimeoutError as NoAnswer

from reconciler.model.errors import Unreachable
from reconciler.model.job_server import JobServer

from . import nats_errors
from .bus import Cause
from .nats_client import GuardedClient
from .nats_words import NO_JETSTREAM, JetStreamRequest, Reply
from .tls import client_context

T = TypeVar("T")

_ATTEMPT = 3.0  # seconds until a request is said again
_PAUSE = 0.1  # seconds until a server that is not ready is asked again
_RECONNECT = 0.5  # seconds between two attempts to connect again
_PING = 20  # seconds; a server that leaves two unanswered counts as lost
_OLDEST = (2, 9)


class NatsConnection:
    """A live connection, when it is opened. Every later answer must come within `patience` seconds."""

    def __init__(self, server: JobServer, patience: float) -> None:
        self.server = server
        self.patience = patience
        self.drops = 0
        """How often the connection has been lost."""
        self.client = GuardedClient(tls=nats_errors.wants_tls(server))
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(lambda _loop, _context: None)  # lost connections are told by our own errors
        self._thread = Thread(target=self._loop.run_forever, name="nats", daemon=True)
        self._closed = False
        self._faults: list[Exception] = []
        self._ended_by: tuple[Cause, str] | None = None  # set when a reconnect would not help
        self._on_end: list[Callable[[], None]] = []
        self._up = asyncio.Event()
        self._lost: asyncio.Future[None] = self._loop.create_future()
        self._asked: dict[asyncio.Future[None], str] = {}  # the subjects in small letters

    @property
    def connected(self) -> bool:
        """Whether the connection is up now."""
        return self.client.is_connected

    @property
    def has_ended(self) -> bool:
        """Whether it is lost for good, because a reconnect would not help."""
        return self._ended_by is not None

    def open(self) -> None:
        """Connect for the first time, and check that the server can queue jobs.

        Raises:
            BusUnreachable: No trustworthy connection could be made.
            BusRefused: The server refuses the login.
            Unreachable: The server is too old, or has no JetStream.
            ReconcilerError: A certificate file cannot be used.
        """
        urls, options = nats_errors.addresses(self.server), self._options()
        self._thread.start()
        self.run(self._connect(urls, options))
        version = self.client.connected_server_version
        if (version.major, version.minor) < _OLDEST or self.run(self._lacks_jetstream()):
            raise Unreachable(
                f"the NATS server at {nats_errors.where(self.server)} cannot queue jobs: it has version "
                f"{version.major}.{version.minor}.{version.patch}; version 2.9 or newer with JetStream is needed",
                fix="update the NATS server, and switch JetStream on (`nats-server -js`)",
            )

    def close(self) -> None:
        """Disconnect, and end the thread. Closing twice is fine."""
        if self._closed:
            return
        self._closed = True
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._end_all(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._loop.close()

    def when_ended(self, tell: Callable[[], None]) -> None:
        """Call `tell` when the connection is lost for good."""
        self._on_end.append(tell)

    def check(self) -> None:
        """Raise BusRefused if the connection is lost for good."""
        if self._ended_by:
            raise nats_errors.no(self.server, self._ended_by[0], "the connection", self._ended_by[1])

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`, which runs in the thread of the connection."""
        if self._closed:
            work.close()
            raise nats_errors.away(self.server, Cause.CLOSED, "this program has closed the connection")
        running = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return running.result()
        except BaseException:
            running.cancel()
            raise

    async def ask(self, question: JetStreamRequest) -> bytes:
        """The payload of the answer. The question is asked again when it may have been lost."""
        deadline = monotonic() + self.patience
        silent = "it does not answer"
        while (left := deadline - monotonic()) > 0:
            await self.when_up(left, question.what)
            try:
                return await self._answered(question, min(left, _ATTEMPT))
            except MaxPayloadError:
                raise nats_errors.no(self.server, Cause.TOO_LARGE, question.what) from None
            except (NoAnswer, ConnectionClosedError, ConnectionError):
                continue
            except NoRespondersError:
                silent = "it has nothing that answers this: JetStream or a stream of it is not there"
                await asyncio.sleep(_PAUSE)
        raise nats_errors.away(self.server, Cause.NO_ANSWER, f"{question.what}: {silent}")

    async def heard(self, work: Awaitable[T], question: JetStreamRequest) -> T:
        """What `work` gets from the server.

        Raises ConnectionError as soon as the connection is lost, and BusRefused as soon as the server denies it.
        """
        denied: asyncio.Future[None] = self._loop.create_future()
        self._asked[denied] = question.subject.lower()
        task = asyncio.ensure_future(work)
        try:
            await asyncio.wait((task, denied, self._lost), return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            if denied.done():
                raise nats_errors.no(self.server, Cause.NOT_AUTHORISED, question.what)
            raise ConnectionResetError
        finally:
            task.cancel()
            del self._asked[denied]

    async def when_up(self, seconds: float, what: str) -> None:
        """Wait until the connection is up. Raises BusUnreachable after `seconds`, or BusRefused if it has ended."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._up.wait(), seconds)
        self.check()
        if not self._up.is_set():
            raise nats_errors.away(self.server, Cause.NO_ANSWER, what)

    async def _answered(self, question: JetStreamRequest, seconds: float) -> bytes:
        headers = question.headers or None
        request = self.client.request(question.subject, question.payload, seconds, headers=headers)
        return (await self.heard(request, question)).data

    async def _connect(self, urls: tuple[str, ...], options: dict[str, Any]) -> None:
        """Try each address once. nats-py itself would try for ever."""
        failed = asyncio.Event()

        async def note(error: Exception) -> None:
            self._note(error)
            if len(self._faults) >= len(urls):
                failed.set()

        connecting = asyncio.ensure_future(self.client.connect(list(urls), error_cb=note, **options))
        waiting = asyncio.ensure_future(failed.wait())
        await asyncio.wait((connecting, waiting), timeout=self.patience, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if not connecting.done() or connecting.exception():
            connecting.cancel()
            raise self._not_connected()
        self._faults.clear()
        self._up.set()

    def _options(self) -> dict[str, Any]:
        login = {"user": self.server.username, "password": self.server.password} if self.server.username else {}
        tls = client_context(nats_errors.as_connection(self.server)) if nats_errors.wants_tls(self.server) else None
        return {
            **login,
            "tls": tls,
            "disconnected_cb": self._on_disconnect,
            "reconnected_cb": self._on_reconnect,
            "closed_cb": self._on_closed,
            "connect_timeout": self.patience,
            "max_reconnect_attempts": -1,
            "reconnect_time_wait": _RECONNECT,
            "ping_interval": _PING,
            "dont_randomize": True,
        }

    def _not_connected(self) -> Exception:
        error = self._faults[-1] if self._faults else TimeoutError()
        if isinstance(error, SecureConnWantedError):
            return nats_errors.away(self.server, Cause.NO_TLS)
        if isinstance(error, OSError):  # also TimeoutError
            return nats_errors.away(self.server, nats_errors.cause_of(self.server, error), error.strerror or str(error))
        if _is_about_login(error):
            return nats_errors.no(self.server, Cause.BAD_LOGIN, "connect")
        if "maximum" in str(error):
            return nats_errors.no(self.server, Cause.QUOTA, "connect", str(error))
        closed = nats_errors.wants_tls(self.server) and "connection" not in str(error)
        return nats_errors.away(self.server, Cause.CLIENT_CERTIFICATE if closed else Cause.OTHER, str(error))

    async def _lacks_jetstream(self) -> bool:
        try:
            found = await self.client.request("$JS.API.INFO", b"", self.patience)
        except NoRespondersError:
            return True
        except NoAnswer:
            raise nats_errors.away(self.server, Cause.NO_ANSWER, "ask for JetStream") from None
        error = msgspec.json.decode(found.data, type=Reply).error
        return error is not None and error.err_code in NO_JETSTREAM

    def _note(self, error: Exception) -> None:
        """What nats-py tells of: faults of a connection, and denials, which name the subject in small letters."""
        text = str(error).lower()
        self._faults = [*self._faults[-9:], error]
        if "permissions violation" in text:
            for denied, subject in self._asked.items():
                if not denied.done() and (f'"{subject}"' in text or "_inbox" in text):
                    denied.set_result(None)
        elif (self._up.is_set() or self.drops) and _is_about_login(error):
            self._end(Cause.BAD_LOGIN, "")

    async def _on_disconnect(self) -> None:
        self._up.clear()
        self.drops += 1
        if not self._lost.done():
            self._lost.set_result(None)

    async def _on_reconnect(self) -> None:
        self._lost = self._loop.create_future()
        self._up.set()

    async def _on_closed(self) -> None:
        """The client gives up: the server has said that it does not want this client."""
        if not self._closed:
            last = self.client.last_error
            refused = last is not None and _is_about_login(last)
            self._end(Cause.BAD_LOGIN if refused else Cause.CLOSED, "" if refused else str(last or ""))

    def _end(self, cause: Cause, detail: str) -> None:
        self._ended_by = self._ended_by or (cause, detail)
        self._up.set()  # wakes who waits for the connection; it looks at `_ended_by`
        if not self._lost.done():
            self._lost.set_result(None)
        for tell in self._on_end:
            tell()

    async def _end_all(self) -> None:
        with suppress(Error, OSError, TimeoutError):
            await asyncio.wait_for(self.client.close(), self.patience)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._loop.shutdown_default_executor()


def _is_about_login(error: Exception) -> bool:
    return "authorization" in str(error).lower() or "authentication" in str(error).lower()
