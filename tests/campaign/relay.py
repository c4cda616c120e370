"""What stands between the clients and a broker: the n-th MQTT packet finds the connection, or the broker, gone."""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from threading import RLock, Thread, Timer
from typing import NamedTuple

from .hook import Fault

_KINDS = (
    *("-", "CONNECT", "CONNACK", "PUBLISH", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP"),
    *("SUBSCRIBE", "SUBACK", "UNSUBSCRIBE", "UNSUBACK", "PINGREQ", "PINGRESP", "DISCONNECT", "AUTH"),
)
_WRONG_VERSION = b"\x20\x02\x00\x01"  # MQTT 3.1.1, section 3.2.2.3
_TLS = range(20, 24)
_AWAY, _SILENCE = 3.0, 15.0  # seconds
_NO_FAULT = Fault("mqtt", 0, "LOST")


class Packet(NamedTuple):
    """One control packet; where it comes from is `client` or `broker`."""

    sender: str
    data: bytes
    kind: str

    @property
    def speaks_5(self) -> bool:
        """Whether it is a CONNECT of MQTT 5 (section 3.1.2)."""
        return self.kind == "CONNECT" and self.data[self.data.index(b"\x00\x04MQTT") + 6] == 5


class Relay:
    """A port that leads to the broker; `restart` ends the broker, and starts it without what it had kept.

    With `only_3_1_1` it refuses MQTT 5, as a broker does that does not know it. With `tls` it cannot look inside, and
    what counts is a TLS record.
    """

    def __init__(self, to: int, restart: Callable[[], None], *, only_3_1_1: bool = False, tls: bool = False) -> None:
        self.at_subscription: Callable[[], object] = lambda: None
        self._to, self._restart, self._only_3_1_1, self._tls = to, restart, only_3_1_1, tls
        self._lock, self._open, self._threads = RLock(), set[socket.socket](), list[Thread]()
        self._fault, self._log, self._count = _NO_FAULT, -1, 0
        self._deaf = set[socket.socket]()
        self._door: socket.socket | None = None
        self._closed = False
        self.port = 0
        self._listen()

    def arm(self, fault: Fault, log: Path) -> None:
        """Count packets from here on, with a line each in the log; the one that the fault names is struck."""
        with self._lock:
            self._fault, self._count = fault, 0
            self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def heal(self) -> None:
        """Let everything through again."""
        with self._lock:
            self._fault = _NO_FAULT
            if self._log >= 0:
                os.close(self._log)
            self._log = -1
            self._let_in()

    def close(self) -> None:
        self._closed = True
        self._shut()
        for thread in self._threads:
            thread.join()

    # --- connections ---

    def _let_in(self) -> None:
        with self._lock:
            if self._door is None and not self._closed:
                self._listen()

    def _listen(self) -> None:
        self._door = socket.create_server(("127.0.0.1", self.port))
        self.port = self._door.getsockname()[1]
        self._start(self._accept, self._door)

    def _start(self, work: Callable[..., object], *arguments: object) -> None:
        thread = Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, door: socket.socket) -> None:
        with suppress(OSError):
            while True:
                self._start(self._carry, door.accept()[0])

    def _shut(self) -> None:
        """Cut all connections, and let nobody in."""
        with self._lock:
            doors = [self._door] if self._door else []
            self._door = None
            for each in (*doors, *self._open):
                _cut(each)
            for each in doors:
                each.close()

    def _carry(self, client: socket.socket) -> None:
        """Carry packets both ways until one end closes, or a fault strikes."""
        with client, suppress(OSError), socket.create_connection(("127.0.0.1", self._to)) as broker:
            ends = {client: ("client", broker), broker: ("broker", client)}
            with self._lock:
                self._open.update(ends)
            try:
                while all(self._carried(each, *ends[each]) for each in _ready(ends)):
                    pass
            finally:
                with self._lock:
                    self._open.difference_update(ends)

    def _carried(self, source: socket.socket, sender: str, target: socket.socket) -> bool:
        """Whether the next packet has arrived, and the connection goes on."""
        data = _record(source) if self._tls else _packet(source)
        if not data:
            return False
        packet = Packet(sender, data, "TLS" if self._tls else _KINDS[data[0] >> 4])
        if self._only_3_1_1 and packet.speaks_5:
            source.sendall(_WRONG_VERSION)
            return False
        if self._is_struck(packet):
            return self._is_silent(source, target)
        if source not in self._deaf:
            target.sendall(data)
        if packet.kind == "SUBACK":
            self._start(self.at_subscription)
        return True

    # --- the fault ---

    def _is_struck(self, packet: Packet) -> bool:
        with self._lock:
            self._count += self._log >= 0
            hit = self._log >= 0 and self._fault.kind == "mqtt" and self._count == self._fault.number
            if self._log >= 0:
                line = f"mqtt\tpacket\t{'FAULT' if hit else ''}\t{packet.sender}: {packet.kind}\n"
                os.write(self._log, line.encode())
            if hit:
                self._strike()
            return hit

    def _strike(self) -> None:
        what = self._fault.what
        if what in {"DOWN", "RESTART"}:
            self._shut()
        if what == "DOWN":
            self._later(_AWAY, self._let_in)
        if what == "RESTART":
            self._restart()
            self._let_in()

    def _is_silent(self, *ends: socket.socket) -> bool:
        """Whether the connection stays, and carries nothing any more until it is lost."""
        if self._fault.what != "SILENT":
            return False
        self._deaf.update(ends)
        self._later(_SILENCE, lambda: [_cut(each) for each in ends])
        return True

    def _later(self, seconds: float, what: Callable[[], object]) -> None:
        timer = Timer(seconds, what)
        timer.daemon = True
        timer.start()


def _cut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)  # wakes whoever waits at it


def _ready(ends: Iterable[socket.socket]) -> list[socket.socket]:
    return select.select(list(ends), [], [])[0]


def _record(source: socket.socket) -> bytes:
    """The next whole record (RFC 8446, section 5.1); empty at the end."""
    head = _exactly(source, 5)
    if head and head[0] not in _TLS:  # somebody does not speak it
        return head + source.recv(1 << 16)
    return head and _with(head, source, int.from_bytes(head[3:], "big"))


def _packet(source: socket.socket) -> bytes:
    """The next whole packet (MQTT 5.0, section 2.1); empty at the end."""
    head, length, shift = _exactly(source, 2), 0, 0
    while head:
        length, shift = length | (head[-1] & 0x7F) << shift, shift + 7
        if head[-1] < 0x80:
            return _with(head, source, length)
        head += _exactly(source, 1) or b"\x00"
    return b""


def _with(head: bytes, source: socket.socket, length: int) -> bytes:
    body = _exactly(source, length)
    return head + body if body or not length else b""


def _exactly(source: socket.socket, length: int) -> bytes:
    """So many bytes; none when the end comes before."""
    found = b""
    while len(found) < length:
        part = source.recv(length - len(found))
        if not part:
            return b""
        found += part
    return found
