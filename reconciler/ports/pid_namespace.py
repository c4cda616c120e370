"""What tells one machine, and one life of it, from another."""

from __future__ import annotations

import os
from contextlib import suppress

from msgspec import Struct

from . import proc
from .sysctl import told_by_sysctl

# One random number a boot. The time of the boot (kern.boottime) will not do: it moves when the clock is set.
_BOOT_IDS = ("kern.bootsessionuuid", "kern.boot_id")  # macOS, FreeBSD


class PidNamespace(Struct, frozen=True):
    """Where a process id means something: on this host, in this boot, in this pid namespace.

    `boot` and `namespace` are empty where the system does not tell.
    """

    host: str
    boot: str
    namespace: str


def current_namespace() -> PidNamespace:
    """The place that this process runs in (proc_sys_kernel(5), pid_namespaces(7); elsewhere sysctl(3))."""
    return PidNamespace(os.uname().nodename, _boot_id(), _pid_namespace())


def _boot_id() -> str:
    with suppress(OSError), open(f"{proc.ROOT}/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()
    return next(filter(None, map(told_by_sysctl, _BOOT_IDS)), "")


def _pid_namespace() -> str:
    with suppress(OSError):
        return os.readlink(f"{proc.ROOT}/self/ns/pid")
    return ""
