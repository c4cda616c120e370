"""What tells one life of a machine from another where there is no /proc."""

from __future__ import annotations

import ctypes
import os
import sys

import pytest

from reconciler.model.observed import Unknown
from reconciler.ports import pid_namespace, proc
from reconciler.ports.origin import machine_mark
from reconciler.ports.sysctl import sysctl_text
from reconciler.ports.tmux.file_limit import open_file_limit


@pytest.fixture
def no_proc(monkeypatch):
    monkeypatch.setattr(proc, "ROOT", "/nowhere")


class Kernel:
    """A system with sysctlbyname(3), and these values under their names."""

    def __init__(self, **values: bytes) -> None:
        self._values = {name.replace("_", ".", 1).encode(): value for name, value in values.items()}

    def sysctlbyname(self, name, answer, size, _new, _new_size):
        if name not in self._values:
            return -1
        assert len(self._values[name]) < size._obj.value
        answer.value = self._values[name]
        return 0


@pytest.fixture
def as_on(monkeypatch):
    """The kernel of another system."""

    def become(platform: str, **values: bytes) -> None:
        monkeypatch.setattr(sys, "platform", platform)
        monkeypatch.setattr(ctypes, "CDLL", lambda _name: Kernel(**values))

    return become


@pytest.mark.usefixtures("no_proc")
def test_macos_and_freebsd_tell_their_boot_by_a_random_number(as_on):
    as_on("darwin", kern_bootsessionuuid=b"5D2C-81")
    assert pid_namespace.current_namespace().boot == "5D2C-81"
    as_on("freebsd14", kern_boot_id=b"77aa")
    assert pid_namespace.current_namespace().boot == "77aa"


@pytest.mark.usefixtures("no_proc")
def test_a_system_that_tells_no_boot_has_an_empty_one(as_on):
    as_on("sunos5")
    assert (pid_namespace.current_namespace().boot, pid_namespace.current_namespace().namespace) == ("", "")


def test_linux_is_not_asked_by_sysctl(as_on):
    as_on("linux", kern_bootsessionuuid=b"5D2C-81")
    assert sysctl_text("kern.bootsessionuuid") == ""


@pytest.mark.usefixtures("no_proc")
def test_a_machine_keeps_its_mark_while_proc_is_away(monkeypatch):
    without = machine_mark()
    monkeypatch.undo()
    assert machine_mark() == without


@pytest.mark.usefixtures("no_proc")
def test_the_files_of_a_tmux_server_are_not_counted_and_the_reason_is_told():
    room = open_file_limit(os.getpid())
    assert isinstance(room, Unknown)
    assert "no /proc" in room.reason
