"""Claim jobs, and write down what was claimed before anything else is done with it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator

from reconciler.app.jobs.runner.agents import IdleAgent, folder_of, idle_agents, known_agents
from reconciler.app.jobs.runner.context import NewsKind, RunnerContext, RunnerNews, RunnerTask
from reconciler.jobs.envelope import BrokenEnvelope, Envelope, unpacked
from reconciler.jobs.guard import Guard
from reconciler.jobs.recipient import addressee
from reconciler.jobs.record import UnknownJob, read
from reconciler.jobs.taken import Workplace, claim_of, last_event, take, taken_jobs, told, why_dead
from reconciler.model.errors import ReconcilerError
from reconciler.model.job import Job
from reconciler.ports.queue import Claim

_LOOK_AGAIN = 2.0  # seconds between two looks for idle agents


def resume(context: RunnerContext) -> None:
    """Go on with the jobs that an earlier runner had taken."""
    for job in taken_jobs(context.records):
        context.tasks[job.id] = RunnerTask(job.id, claim_of(context.records, job))


def claim_next(context: RunnerContext, seconds: float) -> Iterator[RunnerNews]:
    """Claim at most one job, and wait up to `seconds` for it. Jobs of a pool only while an agent of it is idle."""
    idle = _idle(context)
    claim = context.queue.claim(seconds, tuple(dict.fromkeys(agent.pool for agent in idle)))
    if claim is None:
        return
    context.next_look = 0.0
    try:
        envelope = unpacked(claim.envelope, claim.id)
    except BrokenEnvelope as error:
        context.dropped += 1
        context.queue.dead_letter(claim, f"broken: {error.summary}")
        yield RunnerNews(NewsKind.DROPPED, claim.id, f"{error.summary} ({context.dropped} in all)")
        return
    yield from _taken(context, claim, envelope, idle)


def _idle(context: RunnerContext) -> list[IdleAgent]:
    """The idle agents of the runner's pools for which no claimed job waits already."""
    if not context.pools or context.now() < context.next_look:
        return []
    context.next_look = context.now() + _LOOK_AGAIN
    found = idle_agents(context.at, context.look(), context.pools, context.open_sessions())
    waiting = Counter(task.pool for task in context.tasks.values() if task.pool and not task.is_followed)
    free = []
    for agent in found:
        if waiting[agent.pool]:
            waiting[agent.pool] -= 1
        else:
            free.append(agent)
    return free


def _taken(context: RunnerContext, claim: Claim, envelope: Envelope, idle: list[IdleAgent]) -> Iterator[RunnerNews]:
    """Go on with the record of the job, or write a new one."""
    known = _recorded(context, claim.id)
    if known is None or known.is_sent_away:  # sent away by this host itself, which now does it
        job = take(context.records, claim, envelope, _workplace(context, envelope, claim, idle))
        context.tasks[job.id] = RunnerTask(job.id, claim, pool=claim.to.pool)
        context.queue.heartbeat(claim)
        yield RunnerNews(NewsKind.TAKEN, job.id, f"from {job.origin}" + (f", for {job.agent}" if job.agent else ""))
        return
    if not known.origin:
        context.dropped += 1
        context.queue.dead_letter(claim, "broken: a job of this host has its id")
        yield RunnerNews(NewsKind.DROPPED, claim.id, "a job of this host has its id")
        return
    yield from _again(context, claim, known)


def _again(context: RunnerContext, claim: Claim, known: Job) -> Iterator[RunnerNews]:
    """A job that was claimed here before is answered from its record."""
    state = told(context.records, known.id)
    if state.elsewhere:
        context.guards[known.id] = guard_of(context, claim, known)
        yield RunnerNews(NewsKind.GUARDED, known.id, "another host began it")
    elif not state.done:
        task = context.tasks.setdefault(known.id, RunnerTask(known.id, claim, pool=claim.to.pool))
        task.claim, task.next_heartbeat = claim, 0.0
    elif why := why_dead(known):
        context.queue.dead_letter(claim, why)
    else:
        context.queue.finish(claim, last_event(context.records, known))


def guard_of(context: RunnerContext, claim: Claim, job: Job) -> Guard:
    """Keep a claim whose prompt another host may have typed, and hear what that one says of it."""
    context.queue.bus.subscribe(job.topic)
    return Guard(claim, job, context.now() + job.idle_timeout)


def _recorded(context: RunnerContext, job_id: str) -> Job | None:
    try:
        return read(context.records, job_id)
    except UnknownJob:
        return None


def _workplace(context: RunnerContext, envelope: Envelope, claim: Claim, idle: list[IdleAgent]) -> Workplace:
    """Who does the job, and where. A name that fits no agent is refused later, when the job has its record."""
    chosen = next((agent for agent in idle if agent.pool == claim.to.pool), None)
    agent = chosen.address if chosen else envelope.job.agent
    folder = chosen.folder if chosen else _folder(context, envelope)
    script = os.path.join(folder, envelope.job.validate) if envelope.job.validate else ""
    return Workplace(context.here, agent, folder, script)


def _folder(context: RunnerContext, envelope: Envelope) -> str:
    seen = context.look()
    if envelope.workdir:
        named = [each.path for each in seen.desired.workspaces.values() if each.address.workspace == envelope.workdir]
        return named[0] if named else context.at.root
    try:
        return folder_of(addressee(envelope.job.agent, "", known_agents(seen)))
    except ReconcilerError:  # it does not run now, or not at all
        return context.at.root
