"""The board of some projects: one document, made again after each change."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field

from msgspec.structs import replace

from reconciler.app.agents.look import ProjectView
from reconciler.app.agents.status import diagnostics_of
from reconciler.app.board.facts import FactsCache
from reconciler.app.board.members import BoardMember
from reconciler.app.board.observer import BoardLook, BoardObserver
from reconciler.app.project.noted import find_noted, left_out, missing_project
from reconciler.app.project.project import Project
from reconciler.app.usage.stores import OpenedProject
from reconciler.app.usage.today import TodaysCount, TodaysTokens, profile_of
from reconciler.kinds.agent.status import AgentStatus, statuses
from reconciler.model.address import Address
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.errors import ReconcilerError
from reconciler.model.project_note import NoteStanding
from reconciler.ports.tmux.shared_look import SharedLooks
from reconciler.render.board import AgentFacts, ProjectOverview, board_document
from reconciler.render.documents.board import BoardDoc

NOT_COUNTED = TodaysTokens({})


@dataclass(slots=True)
class ProjectBoard:
    """One project on the board: its last look, and the slow facts about its agents.

    `looks` are shared with the other projects on its tmux server.
    """

    member: BoardMember
    looks: SharedLooks = field(default_factory=SharedLooks)
    look: BoardLook | None = None
    trouble: ReconcilerError | None = None
    """Why the last look failed; then the agents are shown as before."""
    left_out: Diagnostic | None = None
    """Why it is not looked at: it is not where it was noted."""
    facts: FactsCache = field(init=False)
    observer: BoardObserver = field(init=False)
    _here: object = None
    """The registry with which it was where it was noted."""

    def __post_init__(self) -> None:
        at = self.member.at
        self.facts, self.observer = FactsCache(at), BoardObserver(replace(at, connect=self.looks.connector()))

    @property
    def at(self) -> Project:
        """The project, whose own looks are shared with no other one."""
        return self.member.at

    @property
    def view(self) -> ProjectView | None:
        """The last look, with what screens showed."""
        return self.observer.with_screens(self.look) if self.look else None

    @property
    def was_looked_at(self) -> bool:
        """Whether anything is known."""
        return bool(self.look or self.trouble or self.left_out)

    def look_again(self) -> None:
        """Look once more; no screen is read."""
        self.left_out = self._left_out()
        if self.left_out:
            self.look = None
            return
        try:
            self.look, self.trouble = self.observer.look(), None
        except ReconcilerError as error:
            self.trouble = error

    def _left_out(self) -> Diagnostic | None:
        """Why a noted project is left out; its registry is read for that only if it changed."""
        noted = self.member.noted
        if noted is None or (missing_project(noted) is None and self._here == _mark(noted.note.registry)):
            return None
        here = _mark(noted.note.registry)
        there = find_noted(noted, self.member.others())
        if there.standing is not NoteStanding.HERE:
            self._here = None
            return left_out(noted, there)
        self._here = here
        return None

    def unread(self, first: Iterable[Address] = ()) -> list[Address]:
        """The agents whose screens must be read to know their state; those of `first` come first."""
        unread = dict.fromkeys(self.observer.unread(self.look) if self.look else ())
        return [*(each for each in dict.fromkeys(first) if each in unread), *(unread.keys() - {*first})]

    def read_screens(self, agents: Iterable[Address]) -> None:
        """Read the screens of these agents, which are in the last look."""
        try:
            if self.look:
                self.observer.read_screens(self.look, agents)
        except ReconcilerError as error:
            self.trouble = error

    def learn(self, agents: Iterable[Address]) -> bool:
        """Look up the slow facts of these agents. Returns whether any of them changed."""
        seen = self.view
        changed = [self.facts.learn(seen, address) for address in agents] if seen else []
        return any(changed)

    def overview(self, tokens: TodaysTokens) -> ProjectOverview:
        """What is known of the project now."""
        seen, look, at = self.view, self.look, self.at
        trouble = self.trouble.diagnostics if self.trouble else ()
        if seen is None or look is None:
            return ProjectOverview("", at.root, at.registry_path, diagnostics=trouble, error=self.left_out)

        def facts_of(agent: AgentStatus) -> AgentFacts:
            used = tokens.of(at.root, agent.address, profile_of(seen, agent.address))
            return self.facts.of(agent, look.jobs, used)

        agents = statuses(seen.cases, seen.stored.record, seen.snapshot)
        return ProjectOverview(
            project=seen.desired.project,
            folder=at.root,
            registry=at.registry_path,
            agents=tuple((each, facts_of(each)) for each in agents),
            diagnostics=(*trouble, *diagnostics_of(at, seen)),
        )


def opened(projects: Iterable[ProjectBoard]) -> list[OpenedProject]:
    """The projects that were looked at, for counting their tokens."""
    return [OpenedProject(each.at, view) for each in projects if (view := each.view)]


def board(projects: Iterable[Project]) -> BoardDoc:
    """Everything about all agents of these projects at this moment, as `reconciler board --json`."""
    boards = [ProjectBoard(BoardMember(at)) for at in projects]
    for each in boards:
        each.look_again()
        if each.look:
            each.read_screens(each.unread())
            each.learn(each.look.view.cases)
    tokens = TodaysCount().count(opened(boards))
    return board_document(each.overview(tokens) for each in boards)


def _mark(path: str) -> tuple[int, int, int] | None:
    """A mark that changes with every write of a file; None if it cannot be seen."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
