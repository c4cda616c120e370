"""The other agent CLIs: the right conversation is proved, resumed, and never mixed up."""

from __future__ import annotations

import json

import pytest
from project import Project, arguments
from waiting import wait_until


def _state(project: Project, session: str) -> dict[str, object]:
    rows = project.json("status")["agents"]
    return next(row for row in rows if row["session"] == session)


RESUMES = {"gemini": "--resume", "qwen": "--resume", "copilot": "--resume", "pi": "--session"}


@pytest.mark.parametrize("cli", RESUMES)
def test_a_cli_that_takes_our_id_goes_on_under_it(project: Project, cli: str):
    project.declare(one={"type": cli, "prompt": "hello"})
    project.apply()
    session = "lab-creator-one"
    conversation = project.pane(session).conversation
    wait_until(lambda: [each["class"] for each in project.json("drift")["learned"]] == ["C"])
    project.run("stop", session)
    assert project.live() == {}
    assert not project.processes()

    project.run("resume", session)
    pane = project.pane(session)
    assert pane.conversation == conversation
    words = " ".join(arguments(pane.pid))
    assert RESUMES[cli] in words
    assert conversation in words


def test_codex_is_bound_by_the_lock_that_its_process_holds(project: Project):
    project.declare(one={"type": "codex"}, two={"type": "codex"})
    project.apply()
    sessions = ("lab-creator-one", "lab-creator-two")
    wait_until(lambda: all(_state(project, session)["conversation"] for session in sessions))
    ids = [str(_state(project, session)["conversation"]) for session in sessions]
    assert len(set(ids)) == 2

    project.apply()  # what can be proved is written down
    identities = project.recorded()["workspaces"]["lab"]["agent_identities"]
    assert [identities[name]["session_id"] for name in ("one", "two")] == ids

    for session in sessions:
        project.type(session, "hello")
    wait_until(lambda: len(_rollouts(project)) == 2)
    project.run("refresh")
    assert [project.row(session)["resumable"] for session in sessions] == [True, True]
    assert project.json("drift", code=0)["in_sync"]
    project.reboot()
    actions = project.actions()
    assert actions == {"agent.lab.one": "resume", "agent.lab.two": "resume"}
    project.apply()
    wait_until(lambda: [_state(project, session)["conversation"] for session in sessions] == ids)


def test_codex_is_followed_to_another_conversation_although_it_keeps_the_lock_of_the_last(project: Project):
    project.declare(it={"type": "codex", "prompt": "hello"})
    project.apply()
    session = "lab-creator-it"
    wait_until(lambda: len(_rollouts(project)) == 1)
    project.run("refresh")
    old = str(_state(project, session)["conversation"])
    project.type(session, "/new")
    wait_until(lambda: len(list(project.home.glob(".codex/thread-writer-locks/*"))) == 2)
    assert project.json("drift")["in_sync"], "nothing was said in the new one"

    project.type(session, "hello again")
    wait_until(lambda: len(_rollouts(project)) == 2)
    (new,) = (each for each in _rollouts(project) if each != old)
    wait_until(lambda: _state(project, session)["conversation"] == new)
    project.run("refresh")
    assert project.json("history", session)["conversations"] == [new, old]

    project.type(session, f"/resume {old}")
    wait_until(lambda: _state(project, session)["conversation"] == old)
    project.run("refresh")
    assert project.json("history", session)["conversations"] == [old, new]
    project.reboot()
    project.apply()
    wait_until(lambda: _state(project, session)["conversation"] == old)


def _rollouts(project: Project) -> list[str]:
    """The conversations that codex has stored."""
    return [path.stem[-36:] for path in project.home.glob(".codex/sessions/*/*/*/rollout-*.jsonl")]


def test_a_start_dialog_is_told_and_never_answered(project: Project):
    project.declare(one={"type": "claude", "env": {"STANDIN_DIALOG": "trust"}})
    project.apply()
    session = "lab-creator-one"
    wait_until(lambda: "trust dialog" in str(_state(project, session)["note"]))
    assert _state(project, session)["state"] == "dialog"
    project.run("stop", session)
    assert project.live() == {}


def test_a_permission_prompt_of_a_cli_without_a_note_is_seen_on_its_screen(project: Project):
    project.declare(one={"type": "opencode", "prompt": "ask"})
    project.apply()
    session = "lab-creator-one"
    wait_until(lambda: _state(project, session)["state"] == "waiting")
    project.run("stop", session, code=7)
    project.run("stop", session, "--now")
    assert project.live() == {}


def test_a_conversation_that_gemini_may_lose_is_copied_aside_first(project: Project):
    project.declare(one={"type": "gemini", "prompt": "hello"})
    project.apply()
    session = "lab-creator-one"
    wait_until(lambda: [each["class"] for each in project.json("drift")["learned"]] == ["C"])
    (chat,) = project.home.glob(".gemini/tmp/*/chats/session-*.jsonl")
    said = chat.read_bytes()
    project.run("stop", session)
    project.run("resume", session)
    (copy,) = (project.root / ".hermes" / "kept").iterdir()
    assert said in copy.read_bytes()
    assert copy.stat().st_mode & 0o777 == 0o600
    assert copy.name.startswith(f"{session}.")


def test_every_conversation_on_disk_is_listed_with_the_session_that_has_it(project: Project):
    agents = {
        name: {"type": name, "prompt": "hello"}
        for name in ("claude", "gemini", "qwen", "copilot", "opencode", "kilo", "pi")
    }
    project.declare(**agents)
    project.apply()
    wait_until(lambda: len(project.json("conversations", code=0)["conversations"]) == len(agents))
    listed = {each["agent"]: each for each in project.json("conversations")["conversations"]}
    assert listed.keys() == agents.keys()
    for name in ("claude", "gemini", "qwen", "copilot", "pi"):
        session = f"lab-creator-{name}"
        assert listed[name]["id"] == project.pane(session).conversation
        assert listed[name]["bound"] == [session]
    assert "lab-creator-claude" in project.run("conversations", "lab")
    assert "there are: workspace.lab" in project.run("conversations", "nowhere", code=64)


def test_agents_that_start_in_a_line_are_bound_by_one_apply(project: Project):
    """Same folder, same first prompt, no note and no open file: only what began since each start tells."""
    mine = {"command": ["stand-in"], "resume": ["--resume", "{session_id}"], "artifacts": [".said/{session_id}.jsonl"]}
    types = {"opencode": {}, "cursor-agent": {}, "mine": {"env": {"STAND_IN_HOME": ".said"}}}
    agents = {
        f"{cli[0]}{number}": {"type": cli, "prompt": "hello", **more}
        for cli, more in types.items()
        for number in (1, 2)
    }
    project.write({"lab": {"path": "lab", "agents": agents}}, agent_types={"mine": mine})
    events = [json.loads(line) for line in project.apply("--json").splitlines()]
    waited = [event["address"] for event in events if event["type"] == "action_waiting"]
    assert sorted(waited) == sorted(f"agent.lab.{name}" for name in agents)

    ids = {name: each["session_id"] for name, each in project.identities("lab").items()}
    assert None not in ids.values()
    assert len(set(ids.values())) == len(agents)
    for name, args in ((name, arguments(project.pane(f"lab-creator-{name}").pid)) for name in agents):
        assert ids[name] not in args, "nobody was told its id"
    project.run("stop", *(f"lab-creator-{name}" for name in agents))
    assert {name: each["session_id"] for name, each in project.identities("lab").items()} == ids


TALKATIVE = """\
#!/usr/bin/env python3
import json, pathlib, subprocess, sys, time
settings = json.loads(pathlib.Path(".gemini/settings.json").read_text())
command = settings["hooks"]["BeforeAgent"][0]["hooks"][0]["command"]
told = {"hook_event_name": "BeforeAgent", "session_id": "told-to-the-hook", "cwd": str(pathlib.Path.cwd())}
subprocess.run(command, shell=True, input=json.dumps(told).encode(), check=True)
sys.stdin.read()
"""


def test_a_hook_tells_which_conversation_an_agent_went_on_to(project: Project):
    program = project.root / "bin" / "gemini"
    program.parent.mkdir()
    program.write_text(TALKATIVE)
    program.chmod(0o755)
    (project.root / "lab").mkdir()
    project.run("job", "hooks", "install", "gemini", "-C", "lab", "--registry-dir", str(project.root / ".mam/jobs"))
    project.declare(one={"type": "gemini", "env": {"PATH": f"{program.parent}:/usr/bin:/bin"}})
    project.apply()
    reserved = project.identities("lab")["one"]["session_id"]
    wait_until(lambda: [each["class"] for each in project.json("drift")["drifts"]] == ["H"])
    project.run("refresh")
    assert project.identities("lab")["one"] == {"session_id": "told-to-the-hook", "previous": [reserved]}
