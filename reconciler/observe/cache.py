"""Reuse the result of an earlier lookup while nothing that it depends on has changed.

Nothing expires by time. While a lookup runs, the cache notes which files and processes it reads. Before each reuse, it
takes the marks of those files and processes again and compares them. A mark is a value that changes with the content,
such as size and times of a file. A lookup that reads anything without a mark is repeated each time: a database, a
screen, a link, or a file that was written a moment ago.
"""

from __future__ import annotations

import os.path
from collections.abc import Callable, Hashable, Iterator, Mapping
from hashlib import sha256
from typing import Any, Generic, TypeAlias, TypeVar, cast

from msgspec import Struct, field

from reconciler.model.observed import Observed, Present, Unknown
from reconciler.ports.world import Files, Processes, World

_WILD = frozenset("*?[")
_T = TypeVar("_T")
_Mark: TypeAlias = Callable[["_Marks", Any], object]
_Question: TypeAlias = tuple[_Mark, Any]


class _Found(Struct, Generic[_T], frozen=True):
    """The answer of a lookup."""

    given: object
    """The values that the lookup was about."""
    depends_on: tuple[tuple[_Question, object], ...] | None
    """The marks of everything that it read; None when the answer must not be reused."""
    answer: _T


class _Marks(Struct, frozen=True):
    """The marks of one look. Each is taken once, before the content is read, so a later change has another mark."""

    world: World
    taken: dict[_Question, object] = field(default_factory=dict)

    def of(self, question: _Question) -> object:
        """The mark for the question; None when there is none."""
        if question in self.taken:
            return self.taken[question]
        mark, about = question
        found = self.taken[question] = mark(self, about)
        return found


class ObservationCache:
    """The answers of the last look. An answer that one look does not ask for is dropped at the next one."""

    world: World

    def __init__(self) -> None:
        self._common: object = None
        self._kept: dict[Hashable, _Found[Any]] = {}
        self._last: dict[Hashable, _Found[Any]] = {}
        self._marks: _Marks

    def begin(self, world: World, common: object) -> None:
        """Begin a look. When `common` differs from the last look's, no earlier answer is used."""
        self.world = world
        self._last = self._kept if common == self._common else {}
        self._common, self._kept, self._marks = common, {}, _Marks(world)

    def found(self, key: Hashable, given: object, lookup: Callable[[World], _T]) -> _T:
        """Return what `lookup` answers, from the cache if possible.

        The answer must depend on nothing except `common`, `given` and the world that `lookup` is called with.
        """
        found: _Found[_T] | None = self._last.get(key)
        if found is None or found.given != given or not self._is_valid(found):
            found = self._looked_up(given, lookup)
        if found.depends_on is not None:
            self._kept[key] = found
        return found.answer

    def _is_valid(self, found: _Found[Any]) -> bool:
        return all(self._marks.of(question) == mark for question, mark in found.depends_on or ())

    def _looked_up(self, given: object, lookup: Callable[[World], _T]) -> _Found[_T]:
        basis = _Basis(self._marks)
        answer = lookup(_noting(self.world, basis))
        return _Found(given, basis.marks(), answer)


# --- what a lookup depends on -----------------------------------------------------------------


class _Basis(Struct, frozen=True):
    """Everything that one lookup has read, with the marks, which are taken before the reading."""

    known: _Marks
    asked: dict[_Question, object] = field(default_factory=dict)

    def note(self, mark: _Mark, about: Any) -> None:
        """Note that the answer is valid only while this mark stays the same."""
        question = (mark, about)
        self.asked[question] = self.known.of(question)

    def marks(self) -> tuple[tuple[_Question, object], ...] | None:
        """All marks; None when the lookup read something without a mark."""
        return None if None in self.asked.values() else tuple(self.asked.items())


def _noting(world: World, basis: _Basis) -> World:
    """The ports that a lookup gets: they note in the basis what is read."""
    return World(
        tmux=cast(Any, _Unmarked(world.tmux, basis)),
        processes=cast(Any, _NotedProcesses(world.processes, basis)),
        files=cast(Any, _NotedFiles(world.files, basis)),
        clock=cast(Any, _Unmarked(world.clock, basis)),
        brokers=cast(Any, _Unmarked(world.brokers, basis)),
    )


class _Unmarked(Struct, frozen=True):
    """A port whose answers have no marks: a lookup that uses it is repeated each time."""

    port: Any
    basis: _Basis

    def __getattr__(self, name: str) -> Any:
        self.basis.note(_never, name)
        return getattr(self.port, name)


class _NotedFiles(_Unmarked, frozen=True):
    """The port of the files. Methods that are not defined here, such as a database query, have no marks."""

    def read(self, path: str, limit: int = 1 << 20, start: int = 0) -> Observed[bytes]:
        self.basis.note(_file, path)
        return self._files.read(path, limit, start)

    def facts(self, path: str) -> Observed[tuple[float, int]]:
        self.basis.note(_file, path)
        return self._files.facts(path)

    def contains(self, path: str, needle: bytes) -> Observed[bool]:
        self.basis.note(_file, path)
        return self._files.contains(path, needle)

    def find(self, pattern: str) -> Observed[tuple[str, ...]]:
        if _WILD & set(pattern):
            self.basis.note(_folders, os.path.dirname(pattern))
        else:
            self.basis.note(_file, pattern)
        return self._files.find(pattern)

    def real(self, path: str) -> str:
        self.basis.note(_real, path)
        return self._files.real(path)

    def distrust(self, path: str) -> str:
        self.basis.note(_distrust, path)
        return self._files.distrust(path)

    @property
    def _files(self) -> Files:
        return cast(Files, self.port)


class _NotedProcesses(_Unmarked, frozen=True):
    """The port of the processes. Methods that are not defined here have no marks."""

    def started(self, pid: int) -> Observed[int]:
        self.basis.note(_started, pid)
        return self._processes.started(pid)

    def since(self, pid: int) -> Observed[int]:
        self.basis.note(_since, pid)
        return self._processes.since(pid)

    def family(self, pid: int, *, wrapped: bool = False) -> tuple[int, ...]:
        self.basis.note(_wrapped_family if wrapped else _family, pid)
        return self._processes.family(pid, wrapped=wrapped)

    def inner_pid(self, pid: int) -> int:
        self.basis.note(_inner_pid, pid)
        return self._processes.inner_pid(pid)

    def open_files(self, pid: int) -> Observed[tuple[str, ...]]:
        self.basis.note(_open_files, pid)
        return self._processes.open_files(pid)

    def locked_files(self, pid: int, *, wrapped: bool = False) -> tuple[str, ...]:
        self.basis.note(_wrapped_locks if wrapped else _locked, pid)
        return self._processes.locked_files(pid, wrapped=wrapped)

    @property
    def _processes(self) -> Processes:
        return cast(Processes, self.port)


# --- marks ------------------------------------------------------------------------------------


def _never(_marks: _Marks, _about: object) -> None:
    """The mark of everything that has none."""


def _file(marks: _Marks, path: str) -> object:
    return marks.world.files.mark(path)


def _real(marks: _Marks, path: str) -> object:
    return marks.world.files.real(path)


def _distrust(marks: _Marks, path: str) -> object:
    return marks.world.files.distrust(path)


def _folders(marks: _Marks, pattern: str) -> object:
    """The marks of all folders that the pattern lists, as one digest: many agents depend on the same folders."""
    parts = pattern.split("/")
    first = next((i for i, part in enumerate(parts) if _WILD & set(part)), len(parts))
    listed = [each for end in range(first, len(parts) + 1) for each in _listed(marks.world, "/".join(parts[:end]))]
    return None if None in listed else sha256(repr(listed).encode()).hexdigest()


def _listed(world: World, pattern: str) -> Iterator[object]:
    found = world.files.find(pattern or "/")
    if isinstance(found, Unknown):
        yield None
    for path in found.value if isinstance(found, Present) else ():
        mark = world.files.mark(path)
        yield None if mark is None else (path, mark)


def _started(marks: _Marks, pid: int) -> object:
    return marks.world.processes.started(pid)


def _since(marks: _Marks, pid: int) -> object:
    return marks.world.processes.since(pid)


def _family(marks: _Marks, pid: int) -> object:
    return marks.world.processes.family(pid)


def _wrapped_family(marks: _Marks, pid: int) -> object:
    return marks.world.processes.family(pid, wrapped=True)


def _inner_pid(marks: _Marks, pid: int) -> object:
    return marks.world.processes.inner_pid(pid)


def _open_files(marks: _Marks, pid: int) -> object:
    return marks.world.processes.open_files(pid)


def _locked(marks: _Marks, pid: int) -> object:
    """The locks of the terminal session that `pid` leads, as an agent's process leads the session of its pane."""
    locks = cast(Observed[Mapping[int, object]], marks.of((_locks, "")))
    return locks.value.get(pid, ()) if isinstance(locks, Present) else None


def _wrapped_locks(marks: _Marks, pid: int) -> object:
    """The locks of the whole family, which may have several terminal sessions behind a wrapper."""
    family = marks.of((_wrapped_family, pid))
    return (family, marks.of((_locks, ""))) if isinstance(marks.of((_locks, "")), Present) else None


def _locks(marks: _Marks, _about: str) -> object:
    return marks.world.processes.locks()
