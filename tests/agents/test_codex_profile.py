from __future__ import annotations

import json
from fnmatch import fnmatch

import pytest

from reconciler.agents.codex import PROFILE
from reconciler.agents.launch import with_conversation
from reconciler.agents.storage import StoredHead
from reconciler.agents.subject import AgentEnvironment
from reconciler.model.activity import Activity

ID = "0199a213-81c0-7800-8aa1-bbab2a035a53"
SUBJECT = AgentEnvironment("/home/u/lab", "/home/u", {})
ROLLOUT = f"/home/u/.codex/sessions/2026/11/21/rollout-2026-11-21T23-59-01-{ID}.jsonl"


def _meta(**payload: object) -> bytes:
    return json.dumps({"type": "session_meta", "payload": {"id": ID, "cwd": "/home/u/lab", **payload}}).encode()


def test_there_is_no_flag_for_the_id_and_resume_is_a_subcommand() -> None:
    assert (PROFILE.launch.chooses_id, PROFILE.launch.new) == (False, ())
    assert with_conversation(PROFILE.launch.resume, ID) == ("resume", ID)


def test_it_is_always_started_without_the_background_server_that_outlives_the_pane() -> None:
    assert PROFILE.launch.args_always == ("--no-daemon",)
    assert "--no-daemon" in PROFILE.shutdown.survives_kill


def test_exit_by_text_is_slash_quit_and_one_c_c_ends_it_on_an_empty_prompt() -> None:
    assert PROFILE.shutdown.quit == "/quit"


@pytest.mark.parametrize(
    "path",
    [
        ROLLOUT,
        f"{ROLLOUT}.zst",
        f"/home/u/.codex/archived_sessions/rollout-2026-01-01T00-00-00-{ID}.jsonl",
        f"/home/u/.codex/archived_sessions/rollout-2026-01-01T00-00-00-{ID}.jsonl.zst",
    ],
)
def test_compressed_and_archived_rollouts_are_not_gone(path: str) -> None:
    assert any(fnmatch(path, pattern) for pattern in PROFILE.storage.artifacts(SUBJECT, ID))
    assert any(fnmatch(path, pattern) for pattern in PROFILE.storage.stores(SUBJECT))
    found = PROFILE.storage.read_head(path, b"\x28\xb5\x2f\xfd" if path.endswith(".zst") else _meta(source="cli"))
    assert found is not None
    assert (found.id, found.hidden) == (ID, False)


def test_the_day_folder_is_not_computed_because_it_is_local_time_of_the_start() -> None:
    assert PROFILE.storage.artifacts(SUBJECT, ID)[0] == f"/home/u/.codex/sessions/*/*/*/rollout-*-{ID}.jsonl"


def test_codex_home_moves_everything() -> None:
    subject = AgentEnvironment("/lab", "/home/u", {"CODEX_HOME": "/cfg[1]"})
    assert PROFILE.storage.roots(subject) == ("/cfg[1]",)
    assert all(pattern.startswith("/cfg[[]1]/") for pattern in PROFILE.storage.stores(subject))


def test_line_1_tells_the_cwd() -> None:
    assert PROFILE.storage.read_head(ROLLOUT, _meta(source="cli")) == StoredHead(ID, "/home/u/lab")


def test_sessions_made_through_the_background_server_have_source_vscode_and_are_conversations() -> None:
    assert PROFILE.storage.read_head(ROLLOUT, _meta(source="vscode", originator="codex-tui")) == StoredHead(
        ID, "/home/u/lab"
    )


@pytest.mark.parametrize(
    "payload",
    [{"source": "exec"}, {"originator": "codex_exec"}, {"source": {"subagent": "review"}}],
    ids=["exec", "originator", "subagent"],
)
def test_exec_rollouts_and_hidden_threads_in_the_same_folders_are_filtered(payload: dict[str, object]) -> None:
    found = PROFILE.storage.read_head(ROLLOUT, _meta(**payload))
    assert found is not None
    assert found.hidden


def test_a_file_with_another_name_is_no_rollout() -> None:
    assert PROFILE.storage.read_head("/home/u/.codex/sessions/notes.jsonl", _meta()) is None


@pytest.mark.parametrize("path", [f"/home/u/.codex/thread-writer-locks/{ID}.lock", ROLLOUT])
def test_an_open_lock_or_rollout_proves_the_conversation_of_a_process(path: str) -> None:
    assert PROFILE.binding.held(path) == ID


@pytest.mark.parametrize("path", [f"/var/{ID}.lock", "/dev/pts/1", f"/home/u/.codex/thread-writer-locks/{ID}.lock.bak"])
def test_no_other_open_file_proves_anything(path: str) -> None:
    assert PROFILE.binding.held(path) == ""


@pytest.mark.parametrize(
    ("title", "activity"),
    [
        ("⠹ lab", Activity.BUSY),
        ("[ ! ] Action Required | lab", Activity.WAITING),
        ("[ . ] Action Required | lab", Activity.WAITING),
        ("lab", Activity.UNKNOWN),
        ("", Activity.UNKNOWN),
    ],
)
def test_the_title_is_a_braille_spinner_when_busy_and_blinks_action_required(title: str, activity: Activity) -> None:
    assert PROFILE.display.activity(title) is activity
