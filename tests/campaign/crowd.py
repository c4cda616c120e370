"""Many commands at once on one project, some of them killed at a write or while they talk with tmux."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import NamedTuple

import warm
from project import Project

from .hook import Fault
from .invariants import (
    Case,
    exit_code,
    foreign_sessions_live,
    no_traceback,
    one_process_each,
    registry_is_whole,
)
from .lab import NEIGHBOURS, declare, lab, move_in
from .operations import APPLY, MANIFEST, A, B, C, Operation
from .scene import Scene, look
from .trial import NO_FAULT, at_rest, in_the_end

SECONDS = 180
NAMES = {A: "a", B: "b", C: "c"}
PATIENT = ("--lock-timeout", "60s")
# What is true at every moment, whoever is at work just then.
MEANWHILE = (registry_is_whole, foreign_sessions_live, one_process_each)
ALL_RUN = Operation(lambda _: None, ("resume", A, B, C), frozenset({A, B, C}), frozenset({A, B, C}), writes=MANIFEST)


class Turn(NamedTuple):
    """One command, with the moment at which it is killed, if it is; `colour` is a change of the manifest before it."""

    words: tuple[str, ...]
    fault: Fault
    colour: str = ""


@dataclass
class Outcome:
    """What a crowd did, and everything that was not as it must be."""

    codes: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)


def turns(seed: int, count: int) -> Iterator[Turn]:
    """What the crowd does; the same seed, the same commands and kills."""
    dice = Random(seed)  # noqa: S311 - no secret
    for _ in range(count):
        name = dice.choice(list(NAMES))
        words = dice.choice(
            (
                *[(*APPLY, *PATIENT)] * 4,
                *[APPLY, ("stop", name, *PATIENT), ("stop", name), ("resume", name, *PATIENT), ("resume", name)],
                *[("refresh", *PATIENT), ("monitor", "--once"), ("plan",), ("drift",), ("status", "--json")],
            )
        )
        killed = dice.random() < 0.4
        fault = Fault(dice.choice(("write", "write", "tmux")), dice.randint(1, 25), "SIGKILL") if killed else NO_FAULT
        yield Turn(words, fault, dice.choice(("", "", "", "red", "blue")))


def crowd(seed: int, count: int, at_once: int) -> Outcome:
    """Let them all have their turn, `at_once` at a time; then bring everything to rest, and look once more."""
    outcome = Outcome()
    with lab() as project:
        move_in(project, NEIGHBOURS)
        declare(project, "a", "b", "c")
        project.run(*APPLY)
        before = at_rest(project)
        with ThreadPoolExecutor(at_once) as pool:
            for _ in pool.map(
                lambda numbered: _play(project, before, outcome, numbered), enumerate(turns(seed, count))
            ):
                pass
        _end(project, before, outcome)
    return outcome


def _play(project: Project, before: Scene, outcome: Outcome, numbered: tuple[int, Turn]) -> None:
    number, turn = numbered
    if turn.colour:
        _paint(project, turn.colour, project.root / f".aside-{number}")
    log = project.home / "tmp" / f"log-{number}"
    done = warm.run(turn.words, project.root, project.env, SECONDS, before=f"{turn.fault}>{log}")
    killed = "\tFAULT\t" in log.read_text(errors="replace") if log.exists() else False
    log.unlink(missing_ok=True)
    seen = look(project)
    outcome.codes[done.returncode] += 1
    outcome.ids |= seen.ids
    case = Case(ALL_RUN, done.returncode, done.stdout + done.stderr, before, seen, killed)
    for check in (exit_code, no_traceback, *MEANWHILE):
        outcome.wrong += [f"{number}: `{' '.join(turn.words)}`, {turn.fault}: {each}" for each in check(case)]


def _paint(project: Project, colour: str, aside: Path) -> None:
    """Write the manifest as an editor does, at once: a reader never sees half of it, and each painter has a folder."""
    aside.mkdir()
    declare(Project(aside, project.home, project.socket), "a", "b", "c", colour=colour)
    (aside / "reconciler.yaml").replace(project.root / "reconciler.yaml")
    aside.rmdir()


def _end(project: Project, before: Scene, outcome: Outcome) -> None:
    """Whoever held the lock is dead or done: everything can be had again, and nothing is left."""
    for words in (("resume", A, B, C, *PATIENT), (*APPLY, *PATIENT), ("plan", "--detailed-exitcode")):
        done = project.attempt(*words)
        if done.returncode:
            outcome.wrong.append(f"in the end, `{' '.join(words)}` exits with {done.returncode}: {done.stderr[-500:]}")
    before = before._replace(ids=frozenset(outcome.ids))
    wrong = in_the_end(project, lambda after: Case(ALL_RUN, 0, "", before, after))
    outcome.wrong += [f"in the end: {each}" for each in wrong]
