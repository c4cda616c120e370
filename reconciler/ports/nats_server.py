"""Open a NATS server, with what jobs need there. Only here is nats-py loaded, when a server is really used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.errors import Unreachable
from reconciler.model.extras import missing_extra
from reconciler.model.job_server import JobServer

from .nats_streams import add_missing_streams

if TYPE_CHECKING:
    from .nats_link import NatsLink


def open_link(server: JobServer, patience: float) -> NatsLink:
    """A live connection to a server that has the streams.

    Raises:
        BusUnreachable: No trustworthy connection could be made.
        BusRefused: The server refuses the login or the streams.
        Unreachable: nats-py is not installed, or the server is too old, has no JetStream, or streams of another kind.
        ReconcilerError: A certificate file cannot be used.
    """
    try:
        from .nats_link import connect  # noqa: PLC0415 - optional, and it takes 0.1 s to load
    except ImportError as error:
        what = "the Python package nats-py, which jobs over a NATS server need,"
        raise Unreachable(missing_extra(what, "nats").summary) from error
    link = connect(server, patience)
    try:
        add_missing_streams(link)
    except BaseException:
        link.close()
        raise
    return link
