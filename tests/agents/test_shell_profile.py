from __future__ import annotations

import pytest

from reconciler.agents.program_names import name_of, runs_what_is_typed
from reconciler.agents.screen import classify_screen
from reconciler.agents.shell import PROFILE
from reconciler.agents.subject import AgentEnvironment
from reconciler.model.activity import Activity, LiveAgent

SUBJECT = AgentEnvironment("/home/u/lab", "/home/u", {})


def test_a_shell_has_no_conversation_to_begin_to_resume_or_to_look_for() -> None:
    assert (PROFILE.launch.chooses_id, PROFILE.launch.resumes, PROFILE.storage.keeps_files) == (False, False, False)
    storage, binding = PROFILE.storage, PROFILE.binding
    assert (storage.artifacts(SUBJECT, "x"), storage.stores(SUBJECT), binding.notes(SUBJECT, 7)) == ((), (), ())
    assert (PROFILE.database.rows(SUBJECT), binding.held("/x"), storage.read_head("/x", b"")) == (None, "", None)


def test_nothing_tells_what_it_does() -> None:
    assert not PROFILE.display.tells_activity
    assert PROFILE.display.activity("make") is Activity.UNKNOWN
    assert classify_screen(PROFILE.display.rules(), ["$ "]) == LiveAgent()


def test_it_ends_by_its_own_word() -> None:
    assert PROFILE.shutdown.quit == "exit"


@pytest.mark.parametrize(
    "command",
    [
        ["sh"],
        ["/usr/bin/bash", "-l"],
        ["env", "A=1", "zsh"],
        ["nice", "-n", "5", "fish"],
        ["python3"],
        ["python3.12", "-i"],
        ["/opt/node/bin/node"],
        ["psql"],
    ],
)
def test_shells_and_interpreters_without_a_script_run_what_is_typed(command) -> None:
    assert runs_what_is_typed(command)


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (["claude"], "claude"),
        (["bash", "/opt/run-agent.sh", "--fast"], "run-agent.sh"),
        (["sh", "-c", "exec my-agent"], "exec my-agent"),
        (["python3", "-m", "my_agent"], "python3"),
        (["env", "A=1", "my-agent"], "my-agent"),
        (["nodemon"], "nodemon"),
    ],
)
def test_a_program_with_a_script_reads_its_own_prompts(command, name) -> None:
    assert not runs_what_is_typed(command)
    assert name_of(command) == name
