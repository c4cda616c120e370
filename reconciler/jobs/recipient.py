"""Find the live agent that a job is for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from reconciler.agents.profile import Profile
from reconciler.agents.subject import AgentEnvironment
from reconciler.kinds.agent.case import Case
from reconciler.model.address import Address
from reconciler.model.errors import ReconcilerError, Unreachable, UsageError
from reconciler.model.observed import Observed, Present, Unknown
from reconciler.model.short_names import NamedResource, exactly, nearest, partly, several
from reconciler.model.snapshot import Pane, Snapshot, TmuxState, tmux_trouble
from reconciler.observe.agent_view import Caller
from reconciler.observe.agents import subject_of
from reconciler.ports.world import Files

from .agent_state import Recipient

HUMAN = "human"
"""The `--agent` of a job for a person, who reads the instructions on the terminal."""


class KnownAgents(Struct, frozen=True):
    """The declared and recorded agents, all panes of the tmux server, and the known CLIs."""

    cases: Mapping[Address, Case]
    tmux: Observed[TmuxState]
    profiles: Mapping[str, Profile]


class Addressee(Struct, frozen=True):
    """A live agent; `case` is None when its session is neither declared nor recorded."""

    pane: Pane
    profile: Profile
    case: Case | None = None


def session_of(pane: Pane) -> str:
    """The pane's session as job records name it."""
    return f"tmux:{pane.session}"


def addressee(agent: str, session: str, roster: KnownAgents) -> Addressee:
    """Find the live agent: the one in `session` if a session is given, else the one called `agent`.

    `agent` is an address, a session, the name of an agent, or a CLI that only one agent runs. A CLI may have a suffix:
    `codex-cli` is `codex`. Any other name may be a part of a name that only one agent has.

    Raises:
        Unreachable: tmux cannot be queried.
        UsageError: No agent, or more than one, has this name.
        ReconcilerError: The agent has no live session.
    """
    if isinstance(roster.tmux, Unknown):
        trouble = tmux_trouble(roster.tmux)
        raise Unreachable(trouble.summary, detail=trouble.detail, fix=trouble.fix)
    if session:
        return _in_session(session.removeprefix("tmux:"), agent, roster)
    meant = _called(agent, roster)
    if len(meant) > 1:
        raise several(agent, sorted(map(_named, meant)))
    if meant:
        return _of_case(meant[0])
    if agent not in {pane.session for pane in _panes(roster.tmux)}:
        raise _unknown(agent, roster)
    return _in_session(agent, agent, roster)


def recipient(to: Addressee, snapshot: Snapshot, files: Files, caller: Caller, folder: str) -> Recipient:
    """Turn the addressee into the recipient that `deliver` needs; a long prompt goes into `folder`."""
    if to.case is None:
        subject = AgentEnvironment(files.real(to.pane.cwd), caller.home, caller.env)
        return Recipient(to.pane, to.profile, subject, "", folder)
    subject = subject_of(to.case, snapshot, files, caller)
    return Recipient(to.pane, to.profile, subject, to.case.identity.session_id or "", folder)


def _called(name: str, roster: KnownAgents) -> list[Case]:
    """The agents with exactly this name; else those that run this CLI; else those with `name` as a part of a name.

    The name of a CLI, which is also the default, never means a workspace or a part of a name. Neither does the name of
    a live session.
    """
    named = {_named(case): case for case in roster.cases.values()}
    is_cli = name in roster.profiles
    exact = [named[each] for each in exactly(name, list(named)) if not is_cli or each.address.agent == name]
    cli = _cli(name, roster.profiles)
    running = [case for case in named.values() if case.profile and case.profile.name == cli]
    if exact or running or is_cli or name in {pane.session for pane in _panes(roster.tmux)}:
        return exact or running
    return [named[each] for each in partly(name, named)]


def _named(case: Case) -> NamedResource:
    return NamedResource(case.address, case.session)


def _cli(name: str, known: Iterable[str]) -> str:
    """The known CLI for `name`, with or without a suffix; empty when there is none."""
    begun = [each for each in known if name == each or name.startswith(f"{each}-")]
    return max(begun, key=len, default="")


def _of_case(case: Case) -> Addressee:
    if isinstance(case.pane, Unknown):
        raise ReconcilerError(f"cannot tell which session is that of {case.address}", detail=case.pane.reason)
    if not isinstance(case.pane, Present) or case.pane.value.dead or case.profile is None:
        raise _not_live(case.session, f"start it: reconciler resume {case.session}")
    return Addressee(case.pane.value, case.profile, case)


def _in_session(session: str, agent: str, roster: KnownAgents) -> Addressee:
    panes = [pane for pane in _panes(roster.tmux) if pane.session == session]
    case = next((case for case in roster.cases.values() if _has(case, panes) or case.session == session), None)
    if case and (not panes or _has(case, panes)):
        return _of_case(case)
    if not panes:
        raise _not_live(session, "reconciler status lists all agents; reconciler create makes one")
    cli = _cli(agent, roster.profiles)
    if not cli:
        fix = f"name the CLI that runs in {session}: --agent {' or '.join(sorted(roster.profiles))}"
        raise UsageError(f"no agent and no CLI is called {agent}", fix=fix)
    return Addressee(min(panes, key=_age), roster.profiles[cli])


def _panes(tmux: Observed[TmuxState]) -> tuple[Pane, ...]:
    return tmux.value.panes if isinstance(tmux, Present) else ()


def _has(case: Case, panes: Iterable[Pane]) -> bool:
    return isinstance(case.pane, Present) and case.pane.value.session in {pane.session for pane in panes}


def _age(pane: Pane) -> int:
    return int(pane.pane_id.lstrip("%") or 0)


def _unknown(agent: str, roster: KnownAgents) -> UsageError:
    what = f"no agent runs {agent}" if agent in roster.profiles else f"there is no agent {agent}"
    return UsageError(what, fix=nearest(agent, [case.session for case in roster.cases.values()]))


def _not_live(session: str, fix: str) -> ReconcilerError:
    return ReconcilerError(f"the agent session {session} does not exist, or its agent has ended", fix=fix)
