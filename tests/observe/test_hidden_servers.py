"""What is made of recorded processes that tmux does not show."""

from __future__ import annotations

import pytest
from fakes.tmux import SOCKET
from fakes.world import FakeWorld
from msgspec.structs import replace

from reconciler.model.observed import ABSENT, Present, Unknown
from reconciler.model.record import PaneRow, Record, ServerRow, SessionRow, Status
from reconciler.model.snapshot import Server, TmuxState, UnreachableServer
from reconciler.observe.recorded_processes import agent_process, server_process
from reconciler.observe.unreachable_server import find_unreachable_server
from reconciler.ports import lockfile, proc

HERE = lockfile.current_namespace()
WRITTEN = "2026-06-25T03:19:24Z"
SECONDS = 1782357564  # the same moment


class Lab:
    """A server with one agent of ours, and its row."""

    def __init__(self) -> None:
        self.world = FakeWorld()
        self.pane = self.world.tmux.add("w-creator-a", lineage="ours", address="agent.w.a")
        live = self.world.tmux.server
        self.server = ServerRow("lab", live.pid, WRITTEN, SOCKET, live.ticks, HERE.boot, HERE.namespace)
        pane = PaneRow(self.pane.pane_id, self.pane.pid, "sh", "/", self.world.processes.alive[self.pane.pid])
        self.row = SessionRow("w-creator-a", "w", "a", pane=pane, server=self.server, updated_at=WRITTEN)

    def seen(self, **row: object):
        record = Record("ours", 1, {}, {"w-creator-a": replace(self.row, **row)})
        return find_unreachable_server(record, self.world.tmux.look(), self.world)


def test_a_server_that_lives_and_does_not_answer_is_out_of_sight():
    lab = Lab()
    lab.world.tmux.hidden = True
    tmux, orphans = lab.seen()
    assert isinstance(tmux, UnreachableServer)
    assert (tmux.pid, tmux.socket, orphans) == (lab.server.pid, SOCKET, {})


@pytest.mark.parametrize("status", [Status.STOPPED, Status.ARCHIVED])
def test_a_row_at_rest_is_not_looked_for(status: Status):
    lab = Lab()
    lab.world.tmux.hidden = True
    assert lab.seen(status=status) == (ABSENT, {})


def test_a_row_that_was_taken_for_ended_while_its_agent_lives_is_out_of_sight_too():
    lab = Lab()
    lab.world.tmux.hidden = True
    assert isinstance(lab.seen(status=Status.TERMINATED)[0], UnreachableServer)
    lab.world.processes.exit(lab.pane.pid)
    assert lab.seen(status=Status.TERMINATED) == (ABSENT, {})


def test_a_server_that_ended_with_its_agents_is_gone():
    lab = Lab()
    lab.world.tmux.kill_server()
    assert lab.seen() == (ABSENT, {})


def test_what_cannot_be_told_is_not_taken_for_gone():
    lab = Lab()
    lab.world.tmux.hidden = True
    lab.world.processes.unreadable[lab.server.pid] = "/proc hides it"
    tmux, _ = lab.seen()
    assert isinstance(tmux, UnreachableServer)
    assert "/proc hides it" in tmux.reason
    assert tmux.pid == 0, "what may be another process gets no signal"


def test_an_agent_whose_process_cannot_be_told_is_unknown_by_itself():
    lab = Lab()
    lab.world.tmux.kill_server()
    lab.world.processes.unreadable[lab.pane.pid] = "not allowed"
    assert lab.seen() == (ABSENT, {lab.row.address: Unknown("not allowed")})


def test_an_agent_below_a_server_that_its_row_does_not_name_is_out_of_sight():
    """As in rows of other tools, which record a pid and no server."""
    lab = Lab()
    lab.world.tmux.hidden = True
    lab.world.processes.parents[lab.pane.pid] = ((lab.server.pid, "tmux: server"),)
    lab.world.processes.doors[lab.server.pid] = "/run/other"
    tmux, _ = lab.seen(server=None)
    assert isinstance(tmux, UnreachableServer)
    assert (tmux.pid, tmux.socket) == (lab.server.pid, "/run/other")


def test_a_server_that_only_has_strangers_left_is_none_of_ours():
    lab = Lab()
    lab.world.tmux.hidden = True
    there = Server("x", lab.server.pid, 0)
    lab.world.tmux.beside[SOCKET] = Present(TmuxState(there, (replace(lab.pane, pid=1, lineage=""),)))
    lab.world.processes.exit(lab.pane.pid)
    assert lab.seen() == (ABSENT, {})


def test_a_process_is_neither_the_recorded_one_nor_gone_where_the_boot_is_no_longer_told(monkeypatch):
    """/proc is away: starts are counted in another way then, and do not match."""
    lab = Lab()
    monkeypatch.setattr(proc, "ROOT", "/nowhere")
    assert isinstance(server_process(replace(lab.server, namespace="", ticks=1), lab.world), Unknown)
    assert isinstance(agent_process(replace(lab.row, pane=replace(lab.row.pane, started=1)), lab.world), Unknown)
    lab.world.processes.exit(lab.pane.pid)
    assert agent_process(lab.row, lab.world) == ABSENT


def test_a_process_of_another_boot_is_gone_although_its_pid_and_start_are_there():
    lab = Lab()
    former = replace(lab.server, boot="former")
    assert server_process(former, lab.world) == ABSENT
    assert agent_process(replace(lab.row, server=former), lab.world) == ABSENT


def test_a_pid_of_another_namespace_tells_nothing_unless_its_socket_is_left_over():
    lab = Lab()
    elsewhere = replace(lab.server, namespace="pid:[1]")
    assert isinstance(server_process(elsewhere, lab.world), Unknown)
    lab.world.files.put(SOCKET, b"")
    assert server_process(elsewhere, lab.world) == ABSENT


@pytest.mark.parametrize(("start", "answer"), [(SECONDS - 60, True), (SECONDS + 1, True), (SECONDS + 60, False)])
def test_a_process_without_a_recorded_start_is_the_agent_if_it_was_there_when_its_row_was_written(
    start: int, answer: bool
):
    lab = Lab()
    lab.world.processes.born[lab.pane.pid] = start
    row = replace(lab.row, pane=replace(lab.row.pane, started=0))
    assert (agent_process(row, lab.world) == Present(lab.pane.pid)) is answer


@pytest.mark.parametrize(
    ("name", "start", "answer"), [("tmux: server", 5, True), ("sh", 5, False), ("sh", SECONDS, True)]
)
def test_a_server_without_recorded_ticks_is_known_by_its_time_or_by_its_program(name: str, start: int, answer: bool):
    """The clock may have been set since the row was written."""
    lab = Lab()
    lab.world.processes.born[lab.server.pid] = start
    lab.world.processes.names[lab.server.pid] = name
    older = ServerRow("lab", lab.server.pid, WRITTEN)
    assert (server_process(older, lab.world) == Present(lab.server.pid)) is answer
