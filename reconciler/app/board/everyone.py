"""The board of all noted projects at one moment: the document of `status --all --json` and `board --all --json`."""

from __future__ import annotations

from dataclasses import dataclass, field

from reconciler.app.agents.all_status import SeenProject, look_at_all, overview_of
from reconciler.app.agents.look import ProjectView
from reconciler.app.board.facts import FactsCache
from reconciler.app.board.open_jobs import OpenJobs
from reconciler.app.project.project import Project
from reconciler.app.usage.stores import OpenedProject
from reconciler.app.usage.today import TodaysCount, TodaysTokens, profile_of
from reconciler.kinds.agent.status import AgentStatus
from reconciler.model.errors import ReconcilerError
from reconciler.model.job import Job
from reconciler.render.board import AgentFacts, ProjectOverview, board_document
from reconciler.render.documents.board import BoardDoc


@dataclass(slots=True)
class Everyone:
    """Looks at all noted projects, again and again; facts that are slow to look up are kept while they hold."""

    _facts: dict[str, FactsCache] = field(default_factory=dict)
    _count: TodaysCount = field(default_factory=TodaysCount)

    def look(self, name: str = "") -> BoardDoc:
        """All agents, or the named one; see `status_of_all` for its errors. Each tmux server is asked once."""
        found = look_at_all(name)
        opened = [OpenedProject(each.seen.noted.at, each.seen.result) for each in found.projects if each.seen.result]
        tokens = self._count.count(opened)
        return board_document([self._overview(each, tokens) for each in found.projects], found.damaged)

    def _overview(self, project: SeenProject, tokens: TodaysTokens) -> ProjectOverview:
        at = project.seen.noted.at
        facts = self._facts.setdefault(at.registry_path, FactsCache(at))
        jobs = _jobs(at) if project.seen.result else {}

        def facts_of(view: ProjectView, agent: AgentStatus) -> AgentFacts:
            facts.learn(view, agent.address)
            return facts.of(agent, jobs, tokens.of(at.root, agent.address, profile_of(view, agent.address)))

        return overview_of(project, facts_of)


def _jobs(at: Project) -> dict[str, Job]:
    """The open jobs of a project; none if they cannot be listed."""
    try:
        return OpenJobs(at).by_session()
    except ReconcilerError:
        return {}
