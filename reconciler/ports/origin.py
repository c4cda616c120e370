"""Identify this machine, and a folder on it."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from hashlib import sha256

from reconciler.model.record import Origin

_PURPOSE = b"reconciler registry "  # machine-id(5) says to publish only a hash of the id
_LENGTH = 32


def origin_of(folder: str) -> Origin:
    """The origin of a registry in `folder`. A missing folder has device and inode 0."""
    real = os.path.realpath(folder)
    device, inode = 0, 0
    with suppress(OSError):
        found = os.stat(real)
        device, inode = found.st_dev, found.st_ino
    return Origin(machine_mark(), host_name(), real, device, inode)


def host_name() -> str:
    """The name of this machine, or of this container."""
    return os.uname().nodename


def machine_mark() -> str:
    """The first 32 digits of `machine_digest`, as registries record them; empty if the machine has no id."""
    return machine_digest()[:_LENGTH]


def machine_digest() -> str:
    """SHA-256 of an id of this machine that survives reboots, and a fixed word; empty if it has none."""
    identity = _host_uuid() if sys.platform == "darwin" else _machine_id()
    return sha256(_PURPOSE + identity).hexdigest() if identity else ""


def _machine_id() -> bytes:
    """The machine id of Linux. It is empty in most containers."""
    with suppress(OSError), open("/etc/machine-id", "rb") as file:
        text = file.read(64).strip()
        return text if len(text) == _LENGTH else b""
    return b""


def _host_uuid() -> bytes:
    """The machine id of macOS, from gethostuuid(3)."""
    if sys.platform != "darwin":
        return b""
    import ctypes  # noqa: PLC0415 - not needed on Linux

    class Wait(ctypes.Structure):
        """A struct timespec: how long to wait for an answer."""

        _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))

    answer, wait = ctypes.create_string_buffer(16), Wait(1, 0)
    with suppress(OSError, AttributeError):
        if ctypes.CDLL(None).gethostuuid(answer, ctypes.byref(wait)) == 0:
            return answer.raw
    return b""
