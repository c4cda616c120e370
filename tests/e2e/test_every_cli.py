"""Every verb of every day with every CLI: at work, asking, dead and unknown, with hostile text in what was said.

All stand-ins are started once; no test changes what another one looks at.
"""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from jsonschema import Draft7Validator
from project import Project, git
from waiting import wait_until

from reconciler.agents.catalogue import catalogue
from reconciler.state.schemas import load_schema

TYPES = catalogue([])
CLIS = sorted(set(TYPES) - {"shell"})
HOSTILE, HARMLESS = "\N{RIGHT-TO-LEFT OVERRIDE}evil\N{ZERO WIDTH SPACE}", r"\u202eevil\u200b"
PROMPTS = {"busy": f"please hang {HOSTILE}", "asks": f"please ask {HOSTILE}", "dead": f"please crash 3 {HOSTILE}"}
UNSEEN = "cursor-agent"  # nobody described its screens
NEVER_ASKS = "pi"  # it has no permissions, by design
LATE = {"opencode", "kilo", "pi"}  # they store a prompt with its answer


def _clis(state: str) -> list[str]:
    return [cli for cli in CLIS if not (state == "asks" and cli == NEVER_ASKS)]


@pytest.fixture(scope="module")
def lab() -> Iterator[Project]:
    """A workspace for each state, with an agent of each CLI in it."""
    with TemporaryDirectory(prefix="rc-", dir="/tmp") as folder:
        home = Path(folder)
        root = home / "project"
        root.mkdir()
        made = Project(root, home, home / "t")
        made.write({state: {"path": state, "agents": {cli: {} for cli in _clis(state)}} for state in PROMPTS})
        for state in ("asks", "dead"):
            (root / state).mkdir()
            git(root / state, "init", "-q", "-b", "main")
            (root / state / HOSTILE).touch()
        made.apply()
        for state, prompt in PROMPTS.items():
            for cli in _clis(state):
                made.type(f"{state}-creator-{cli}", prompt)
        wait_until(lambda: _is_as_meant(made))
        yield made
        made.tmux("kill-server")
        for pid in made.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not made.processes())


def _is_as_meant(project: Project) -> bool:
    agents = {each["address"]: each for each in project.json("status")["agents"]}
    states = {"busy": {"busy"}, "asks": {"waiting"}, "dead": {""}}
    seen = [
        agents[f"agent.{state}.{cli}"]["state"] in states[state]
        for state in PROMPTS
        for cli in _clis(state)
        if cli != UNSEEN
    ]
    screens = [project.screen(f"{state}-creator-{UNSEEN}") for state in ("busy", "asks")]
    return all(seen) and "esc to interrupt" in screens[0] and "Do you want" in screens[1]


def _running(project: Project) -> set[str]:
    return {pane.address for pane in project.live().values() if not pane.dead}


def _document(project: Project, schema: str, *words: str) -> dict[str, Any]:
    document = project.json(*words, code=0)
    Draft7Validator(load_schema(schema)).validate(document)
    return document


def test_status_tells_in_which_group_each_is(lab: Project):
    document = _document(lab, "status", "status")
    groups = {each["address"].removeprefix("agent."): each["group"] for each in document["agents"]}
    expected = {"busy": "working", "asks": "needs_you", "dead": "trouble"}
    unseen = {f"busy.{UNSEEN}": "running", f"asks.{UNSEEN}": "running"}
    assert groups == {f"{state}.{cli}": group for state, group in expected.items() for cli in _clis(state)} | unseen
    assert {each["waits_for"] for each in document["agents"] if each["group"] == "needs_you"} == {"permission"}
    waiting = [each for each in document["agents"] if each["group"] == "needs_you"]
    assert all(each["state_since"] for each in waiting)


@pytest.mark.parametrize("state", PROMPTS)
def test_peek_shows_each_screen_and_lets_it_steer_nothing(lab: Project, state: str):
    for cli in _clis(state):
        said = lab.run("peek", f"{state}.{cli}")
        assert HOSTILE not in said, cli
        if state == "dead":
            assert "Fatal: the stand-in crashes" in said, cli
            assert f"agent.dead.{cli} has ended" in said
        else:
            assert f"> {PROMPTS[state].replace(HOSTILE, HARMLESS)}" in said, cli


@pytest.mark.parametrize("state", PROMPTS)
def test_last_tells_what_each_was_told_where_its_store_can_be_read(lab: Project, state: str):
    for cli in _clis(state):
        if not TYPES[cli].transcript.reads_messages:
            assert "it is not known how" in lab.run("last", f"{state}.{cli}", code=1)
            continue
        said = lab.run("last", f"{state}.{cli}")
        assert HOSTILE not in said, cli
        is_known = lab.json("status", f"{state}.{cli}")["agents"][0]["conversation"]
        unknown = f"it is not known which conversation agent.{state}.{cli} is in"
        told = PROMPTS[state].replace(HOSTILE, HARMLESS) if is_known else unknown
        assert told in said or (cli in LATE and "no message is stored" in said), said


@pytest.mark.parametrize("state", PROMPTS)
def test_send_types_into_none_of_them(lab: Project, state: str):
    verdicts = {"busy": "refused_busy", "asks": "refused_dialog"}
    for cli in set(_clis(state)) - {UNSEEN}:
        name = f"{state}.{cli}"
        before = lab.screen(f"{state}-creator-{cli}")
        done = lab.attempt("send", name, f"more {HOSTILE}")
        if state == "dead":
            assert (done.returncode, "its agent has ended" in done.stderr) == (1, True), name
        else:
            assert (done.returncode, verdicts[state] in done.stdout + done.stderr) == (7, True), name
        assert "more" not in lab.screen(f"{state}-creator-{cli}")
        if state == "dead":
            assert lab.screen(f"{state}-creator-{cli}") == before


@pytest.mark.parametrize("state", PROMPTS)
def test_answer_shows_the_dialog_of_those_that_ask_and_refuses_the_others(lab: Project, state: str):
    for cli in _clis(state):
        name, permission = f"{state}.{cli}", TYPES[cli].display.permission
        done = lab.attempt("answer", name)
        assert HOSTILE not in done.stdout + done.stderr
        if state == "asks" and permission:
            assert (done.returncode, "--request" in done.stdout) == (0, True), name
        elif state == "dead":
            assert (done.returncode, "its agent has ended" in done.stderr) == (1, True), name
        else:
            assert (done.returncode, f"reconciler attach {state}-creator-{cli}" in done.stderr) == (7, True), name


@pytest.mark.parametrize("state", PROMPTS)
def test_diff_and_attach_do_not_ask_what_an_agent_does(lab: Project, state: str):
    for cli in _clis(state):
        command = _document(lab, "attach", "attach", f"{state}.{cli}")["command"]
        assert command[-1] == f"={state}-creator-{cli}"
        if state == "busy":
            assert "not under git" in lab.run("diff", f"busy.{cli}", code=1)
            continue
        assert [each["path"] for each in _document(lab, "diff", "diff", f"{state}.{cli}")["uncommitted"]] == [HOSTILE]
        assert f"?? {HARMLESS}" in lab.run("diff", f"{state}.{cli}")


def test_stop_interrupts_none_of_those_whose_state_can_be_seen(lab: Project):
    seen = [cli for cli in CLIS if TYPES[cli].display.tells_activity]
    for state in ("busy", "asks"):
        named = [f"agent.{state}.{cli}" for cli in _clis(state) if cli in seen]
        said = lab.run("stop", *named, code=7)
        assert said.count("is deferred") == len(named), said
    assert _running(lab) == {f"agent.{state}.{cli}" for state in ("busy", "asks") for cli in _clis(state)}
    assert "already running" in lab.run("resume", "agent.busy.claude")


@pytest.mark.parametrize("line", ["archive", "restart", "delete -y"])
def test_no_other_verb_interrupts_one(lab: Project, line: str):
    seen = [f"agent.{state}.{cli}" for state in ("busy", "asks") for cli in _clis(state) if cli != UNSEEN]
    before = _running(lab)
    said = lab.run(*line.split(), *seen, code=7)
    told = [f"{each} is in use" if "delete" in line else f"{each}: Skipped" for each in seen]
    assert [each for each in told if each not in said] == []
    assert HOSTILE not in said
    assert _running(lab) == before


NAMING = (
    "status NAME",
    "peek NAME",
    "last NAME",
    "diff NAME",
    "send NAME text",
    "answer NAME",
    "attach NAME",
    "stop NAME",
    "resume NAME",
    "archive NAME",
    "restart NAME",
    "delete NAME -y",
    "explain NAME",
    "show NAME",
    "history NAME",
    "types record NAME --state idle",
    "job submit --agent NAME --prompt text",
    "plan --target NAME",
    "plan --exclude NAME",
    "plan --replace NAME",
    "apply -y --target NAME",
    "destroy -y --target NAME",
    "import NAME session",
)


@pytest.mark.parametrize("line", NAMING)
def test_an_unknown_agent_is_named_by_every_verb_and_a_short_name_of_many_lists_them(lab: Project, line: str):
    def typed(name: str) -> list[str]:
        return [name if word == "NAME" else word for word in line.split()]

    said = lab.run(*typed(f"nobody{HOSTILE}"), code=64)
    assert re.search(f"there is no (agent )?nobody{re.escape(HARMLESS)}", said), said
    assert HOSTILE not in said
    several = lab.run(*typed("claude"), code=64)
    assert "claude matches 3 names" in several
    assert "agent.busy.claude" in several


def test_the_options_of_a_plan_take_short_names(lab: Project):
    options = lab.plan("--target", "sks.cod", "--target", "d.pi")["options"]
    assert options["targets"] == ["agent.asks.codex", "agent.dead.pi"]
    assert lab.plan("--exclude", "busy")["options"]["exclude"] == ["workspace.busy"]
    assert lab.plan("--replace", "dead-creator-agy")["options"]["replace"] == ["agent.dead.agy"]
    refused = lab.run("import", "busy.cline", "session", code=7)
    assert "agent.busy.cline already has a session" in refused


def test_a_program_gets_documents_without_hostile_characters(lab: Project):
    for words in (["peek", "busy.gemini"], ["last", "busy.claude"], ["answer", "asks.codex"]):
        done = lab.attempt(*words, "--json")
        assert HOSTILE not in done.stdout
        json.loads(done.stdout)


def test_the_dead_are_put_to_rest_started_again_and_removed(lab: Project):
    """The last test: it changes the agents. Those whose conversation is not stored, or not proved, are named."""
    dead = [f"agent.dead.{cli}" for cli in CLIS]
    assert lab.run("stop", *dead).count("Stopped dead.") == len(dead)
    said = lab.run("resume", *dead, code=3)
    assert said.count("Resumed dead.") + said.count(": Skipped: ") == len(dead), said
    assert _running(lab) >= {f"agent.dead.{cli}" for cli in ("claude", "copilot", "gemini", "qwen")}
    assert lab.run("archive", *dead).count("Archived dead.") == len(dead)
    gone = lab.run("delete", "-y", *dead)
    assert gone.count("Deleted dead.") == len(dead)
    assert HOSTILE not in said + gone
    assert not [each for each in _running(lab) if each.startswith("agent.dead.")]
