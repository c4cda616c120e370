"""Check after an apply that agents accepted the prompt they were started with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from reconciler.agents.catalogue import catalogue
from reconciler.app.plan.make import Planned
from reconciler.app.project.project import Project
from reconciler.jobs.first_prompt import FirstPrompt, FirstPromptTimeouts, can_tell, not_taken
from reconciler.jobs.recipient import Addressee, recipient
from reconciler.kinds.agent.case import Case, cases
from reconciler.kinds.agent.notes import no_trace_of_prompt, prompt_not_looked_for
from reconciler.kinds.agent.rows import noted_by_start
from reconciler.model.action import Action
from reconciler.model.errors import ReconcilerError
from reconciler.model.event import PromptUnverified
from reconciler.model.moment import parse_zoned
from reconciler.model.observed import Present
from reconciler.model.record import RowEdit, Section
from reconciler.model.step import StartSession
from reconciler.state.registry import StoredRegistry


def has_one(action: Action) -> bool:
    """Whether the action starts an agent with a prompt."""
    return any(isinstance(step, StartSession) and step.prompt for step in action.steps)


def unverified(
    at: Project, planned: Planned, stored: StoredRegistry, started: Sequence[Action]
) -> Iterator[tuple[Action, PromptUnverified, RowEdit]]:
    """The agents without a sign that they accepted their first prompt, with the note for their registry rows.

    All are checked together for a while. CLIs that leave no trace of a prompt are left out.
    """
    actions = {action.address: action for action in started}
    try:
        found = not_taken(list(_prompts(at, planned, stored, started)), planned.world, FirstPromptTimeouts())
    except ReconcilerError as error:
        problem = prompt_not_looked_for(error.summary)
        yield from (_told(action, problem) for action in started)
        return
    for each in found:
        yield _told(actions[each.prompt.address], no_trace_of_prompt(each.why))


def _told(action: Action, why: str) -> tuple[Action, PromptUnverified, RowEdit]:
    step = next(step for step in action.steps if isinstance(step, StartSession))
    fix = f"check with `reconciler attach {step.session}`, and type the prompt if it is missing"
    row = RowEdit(Section.SESSIONS, step.session, noted_by_start(step, why))
    return action, PromptUnverified(action.address, action.verb, f"{why}: {fix}"), row


def _prompts(at: Project, planned: Planned, stored: StoredRegistry, started: Sequence[Action]) -> Iterator[FirstPrompt]:
    for case in _cases_of(planned, stored, started):
        if isinstance(case.pane, Present) and case.profile and case.spec and can_tell(case.profile):
            whom = Addressee(case.pane.value, case.profile, case)
            to = recipient(whom, planned.snapshot, at.files, at.caller, at.state)
            since = int(parse_zoned(planned.options.now).timestamp())
            yield FirstPrompt(case.address, case.spec.prompt, to, since)


def _cases_of(planned: Planned, stored: StoredRegistry, started: Sequence[Action]) -> Iterator[Case]:
    """The agents as they are now."""
    desired = planned.loaded.desired
    snapshot = replace(planned.snapshot, tmux=planned.world.tmux.look())
    found = cases(desired, stored.record, snapshot, catalogue(desired.agent_types.values()), planned.options)
    yield from (found[action.address] for action in started if action.address in found)
