"""One agent by its name: stopped, resumed, archived, and what was done to it."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft7Validator
from project import Project, arguments, runs
from waiting import wait_until

from reconciler.state.schemas import load_schema

SESSION = "lab-creator-claude"


def _prompted(project: Project) -> str:
    """One agent that was talked to; its conversation's id."""
    project.declare(claude={"prompt": "hello"})
    project.apply()
    wait_until(project.transcripts)
    return project.pane(SESSION).conversation


def test_an_agent_that_was_stopped_by_hand_stays_so_until_it_is_resumed(project: Project):
    conversation = _prompted(project)
    pid = project.pane(SESSION).pid
    project.run("stop", SESSION, "--reason", "done for today", "--capture-id")
    assert not runs(pid)
    row = project.row(SESSION)
    assert (row["status"], row["stopped_reason"]) == ("stopped", "done for today")

    project.run("apply", "--auto-approve")
    assert project.live() == {}
    assert "stopped by hand (done for today)" in project.run("plan", "--detailed-exitcode", code=0)

    project.run("resume", "agent.lab.claude")
    assert project.pane(SESSION).conversation == conversation
    assert project.actions() == {}


@pytest.mark.parametrize(("command", "status"), [("stop", "stopped"), ("archive", "archived")])
def test_an_agent_that_never_ran_stays_at_rest_as_well(project: Project, command: str, status: str):
    project.declare(claude={"prompt": "hello"}, other={"type": "claude"})
    said = project.run(command, "lab-creator-claude", "--reason", "not today")
    assert "until you type `reconciler resume lab-creator-claude`" in said
    assert project.row(SESSION)["stopped_reason"] == "not today"

    project.apply()
    assert set(project.live()) == {"lab-creator-other"}
    assert f"{status} by hand (not today)" in project.run("plan", "--detailed-exitcode", code=0)
    assert "No changes" in project.run(command, SESSION)
    assert project.run("drift")

    project.run("resume", SESSION)
    assert set(project.live()) == {SESSION, "lab-creator-other"}
    assert project.actions() == {}


def test_an_agent_that_is_declared_at_rest_stays_so_when_it_was_also_stopped_by_hand(project: Project):
    project.declare(claude={"state": "stopped"})
    project.run("stop", SESSION)
    project.declare(claude={})
    project.apply()
    assert project.live() == {}
    project.run("delete", SESSION, "--yes")
    assert SESSION not in project.recorded().get("sessions", {})


def test_an_agent_whose_session_is_gone_can_be_put_to_rest(project: Project):
    conversation = _prompted(project)
    project.lose(SESSION)
    project.run("stop", SESSION)
    project.apply()
    assert project.live() == {}
    project.run("resume", SESSION)
    assert project.pane(SESSION).conversation == conversation


def test_an_agent_whose_row_was_lost_is_stopped_without_losing_its_conversation(project: Project):
    conversation = _prompted(project)
    lineage = project.recorded()["lineage"]
    project.registry.write_text(f"version: 1\nlineage: {lineage}\n")
    project.run("stop", SESSION)
    project.apply()
    assert project.live() == {}
    project.run("resume", SESSION)
    assert project.pane(SESSION).conversation == conversation


def test_a_busy_agent_is_stopped_only_now(project: Project):
    project.declare(claude={"prompt": "hang"})
    project.apply()
    pid = project.pane(SESSION).pid
    wait_until(lambda: project.activity(pid) == "busy")
    project.run("stop", SESSION, code=7)
    assert runs(pid)
    project.run("stop", SESSION, "--now")
    assert not runs(pid)


def test_all_that_is_lost_is_resumed_at_once_and_nothing_else(project: Project):
    project.declare(one={"type": "claude"}, two={"type": "claude"}, three={"type": "claude", "state": "stopped"})
    project.apply()
    before = project.live()
    project.lose("lab-creator-one")
    project.run("resume", "--all")
    after = project.live()
    assert after["lab-creator-two"] == before["lab-creator-two"]
    assert set(after) == {"lab-creator-one", "lab-creator-two"}
    assert "Every declared agent is already running." in project.run("resume", "--all")


def test_a_fresh_start_keeps_the_old_conversation_listed(project: Project):
    old = _prompted(project)
    project.run("stop", SESSION)
    project.run("resume", SESSION, "--fresh")
    new = project.pane(SESSION).conversation
    assert new != old
    told = project.json("history", SESSION, code=0)
    Draft7Validator(load_schema("agent-history")).validate(told)
    assert told["conversations"] == [new, old]
    assert [entry["what"] for entry in told["entries"]] == ["create", "update", "create"]

    project.run("stop", SESSION)
    project.run("resume", SESSION, "--session-id", old)
    assert project.pane(SESSION).conversation == old


@pytest.mark.parametrize("word", [["--fresh"], ["--session-id", "b3a7c0de-2222-4222-8333-444455556666"]])
def test_a_running_agent_is_in_a_conversation_and_gets_no_other(project: Project, word: list[str]):
    project.declare(claude={})
    project.apply()
    before = project.live()
    assert "-> stop it first: reconciler stop agent.lab.claude" in project.run("resume", SESSION, *word, code=7)
    assert project.live() == before


def test_an_archived_agent_keeps_its_row_and_its_conversation(project: Project):
    conversation = _prompted(project)
    project.run("archive", SESSION)
    assert project.row(SESSION)["status"] == "archived"
    assert project.actions() == {}
    project.run("resume", SESSION)
    assert project.pane(SESSION).conversation == conversation


PAIR = ["agent.lab.claude  lab-creator-claude", "agent.lab.scribe  lab-creator-scribe"]


@pytest.mark.parametrize(
    "command", ["stop", "archive", "resume", "delete --yes", "attach", "status", "history", "show"]
)
def test_a_name_that_several_have_lists_them_and_does_nothing(project: Project, command: str):
    project.declare(claude={}, scribe={"type": "shell"})
    project.apply()
    before, recorded = project.live(), project.registry.read_bytes()
    said = project.run(*command.split(), "creator", code=64)
    assert "Error: creator matches 2 names\n" in said
    assert [line.strip() for line in said.splitlines() if "  lab-creator" in line] == PAIR
    assert (project.live(), project.registry.read_bytes()) == (before, recorded)


def test_a_short_name_is_enough_for_everything_that_is_done_to_an_agent(project: Project):
    project.declare(claude={}, scribe={"type": "shell"})
    project.apply()
    told = "scr is agent.lab.scribe (lab-creator-scribe)\n"
    assert told in project.attempt("stop", "scr").stderr
    assert "lab-creator-scribe" not in project.live()
    assert "agent.lab.claude" not in project.run("status", "scr")
    assert "stopped by hand" in project.run("history", "scr")
    assert "lab-creator-scribe" in project.run("explain", "scr")
    assert json.loads(project.run("show", "scr", "--json"))["address"] == "agent.lab.scribe"
    project.run("resume", "scr")
    assert "lab-creator-scribe" in project.live()
    assert "attach needs a terminal" in project.run("attach", "scr", code=64)
    assert told in project.attempt("archive", "scr").stderr
    assert told in project.attempt("delete", "scr", "--yes").stderr
    assert project.actions() == {}
    assert [row["session"] for row in project.json("status")["agents"]] == [SESSION]


def test_an_exact_name_wins_over_names_that_have_it_inside(project: Project):
    project.declare(review={"type": "shell"}, review2={"type": "shell"})
    project.apply()
    assert project.attempt("stop", "review").stderr.startswith("review is agent.lab.review (lab-creator-review)\n")
    assert list(project.live()) == ["lab-creator-review2"]


@pytest.mark.parametrize("name", ["agent", "agent.lab"])
def test_what_is_part_of_no_name_or_of_every_address_stands_for_nothing(project: Project, name: str):
    project.declare(claude={})
    project.apply()
    assert "there is no agent" in project.run("stop", name, code=64)
    assert list(project.live()) == [SESSION]


def test_an_empty_name_stands_for_nothing(project: Project):
    project.declare(claude={})
    project.apply()
    assert "the name is empty" in project.run("stop", "", code=64)
    assert list(project.live()) == [SESSION]


def test_an_ordinary_turn_is_told_and_turns_no_check_red(project: Project):
    held = _prompted(project)
    document = json.loads(project.run("drift", "--json", code=0))
    assert (document["drifts"], document["in_sync"]) == ([], True)
    assert [(each["class"], each["after"]) for each in document["learned"]] == [("C", held)]
    told = project.run("drift", "--junit", "drift.xml", "--sarif", "drift.sarif", "--markdown", "drift.md", code=0)
    assert f"C  {SESSION}: now has a saved conversation ({held})" in told
    assert "No drift. `reconciler refresh` records the new conversations" in told
    assert "<failure" not in (project.root / "drift.xml").read_text()
    assert json.loads((project.root / "drift.sarif").read_text())["runs"][0]["results"] == []
    assert "In sync" in (project.root / "drift.md").read_text()
    assert "::" not in project.run("drift", "--format", "github", code=0)
    seen = json.loads(project.run("monitor", "--once", "--emit-diff", "--dry-run"))
    assert ([each["class"] for each in seen["drifts"]], seen["in_sync"]) == (["C"], True)


def test_an_agent_that_has_said_nothing_yet_is_no_drift(project: Project):
    project.declare(claude={}, codex={}, gemini={})
    project.apply()
    wait_until(lambda: project.identities("lab").get("codex", {}).get("session_id") or not project.run("refresh"))
    for _ in range(2):
        document = json.loads(project.run("drift", "--json", code=0))
        assert (document["drifts"], document["in_sync"]) == ([], True)
        project.run("refresh")


def test_drift_is_told_by_its_class_and_written_by_refresh(project: Project):
    _prompted(project)
    assert json.loads(project.run("drift", "--json", code=0))["learned"][0]["class"] == "C"
    project.run("refresh")
    assert project.row(SESSION)["resumable"] is True
    assert "No drift." in project.run("drift")

    lost = project.pane(SESSION)
    project.lose(SESSION)
    assert f"A  {SESSION}: tmux session is gone; was pane {lost.id}, pid {lost.pid}" in project.run("drift", code=2)
    assert project.row(SESSION)["status"] == "running"
    project.run("refresh")
    assert (project.row(SESSION)["status"], project.live()) == ("terminated", {})


def test_an_agent_that_clears_its_conversation_is_followed(project: Project):
    old = _prompted(project)
    project.type(SESSION, "/clear")
    wait_until(lambda: len(project.transcripts()) == 2)
    (new,) = project.transcripts().keys() - {old}
    told = json.loads(project.run("drift", "--json", "--class", "H", code=2))["drifts"]
    assert [(each["before"], each["after"]) for each in told] == [(old, new)]
    project.run("refresh")
    assert json.loads(project.run("history", SESSION, "--json"))["conversations"] == [new, old]
    project.lose(SESSION)
    project.run("resume", SESSION)
    assert project.pane(SESSION).conversation == new


def test_a_restart_goes_on_where_the_agent_is_and_not_where_it_was(project: Project):
    old = _prompted(project)
    project.type(SESSION, "/clear")
    wait_until(lambda: len(project.transcripts()) == 2)
    (new,) = project.transcripts().keys() - {old}
    project.declare(claude={"prompt": "hello", "args": ["--verbose"]})
    assert f"resumes conversation {new[:8]}" in project.run("plan")
    project.apply()
    assert project.pane(SESSION).conversation == new
    assert json.loads(project.run("history", SESSION, "--json"))["conversations"] == [new, old]


def test_a_folder_behind_a_link_has_the_key_of_the_real_one(project: Project):
    """Claude Code follows links, also with PWD set to the link: so is its transcript found."""
    (project.root / "real").mkdir()
    (project.root / "lab").symlink_to("real")
    project.declare(one={"type": "claude", "prompt": "hello"})
    project.apply()
    session = "lab-creator-one"
    wait_until(lambda: len(project.transcripts()) == 1)
    (transcript,) = (project.home / ".claude" / "projects").glob("*/*.jsonl")
    assert transcript.parent.name.endswith("-real")
    project.run("stop", session)
    assert project.actions() == {}
    project.run("resume", session)
    assert "--resume" in arguments(project.pane(session).pid)


def test_a_restart_goes_on_in_the_same_conversation(project: Project):
    conversation = _prompted(project)
    before = project.pane(SESSION)
    told = project.attempt("restart", "claude")
    assert (told.returncode, told.stderr.splitlines()[0]) == (0, f"claude is agent.lab.claude ({SESSION})")
    after = project.pane(SESSION)
    assert after.pid != before.pid
    assert after.conversation == conversation
    assert project.actions() == {}


def test_a_restart_starts_what_was_stopped(project: Project):
    conversation = _prompted(project)
    project.run("stop", SESSION)
    project.run("restart", SESSION)
    assert project.pane(SESSION).conversation == conversation


def test_a_restart_interrupts_no_agent_at_work(project: Project):
    _prompted(project)
    pid = project.pane(SESSION).pid
    project.type(SESSION, "hang")
    wait_until(lambda: project.activity(pid) == "busy")
    project.run("restart", SESSION, code=7)
    assert project.pane(SESSION).pid == pid
