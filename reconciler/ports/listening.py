"""A socket to listen at, and the names under which other machines reach this one."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address

from reconciler.model.errors import ReconcilerError

_BACKLOG = 128
# RFC 5737 and RFC 3849: for documentation only. Connecting a UDP socket sends nothing; it only chooses a route.
_ELSEWHERE = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))
_WHY = {errno.EADDRINUSE: "another program listens there", errno.EADDRNOTAVAIL: "this machine has no such address"}


def listen(address: IPv4Address | IPv6Address, port: int) -> socket.socket:
    """A socket that listens at this address; port 0 takes a free one. Raises ReconcilerError if it cannot."""
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if address.version == 6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if address.is_unspecified else 1)
        made.bind((str(address), port))
        made.listen(_BACKLOG)
    except OSError as error:
        made.close()
        why = _WHY.get(error.errno or 0) or error.strerror or str(error)
        raise ReconcilerError(
            f"cannot listen at {address} port {port}: {why}", fix="name another one: --bind ADDR:PORT"
        ) from error
    return made


def names_of_this_machine() -> tuple[str, ...]:
    """The host name and the addresses of this machine, as far as they can be told without asking another one."""
    name = socket.gethostname()
    return tuple(dict.fromkeys([*filter(None, (name, f"{name}.local" if "." not in name else "")), *_addresses()]))


def _addresses() -> Iterator[str]:
    for family, elsewhere in _ELSEWHERE:
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((elsewhere, 9))
            yield str(probe.getsockname()[0])
