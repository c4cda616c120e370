"""The NATS server that queues jobs for other hosts, and the login there."""

from __future__ import annotations

from reconciler.model.redacted import Redacted


class JobServer(Redacted, frozen=True):
    """A NATS server with JetStream. Paths are absolute or empty."""

    url: str
    """`nats://HOST:PORT` or `tls://HOST:PORT`; other addresses of one cluster follow after commas."""
    username: str = ""
    password: str = ""
    ca_certs: str = ""
    certfile: str = ""
    keyfile: str = ""
