"""tmux: program, server, options, and what stands beside."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.app.doctor.facts import MachineFacts, OtherServer, TmuxFacts
from reconciler.model.checkup import CheckName, CheckResult, Cure
from reconciler.model.observed import Absent, Observed, Present, Unknown
from reconciler.model.snapshot import OpenFileLimit, TmuxState, UnreachableServer
from reconciler.ports.tmux.settings import PaneSettings
from reconciler.ports.tmux.versions import NEWEST_TRIED, OLDEST, fit, is_after, is_before

from .options import options
from .results import counted, error, note, ok, some, unknown, warning

_INSTALL = "apt install tmux, dnf install tmux, pacman -S tmux, or brew install tmux"
_DOCTOR = "reconciler doctor"  # the advice of every other command
_HANGS = "find it: pgrep -u $(id -u) tmux; if it was stopped: kill -CONT PID"
_FEW = 50  # open files: room for fewer agents than this is worth a warning


def tmux(facts: MachineFacts) -> Iterator[CheckResult]:
    """Everything about tmux."""
    found, stored = facts.tmux, facts.project.stored
    yield _program(found)
    if not isinstance(found.program, Present):
        return
    if found.obstacle:
        problem = found.obstacle
        yield error(CheckName.TMUX_SOCKET, problem.summary, problem.detail, problem.fix)
    yield _server(found)
    if isinstance(found.server, Present):
        lineage = stored.value.record.lineage if isinstance(stored, Present) else ""
        yield from _of_a_server(found, found.server.value, lineage)
    yield from _others(found.others, stored.value.record.lineage if isinstance(stored, Present) else "")
    yield from _leftovers(found.leftovers)


def _program(found: TmuxFacts) -> CheckResult:
    name = CheckName.TMUX_PROGRAM
    match found.program, found.version:
        case Absent(), _:
            return error(name, "tmux is not installed", "every agent runs in tmux", _INSTALL)
        case Unknown() as why, _:
            return unknown(name, "cannot tell whether tmux is installed", why)
        case _, Unknown() as why:
            return unknown(name, "tmux does not say its version", why)
        case Present(program), Present(version):
            return _version(f"tmux {version} ({program})", version)
        case _:
            return unknown(name, "tmux does not say its version", Unknown(""))


def _version(what: str, version: str) -> CheckResult:
    name = CheckName.TMUX_PROGRAM
    oldest, newest = (".".join(map(str, each)) for each in (OLDEST, NEWEST_TRIED))
    if is_before(version, OLDEST):
        fix = "install a newer tmux, or put its folder first in PATH"
        return error(name, f"{what} is too old", f"reconciler needs {oldest} or newer", fix)
    if is_after(version, NEWEST_TRIED):
        return note(name, f"{what} is newer than any that was tried", f"{oldest} to {newest} were tried")
    return ok(name, what)


def _server(found: TmuxFacts) -> CheckResult:
    name = CheckName.TMUX_SERVER
    match found.server:
        case Present(state):
            sessions = counted(len({pane.session_id for pane in state.panes}), "session")
            return ok(name, f"server {state.server.pid} answers at {found.socket} ({sessions})")
        case UnreachableServer() as hidden:
            summary = "the tmux server of this project cannot be reached"
            return error(name, summary, hidden.reason, hidden.fix, Cure.RECONNECT if hidden.pid else None)
        case Unknown() as why:
            fix = why.fix if why.fix and _DOCTOR not in why.fix else _HANGS
            return unknown(name, f"the tmux server at {found.socket} could not be asked", Unknown(why.reason, fix))
        case _:
            return note(name, f"no server runs at {found.socket}", "its options can only be checked while one runs")


def _of_a_server(found: TmuxFacts, state: TmuxState, lineage: str) -> Iterator[CheckResult]:
    """What only a server that answers can say."""
    yield from _upgraded(found, state)
    yield from _open_files(found.files)
    match found.options:
        case Present(given):
            yield from options(given, found.command)
        case Unknown() as why:
            yield unknown(CheckName.TMUX_OPTIONS, "the options of the server could not be read", why)
    yield from _panes(found, lineage)
    if isinstance(found.hooks, Present) and found.hooks.value:
        yield note(CheckName.TMUX_HOOKS, "a hook of your tmux.conf may end sessions", found.hooks.value)


def _upgraded(found: TmuxFacts, state: TmuxState) -> Iterator[CheckResult]:
    version = found.version.value if isinstance(found.version, Present) else state.server.version
    if fit(version, state.server.version):
        return
    detail = f"tmux in PATH is {version}, the server is {state.server.version}: no agent can be started on it"
    fix = f"put the folder of tmux {state.server.version} first in PATH; or {found.command} kill-server, then apply"
    yield error(CheckName.TMUX_FIT, "tmux was upgraded while its server ran", detail, fix)


def _open_files(found: Observed[OpenFileLimit]) -> Iterator[CheckResult]:
    name = CheckName.TMUX_FILES
    match found:
        case Unknown() as why:
            yield note(name, "not visible: how many files the server may still open", why.reason)
        case Present(room):
            left = room.limit - room.used
            if left >= _FEW:
                yield ok(name, f"room for {left} more agents (open files: {room.used} of {room.limit})")
                return
            detail = "each agent needs one; a server without a free file stops answering"
            fix = f"prlimit --pid {room.pid} --nofile={max(room.most, room.limit)}:"
            yield warning(name, f"the server can open only {left} more files of {room.limit}", detail, fix)


def _panes(found: TmuxFacts, lineage: str) -> Iterator[CheckResult]:
    name = CheckName.TMUX_PANES
    if isinstance(found.panes, Unknown):
        yield unknown(name, "the options of the agents' sessions could not be read", found.panes)
    if not isinstance(found.panes, Present) or not lineage:
        return
    ours = [pane for pane in found.panes.value if pane.lineage == lineage]
    yield from _settings(found.command, ours)


def _settings(command: str, ours: list[PaneSettings]) -> Iterator[CheckResult]:
    for session in dict.fromkeys(pane.session_id for pane in ours if pane.ends_unattached):
        yield warning(
            CheckName.TMUX_PANES,
            f"session {session} of an agent ends when its last terminal detaches",
            "its option destroy-unattached is on",
            f"{command} set-option -t '{session}' destroy-unattached off",
        )
    for pane in (pane for pane in ours if pane.synchronized and pane.panes > 1):
        yield warning(
            CheckName.TMUX_PANES,
            f"keys for the agent in pane {pane.pane_id} go to every pane of its window",
            "synchronize-panes is on, so a prompt or an answer reaches them all",
            f"{command} set-option -w -t {pane.pane_id} synchronize-panes off",
        )


def _others(found: Observed[tuple[OtherServer, ...]], lineage: str) -> Iterator[CheckResult]:
    name = CheckName.TMUX_OTHERS
    match found:
        case Unknown() as why:
            yield unknown(name, "the folder of your tmux sockets could not be read", why)
        case Present(servers):
            yield from (_other(server, lineage) for server in servers)


def _other(server: OtherServer, lineage: str) -> CheckResult:
    name, where = CheckName.TMUX_OTHERS, f"another tmux server of yours, {server.socket}"
    if not isinstance(server.answer, Present):
        why = server.answer.reason if isinstance(server.answer, Unknown) else ""
        return note(name, f"{where}, does not answer", why)
    panes = server.answer.value.panes
    ours = {pane.session for pane in panes if lineage and pane.lineage == lineage}
    if ours:
        fix = "end them there with `tmux -S`, or set `tmux:` in the manifest back to that server"
        return warning(name, f"{where}, has sessions of this project", some(sorted(ours)), fix)
    return note(name, f"{where}, has {counted(len({pane.session_id for pane in panes}), 'session')}")


def _leftovers(found: Observed[tuple[str, ...]]) -> Iterator[CheckResult]:
    name = CheckName.TMUX_LEFTOVERS
    match found:
        case Unknown() as why:
            yield unknown(name, "cannot tell what killed commands left on the server", why)
        case Present(left) if left:
            yield warning(
                name,
                "killed commands left something on the server",
                some(left),
                "reconciler doctor --fix",
                Cure.SESSIONS,
            )
