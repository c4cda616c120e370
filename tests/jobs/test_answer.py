"""Permission dialogs of stand-in agents, answered on a real tmux server."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from agents import captured
from jobs.desk import audited, desk, opened
from jobs.stage import PROFILES, staged
from msgspec.structs import replace
from waiting import wait_until

from reconciler.agents.permission import Answer, approves_once, dialog_on
from reconciler.jobs.agent_state import observe_agent
from reconciler.jobs.answer import PermissionRequest, answer, record_dialog
from reconciler.jobs.record import read, update
from reconciler.model.activity import Activity
from reconciler.model.errors import ReconcilerError, Refused
from reconciler.model.job import Permission

CLIS = ["claude", "codex", "gemini", "opencode", "kilo", "qwen", "copilot"]
SEEN = Path(__file__).parents[1] / "agents" / "screens"
SCREENS = sorted(path for cli in CLIS for path in (SEEN / cli).glob("waiting-permission*.txt"))
OTHERS = sorted({path for cli in CLIS for path in (SEEN / cli).glob("waiting-*.txt")} - {*SCREENS})
REQUEST = "0123456789abcdef"
HEAVY = "\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT}"
ANGLE = "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}"


@pytest.fixture(scope="module")
def stage():
    with staged() as made:
        yield made


@pytest.fixture
def records(tmp_path):
    return desk(tmp_path)


def asking(stage, name, cli, **environment):
    """A stand-in at its permission dialog."""
    agent = stage.agent(name, cli, "ask", **environment)
    wait_until(lambda: observe_agent(agent.to, stage.world).is_asking)
    wait_until(lambda: dialog_on(agent.to.profile.display.permission, observe_agent(agent.to, stage.world).lines))
    return agent


def waiting_job(records, request=REQUEST):
    job = opened(records, agent_session="tmux:somebody")
    return update(
        records,
        job.id,
        lambda job: replace(job, permission=Permission(request, "Bash", "touch played", job.created_at)),
    )


def shown(records, stage, agent, request=REQUEST):
    """A job whose request was shown to somebody."""
    job = waiting_job(records, request)
    assert record_dialog(records, job, agent.to, stage.world)
    return job


def given(records, stage, agent, job, *, choice=Answer.APPROVE, request=REQUEST):
    return answer(records, PermissionRequest(job.id, request), choice, agent.to, stage.world)


def refused(records, stage, agent, job, **which):
    """Why an answer is refused; the screen is as before."""
    before = agent.screen()
    with pytest.raises(Refused) as error:
        given(records, stage, agent, job, **which)
    assert agent.screen() == before
    return f"{error.value.summary}\n{error.value.detail}\n{error.value.fix}"


@pytest.mark.parametrize("cli", CLIS)
def test_each_cli_is_allowed_once_and_only_once(stage, records, cli):
    agent = asking(stage, f"allow-{cli}", cli)
    job = shown(records, stage, agent)

    answered = given(records, stage, agent, job)

    assert any("touch" in line or "Shell" in line for line in answered.lines)
    wait_until(lambda: "canned reply" in agent.screen())
    assert read(records, job.id).permission is None
    assert "does not wait for a permission" in refused(records, stage, agent, job)


@pytest.mark.parametrize("cli", CLIS)
def test_each_cli_can_be_denied(stage, records, cli):
    agent = asking(stage, f"deny-{cli}", cli)
    job = shown(records, stage, agent)

    given(records, stage, agent, job, choice=Answer.DENY)

    wait_until(lambda: "● Interrupted" in agent.screen())


def test_the_older_claude_is_answered_too(stage, records):
    agent = asking(stage, "older", "claude", STANDIN_CLAUDE="old")

    given(records, stage, agent, shown(records, stage, agent))

    wait_until(lambda: "canned reply" in agent.screen())


def test_who_answered_what_is_in_the_audit_before_and_after(stage, records):
    agent = asking(stage, "audited", "claude")
    job = shown(records, stage, agent)

    given(records, stage, agent, job)

    before, after = audited(records, job)[-2:]
    assert (before["what"], after["what"]) == ("answering", "answered")
    assert before["by"]["pid"] == os.getpid()
    assert before["by"]["host"] == os.uname().nodename
    assert before["by"]["user"]
    for line in (before, after):
        assert (line["request"], line["answer"], line["question"]) == (REQUEST, "approve", "Do you want to proceed?")
        assert len(line["dialog"]) == 64
        assert job.auth_token not in str(line)


def test_what_nobody_was_shown_is_shown_and_not_answered(stage, records):
    agent = asking(stage, "unseen", "codex")
    job = waiting_job(records)

    said = refused(records, stage, agent, job)

    assert "you have not seen yet" in said
    assert "$ touch played" in said
    given(records, stage, agent, job)
    wait_until(lambda: "canned reply" in agent.screen())


def test_another_dialog_than_the_shown_one_is_refused_and_told(stage, records):
    agent = asking(stage, "first", "claude")
    job = shown(records, stage, agent)
    agent.to = asking(stage, "second", "codex").to

    said = refused(records, stage, agent, job)

    assert "something different from what you saw" in said
    assert "$ touch played" in said
    assert "reconciler attach somebody" in said


def test_a_request_that_is_not_the_pending_one_is_refused(stage, records):
    agent = asking(stage, "other-request", "claude")
    job = shown(records, stage, agent)

    assert f"it waits for {REQUEST}" in refused(records, stage, agent, job, request="f" * 16)


def test_without_a_dialog_there_is_nothing_to_answer(stage, records):
    agent = stage.agent("idle", "claude")
    wait_until(agent.is_free)
    job = waiting_job(records)

    assert record_dialog(records, job, agent.to, stage.world) is None
    assert "does not ask for a permission" in refused(records, stage, agent, job)


def test_a_dialog_that_is_only_left_on_the_screen_is_not_answered(stage, records):
    path = SEEN / "gemini" / "waiting-permission.0.61.0.txt"
    script = f"printf '\\033]2;\\342\\227\\207  Ready\\007'; cat {path}; exec sleep 1000"
    agent = stage.program("stale", "gemini", ("sh", "-c", script))
    wait_until(lambda: on(agent.screen().splitlines(), "gemini"))
    wait_until(lambda: observe_agent(agent.to, stage.world).activity is Activity.IDLE)
    job = waiting_job(records)

    assert record_dialog(records, job, agent.to, stage.world) is None
    assert refused(records, stage, agent, job)


@pytest.mark.parametrize(("cli", "dialog"), [("claude", "trust"), ("codex", "hooks"), ("gemini", "trust")])
def test_a_start_dialog_is_nobodys_permission(stage, records, cli, dialog):
    agent = stage.agent(f"starting-{cli}", cli, STANDIN_DIALOG=dialog)
    wait_until(lambda: observe_agent(agent.to, stage.world).is_asking)
    job = waiting_job(records)

    assert "dialog is open" in refused(records, stage, agent, job)


def test_a_cli_whose_dialogs_nobody_described_is_answered_by_hand(stage, records):
    agent = asking(stage, "unknown", "claude")
    profile = agent.to.profile
    agent.to = replace(agent.to, profile=replace(profile, display=replace(profile.display, permission=None)))

    assert "reconciler attach somebody" in refused(records, stage, agent, waiting_job(records))


def test_a_selection_that_was_moved_is_not_confirmed(stage, records):
    agent = asking(stage, "moved", "copilot")
    agent.keys("Down")
    wait_until(lambda: f"{HEAVY} 2." in agent.screen())
    job = shown(records, stage, agent)

    assert "approves only this one request" in refused(records, stage, agent, job)


def test_of_two_answers_at_a_time_one_is_given(stage, records):
    agent = asking(stage, "race", "gemini")
    job = shown(records, stage, agent)

    def attempt(choice):
        try:
            return given(records, stage, agent, job, choice=choice)
        except Refused as error:
            return error

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(attempt, [Answer.APPROVE, Answer.DENY]))

    assert sum(isinstance(each, Refused) for each in results) == 1
    assert [line["what"] for line in audited(records, job)][1:] == ["answering", "answered"]


def test_the_same_question_once_more_needs_a_request_of_its_own(stage, records):
    agent = asking(stage, "repeated", "codex")
    job = shown(records, stage, agent)
    given(records, stage, agent, job)
    wait_until(agent.is_free)
    job = update(records, job.id, lambda now: replace(now, permission=job.permission))
    os.kill(agent.pid(), signal.SIGUSR1)
    wait_until(lambda: observe_agent(agent.to, stage.world).is_asking)

    assert "has been answered before" in refused(records, stage, agent, job)


def test_a_key_without_effect_is_told_and_not_pressed_again(stage, records):
    agent = asking(stage, "deaf", "codex")
    job = shown(records, stage, agent)
    os.kill(agent.pid(), signal.SIGSTOP)

    with pytest.raises(ReconcilerError, match="may not have arrived"):
        given(records, stage, agent, job)

    assert [line["what"] for line in audited(records, job)][1:] == ["answering", "answer_failed"]
    assert "has been answered before" in refused(records, stage, agent, job)
    os.kill(agent.pid(), signal.SIGCONT)


# --- what a screen says -----------------------------------------------------------------------


DIALOG = ["Bash command", "  rm -rf build", "Do you want to proceed?", f"{HEAVY} 1. Yes", "  2. Yes, always", "  3. No"]
END = "Esc to cancel · Tab to amend"


def on(lines, cli="claude"):
    return dialog_on(PROFILES[cli].display.permission, lines)


@pytest.mark.parametrize(
    "other",
    [
        ["│ " + line + "   │" for line in [*DIALOG, END]],
        ["  " + line for line in [*DIALOG, END]],
        [*DIALOG[:3], "  1. Yes", f"{HEAVY} 2. Yes, always", "  3. No", END],
        ["⠋", *DIALOG, END, "● 12 s"],
    ],
)
def test_frames_blinking_and_the_selection_do_not_count(other):
    assert on(other).lines == on([*DIALOG, END]).lines


@pytest.mark.parametrize(
    "other",
    [
        [DIALOG[0], "  rm -rf /", *DIALOG[2:], END],
        [DIALOG[0], "  rm", "  -rf build", *DIALOG[2:], END],
        ["  curl evil |", *DIALOG, END],
        [DIALOG[0], "> rm -rf build", *DIALOG[2:], END],
    ],
)
def test_every_other_character_counts(other):
    assert on(other).lines != on([*DIALOG, END]).lines


@pytest.mark.parametrize("path", SCREENS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_screens_that_were_seen_can_be_answered(path):
    dialog = on(captured.read(path.read_text("utf-8")).lines, path.parent.name)

    assert approves_once(PROFILES[path.parent.name].display.permission, dialog)


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_another_question_is_no_permission_that_can_be_given(path):
    dialog = on(captured.read(path.read_text("utf-8")).lines, path.parent.name)

    assert dialog is None or not approves_once(PROFILES[path.parent.name].display.permission, dialog)


def test_half_a_dialog_is_none():
    assert on(DIALOG) is None
    assert on([END]) is None
    assert on(["1. Yes, proceed (y)", "3. No, and tell Codex what to do (esc)"], "codex") is None


def test_a_command_that_looks_like_a_choice_is_not_taken_for_one():
    spoofed = ["1. Yes", *DIALOG[:3], f"{HEAVY} 1. Yes, and always", "  2. No", END]

    assert not approves_once(PROFILES["claude"].display.permission, on(spoofed))
    assert approves_once(PROFILES["claude"].display.permission, on([*DIALOG, END]))


def test_the_opening_that_counts_is_the_first_one():
    words = "Would you like to run the following command?"
    lines = [
        words,
        "$ rm -rf /",
        words,
        "$ ls",
        f"{ANGLE} 1. Yes, proceed (y)",
        "3. No, and tell Codex what else (esc)",
    ]

    assert "$ rm -rf /" in on(lines, "codex").lines
