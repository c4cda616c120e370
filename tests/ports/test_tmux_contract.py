"""What every Tmux promises: each test runs on a real server and on the fake."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from fakes.tmux import FakeTmux
from fakes.world import FakeWorld
from waiting import wait_until

from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import ABSENT, Present, Unknown
from reconciler.model.snapshot import Pane, TmuxTarget
from reconciler.ports.processes import RealProcesses
from reconciler.ports.tmux import Failure, NewSession, RealTmux
from reconciler.ports.world import SessionTags, Tmux, TypingResult

LASTING = ("sleep", "1000")
FAILING = ("failing-agent", "--now")
NOBODY = TmuxTarget("$999", "%999", 999_999)


@dataclass
class Side:
    """One implementation, and what can be done to its server behind its back."""

    tmux: Tmux
    folder: str
    run_tmux: Callable[..., object]
    finish: Callable[[Pane], object]  # makes an agent that runs FAILING end with status 3

    def session(self, name: str, argv: tuple[str, ...] = LASTING, **fields: object) -> NewSession:
        return NewSession(name=name, cwd=self.folder, argv=argv, **fields)

    def start(self, *names: str, argv: tuple[str, ...] = LASTING) -> list[Pane]:
        panes = list(self.tmux.start([self.session(name, argv) for name in names]))
        assert all(isinstance(pane, Pane) for pane in panes), panes
        return panes

    def panes(self) -> dict[str, Pane]:
        match self.tmux.look():
            case Present(state):
                return {pane.session: pane for pane in state.panes}
            case Unknown(reason):
                pytest.fail(reason)
            case _:
                return {}

    def dead(self, name: str) -> Pane:
        return wait_until(lambda: next((p for p in self.panes().values() if p.session == name and p.dead), None))


@pytest.fixture
def real(tmux_socket, tmp_path) -> Side:
    agent = tmp_path / FAILING[0]
    agent.write_text("#!/bin/sh\necho first; echo; echo no such model; read line; exit 3\n")
    agent.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}

    def run_tmux(*arguments):
        subprocess.run(["tmux", "-u", "-S", tmux_socket.path, *arguments], check=True, capture_output=True)

    tmux = RealTmux(tmux_socket, environment)

    def finish(pane):
        wait_until(lambda: "no such model" in tmux.screen(pane.pane_id))
        assert tmux.type_line(pane.target, "")
        wait_until(lambda: RealProcesses().started(pane.pid) == ABSENT)
        run_tmux("run-shell", "true")  # tmux 3.3a now and then misses the end of a child until the next one ends

    return Side(tmux, str(tmp_path), run_tmux, finish)


@pytest.fixture
def fake() -> Side:
    world = FakeWorld()
    world.files.make_folder("/lab")
    world.tmux.exits["false"] = (1, "")

    def run_tmux(command, *arguments):
        if command == "kill-server":
            world.tmux.kill_server()
        else:
            world.tmux.kill_session(arguments[-1].strip("=:"))

    def finish(pane):
        world.tmux.screens[pane.pane_id] = "first\n\nno such model\n"
        world.tmux.exit_agent(pane.session, 3)

    return Side(world.tmux, "/lab", run_tmux, finish)


@pytest.fixture(params=["real", "fake"])
def side(request) -> Side:
    return request.getfixturevalue(request.param)


def test_no_server_is_absent(side):
    assert side.tmux.look() == ABSENT


def test_a_started_session_is_seen_with_its_tags_and_ids(side):
    session = side.session("lab-a", lineage="L1", address="agent.lab.a", conversation="c-1")

    [born] = side.tmux.start([session])
    seen = side.panes()["lab-a"]

    assert (born.session, born.cwd, born.command) == ("lab-a", side.folder, "sleep")
    assert (seen.session_id, seen.pane_id, seen.pid, seen.created) == (
        born.session_id,
        born.pane_id,
        born.pid,
        born.created,
    )
    for pane in (born, seen):
        assert (pane.lineage, pane.address, pane.conversation) == ("L1", "agent.lab.a", "c-1")
        assert not pane.dead
    assert wait_until(lambda: side.panes()["lab-a"].command == "sleep")
    assert side.panes()["lab-a"].cwd == side.folder


def test_answers_come_in_order_and_one_refusal_stops_nobody(side):
    side.start("taken")

    answers = list(side.tmux.start([side.session(name) for name in ("a", "taken", "b")]))

    assert [answer.session if isinstance(answer, Pane) else None for answer in answers] == ["a", None, "b"]
    assert "duplicate session" in answers[1].message
    assert set(side.panes()) == {"taken", "a", "b"}


def test_no_sessions_to_start_are_no_answers(side):
    assert list(side.tmux.start([])) == []
    assert side.tmux.look() == ABSENT


def test_a_missing_folder_fails_before_anything_is_created(side):
    [answer] = side.tmux.start([NewSession("a", f"{side.folder}/nowhere", LASTING)])

    assert isinstance(answer, Failure)
    assert "nowhere" in answer.message
    assert side.panes() == {}


def test_no_command_at_all_is_a_failure(side):
    [answer] = side.tmux.start([side.session("a", argv=())])

    assert isinstance(answer, Failure)


@pytest.mark.parametrize("name", ["a.b", "a:b", ""])
def test_a_name_that_is_not_kept_leaves_no_session_behind(side, name):
    [answer] = side.tmux.start([side.session(name)])

    assert isinstance(answer, Failure)
    assert side.panes() == {}


def test_an_agent_that_exits_leaves_its_status_and_last_words(side):
    [born] = side.start("a", argv=FAILING)
    side.finish(born)

    assert wait_until(lambda: side.panes()["a"].dead_status) == 3
    assert side.dead("a").pid in {born.pid, 0}  # tmux 3.8 forgets it
    assert side.tmux.screen(born.pane_id).splitlines()[:3] == ["first", "", "no such model"]
    assert len(side.tmux.screen(born.pane_id, lines=1).splitlines()) == 1
    assert side.tmux.picture(born.pane_id, history=True).splitlines()[:3] == ["first", "", "no such model"]


def test_an_agent_that_exits_at_once_was_started_and_is_dead(side):
    [born] = side.start("a", argv=("false",))

    assert side.dead("a").pid in {born.pid, 0}


def test_ended_sessions_are_gone_and_ending_again_is_fine(side):
    a, b = side.start("a", "b")
    side.start("c")

    assert side.tmux.end([a.target, NOBODY, b.target]) == ("", "", "")
    assert side.tmux.end([a.target]) == ("",)

    assert set(side.panes()) == {"c"}


def test_ending_the_last_session_ends_the_server(side):
    [a] = side.start("a")

    assert side.tmux.end([a.target]) == ("",)

    assert wait_until(lambda: side.tmux.look() == ABSENT)
    assert side.tmux.end([a.target]) == ("",)


def test_a_renamed_session_keeps_its_id_and_process(side):
    [a] = side.start("a")

    side.tmux.rename(a.target, "b")

    assert side.panes()["b"].pid == a.pid
    assert side.panes()["b"].session_id == a.session_id


def test_a_name_in_use_is_refused(side):
    a, _ = side.start("a", "b")

    with pytest.raises(ReconcilerError):
        side.tmux.rename(a.target, "b")
    assert set(side.panes()) == {"a", "b"}


def test_tags_replace_older_ones(side):
    [a] = side.start("a")

    side.tmux.tag(a.target, SessionTags("L1", "agent.lab.a", "c-1", "/a project"))
    side.tmux.tag(side.panes()["a"].target, SessionTags("L1", "agent.lab.a", ""))

    pane = side.panes()["a"]
    assert (pane.lineage, pane.address, pane.conversation) == ("L1", "agent.lab.a", "")
    assert pane.project == "/a project", "an empty one says nothing"


@pytest.mark.parametrize(
    "change", [lambda t: t.tag(NOBODY, SessionTags("L", "a", "c")), lambda t: t.rename(NOBODY, "x")]
)
def test_a_session_that_is_gone_cannot_be_changed(side, change):
    side.start("a")

    with pytest.raises(ReconcilerError):
        change(side.tmux)


def test_typing_tells_whether_anybody_was_there(side):
    [live] = side.start("live")
    [dead] = side.start("dead", argv=("false",))
    side.dead("dead")

    assert side.tmux.type_line(live.target, "hello")
    assert not side.tmux.type_line(dead.target, "hello")
    assert not side.tmux.type_line(NOBODY, "hello")


def test_the_screen_of_nobody_is_empty(side):
    side.start("a")

    assert side.tmux.screen("%999") == ""
    assert side.tmux.picture("%999") == side.tmux.picture("", history=True) == ""


def test_a_killed_session_and_a_killed_server_are_seen(side):
    side.start("a", "b")

    side.run_tmux("kill-session", "-t", "=a:")
    assert set(side.panes()) == {"b"}

    side.run_tmux("kill-server")
    assert wait_until(lambda: side.tmux.look() == ABSENT)


def test_a_new_server_is_another_one(side):
    side.start("a")
    first = side.tmux.look().value.server
    side.run_tmux("kill-server")
    wait_until(lambda: side.tmux.look() == ABSENT)

    side.start("a")

    assert side.tmux.look().value.server.pid != first.pid
    assert side.tmux.look().value.server.socket == first.socket


QUESTION = [["Do you want to run this?", "[1] Yes"]]


def _asking(side, name):
    """A pane whose program has asked QUESTION."""
    [pane] = side.start(name, argv=("sh", "-c", "echo 'Do you want to run this?'; echo '> [1] yes'; exec sleep 1000"))
    if isinstance(side.tmux, FakeTmux):
        side.tmux.screens[pane.pane_id] = "Do you want to run this?\n> [1] yes\n"
    wait_until(lambda: "yes" in side.tmux.screen(pane.pane_id))
    return pane


@pytest.mark.parametrize(
    "do", [lambda t, *a: t.paste(a[0], "hello", *a[1:]), lambda t, *a: t.press(a[0], ["Enter"], *a[1:])]
)
def test_keys_reach_the_living_and_no_question(side, do):
    [live] = side.start("live")
    [dead] = side.start("dead", argv=("false",))
    side.dead("dead")
    asking = _asking(side, "asking")

    assert do(side.tmux, live.target) is do(side.tmux, live.target, QUESTION) is TypingResult.DONE
    assert do(side.tmux, asking.target, QUESTION) is TypingResult.HELD
    assert do(side.tmux, asking.target, [["Do you want to run this?", "no such text"]]) is TypingResult.DONE
    assert do(side.tmux, dead.target, QUESTION) is do(side.tmux, NOBODY, QUESTION) is TypingResult.GONE
    assert set(side.panes()) == {"live", "dead", "asking"}


def test_a_key_may_be_meant_for_what_is_on_the_screen_and_for_nothing_else(side):
    [live] = side.start("live")
    asking = _asking(side, "asking")

    assert side.tmux.press(asking.target, ["Enter"], (), QUESTION) is TypingResult.DONE
    assert side.tmux.press(asking.target, ["Enter"], QUESTION, QUESTION) is TypingResult.HELD
    assert side.tmux.press(live.target, ["Enter"], (), QUESTION) is TypingResult.HELD
    assert side.tmux.press(NOBODY, ["Enter"], (), QUESTION) is TypingResult.GONE


def test_another_server_is_asked_at_its_own_socket(side):
    side.start("one")
    assert side.tmux.look_at(f"{side.folder}/nothing") == ABSENT


def test_a_pane_is_blank_until_something_is_shown_in_it(side):
    silent, talking = side.start("lab-silent")[0], side.start("lab-talking", argv=FAILING)[0]
    if isinstance(side.tmux, FakeTmux):
        side.tmux.screens[talking.pane_id] = "first"

    wait_until(lambda: talking.pane_id not in side.tmux.blank_panes())

    assert silent.pane_id in side.tmux.blank_panes()


def test_no_pane_is_blank_without_a_server(side):
    assert side.tmux.blank_panes() == frozenset()
