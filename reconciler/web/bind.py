"""Where the server listens, and under which names browsers may ask for it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address

from msgspec import Struct

from reconciler.model.errors import UsageError

DEFAULT = "127.0.0.1:8737"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}(\.[A-Za-z0-9][A-Za-z0-9-]{0,62}){0,9}")  # RFC 1123, 2.1
_EXAMPLE = "for example --bind 127.0.0.1:8737, or --bind 0.0.0.0:8737 for other machines"


class BindAddress(Struct, frozen=True):
    """An address of this machine and a port."""

    address: IPv4Address | IPv6Address
    port: int

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        return self.address.is_loopback


def bind_address(text: str) -> BindAddress:
    """The address that `ADDR:PORT` names. Raises UsageError."""
    host, colon, port = text.rpartition(":")
    host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    host = "127.0.0.1" if host == "localhost" else host
    if not colon or not (port.isascii() and port.isdecimal()) or int(port) > 65535:
        raise UsageError(f"--bind {text} is not ADDR:PORT", fix=_EXAMPLE)
    try:
        return BindAddress(ip_address(host), int(port))
    except ValueError:
        raise UsageError(f"--bind {text}: {host or 'nothing'} is not an address", fix=_EXAMPLE) from None


def expect_names(names: Iterable[str]) -> None:
    """Raise UsageError for what is neither a name nor an address of a machine."""
    for name in names:
        if not is_name(name):
            raise UsageError(f"--name {name} is not the name or the address of a machine", fix="leave out the port")


def is_name(name: str) -> bool:
    """Whether it can be in a URL and in a certificate as the name or the address of a machine."""
    with suppress(ValueError):
        ip_address(name)
        return True
    return bool(_NAME.fullmatch(name))


def hosts_of(names: Iterable[str], port: int, *, secure: bool) -> frozenset[str]:
    """The values of the Host header that mean this server, in lower case."""
    usual = port == (443 if secure else 80)
    written = [spelt(name).lower() for name in names]
    return frozenset({*(f"{name}:{port}" for name in written), *(written if usual else ())})


def spelt(name: str) -> str:
    """A name or an address as a URL has it."""
    return f"[{name}]" if ":" in name else name
