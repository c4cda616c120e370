"""What was looked up once is not looked up again while all that it rests on is as it was.

Nothing is believed for a length of time. What a lookup asks of files and processes is written down while it runs, and
each later look asks for the marks of those files, and for those processes, anew. A lookup that asked anything whose
change leaves no mark (a database, a screen, a link, a file that was written a moment ago) is made each time.
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
    """The answer of a lookup about `given`, and the marks that it `rests_on`; None when it is not to be recalled."""

    given: object
    rests_on: tuple[tuple[_Question, object], ...] | None
    answer: _T


class _Marks(Struct, frozen=True):
    """The marks of one look; each is taken once, and before what it is of is read: a later change has another one."""

    world: World
    taken: dict[_Question, object] = field(default_factory=dict)

    def of(self, question: _Question) -> object:
        """The mark that this question is told by; None when there is none."""
        if question in self.taken:
            return self.taken[question]
        mark, about = question
        found = self.taken[question] = mark(self, about)
        return found


class ObservationCache:
    """What the last look found. What was not asked for in a look is forgotten with the next one."""

    world: World

    def __init__(self) -> None:
        self._common: object = None
        self._kept: dict[Hashable, _Found[Any]] = {}
        self._last: dict[Hashable, _Found[Any]] = {}
        self._marks: _Marks

    def begin(self, world: World, common: object) -> None:
        """Begin a look at the world; nothing is recalled when `common` is another than in the last one."""
        self.world = world
        self._last = self._kept if common == self._common else {}
        self._common, self._kept, self._marks = common, {}, _Marks(world)

    def found(self, key: Hashable, given: object, lookup: Callable[[World], _T]) -> _T:
        """What `lookup` answers, which rests on nothing but `common`, what is `given` and the world that it gets."""
        found: _Found[_T] | None = self._last.get(key)
        if found is None or found.given != given or not self._holds(found):
            found = self._looked_up(given, lookup)
        if found.rests_on is not None:
            self._kept[key] = found
        return found.answer

    def _holds(self, found: _Found[Any]) -> bool:
        return all(self._marks.of(question) == mark for question, mark in found.rests_on or ())

    def _looked_up(self, given: object, lookup: Callable[[World], _T]) -> _Found[_T]:
        basis = _Basis(self._marks)
        answer = lookup(_noting(self.world, basis))
        return _Found(given, basis.marks(), answer)


# --- what a lookup rests on -------------------------------------------------------------------


class _Basis(Struct, frozen=True):
    """What one lookup has asked, each with its mark, taken before the answer."""

    known: _Marks
    asked: dict[_Question, object] = field(default_factory=dict)

    def rests_on(self, mark: _Mark, about: Any) -> None:
        """The answer is the same while this mark is."""
        question = (mark, about)
        self.asked[question] = self.known.of(question)

    def marks(self) -> tuple[tuple[_Question, object], ...] | None:
        """All marks; None when anything was asked whose change leaves none."""
        return None if None in self.asked.values() else tuple(self.asked.items())


def _noting(world: World, basis: _Basis) -> World:
    """The world as a lookup gets it: every question is noted in the basis."""
    return World(
        tmux=cast(Any, _Unmarked(world.tmux, basis)),
        processes=cast(Any, _NotedProcesses(world.processes, basis)),
        files=cast(Any, _NotedFiles(world.files, basis)),
        clock=cast(Any, _Unmarked(world.clock, basis)),
        brokers=cast(Any, _Unmarked(world.brokers, basis)),
    )


class _Unmarked(Struct, frozen=True):
    """A door whose answers change without a mark: a lookup that goes through it is made each time."""

    door: Any
    basis: _Basis

    def __getattr__(self, name: str) -> Any:
        self.basis.rests_on(_never, name)
        return getattr(self.door, name)


class _NotedFiles(_Unmarked, frozen=True):
    """The door to the files: what is not here, such as a question to a database, has no mark."""

    def read(self, path: str, limit: int = 1 << 20, start: int = 0) -> Observed[bytes]:
        self.basis.rests_on(_file, path)
        return self._files.read(path, limit, start)

    def facts(self, path: str) -> Observed[tuple[float, int]]:
        self.basis.rests_on(_file, path)
        return self._files.facts(path)

    def contains(self, path: str, needle: bytes) -> Observed[bool]:
        self.basis.rests_on(_file, path)
        return self._files.contains(path, needle)

    def find(self, pattern: str) -> Observed[tuple[str, ...]]:
        if _WILD & set(pattern):
            self.basis.rests_on(_folders, os.path.dirname(pattern))
        else:
            self.basis.rests_on(_file, pattern)
        return self._files.find(pattern)

    def real(self, path: str) -> str:
        self.basis.rests_on(_real, path)
        return self._files.real(path)

    def distrust(self, path: str) -> str:
        self.basis.rests_on(_distrust, path)
        return self._files.distrust(path)

    @property
    def _files(self) -> Files:
        return cast(Files, self.door)


class _NotedProcesses(_Unmarked, frozen=True):
    """The door to the processes: what is not here has no mark."""

    def started(self, pid: int) -> Observed[int]:
        self.basis.rests_on(_started, pid)
        return self._processes.started(pid)

    def since(self, pid: int) -> Observed[int]:
        self.basis.rests_on(_since, pid)
        return self._processes.since(pid)

    def family(self, pid: int) -> tuple[int, ...]:
        self.basis.rests_on(_family, pid)
        return self._processes.family(pid)

    def open_files(self, pid: int) -> Observed[tuple[str, ...]]:
        self.basis.rests_on(_open_files, pid)
        return self._processes.open_files(pid)

    def locked_files(self, pid: int) -> tuple[str, ...]:
        self.basis.rests_on(_locked, pid)
        return self._processes.locked_files(pid)

    @property
    def _processes(self) -> Processes:
        return cast(Processes, self.door)


# --- marks ------------------------------------------------------------------------------------


def _never(_marks: _Marks, _about: object) -> None:
    """Its change leaves no mark."""


def _file(marks: _Marks, path: str) -> object:
    return marks.world.files.mark(path)


def _real(marks: _Marks, path: str) -> object:
    return marks.world.files.real(path)


def _distrust(marks: _Marks, path: str) -> object:
    return marks.world.files.distrust(path)


def _folders(marks: _Marks, pattern: str) -> object:
    """Of all folders that are listed on the way; one digest, as many agents rest on the same ones."""
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


def _open_files(marks: _Marks, pid: int) -> object:
    return marks.world.processes.open_files(pid)


def _locked(marks: _Marks, pid: int) -> object:
    """An agent's process leads the terminal session of its pane."""
    locks = cast(Observed[Mapping[int, object]], marks.of((_locks, "")))
    return locks.value.get(pid, ()) if isinstance(locks, Present) else None


def _locks(marks: _Marks, _about: str) -> object:
    return marks.world.processes.locks()
