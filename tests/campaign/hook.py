"""The fault hook: the n-th thing that the program asks of the system goes wrong.

It stands below the doors, so the program holds no code for it. An audit hook sees each call that Python tells of, and
wrappers see the rest. Only what the program asks for counts: imports, and the test's own machinery, do not.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import signal
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import reconciler

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_PROGRAM = os.path.dirname(reconciler.__file__) + os.sep
# Each event that can fail, and its class. A write, a sync and what goes through a pipe have no event of Python's own.
CLASSES = {
    **{f"os.{name}": "write" for name in ("rename", "link", "symlink", "remove", "mkdir", "rmdir", "chmod", "chown")},
    **dict.fromkeys(("create", "write", "sync", "os.truncate", "os.utime", "fcntl.flock"), "write"),
    **dict.fromkeys(("open", "os.listdir", "os.scandir", "sqlite3.connect"), "read"),
    **dict.fromkeys(("spawn", "os.posix_spawn", "os.kill", "os.killpg", "socket.connect", "pipe"), "process"),
    **dict.fromkeys(("spawn of tmux", "pipe of tmux"), "tmux"),
}
# What a system really answers: a full disk refuses what takes space, and too many open files what opens one.
_SPAWNS = frozenset({"spawn", "spawn of tmux", "os.posix_spawn"})
POSSIBLE = {
    "ENOSPC": frozenset({"create", "write", "sync", "os.mkdir", "os.link", "os.symlink", "os.rename"}),
    "EMFILE": frozenset({"create", "open", "os.listdir", "os.scandir", "sqlite3.connect", *_SPAWNS}),
    "EIO": frozenset(CLASSES) - _SPAWNS - {"os.kill", "os.killpg", "fcntl.flock", "sqlite3.connect"},
    "EAGAIN": _SPAWNS,
    "SIGKILL": frozenset(CLASSES),
    "SIGTERM": frozenset(CLASSES),
    **dict.fromkeys(("LOST", "SILENT", "DOWN", "RESTART"), frozenset({"packet"})),  # these the relay lets happen
}


class Fault(NamedTuple):
    """Event `number` of a class (from 1) fails with `what`; with `lasting`, each one from there on."""

    kind: str
    number: int
    what: str
    lasting: bool = False

    def __str__(self) -> str:
        return f"{self.kind} {self.number} {self.what}{'+' if self.lasting else ''}"


def parse(text: str) -> Fault:
    """The fault that `str` of it gave."""
    kind, number, what = text.split()
    return Fault(kind, int(number), what.rstrip("+"), what.endswith("+"))


def begin(given: str) -> None:
    """Watch this process from here on; `given` is a fault and, behind `>`, the file that gets a line an event."""
    fault, _, log = given.partition(">")
    watch = _Watch(parse(fault), os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600))
    sys.addaudithook(watch.audit)
    watch.wrap()


class _Watch:
    """Counts the events that the fault could strike, and lets the chosen one fail."""

    def __init__(self, fault: Fault, log: int) -> None:
        self._fault, self._log, self._count = fault, log, 0
        self._write, self._kill, self._open = os.write, os.kill, io.open
        self._over = False

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        name = _name(event, arguments)
        if name in CLASSES:
            self.event(name, repr(arguments[:2]) if "spawn" in name else repr(arguments)[:200])

    def event(self, name: str, told: str, half: Callable[[], object] = lambda: None) -> None:
        """Note it; when it is the one, do `half` of it and fail."""
        asking = "" if self._over else _asking()
        if not asking:
            return
        if name == "pipe" and "/ports/tmux/" in asking:
            name = "pipe of tmux"
        hit = self._is_the_one(name)
        self._say(f"{CLASSES[name]}\t{name}\t{'FAULT' if hit else ''}\t{told}")
        if hit:
            half()
            self._strike(told)

    def _is_the_one(self, name: str) -> bool:
        fault = self._fault
        if not fault.number or CLASSES[name] != fault.kind or name not in POSSIBLE[fault.what]:
            return False
        self._count += 1
        return self._count == fault.number or (fault.lasting and self._count > fault.number)

    def _say(self, line: str) -> None:
        self._write(self._log, line.encode("utf-8", "backslashreplace").replace(b"\n", b"\\n") + b"\n")

    def _strike(self, told: str) -> None:
        if self._fault.what.startswith("SIG"):
            self._over = True
            self._kill(os.getpid(), getattr(signal, self._fault.what))
            return
        number = getattr(errno, self._fault.what)
        raise OSError(number, os.strerror(number), told.split("'")[1] if "'" in told else None)

    # --- what no audit hook sees ---

    def wrap(self) -> None:
        for name in ("fsync", "fdatasync"):
            setattr(os, name, self._wrapped(getattr(os, name), "sync"))
        os.write = self._wrapped(os.write, "pipe")
        os.read = self._wrapped(os.read, "pipe")
        io.open = builtins.open = self._opening

    def _wrapped(self, real: Callable[..., Any], name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            self.event(name, repr(arguments)[:200])
            return real(*arguments, **named)

        return call

    def _opening(self, file: Any, mode: str = "r", buffering: int = -1, *rest: Any, **named: Any) -> Any:
        """As `open`, and each write of a file is an event."""
        if not set(mode) & set("wax+") or not _asking():
            return self._open(file, mode, buffering, *rest, **named)
        raw = _File(file, mode.replace("b", "").replace("t", ""), named.get("closefd", True), watch=self)
        if "b" in mode:
            return raw if buffering == 0 else _buffered(raw, mode)
        return io.TextIOWrapper(_buffered(raw, mode), *rest, **{k: v for k, v in named.items() if k != "closefd"})


class _File(io.FileIO):
    """A file whose writes are events; the one that fails has written half of its bytes."""

    def __init__(self, file: Any, mode: str, closefd: bool, *, watch: _Watch) -> None:
        super().__init__(file, mode, closefd)
        self._watch = watch

    def write(self, data: Any) -> int:
        content = bytes(data)
        whole = super().write
        self._watch.event("write", f"{len(content)} bytes", lambda: whole(content[: len(content) // 2]))
        return whole(data)


def _buffered(raw: _File, mode: str) -> Any:
    return io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)


def _name(event: str, arguments: tuple[Any, ...]) -> str:
    """What we call an audit event; a file that is open already is opened by its number, which is none."""
    if event == "open":
        path, _, flags = arguments
        return "" if isinstance(path, int) else "create" if flags & _WRITES else "open"
    if event == "subprocess.Popen":
        words = map(str, (arguments[0], *arguments[1][:1]))
        return "spawn of tmux" if any(os.path.basename(word) == "tmux" for word in words) else "spawn"
    return event


def _asking() -> str:
    """The file of the program that asks; empty for an import, and for what the standard library loads for itself."""
    frame = sys._getframe(2)
    while frame:
        name = frame.f_code.co_filename
        if name.startswith("<frozen importlib") or name.endswith(("linecache.py", "traceback.py", "warm.py")):
            return ""
        if name.startswith(_PROGRAM):
            return name
        frame = frame.f_back
    return ""
