"""Make nats-py's client. Only what `nats_server` opens needs it, so nothing else imports it."""

from __future__ import annotations

import logging
from typing import Any

from nats.aio.client import Client
from nats.errors import SecureConnWantedError

# asyncio warns on standard error whenever a server closes a connection with TLS, which means nothing to the user
logging.getLogger("asyncio").addHandler(logging.NullHandler())


class GuardedClient(Client):
    """A client that never sends its login over a plain connection when TLS is wanted.

    nats-py itself uses TLS only if the server asks for it, so whoever sits in between could switch it off.
    """

    def __init__(self, *, tls: bool) -> None:
        super().__init__()
        self._wants_tls = tls

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:
        """Read what the server says first, which is before the login is sent."""
        if self._wants_tls and initial_connection:
            if not (info.get("tls_required") or info.get("tls_available")):
                raise SecureConnWantedError
            info["tls_required"] = True  # nats-py looks at this after this function, and then begins with TLS
        await super()._process_info(info, initial_connection)
