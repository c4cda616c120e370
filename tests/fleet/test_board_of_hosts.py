"""The board of many hosts over ssh; here, `ssh` is a program that runs the command on a host of the lab."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from jsonschema import Draft7Validator
from lab_hosts import CLI, Controller
from waiting import wait_until

from reconciler.agents.permission import Answer
from reconciler.app.board import attach
from reconciler.app.board.actions import DialogToAnswer
from reconciler.app.board.attach import AttachMethod
from reconciler.app.board.service import AgentKey, key_of
from reconciler.fleet.board_document import HostBoard, hosts_document, with_answer
from reconciler.fleet.hosts import FleetHost, HostOutcome
from reconciler.fleet.live_board import HostsBoard
from reconciler.fleet.over_ssh import HostStatus
from reconciler.fleet.ssh import Ssh
from reconciler.model.errors import ReconcilerError, Unreachable
from reconciler.ports.clock import RealClock
from reconciler.render.answering import agent_answer_document
from reconciler.state.schemas import load_schema

NOW, LATER = datetime(2026, 11, 30, 12, tzinfo=UTC), datetime(2026, 11, 30, 13, tzinfo=UTC)
SSH = """#!/bin/sh
while [ "$1" != -- ]; do [ "$1" = -t ] && echo terminal >> "$FLEET/calls"; shift; done
echo "$2: $3" >> "$FLEET/calls"
[ -e "$FLEET/$2/down" ] && { echo "ssh: connect to host $2 port 22: No route to host" >&2; exit 255; }
case $2 in
    away) echo "ssh: connect to host away port 22: No route to host" >&2; exit 255 ;;
    old) echo "Error: there is no command board" >&2; exit 64 ;;
    other) echo '{"format_version": "1.0", "projects": [], "agents": [{"address": "agent.w.s"}]}'; exit 0 ;;
esac
HOME=$FLEET/$2 PATH=$FLEET/$2:/usr/bin:/bin exec sh -c "$3"
"""


# --- one document -----------------------------------------------------------------------------


def row(**other: Any) -> dict[str, Any]:
    """An agent as a host of the first version with a board tells of it."""
    made = {
        "project": "lab", "folder": "/lab", "registry": "/lab/r", "workspace": "w", "agent": "s", "type": "shell",
        "address": "agent.w.s", "session": "w-creator-s", "conversation": None, "pid": 7, "since": None,
        "shows_state": True, "group": "working", "status": "running", "live": "alive", "state": "busy",
        "state_since": None, "waits_for": None, "question": None, "message": None, "work": None, "job": None,
        "tokens_today": None, "note": "",
    }  # fmt: skip
    return {**made, **other}


def told(*rows: dict[str, Any]) -> HostStatus:
    project = {"project": "lab", "folder": "/lab", "registry": "/lab/r", "diagnostics": [], "error": None}
    document = {"format_version": "1.3", "projects": [project], "agents": list(rows), "diagnostics": []}
    return HostStatus("one", HostOutcome.OK, 0, document=document)


LOST = HostStatus("one", HostOutcome.UNREACHABLE, said="No route to host", seconds=4.0)


def test_every_row_has_its_host_whatever_the_host_itself_wrote() -> None:
    one = with_answer(HostBoard("one"), told(row(host="two", address="agent.w.s")), NOW)
    found = hosts_document([one, HostBoard("two")])
    assert [each["host"] for each in found["agents"]] == ["one"]
    assert [each["host"] for each in found["projects"]] == ["one"]
    assert [(each["host"], each["outcome"]) for each in found["hosts"]] == [("one", "ok"), ("two", "unknown")]
    Draft7Validator(load_schema("board")).validate(found)


def test_the_agents_of_a_host_that_stopped_answering_are_unknown_with_their_age_and_never_gone() -> None:
    seen = with_answer(HostBoard("one"), told(row()), NOW)
    found = hosts_document([with_answer(seen, LOST, LATER)])
    (agent,), (host,) = found["agents"], found["hosts"]
    assert (agent["live"], agent["group"], agent["state_since"]) == ("unknown", "trouble", "2026-11-30T12:00:00Z")
    assert agent["note"] == "one does not answer; when it last did: works"
    assert (host["outcome"], host["said"], host["seen"]) == ("unreachable", "No route to host", "2026-11-30T12:00:00Z")
    assert hosts_document([with_answer(with_answer(seen, LOST, LATER), told(row()), LATER)])["agents"][0] == {
        **row(),
        "host": "one",
    }, "it is there again"


def test_a_host_that_never_answered_has_no_agents_and_says_why() -> None:
    found = hosts_document([with_answer(HostBoard("one"), LOST, NOW)])
    assert found["agents"] == []
    assert found["hosts"][0]["seen"] is None


@pytest.mark.parametrize(
    "wrong",
    [{"group": "asleep"}, {"live": 7}, {"address": None}, {"work": {"branch": 1}}, {"tokens_today": 10**400}],
    ids=lambda each: next(iter(each)),
)
def test_a_row_of_another_shape_is_not_believed(wrong: dict[str, Any]) -> None:
    found = with_answer(HostBoard("one"), told(row(**wrong)), NOW)
    assert (found.outcome, found.document) == (HostOutcome.FAILED, None)
    assert "another board document" in found.said


# --- over ssh ---------------------------------------------------------------------------------


@pytest.fixture
def reached(fleet: Controller, monkeypatch: pytest.MonkeyPatch) -> Controller:
    program = fleet.folder / "ssh"
    program.write_text(SSH)
    program.chmod(0o755)
    monkeypatch.setenv("FLEET", str(fleet.folder))
    for name in ("TMUX", "TMUX_PANE"):
        monkeypatch.delenv(name, raising=False)
    return fleet


def board_json(fleet: Controller, hosts: str, code: int) -> Any:
    done = fleet.type("board", "-i", f"ssh:{hosts}", "--project", "~/lab", "--json", FLEET=str(fleet.folder))
    assert done.returncode == code, done.stdout + done.stderr
    document = json.loads(done.stdout)
    Draft7Validator(load_schema("board")).validate(document)
    return document


def test_the_document_has_the_agents_of_all_hosts(reached: Controller) -> None:
    reached.hosts["one"].run("apply", "--auto-approve")
    document = board_json(reached, "two,one", 0)
    rows = [(each["host"], each["address"], each["live"]) for each in document["agents"]]
    assert rows == [("one", "agent.w.s", "alive"), ("two", "agent.w.s", "gone")]
    assert [each["outcome"] for each in document["hosts"]] == ["ok", "ok"]


def test_each_host_without_a_board_says_why(reached: Controller) -> None:
    document = board_json(reached, "away,old,other,one", 1)
    said = {each["host"]: (each["outcome"], each["said"]) for each in document["hosts"]}
    assert said["away"] == ("unreachable", "ssh: connect to host away port 22: No route to host")
    assert said["old"][0] == "failed"
    assert "too old for the board" in said["old"][1]
    assert "another board document" in said["other"][1]
    assert said["one"] == ("ok", "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--limit", "one"], "--limit and --project are about hosts"),
        (["-i", "ssh:one", "--project", "~/lab", "--all"], "--all is about this machine"),
        (["-i", "ssh:one", "--project", "~/lab", "--registry", "r"], "--registry is about this machine"),
        (["-i", "ssh:one"], "nothing says where the project is on one"),
        (["-i", "ssh:one", "--project", "~/lab"], "the board needs a terminal"),
    ],
)
def test_wrong_options_are_told_before_any_host_is_asked(reached: Controller, words: list[str], said: str) -> None:
    done = reached.type("board", *words)
    assert (done.returncode, said in done.stderr) == (64, True), done.stderr
    assert not (reached.folder / "calls").exists()


def hosts_board(fleet: Controller, *names: str) -> HostsBoard:
    env = {**os.environ, "FLEET": str(fleet.folder)}
    ssh = Ssh(str(fleet.folder / "ssh"), str(fleet.folder), env, 60)
    return HostsBoard([FleetHost(name, name, project="~/lab") for name in names], ssh, RealClock().now)


@pytest.fixture
def live(reached: Controller) -> Iterator[Callable[..., tuple[HostsBoard, list[Any]]]]:
    """Makes a live board of some hosts, and the list of its documents."""
    made: list[HostsBoard] = []

    def start(*names: str) -> tuple[HostsBoard, list[Any]]:
        board, documents = hosts_board(reached, *names), []
        made.append(board)
        board.start(documents.append)
        return board, documents

    yield start
    for each in made:
        each.close()


def outcomes(document: Any) -> dict[str, str]:
    return {each["host"]: each["outcome"] for each in document["hosts"]}


def test_a_host_that_goes_away_and_comes_back_is_followed(
    reached: Controller, live: Callable[..., tuple[HostsBoard, list[Any]]]
) -> None:
    down = reached.hosts["one"].folder / "down"
    board, documents = live("one", "away")
    assert outcomes(documents[0]) == {"one": "unknown", "away": "unknown"}, "shown before any host answered"
    wait_until(lambda: outcomes(documents[-1]) == {"one": "ok", "away": "unreachable"})
    down.touch()
    board.look_again()
    wait_until(lambda: outcomes(documents[-1])["one"] == "unreachable")
    assert [each["live"] for each in documents[-1]["agents"]] == ["unknown"]
    down.unlink()
    board.look_again()
    wait_until(lambda: outcomes(documents[-1])["one"] == "ok")
    assert [each["live"] for each in documents[-1]["agents"]] == ["gone"]


def test_a_host_that_hangs_holds_up_neither_the_others_nor_the_end(
    reached: Controller, live: Callable[..., tuple[HostsBoard, list[Any]]]
) -> None:
    fifo = reached.folder / "fifo"
    os.mkfifo(fifo)
    (reached.folder / "ssh").write_text(SSH.replace("    away)", f"    hangs) read line < {fifo} ;;\n    away)"))
    before = {*threading.enumerate()}
    board, documents = live("hangs", "one")
    wait_until(lambda: outcomes(documents[-1]) == {"hangs": "unknown", "one": "ok"})
    board.close()
    assert {*threading.enumerate()} - before, "leaving did not wait for the host"
    count = len(documents)
    fifo.write_text("go\n")
    wait_until(lambda: not {*threading.enumerate()} - before)
    assert len(documents) == count, "an answer after the end is not reported"


def key(host: str, address: str = "agent.w.s") -> AgentKey:
    return AgentKey("/lab", address, "/lab/r", host)


def test_actions_on_a_host_are_the_commands_of_reconciler_there(reached: Controller) -> None:
    board, said = hosts_board(reached, "one"), []
    one = reached.hosts["one"]
    plan = board.plan(key("one"))
    applied = board.apply(key("one"), plan, said.append)
    assert applied.done, applied.lines
    assert said == ["one: reconciler apply"]
    assert len(one.sessions()) == 1
    stale = board.apply(key("one"), plan, said.append)
    assert not stale.done
    assert "digest" in " ".join(stale.lines), "only the plan that was shown is applied"
    assert board.peek(key("one"))["address"] == "agent.w.s"
    stopped = board.stop(key("one"), said.append)
    assert stopped.done, stopped.lines
    assert one.sessions() == []
    resumed = board.resume(key("one"), said.append)
    assert resumed.done, resumed.lines
    before = one.tmux("list-panes", "-a", "-F", "#{pane_pid}")
    restarted = board.restart(key("one"), said.append)
    assert restarted.done, restarted.lines
    assert one.tmux("list-panes", "-a", "-F", "#{pane_pid}") != before


def test_what_a_host_tells_of_an_agent_is_read(reached: Controller) -> None:
    one = reached.hosts["one"]
    whose = {"address": "agent.w.s", "session": "w-creator-s", "job": "j1"}
    shown = {"request": "5d0c", "digest": "d", "question": "Proceed?", "lines": ["Proceed?", "1. Yes"], "at": "t"}
    said = {"role": "user", "at": None, "text": "hello"}
    last = {"format_version": "1.3", "address": "agent.w.s", "conversation": None, "path": None, "cut": False}
    printed = {"answer": agent_answer_document(whose, shown, None), "last": {**last, "messages": [said]}}
    for name, document in printed.items():
        (one.folder / name).write_text(json.dumps(document))
    one.program.write_text('#!/bin/sh\necho "$@" >> "$HOME/words"; cat "$HOME/$3"\n')
    board = hosts_board(reached, "one")
    assert board.dialog(key("one")) == DialogToAnswer("5d0c", ("Proceed?", "1. Yes"), "j1")
    assert board.last(key("one"))["messages"] == [said]
    words = [line.split()[2:] for line in (one.folder / "words").read_text().splitlines()]
    assert words == [["answer", "agent.w.s", "--json"], ["last", "agent.w.s", "--turns", "5", "--json"]]
    (one.folder / "last").write_text('{"format_version": "1.3"}')
    with pytest.raises(ReconcilerError, match="prints another document"):
        board.last(key("one"))


def test_what_an_agent_changed_on_a_host_is_shown(reached: Controller) -> None:
    one = reached.hosts["one"]
    one.run("apply", "--auto-approve")
    subprocess.run(["git", "init", "-q", "-b", "side", str(one.project / "w")], check=True)
    (one.project / "w" / "new").write_text("x")
    found = hosts_board(reached, "one").diff(key("one"))
    assert (found["branch"], len(found["uncommitted"])) == ("side", 1)


def test_what_cannot_be_done_has_the_verdict_of_the_host(reached: Controller) -> None:
    board = hosts_board(reached, "one", "away")
    for look in (board.peek, board.dialog):
        with pytest.raises(
            ReconcilerError, match=r"^one: .*w[.]s has no live session|^one: .*w-creator-s does not exist"
        ):
            look(key("one"))
    refused = board.answer(key("one"), "5d0c", Answer.APPROVE)
    assert not refused.done
    assert refused.lines[0].startswith("one: ")
    assert "Error" not in refused.lines[0]
    with pytest.raises(Unreachable, match="away does not answer"):
        board.peek(key("away"))
    with pytest.raises(Unreachable, match="Whether it was done is not known"):
        board.stop(key("away"), lambda _line: None)
    with pytest.raises(ReconcilerError, match="does not show the host"):
        board.stop(key("elsewhere"), lambda _line: None)


def test_a_message_goes_through_standard_input_and_names_are_words(reached: Controller) -> None:
    one, text = reached.hosts["one"], "--json; touch x $(touch y)"
    one.program.write_text('#!/bin/sh\nfor word; do echo "$word"; done > "$HOME/words"\ncat > "$HOME/given"\n')
    board = hosts_board(reached, "one")
    assert board.send(key("one"), text).done
    assert (one.folder / "given").read_text() == text
    assert (one.folder / "words").read_text().splitlines() == ["-C", str(one.project), "send", "agent.w.s", "-"]
    assert text not in (reached.folder / "calls").read_text()
    board.answer(key("one"), "5d'; touch z", Answer.DENY)
    assert (one.folder / "words").read_text().splitlines()[2:] == [
        "answer",
        "agent.w.s",
        "--request",
        "5d'; touch z",
        "deny",
    ]
    for address in ("agent.w.s; touch x", "--all", ""):
        with pytest.raises(ReconcilerError, match="there is no"):
            board.stop(key("one", address), lambda _line: None)
    assert not list(reached.folder.rglob("[xyz]"))


def test_attaching_takes_the_terminal_or_a_popup(reached: Controller) -> None:
    board = hosts_board(reached, "one")
    way = board.attachment(key("one"))
    assert way.way is AttachMethod.TERMINAL
    assert way.command[-4:-1] == ("-t", "--", "one")
    assert shlex.split(shlex.split(way.command[-1])[-1])[-2:] == ["attach", "agent.w.s"]


class PlayedTmux:
    """The tmux around the terminal; `popups` says whether it has popups, and its prefix is `key`."""

    popups, key = True, "C-b"

    def __init__(self, _socket: object, _env: object) -> None:
        self.around = self

    def popup(self, words: tuple[str, ...]) -> list[str]:
        return ["popup", *words] if self.popups else []

    def prefix(self) -> str:
        return self.key


@pytest.mark.parametrize(
    ("popups", "key", "way", "back"),
    [
        (True, "C-b", AttachMethod.POPUP, "Ctrl-b d"),
        (False, "C-b", AttachMethod.NESTED, "Ctrl-b Ctrl-b d"),
        (False, "C-a", AttachMethod.NESTED, "Ctrl-b d"),
    ],
)
def test_inside_tmux_the_way_back_is_told(
    monkeypatch: pytest.MonkeyPatch, popups: bool, key: str, way: AttachMethod, back: str
) -> None:
    monkeypatch.setattr(attach, "RealTmux", type("Played", (PlayedTmux,), {"popups": popups, "key": key}))
    found = attach.way_by(("ssh", "one"), {})
    assert (found.way, found.back) == (way, back)
    assert found.command == (("popup", "ssh", "one") if popups else ("ssh", "one"))


def test_keys_of_a_row_mean_its_host() -> None:
    (agent,) = hosts_document([with_answer(HostBoard("one"), told(row()), NOW)])["agents"]
    assert (key_of(agent).host, key_of(agent).title) == ("one", "w.s on one")


# --- on a terminal ----------------------------------------------------------------------------


@pytest.fixture
def screen(reached: Controller) -> Iterator[Callable[..., str]]:
    """tmux commands on a server of its own, in which the board of both hosts is shown."""
    command = [*CLI, "board", "-i", "ssh:one,two,away", "--project", "~/lab"]
    env = {**reached.env, "FLEET": str(reached.folder)}

    def tmux(*words: str) -> str:
        own = ["tmux", "-u", "-S", str(reached.folder / "outer"), *words]
        return subprocess.run(own, check=False, capture_output=True, text=True, env=env).stdout

    alone = f"env -u TMUX -u TMUX_PANE {shlex.join(command)}; echo ended with $?; exec sleep 1000"
    tmux("-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "24", "-c", str(reached.folder), alone)
    yield tmux
    tmux("kill-server")


def test_the_board_attaches_to_an_agent_of_another_host_and_comes_back(
    reached: Controller, screen: Callable[..., str]
) -> None:
    def shows(*texts: str) -> None:
        try:
            wait_until(lambda: all(text in screen("capture-pane", "-p") for text in texts))
        except AssertionError as error:
            raise AssertionError(f"{texts} not on:\n{screen('capture-pane', '-p')}") from error

    shows("HOST", "one   ■  new", "two   ■  new", "✗ away  unreachable", "No route to host")
    screen("send-keys", "Home")  # whichever host answered first was selected
    screen("send-keys", "r")
    shows("✓ one: ", "one   ◌  runs")
    screen("send-keys", "Enter")
    wait_until(lambda: "attach" in (reached.folder / "calls").read_text())
    wait_until(lambda: reached.hosts["one"].tmux("list-clients") != "")
    screen("send-keys", "-l", "echo here$((1+1))")
    screen("send-keys", "Enter")
    shows("here2")
    screen("send-keys", "C-b", "d")
    shows("HOST", "You are back.")
    screen("send-keys", "Space")
    shows("w.s on one: its screen", "here2")
    screen("send-keys", "q")
    shows("ended with 0")
