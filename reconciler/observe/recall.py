"""What was looked up once is not looked up again while all that it rests on is as it was.

Nothing is believed for a length of time. What a lookup asks of files and processes is written down while it runs, and
each later look asks for the marks of those files, and for those processes, anew. A lookup that asked anything whose
change leaves no mark (a database, a screen, a link, a file that was written a moment ago) is made each time.
"""

from __future__ import annotations

import os.path
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import partial
from hashlib import sha256
from typing import Any, Generic, TypeAlias, TypeVar, cast

from reconciler.model.observed import Observed, Present, Unknown
from reconciler.ports.world import World

_WILD = frozenset("*?[")
_T = TypeVar("_T")
_Mark: TypeAlias = Callable[["_Marks", Any], object]
_Question: TypeAlias = tuple[_Mark, Any]


@dataclass(frozen=True, slots=True)
class _Found(Generic[_T]):
    """The answer of a lookup about `given`, and the marks that it `rests_on`; None when it is not to be recalled."""

    given: object
    rests_on: tuple[tuple[_Question, object], ...] | None
    answer: _T


@dataclass(frozen=True, slots=True)
class _Marks:
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


class Recall:
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
        marks: dict[_Question, object] = {}

        def ask(question: _Question) -> None:
            marks[question] = self._marks.of(question)

        answer = lookup(_overheard(self.world, ask))
        return _Found(given, None if None in marks.values() else tuple(marks.items()), answer)


# --- what a lookup asks -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Overheard:
    """A door that tells of each question before it is answered."""

    door: object
    ask: Callable[[_Question], None]

    def __getattr__(self, name: str) -> Callable[..., object]:
        return partial(self._answer, name)

    def _answer(self, name: str, *words: Any) -> object:
        self.ask(_question(name, words))
        return cast(object, getattr(self.door, name)(*words))


def _overheard(world: World, ask: Callable[[_Question], None]) -> World:
    return World(*(cast(Any, _Overheard(getattr(world, door.name), ask)) for door in fields(World)))


def _question(name: str, words: tuple[Any, ...]) -> _Question:
    """What tells whether the answer would be another now."""
    about = words[0] if words else ""
    if name == "find":
        return (_folders, os.path.dirname(about)) if _WILD & set(about) else (_file, about)
    return _MARKS.get(name, _never), about


def _file(marks: _Marks, path: str) -> object:
    return marks.world.files.mark(path)


def _locked(marks: _Marks, pid: int) -> object:
    """An agent's process leads the terminal session of its pane."""
    locks = cast(Observed[Mapping[int, object]], marks.of((_locks, "")))
    return locks.value.get(pid, ()) if isinstance(locks, Present) else None


def _locks(marks: _Marks, _about: str) -> object:
    return marks.world.processes.locks()


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


def _never(_marks: _Marks, _about: object) -> None:
    """Its change leaves no mark."""


_MARKS: Mapping[str, _Mark] = {
    "read": _file,
    "facts": _file,
    "contains": _file,
    "real": lambda marks, path: marks.world.files.real(path),
    "distrust": lambda marks, path: marks.world.files.distrust(path),
    "started": lambda marks, pid: marks.world.processes.started(pid),
    "since": lambda marks, pid: marks.world.processes.since(pid),
    "family": lambda marks, pid: marks.world.processes.family(pid),
    "open_files": lambda marks, pid: marks.world.processes.open_files(pid),
    "locked_files": _locked,
}
