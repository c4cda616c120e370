"""How often a client may ask: a token bucket for each address."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address, ip_network

from msgspec import Struct

_MOST = 10_000  # addresses that are remembered


class Rate(Struct, frozen=True):
    """At most `burst` at once, and `per_second` in the long run."""

    burst: float
    per_second: float


READING = Rate(240, 40)
CHANGING = Rate(20, 0.5)
LOGIN_OF_ONE = Rate(5, 1 / 60)
LOGIN_OF_ALL = Rate(30, 0.5)


class RateLimit:
    """Counts what each key did."""

    def __init__(self, rate: Rate, monotonic: Callable[[], float]) -> None:
        self._rate, self._monotonic = rate, monotonic
        self._left: dict[str, tuple[float, float]] = {}

    def wait_for(self, key: str) -> float:
        """Seconds that the key must wait; 0 if it may go on, which then counts."""
        now = self._monotonic()
        left, then = self._left.pop(key, (self._rate.burst, now))
        left = min(self._rate.burst, left + (now - then) * self._rate.per_second)
        allowed = left >= 1
        self._left[key] = (left - 1 if allowed else left, now)
        if len(self._left) > _MOST:
            del self._left[next(iter(self._left))]  # the one that was silent for longest
        return 0.0 if allowed else (1 - left) / self._rate.per_second


def key_of(client: str) -> str:
    """What an address counts as: with IPv6, its whole network, because one machine has all addresses of it."""
    try:
        address = ip_address(client)
    except ValueError:
        return client
    return str(ip_network((address, 64), strict=False)) if address.version == 6 else client
