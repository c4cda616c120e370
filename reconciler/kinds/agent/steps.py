"""The parts that an agent's actions are put together from."""

from __future__ import annotations

from msgspec.structs import replace

from reconciler.agents.launch import prompted, trusting
from reconciler.agents.profile import Profile
from reconciler.model.activity import Activity
from reconciler.model.address import Address, parse_address, workspace_address
from reconciler.model.change import Change
from reconciler.model.conversation import Conversation, ConversationMode
from reconciler.model.desired import Agent
from reconciler.model.observed import Present
from reconciler.model.problem import Problem
from reconciler.model.record import Json
from reconciler.model.snapshot import Pane
from reconciler.model.step import KeepCopy, StartSession, StopSession, TrustFolder

from . import rows
from .case import Case, Facts, PlanOptions, session_name
from .spec import env_change


def in_use(case: Case, facts: Facts, options: PlanOptions) -> bool:
    """True when the agent must not be interrupted now.

    A CLI that can tell what it does, and tells nothing that we understand, may be at work: a version with other words.
    """
    if options.force:
        return False
    if facts.live.activity is Activity.UNKNOWN:
        return case.profile is not None and case.profile.display.tells_activity
    return facts.live.activity in {Activity.BUSY, Activity.WAITING}


def stop(case: Case, live: Pane, facts: Facts) -> StopSession:
    """End a live agent. Its farewell is typed only when nothing but its prompt can receive it."""
    profile, recorded = case.profile, case.row.pane if case.row else None
    at = replace(live.target, guest=case.guest)
    started = recorded.started if recorded and recorded.pid == live.pid else 0
    if profile is None:
        return StopSession(session_name(case, live), at, started=started)
    typing_is_safe = facts.live.activity is Activity.IDLE or not profile.display.tells_activity
    held = facts.live.conversation or case.identity.session_id
    return StopSession(
        session=session_name(case, live),
        at=at,
        quit=profile.shutdown.quit if typing_is_safe else "",
        resume_line=profile.shutdown.resume_line,
        known=tuple(dict.fromkeys(filter(None, (held, case.identity.session_id, *case.identity.previous)))),
        started=started,
    )


def cleared(case: Case, remains: Pane) -> StopSession:
    """End a session whose agent is no longer in it."""
    return StopSession(session_name(case, remains), replace(remains.target, guest=case.guest))


def orphaned(pid: int) -> Problem:
    """Why nothing may be done while the agent's process lives on without its session."""
    return Problem(
        f"process {pid} still runs, although its session is gone",
        "a second process in the same conversation would mix it up",
        f"end it with `kill {pid}`, then plan again",
    )


def launch(case: Case, conversation: Conversation, options: PlanOptions) -> StartSession:
    """Start the declared agent into the conversation."""
    spec, profile, wanted = case.spec, case.profile, case.wanted
    if spec is None or profile is None or wanted is None:
        raise AssertionError("only a declared agent is started")
    resumes = conversation.mode is ConversationMode.RESUME
    template = profile.launch.resume if resumes else profile.launch.new
    return StartSession(
        session=spec.session,
        address=spec.address,
        type=spec.type,
        cwd=spec.cwd,
        command=wanted.command,
        args=(*profile.launch.args_always, *template, *_trust(spec, profile), *wanted.args),
        env=spec.env,
        conversation=conversation,
        row=rows.planned_row(spec, wanted, conversation, case.row, options.now),
        recorded_as=case.row.session if case.row and case.row.session != spec.session else "",
        prompt=() if resumes or not spec.prompt else prompted(profile.launch, spec.prompt),
        since=profile.launch.since,
        draws=profile.display.reads_screens,
    )


def _trust(spec: Agent, profile: Profile) -> tuple[str, ...]:
    return trusting(profile.trust, spec.cwd) if spec.trust else ()


def kept(case: Case, conversation: Conversation, facts: Facts) -> tuple[KeepCopy, ...]:
    """Copies of what the CLI may lose: the conversation when it is resumed, and others that the start deletes."""
    fragile = case.profile is not None and bool(case.profile.storage.fragile_resume)
    resumes = fragile and conversation.mode is ConversationMode.RESUME
    own = (facts.artifact.value.path,) if resumes and isinstance(facts.artifact, Present) else ()
    return tuple(map(KeepCopy, dict.fromkeys((*own, *facts.deleted_at_start))))


def trusted(case: Case, facts: Facts) -> tuple[TrustFolder, ...]:
    """The folder among those that the CLI trusts, where the user says so and the CLI keeps a list."""
    if facts.untrusted is None or case.profile is None:
        return ()
    return (TrustFolder(case.profile.name, *facts.untrusted),)


def needs(case: Case) -> tuple[Address, ...]:
    """What must be there before this agent starts, and what it ends before; recorded when no longer declared."""
    recorded = tuple(filter(None, map(parse_address, case.row.depends_on))) if case.row else ()
    needed = case.spec.depends_on if case.spec else recorded
    return (workspace_address(case.address.workspace), *needed)


def new_fields(case: Case) -> tuple[Change, ...]:
    """What a new agent is made of, as a plan shows it."""
    spec, wanted = case.spec, case.wanted
    if spec is None or wanted is None:
        return ()
    fields: dict[str, Json] = {"session": spec.session, "type": spec.type, "cwd": spec.cwd}
    if spec.args:
        fields["args"] = list(spec.args)
    if spec.prompt:
        fields["prompt"] = spec.prompt
    plain = tuple(Change(path, "add", None, value) for path, value in fields.items())
    return plain + tuple(env_change(name, "add", None, value) for name, value in sorted(wanted.env.items()))


def basis(pane: Pane | None, conversation: Conversation | None = None) -> str:
    """The live facts that a decision rests on, for telling whether a saved plan is stale."""
    live = f"{pane.session_id} {pane.pane_id} {pane.pid} {pane.created} {pane.dead}" if pane else "absent"
    return f"{live} {conversation.mode} {conversation.id}" if conversation else live
