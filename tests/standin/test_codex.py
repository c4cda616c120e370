"""Codex as seen: ids it mints, locks a child holds, rollouts in local days, a server that outlives the pane."""

from __future__ import annotations

import os
import signal
import time

import pytest
from driving import CTRL_C, DOWN, ENTER, ESCAPE, files, holders, lines
from waiting import wait_until

ALONE = ("codex", "--no-daemon")


@pytest.fixture
def codex_home(home):
    return home / ".codex"


@pytest.fixture
def server(codex_home):
    """Who serves in the background, after the pane is gone too; ended with the test."""
    requests = codex_home / "packages" / "app-server-daemon" / "requests"
    yield lambda: holders(requests)
    for pid in holders(requests):
        os.kill(pid, signal.SIGKILL)


def rollouts(codex_home):
    return sorted(codex_home.glob("sessions/*/*/*/rollout-*.jsonl"))


def locks(codex_home):
    return sorted(codex_home.glob("thread-writer-locks/*.lock"))


def ready(cli):
    cli.shows("Ask Codex to do anything")
    return cli


def answered(start, codex_home, *command, **env):
    """The id of a conversation with one turn, whose CLI has quit."""
    before = set(locks(codex_home))
    cli = start(*(command or ALONE), "hello", **env)
    cli.shows("canned reply")
    cli.type("/quit" + ENTER)
    assert cli.ended() == 0
    return next(iter({*locks(codex_home)} - before), next(iter(before), None)).stem


def test_nobody_chooses_its_id(start, home):
    cli = start("codex", "--session-id", "x")
    assert cli.ended() == 2
    assert "unexpected argument '--session-id'" in cli.shown
    assert files(home) == []


def test_the_lock_is_there_before_the_first_prompt_and_a_child_of_the_launcher_holds_it(start, codex_home):
    cli = ready(start(*ALONE))
    (lock,) = locks(codex_home)
    assert holders(lock) == {cli.child()}
    assert lock.stat().st_size == 0
    assert rollouts(codex_home) == []


def test_the_rollout_comes_with_the_first_prompt_and_is_held_too(start, codex_home, workspace):
    cli = start(*ALONE, "hello")
    cli.shows("canned reply")
    wait_until(lambda: rollouts(codex_home) and locks(codex_home))
    (rollout,), (lock,) = rollouts(codex_home), locks(codex_home)
    assert holders(rollout) == holders(lock) == {cli.child()}
    head = lines(rollout)[0]
    assert head["type"] == "session_meta"
    assert head["payload"]["id"] == head["payload"]["session_id"] == lock.stem
    assert (head["payload"]["cwd"], head["payload"]["source"]) == (str(workspace), "cli")


def test_folder_and_name_are_in_local_time_and_the_inside_in_utc(start, codex_home):
    answered(start, codex_home, *ALONE, TZ="XXX-14")
    (rollout,) = rollouts(codex_home)
    ahead = time.gmtime(rollout.stat().st_mtime + 14 * 3600)
    assert str(rollout.parent).endswith(time.strftime("sessions/%Y/%m/%d", ahead))
    assert rollout.name.startswith(time.strftime("rollout-%Y-%m-%dT%H-", ahead))
    assert lines(rollout)[0]["timestamp"].startswith(time.strftime("%Y-%m-%dT", time.gmtime()))


def test_the_lock_stays_and_nobody_holds_it_after_the_end(start, codex_home):
    answered(start, codex_home)
    (lock,) = locks(codex_home)
    assert holders(lock) == set()


def test_the_last_line_says_how_to_resume_and_resume_goes_on_in_the_same_file(start, codex_home):
    conversation = answered(start, codex_home)
    cli = start(*ALONE, "resume", conversation, "again")
    cli.shows("canned reply")
    cli.type("/quit" + ENTER)
    assert cli.ended() == 0
    assert f"codex resume {conversation}" in cli.shown
    (rollout,) = rollouts(codex_home)
    said = [line["payload"]["role"] for line in lines(rollout) if line["type"] == "response_item"]
    assert said == ["user", "assistant"] * 2


def test_an_unknown_id_cannot_be_resumed(start):
    cli = start(*ALONE, "resume", "019f0000-0000-7000-8000-000000000000")
    assert cli.ended() == 1
    assert "No saved session found with ID 019f0000" in cli.shown


def test_last_silently_begins_another_where_this_folder_has_none(start, codex_home, tmp_path):
    conversation = answered(start, codex_home)
    ready(start(*ALONE, "resume", "--last", cwd=tmp_path))
    assert len(locks(codex_home)) == 2
    ready(start(*ALONE, "resume", "--last"))
    assert [holders(lock) != set() for lock in locks(codex_home) if lock.stem == conversation] == [True]


def test_resumed_from_elsewhere_it_asks_for_the_folder(start, codex_home, tmp_path):
    conversation = answered(start, codex_home)
    cli = start(*ALONE, "resume", conversation, cwd=tmp_path)
    cli.shows("2. Use current directory")
    assert holders(locks(codex_home)[0]) == set()
    cli.type("2")
    cli.shows(f"directory: {tmp_path}\r\n")


def test_a_conversation_that_is_open_makes_the_second_wait(start, codex_home):
    conversation = answered(start, codex_home)
    first = ready(start(*ALONE, "resume", conversation))
    second = start(*ALONE, "resume", conversation)
    second.shows("This conversation is open in another app")
    first.type(CTRL_C)
    assert first.ended() == 0
    ready(second)


def test_a_fork_is_another_rollout_that_names_its_source(start, codex_home):
    conversation = answered(start, codex_home)
    start(*ALONE, "fork", conversation, "hello").shows("canned reply")
    heads = [lines(rollout)[0]["payload"] for rollout in rollouts(codex_home)]
    assert conversation in [head.get("forked_from_id") for head in heads if head["id"] != conversation]


def test_new_changes_the_id_in_the_same_process_which_keeps_the_lock_of_the_last(start, codex_home):
    cli = ready(start(*ALONE))
    (before,) = locks(codex_home)
    cli.type("/new" + ENTER)
    wait_until(lambda: len(locks(codex_home)) == 2)
    (after,) = {*locks(codex_home)} - {before}
    wait_until(lambda: holders(before) == holders(after) == {cli.child()})


def test_resume_within_the_cli_takes_the_lock_anew(start, codex_home):
    cli = start(*ALONE, "hello")
    cli.shows("canned reply")
    wait_until(lambda: locks(codex_home))
    (lock,) = locks(codex_home)
    taken = lock.stat().st_ino
    cli.type("/new" + ENTER)
    wait_until(lambda: len(locks(codex_home)) == 2)
    cli.type(f"/resume {lock.stem}" + ENTER)
    wait_until(lambda: lock.exists() and lock.stat().st_ino != taken and holders(lock) == {cli.child()})


def test_exec_leaves_a_rollout_of_another_source(start, codex_home):
    assert start("codex", "exec", "hello").ended() == 0
    (rollout,) = rollouts(codex_home)
    assert lines(rollout)[0]["payload"]["source"] == "exec"
    assert lines(rollout)[0]["payload"]["originator"] == "codex_exec"


def test_the_server_outlives_the_pane_and_holds_lock_and_rollout(start, codex_home, server):
    cli = start("codex", "hello")
    cli.shows("canned reply")
    wait_until(lambda: rollouts(codex_home) and locks(codex_home))
    (rollout,), (lock,) = rollouts(codex_home), locks(codex_home)
    assert lines(rollout)[0]["payload"]["source"] == "vscode"
    wait_until(lambda: holders(rollout) == holders(lock) == server() != set())
    os.killpg(cli.process.pid, signal.SIGHUP)
    assert cli.ended() == 128 + signal.SIGHUP
    assert holders(lock) == server() != set()
    start(*ALONE, "resume", lock.stem).shows("open in another app")


def test_one_server_serves_two(start, codex_home, server):
    for _ in range(2):
        ready(start("codex"))
    wait_until(lambda: [holders(lock) for lock in locks(codex_home)] == [server()] * 2)
    assert start("codex", "app-server", "--listen", "unix://").ended() == 0
    assert len(server()) == 1


def test_titles_tell_idle_busy_and_permission(start, workspace):
    cli = ready(start(*ALONE))
    cli.titled(workspace.name)
    cli.type("hang" + ENTER)
    cli.titled(f"⠋ {workspace.name}")
    cli.type("done" + ENTER)
    cli.titled(workspace.name)
    cli.type("ask" + ENTER)
    cli.titled(f"[ ! ] Action Required | {workspace.name}")
    cli.type("y")
    cli.titled(workspace.name)


@pytest.mark.parametrize(("key", "replies"), [("p", 1), (ENTER, 1), (ESCAPE, 0), (DOWN + DOWN + ENTER, 0)])
def test_the_permission_prompt_takes_its_keys(start, codex_home, workspace, key, replies):
    cli = start(*ALONE, "ask")
    cli.shows("Would you like to run the following command?")
    cli.type(key)
    cli.titled(workspace.name)
    assert [line["payload"].get("role") for line in lines(rollouts(codex_home)[0])].count("assistant") == replies


def test_one_interrupt_ends_it_on_an_empty_prompt_only(start):
    cli = ready(start(*ALONE))
    cli.type_alone("draft")
    cli.type_alone(CTRL_C)
    cli.type("still here" + ENTER)
    cli.shows("canned reply to 10 characters")
    cli.type(CTRL_C)
    assert cli.ended() == 0


def test_sigterm_to_the_launcher_ends_the_child(start, codex_home):
    cli = ready(start(*ALONE))
    cli.process.terminate()
    assert cli.ended() == 128 + signal.SIGTERM
    assert holders(locks(codex_home)[0]) == set()


def test_trust_is_asked_once_and_kept_in_the_configuration(start, codex_home):
    cli = start(*ALONE, STANDIN_DIALOG="trust")
    cli.shows("Trust this folder?")
    assert locks(codex_home) == []
    cli.type(ENTER)
    ready(cli)
    assert 'trust_level = "trusted"' in (codex_home / "config.toml").read_text()
    ready(start(*ALONE, STANDIN_DIALOG="trust"))


@pytest.mark.parametrize(("dialog", "text"), [("login", "Sign in with ChatGPT"), ("hooks", "Hooks need review")])
def test_other_dialogs_stop_a_start(start, home, dialog, text):
    start(*ALONE, STANDIN_DIALOG=dialog).shows(text)
    assert files(home) == []


def test_settings_answer_the_other_dialogs(start, codex_home):
    codex_home.mkdir()
    (codex_home / "config.toml").write_text('[model_providers.x]\nwire_api = "responses"\n')
    ready(start(*ALONE, "--dangerously-bypass-hook-trust", STANDIN_DIALOG="login,hooks"))


def test_everything_moves_to_the_configured_folder(start, home, tmp_path):
    answered(start, tmp_path / "cfg", *ALONE, CODEX_HOME=str(tmp_path / "cfg"))
    assert files(home) == []
