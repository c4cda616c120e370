"""A bus without a broker and without a network: files in the folder of the job records, which only their owner reads.

`<job>/events.spool` has a line for each message of a topic `.../<job>/events`; lines are only ever added. The file
`.spool` grows by a byte with each of them, so that who waits looks at one file, however many jobs there are.
"""

from __future__ import annotations

import fcntl
import os
import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections import deque
from collections.abc import Iterable
from typing import BinaryIO

from . import own_files
from .bus import LARGEST_PAYLOAD, BusRefused, BusUnreachable, Cause, Message
from .clock import RealClock

LARGEST_SPOOL = 1 << 26  # bytes of one job: whoever floods it must not fill the disk
_SPOOL, _BELL = "events.spool", ".spool"
_TOPIC = re.compile(r"[^#+\0\s]+/([A-Za-z0-9_][A-Za-z0-9_.:@-]{0,127})/events")
_LINE = re.compile(rb"([km]) (\S+) (\S*)\n")  # kept or not, topic, payload in base64
_PAUSE = 0.1  # seconds between two looks
_SWEEP = 2.0  # seconds until all files are looked at, in case a writer was killed before it told


class LocalBus:
    """A `Bus` over the files in one folder; several processes may use it at once."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._clock = RealClock()
        self._filters: list[re.Pattern[str]] = []
        self._named: set[str] | None = set()  # the jobs whose files are read; None for all
        self._ends: dict[str, int] = {}
        self._inbox: deque[Message] = deque()
        self._heard = -1
        self._next_sweep = 0.0

    @property
    def tells_denials(self) -> bool:
        """What cannot be written is always told."""
        return True

    @property
    def connected(self) -> bool:
        """Files are always there."""
        return True

    @property
    def drops(self) -> int:
        """There is no connection that could be lost."""
        return 0

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Add a message to the file of its job."""
        name = _job_of(topic)
        if len(payload) > LARGEST_PAYLOAD:
            detail = f"{len(payload)} bytes for {topic}, where {LARGEST_PAYLOAD} may be sent"
            raise BusRefused(Cause.TOO_LARGE, f"too large: {detail}", fix="send less")
        line = b"%c %s %s\n" % (b"k" if retain else b"m", topic.encode(), b64encode(payload))
        try:
            for folder in (self._folder, os.path.join(self._folder, name)):
                own_files.make_folder(folder, 0o700)
            self._add(self._path(name), line)
            self._add(os.path.join(self._folder, _BELL), b".")
        except OSError as error:
            raise _away(self._folder, error) from error

    def subscribe(self, topic_filter: str) -> None:
        """Receive what matches the filter from now on, and what is kept of it."""
        self._collect()
        pattern = re.compile("[^/]+".join(map(re.escape, topic_filter.split("+"))))
        named = None if "+" in topic_filter else _job_of(topic_filter)
        for name in [named] if named else self._all():
            messages = list(self._read(name, 0))
            self._inbox += _kept_of(each for each in messages if pattern.fullmatch(each.topic))
        self._filters.append(pattern)
        self._named = {*self._named, named} if named and self._named is not None else None

    def receive(self, seconds: float) -> Message | None:
        """The next message, or None when there is none within `seconds`."""
        deadline = self._clock.monotonic() + seconds
        while True:
            if not self._inbox and self._is_news():
                self._collect()
            if self._inbox:
                return self._inbox.popleft()
            left = deadline - self._clock.monotonic()
            if left <= 0:
                return None
            self._clock.wait(min(_PAUSE, left))

    def close(self) -> None:
        """Nothing is open between two looks."""

    def _is_news(self) -> bool:
        """Whether anything may have been written since the last look."""
        heard, now = _size(os.path.join(self._folder, _BELL)), self._clock.monotonic()
        if heard == self._heard and now < self._next_sweep:
            return False
        self._heard, self._next_sweep = heard, now + _SWEEP
        return True

    def _collect(self) -> None:
        """Take what was added to the files since the last look."""
        for name in self._all() if self._named is None else sorted(self._named):
            end = self._ends.get(name, 0)
            size = _size(self._path(name))
            if size == end:
                continue
            messages = self._read(name, end if size > end else 0)  # a smaller file is another one
            self._inbox += [each for each in messages if any(f.fullmatch(each.topic) for f in self._filters)]

    def _read(self, name: str, begin: int) -> Iterable[Message]:
        """The messages of a job from a place on."""
        messages, self._ends[name] = spooled(self._folder, name, begin)
        return messages

    def _all(self) -> list[str]:
        """Every job that a message was written of."""
        try:
            with os.scandir(self._folder) as found:
                names = [each.name for each in found if not each.name.startswith(".") and each.is_dir()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise _away(self._folder, error) from error
        return sorted(name for name in names if _size(self._path(name)) >= 0)

    def _path(self, name: str) -> str:
        return _spool(self._folder, name)

    def _add(self, path: str, line: bytes) -> None:
        with own_files.appending(path) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            size = file.seek(0, os.SEEK_END)
            if size + len(line) > LARGEST_SPOOL:
                raise BusRefused(Cause.QUOTA, f"{path} has {size} bytes: it takes no more", fix="end the job")
            _write_whole(file, size, line)


def spooled(folder: str, job_id: str, begin: int) -> tuple[list[Message], int]:
    """The messages of a job from the place `begin` in its file on, and the place behind the last whole one.

    A line that is not yet whole is left for later. Raises BusUnreachable if the file cannot be read.
    """
    try:
        with own_files.regular(_spool(folder, job_id)) as file:
            file.seek(begin)
            text = file.read(2 * LARGEST_SPOOL)
    except FileNotFoundError:
        text = b""
    except OSError as error:
        raise _away(folder, error) from error
    whole = text[: text.rfind(b"\n") + 1]
    return [*filter(None, map(_message, whole.splitlines(keepends=True)))], begin + len(whole)


def _spool(folder: str, job_id: str) -> str:
    return os.path.join(folder, job_id, _SPOOL)


def _away(folder: str, error: OSError) -> BusUnreachable:
    return BusUnreachable(
        Cause.NO_ANSWER,
        f"the events of jobs in {folder} cannot be reached: {error.strerror}",
        detail=error.filename or "",
        fix="see that the folder is yours, and that there is space on the disk",
    )


def _write_whole(file: BinaryIO, size: int, line: bytes) -> None:
    """Add the line, or nothing of it; what a killed writer has left is ended first."""
    if size and line != b"." and _last_byte(file, size) != b"\n":
        line = b"\n" + line
    try:
        written = file.write(line)
    except OSError:
        file.truncate(size)
        raise
    if written != len(line):
        file.truncate(size)
        raise OSError(28, os.strerror(28), file.name)
    os.fsync(file.fileno())


def _last_byte(file: BinaryIO, size: int) -> bytes:
    file.seek(size - 1)
    return file.read(1)


def _job_of(topic: str) -> str:
    """The job that a topic is about; BusRefused for any other topic."""
    found = _TOPIC.fullmatch(topic)
    if found is None:
        raise BusRefused(Cause.NOT_AUTHORISED, f"{topic} is not a topic of a job", fix="use PREFIX/ID/events")
    return found[1]


def _message(line: bytes) -> Message | None:
    """The message in a line; None for one that was damaged."""
    found = _LINE.fullmatch(line)
    try:
        return Message(found[2].decode(), b64decode(found[3], validate=True), found[1] == b"k") if found else None
    except (NotBase64, UnicodeDecodeError):
        return None


def _kept_of(messages: Iterable[Message]) -> list[Message]:
    """The last kept message of each topic; an empty one takes it away."""
    kept = {each.topic: each for each in messages if each.retained}
    return [each for each in kept.values() if each.payload]


def _size(path: str) -> int:
    """The bytes of a file; -1 without one."""
    try:
        return os.stat(path).st_size
    except OSError:
        return -1
