"""Serve the site until the user ends it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socket import socket

from msgspec.structs import replace
from uvicorn import Config, Server

from reconciler.app.board.service import BoardService
from reconciler.ports.listening import listen

from .bind import BindAddress, spelt
from .routes import application, site_for
from .runs import DeedRun
from .settings import WebSettings
from .site import Site

_GRACE = 1  # seconds for requests that are under way
_MOST_AT_ONCE = 256

Say = Callable[[str], None]


def serve(settings: WebSettings, say: Say) -> int:
    """Serve until SIGINT or SIGTERM, whose number is returned. Open pages do not delay the end, a running action does.

    Raises ReconcilerError if it cannot start.
    """
    with listen(settings.bind.address, settings.bind.port) as opened:
        port = int(opened.getsockname()[1])
        settings = replace(settings, bind=BindAddress(settings.bind.address, port))
        site = site_for(settings, BoardService(settings.place.members))
        server = _PageServer(_config(site, port), site, lambda: _greet(site, port, say))
        asyncio.run(server.serve(sockets=[opened]))
        site.feed.wait_closed()
    _await(site.runs.going_on, say)
    return server.ended_by


def _config(site: Site, port: int) -> Config:
    certificate = site.settings.certificate
    return Config(
        application(site, port),
        http="h11",
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        log_level="critical",  # a client that sends nonsense does not write on the terminal
        access_log=False,
        server_header=False,
        proxy_headers=False,  # otherwise a client could choose its own address
        limit_concurrency=_MOST_AT_ONCE,
        timeout_graceful_shutdown=_GRACE,
        ssl_certfile=certificate.certificate if certificate else None,
        ssl_keyfile=certificate.key if certificate else None,
    )


class _PageServer(Server):
    """Ends open streams before it waits for what is under way, and leaves the signal to the caller."""

    def __init__(self, config: Config, site: Site, begun: Callable[[], None]) -> None:
        super().__init__(config)
        self._site, self._begun = site, begun
        self.ended_by = 0

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Begin to look, too, and say where it is."""
        self._site.feed.start(asyncio.get_running_loop())
        await super().startup(sockets)
        self._begun()

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """End the streams first."""
        self._site.feed.close()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Note which signal ends the server."""

        def take(number: int, _frame: object) -> None:
            self.ended_by = self.ended_by or number
            self.handle_exit(number, None)

        before = {number: signal.signal(number, take) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _greet(site: Site, port: int, say: Say) -> None:
    for line in _greeting(site, port):
        say(line)


def _greeting(site: Site, port: int) -> Iterator[str]:
    settings = site.settings
    scheme = "https" if settings.certificate else "http"
    address = f"{scheme}://{spelt(settings.names[0])}:{port}"
    can = ", ".join(sorted(settings.allowed))
    yield (
        f"The page may {can}." if can else "The page only shows; --allow answer,send,stop,resume,apply lets it do more."
    )
    if settings.bind.is_local:
        yield "Open this link; it works once:"
        yield f"  {address}/open?token={site.browsers.new_link()}"
    else:
        yield f"Open {address} and log in as {' or '.join(sorted(settings.logins))}."
    if settings.certificate and settings.certificate.ca:
        yield f"Browsers warn until they trust the CA {address}/ca.crt, whose SHA-256 is"
        yield f"  {settings.certificate.ca_fingerprint}"
    yield "Ctrl-C stops the server; the agents go on."


def _await(runs: list[DeedRun], say: Say) -> None:
    for run in runs:
        say(f"Waiting until this has ended: {run.deed.title}. Ctrl-C leaves at once.")
        run.ended.wait()
