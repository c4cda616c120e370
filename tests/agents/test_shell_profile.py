from __future__ import annotations

import pytest

from reconciler.agents.profile import Subject
from reconciler.agents.shell import PROFILE, name_of, runs_what_is_typed
from reconciler.model.snapshot import Activity, LiveAgent

SUBJECT = Subject("/home/u/lab", "/home/u", {})


def test_a_shell_has_no_conversation_to_begin_to_resume_or_to_look_for() -> None:
    assert (PROFILE.chooses_id, PROFILE.resumes, PROFILE.has_artifacts) == (False, False, False)
    assert (PROFILE.artifacts(SUBJECT, "x"), PROFILE.stores(SUBJECT), PROFILE.notes(SUBJECT, 7)) == ((), (), ())
    assert (PROFILE.rows(SUBJECT), PROFILE.held("/x"), PROFILE.read_head("/x", b"")) == (None, "", None)


def test_nothing_tells_what_it_does() -> None:
    assert not PROFILE.tells_activity
    assert PROFILE.activity("make") is Activity.UNKNOWN
    assert PROFILE.screen(["$ "], "") == LiveAgent()


def test_it_ends_by_its_own_word() -> None:
    assert PROFILE.quit == "exit"


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
