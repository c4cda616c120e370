"""The steps and fields that an agent's actions are built from."""

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

    Most CLIs show their activity. If such a CLI shows nothing that we recognise, it counts as busy: a newer version may
    use other words.
    """
    if options.force or facts.live.missing:
        return False
    if facts.live.activity is Activity.UNKNOWN:
        return case.profile is not None and case.profile.display.tells_activity
    return facts.live.activity in {Activity.BUSY, Activity.WAITING}


def stop(case: Case, live: Pane, facts: Facts) -> StopSession:
    """The step that ends a live agent. The CLI's quit command is typed only when it is sure to reach the prompt."""
    profile, recorded = case.profile, case.row.pane if case.row else None
    at = replace(live.target, guest=case.guest)
    # The recorded start belongs to the recorded pid; another process in the pane has another one.
    started = recorded.started if recorded and recorded.pid == live.pid else 0
    if profile is None:
        return StopSession(session_name(case, live), at, started=started)
    typing_is_safe = facts.live.activity is Activity.IDLE or not profile.display.tells_activity
    typing_is_safe &= not facts.live.missing
    held = facts.live.conversation or case.identity.session_id
    return StopSession(
        session=session_name(case, live),
        at=at,
        quit=profile.shutdown.quit if typing_is_safe else "",
        resume_line=profile.shutdown.resume_line,
        known=tuple(dict.fromkeys(filter(None, (held, case.identity.session_id, *case.identity.previous)))),
        started=started,
        wrapped=bool(profile.launch.wrap),
    )


def cleared(case: Case, remains: Pane) -> StopSession:
    """The step that ends a session whose agent has ended."""
    return StopSession(session_name(case, remains), replace(remains.target, guest=case.guest))


def orphaned(pid: int) -> Problem:
    """The problem of an agent whose process still runs without its session: nothing may be done until it ends."""
    return Problem(
        f"process {pid} still runs, although its session is gone",
        "a second process in the same conversation would mix it up",
        f"end it with `kill {pid}`, then plan again",
    )


def launch(case: Case, conversation: Conversation, facts: Facts, options: PlanOptions) -> StartSession:
    """The step that starts the declared agent in the conversation."""
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
        wrap=wanted.wrap,
        path=wanted.path,
        workspace_path=spec.workspace_path,
        args=(*profile.launch.args_always, *template, *_trust(spec, profile), *wanted.args),
        env=spec.env,
        conversation=conversation,
        row=rows.planned_row(spec, wanted, conversation, case.row, options.now),
        recorded_as=case.row.session if case.row and case.row.session != spec.session else "",
        prompt=() if resumes or not spec.prompt else prompted(profile.launch, spec.prompt),
        since=() if facts.hidden and facts.hidden.search else profile.launch.since,
        draws=profile.display.reads_screens,
    )


def _trust(spec: Agent, profile: Profile) -> tuple[str, ...]:
    return trusting(profile.trust, spec.cwd) if spec.trust else ()


def kept(case: Case, conversation: Conversation, facts: Facts) -> tuple[KeepCopy, ...]:
    """The steps that copy what the CLI may lose: the resumed conversation, and files that the start would delete."""
    fragile = case.profile is not None and bool(case.profile.storage.fragile_resume)
    resumes = fragile and conversation.mode is ConversationMode.RESUME
    own = (facts.artifact.value.path,) if resumes and isinstance(facts.artifact, Present) else ()
    return tuple(map(KeepCopy, dict.fromkeys((*own, *facts.deleted_by_start))))


def trusted(case: Case, facts: Facts) -> tuple[TrustFolder, ...]:
    """The step that adds the folder to the CLI's trusted folders; none when it is trusted, or must not be."""
    if facts.untrusted is None or case.profile is None:
        return ()
    return (TrustFolder(case.profile.name, *facts.untrusted),)


def needs(case: Case) -> tuple[Address, ...]:
    """The addresses that start before this agent and end after it: as declared, else as recorded."""
    recorded = tuple(filter(None, map(parse_address, case.row.depends_on))) if case.row else ()
    needed = case.spec.depends_on if case.spec else recorded
    return (workspace_address(case.address.workspace), *needed)


def new_fields(case: Case) -> tuple[Change, ...]:
    """The fields of a new agent, as a plan shows them."""
    spec, wanted = case.spec, case.wanted
    if spec is None or wanted is None:
        return ()
    fields: dict[str, Json] = {"session": spec.session, "type": spec.type, "cwd": spec.cwd}
    for name in ("wrap", "args", "path"):
        if words := getattr(wanted, name):
            fields[name] = list(words)
    if spec.command:
        fields["command"] = list(spec.command)
    if spec.prompt:
        fields["prompt"] = spec.prompt
    plain = tuple(Change(path, "add", None, value) for path, value in fields.items())
    return plain + tuple(env_change(name, "add", None, value) for name, value in sorted(wanted.env.items()))


def basis(pane: Pane | None, conversation: Conversation | None = None) -> str:
    """The live facts behind a decision, as text: a saved plan is stale when this text differs."""
    live = f"{pane.session_id} {pane.pane_id} {pane.pid} {pane.created} {pane.dead}" if pane else "absent"
    return f"{live} {conversation.mode} {conversation.id}" if conversation else live
