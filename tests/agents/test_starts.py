"""When each stored conversation began, as far as its CLI tells; and all that goes with it."""

from __future__ import annotations

import pytest

from reconciler.agents.catalogue import catalogue

ID = "b3a7c1d2-0000-4000-8000-000000000000"
AT, SECONDS = "2026-01-01T00:00:00.000Z", 1767225600
PROFILES = catalogue([])

HEADS = {
    "claude": (
        f"/h/.claude/projects/-lab/{ID}.jsonl",
        '{"type":"mode"}\n{"type":"user","cwd":"/lab","timestamp":"%s"}',
    ),
    "codex": (
        f"/h/.codex/sessions/2026/01/01/rollout-2026-01-01T00-00-00-{ID}.jsonl",
        '{"timestamp":"%s","payload":{"cwd":"/lab"}}',
    ),
    "qwen": (f"/h/.qwen/projects/-lab/chats/{ID}.jsonl", '{"cwd":"/lab","timestamp":"%s"}'),
    "copilot": (f"/h/.copilot/session-state/{ID}/events.jsonl", '{"timestamp":"%s","data":{"context":{"cwd":"/lab"}}}'),
    "cline": (
        "/h/.cline/data/sessions/1796035331230_yfrvh/1796035331230_yfrvh.json",
        '{"session_id":"x","cwd":"/lab","started_at":"%s","interactive":true}',
    ),
    "pi": (
        f"/h/.pi/agent/sessions/--lab--/2026_{ID}.jsonl",
        '{"type":"session","id":"x","timestamp":"%s","cwd":"/lab"}',
    ),
    "gemini": ("/p/session-1.jsonl", '{"sessionId":"x","startTime":"%s"}'),
}


@pytest.mark.parametrize("cli", HEADS)
def test_the_first_time_in_a_conversation_is_when_it_began(cli):
    path, line = HEADS[cli]
    assert PROFILES[cli].storage.read_head(path, (line % AT).encode()).started == SECONDS


@pytest.mark.parametrize("said", ["", "yesterday", "0000-00-00T00:00:00Z"])
@pytest.mark.parametrize("cli", HEADS)
def test_what_is_no_time_is_not_told(cli, said):
    path, line = HEADS[cli]
    assert PROFILES[cli].storage.read_head(path, (line % said).encode()).started == 0


BELONGS = {
    "claude": (f"/p/{ID}.jsonl", ()),
    "qwen": (f"/p/{ID}.jsonl", (f"/p/{ID}.runtime.json",)),
    "copilot": (f"/p/{ID}/events.jsonl", (f"/p/{ID}",)),
    "cursor-agent": (f"/p/{ID}/store.db", (f"/p/{ID}",)),
    "cline": ("/p/1796035331230_yfrvh/1796035331230_yfrvh.messages.json", ("/p/1796035331230_yfrvh",)),
    "agy": (f"/p/{ID}.db", (f"/p/{ID}.db-wal", f"/p/{ID}.db-shm")),
}


@pytest.mark.parametrize("cli", BELONGS)
def test_a_conversation_takes_along_what_is_its_own(cli):
    path, beside = BELONGS[cli]
    assert PROFILES[cli].storage.belongs(path) == beside
