"""Identify the machine, boot and pid namespace in which a pid is valid."""

from __future__ import annotations

import os
from contextlib import suppress

from msgspec import Struct

from . import proc
from .sysctl import sysctl_text

# A random id per boot. The boot time (kern.boottime) is not suitable: it changes when the clock is set.
_BOOT_IDS = ("kern.bootsessionuuid", "kern.boot_id")  # macOS, FreeBSD


class PidNamespace(Struct, frozen=True):
    """Where a pid is valid: on this host, in this boot, in this pid namespace.

    `boot` and `namespace` are empty when the system does not have them.
    """

    host: str
    boot: str
    namespace: str


def current_namespace() -> PidNamespace:
    """The namespace of this process (proc_sys_kernel(5), pid_namespaces(7); on other systems sysctl(3))."""
    return PidNamespace(os.uname().nodename, _boot_id(), _pid_namespace())


def _boot_id() -> str:
    with suppress(OSError), open(f"{proc.ROOT}/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()
    return next(filter(None, map(sysctl_text, _BOOT_IDS)), "")


def _pid_namespace() -> str:
    with suppress(OSError):
        return os.readlink(f"{proc.ROOT}/self/ns/pid")
    return ""
