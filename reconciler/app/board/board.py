"""The board of some projects: one document, made again after each change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from reconciler.app.agents.look import ProjectView
from reconciler.app.board.facts import FactsCache
from reconciler.app.board.observer import BoardLook, BoardObserver
from reconciler.app.project.project import Project
from reconciler.app.project.warnings import about_registry
from reconciler.kinds.agent.status import statuses
from reconciler.model.address import Address
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import Unknown
from reconciler.model.snapshot import tmux_trouble
from reconciler.render.board import AgentFacts, ProjectOverview, board_document
from reconciler.render.documents.board import BoardDoc


@dataclass(slots=True)
class ProjectBoard:
    """One project on the board: its last look, and the slow facts about its agents."""

    at: Project
    look: BoardLook | None = None
    trouble: ReconcilerError | None = None
    """Why the last look failed; then the agents are shown as before."""
    facts: FactsCache = field(init=False)
    observer: BoardObserver = field(init=False)

    def __post_init__(self) -> None:
        self.facts, self.observer = FactsCache(self.at), BoardObserver(self.at)

    @property
    def view(self) -> ProjectView | None:
        """The last look, with what screens showed."""
        return self.observer.with_screens(self.look) if self.look else None

    def look_again(self) -> None:
        """Look once more; no screen is read."""
        try:
            self.look, self.trouble = self.observer.look(), None
        except ReconcilerError as error:
            self.trouble = error

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

    def overview(self) -> ProjectOverview:
        """What is known of the project now."""
        seen, look = self.view, self.look
        trouble = self.trouble.diagnostics if self.trouble else ()
        if seen is None or look is None:
            return ProjectOverview(project="", folder=self.at.root, diagnostics=trouble)
        agents = statuses(seen.cases, seen.stored.record, seen.snapshot)
        return ProjectOverview(
            project=seen.desired.project,
            folder=self.at.root,
            agents=tuple((each, self._facts_of(each.address, each.session, look)) for each in agents),
            diagnostics=(*trouble, *_diagnostics(self.at, seen)),
        )

    def _facts_of(self, address: Address, session: str, look: BoardLook) -> AgentFacts:
        facts = self.facts
        return AgentFacts(facts.question(address), facts.last(address), facts.diff(address), look.jobs.get(session))


def _diagnostics(at: Project, seen: ProjectView) -> tuple[Diagnostic, ...]:
    tmux = seen.snapshot.tmux
    hidden = (tmux_trouble(tmux),) if isinstance(tmux, Unknown) else ()
    return (*about_registry(at, seen.stored), *hidden, *seen.snapshot.visibility_warnings)


def board(projects: Iterable[Project]) -> BoardDoc:
    """Everything about all agents of these projects at this moment, as `reconciler board --json`."""
    boards = [ProjectBoard(at) for at in projects]
    for each in boards:
        each.look_again()
        if each.look:
            each.read_screens(each.unread())
            each.learn(each.look.view.cases)
    return board_document(each.overview() for each in boards)
