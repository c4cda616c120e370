"""What tells one machine, and one life of it, from another."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Here:
    """Where a process id means something: on this host, in this boot, in this pid namespace.

    `boot` and `namespace` are empty where the system does not tell.
    """

    host: str
    boot: str
    namespace: str


def here() -> Here:
    """The place that this process runs in (proc_sys_kernel(5), pid_namespaces(7))."""
    return Here(os.uname().nodename, _boot_id(), _pid_namespace())


def _boot_id() -> str:
    with suppress(OSError), open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()
    return ""


def _pid_namespace() -> str:
    with suppress(OSError):
        return os.readlink("/proc/self/ns/pid")
    return ""
