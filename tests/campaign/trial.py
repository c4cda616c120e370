"""One command with one fault, and what it leaves: the case, the same command again, and an empty plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from subprocess import CompletedProcess
from typing import NamedTuple

import warm
from project import Project
from waiting import wait_until

from .hook import Fault
from .invariants import IN_THE_END, Case, violations
from .lab import Campaigned
from .operations import APPLY, Operation
from .scene import Scene, look

SECONDS = 90
MOMENT = 5
NO_FAULT = Fault("write", 0, "EIO")


class Verdict(NamedTuple):
    """What was wrong, if anything, and whether the fault came about at all."""

    wrong: list[str]
    hit: bool


@cache
def count(operation: Operation) -> Counter[tuple[str, str]]:
    """How many events of each class and name the operation has when nothing goes wrong."""
    with operation.lab() as project:
        operation.prepare(project)
        done = faulty(project, words_of(operation, project), NO_FAULT)
        assert done.returncode in operation.again, done.stdout + done.stderr
        return Counter((kind, name) for kind, name, *_ in events(project))


def attempt(operation: Operation, fault: Fault) -> Verdict:
    """Do it with the fault, look, do it again, look again."""
    with operation.lab() as project:
        operation.prepare(project)
        before = at_rest(project)
        done = faulty(project, words_of(operation, project), fault)
        hit = any(mark for _, _, mark, _ in events(project))
        case = _case(operation, done, before, at_rest(project), killed=hit and fault.what.startswith("SIG"))
        wrong = violations(case)
        return Verdict([*wrong, *(f"again: {each}" for each in _again(project, case))], hit)


def faulty(project: Campaigned, words: tuple[str, ...], fault: Fault) -> CompletedProcess[str]:
    """The command, with the fault hook in its process."""
    _log(project).unlink(missing_ok=True)
    project.meet(fault, _log(project))
    try:
        return warm.run(words, project.root, project.env, SECONDS, before=f"{fault}>{_log(project)}")
    finally:
        project.recover()


def words_of(operation: Operation, project: Project) -> tuple[str, ...]:
    """The words, with the newest job and a request that was shown in their places."""
    jobs = project.root / ".mam" / "jobs"
    newest = max((path.stem for path in jobs.glob("*.json")), default="")
    shown = next((path.stem for path in jobs.glob(".requests/*/*.shown")), "none")
    return tuple(word.replace("{job}", newest).replace("{request}", shown) for word in operation.words)


def events(project: Project) -> list[list[str]]:
    """What the last command asked of the system: class, name, whether it failed, and of what."""
    lines = _log(project).read_text(errors="replace").splitlines() if _log(project).exists() else []
    return [line.split("\t", 3) for line in lines]


def _again(project: Project, case: Case) -> Iterator[str]:
    """The same command, then whatever is left to do, then a plan in which nothing is."""
    operation = case.operation
    done = project.attempt(*words_of(operation, project))
    if done.returncode not in operation.again:
        yield f"exit code {done.returncode}: {_end_of(done)}"
    steady = (APPLY, ("plan", "--detailed-exitcode")) if operation.steady else ()
    for words in (*operation.finish, *steady):
        more = project.attempt(*words)
        if more.returncode:
            yield f"`{' '.join(words)}` exits with {more.returncode}: {_end_of(more)}"
    yield from operation.truth(project)
    yield from in_the_end(project, lambda after: _case(operation, done, case.before, after, killed=False))


def in_the_end(project: Project, case: Callable[[Scene], Case]) -> list[str]:
    """What is wrong, and stays wrong: what was ended by the last command takes a moment to be gone."""
    found: list[list[str]] = []

    def is_right() -> bool:
        found.append(violations(case(look(project)), IN_THE_END))
        return not found[-1]

    with suppress(AssertionError):
        wait_until(is_right, MOMENT)
    return found[-1]


def _case(operation: Operation, done: CompletedProcess[str], before: Scene, after: Scene, *, killed: bool) -> Case:
    return Case(operation, done.returncode, done.stdout + done.stderr, before, after, killed)


def at_rest(project: Project) -> Scene:
    """The scene once nothing in it is on its way: it looks the same twice."""
    seen = [look(project)]

    def is_still() -> bool:
        seen.append(look(project))
        return seen[-1].processes == seen[-2].processes and seen[-1].sessions == seen[-2].sessions

    wait_until(is_still)
    return seen[-1]


def _end_of(done: CompletedProcess[str]) -> str:
    return (done.stdout + done.stderr)[-400:].strip()


def _log(project: Project) -> Path:
    return project.home / "log"
