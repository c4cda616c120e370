"""What each CLI's files say of tokens. The lines are those that the real CLIs wrote (November 2026), shortened."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reconciler.agents.catalogue import BUILT_IN, catalogue
from reconciler.agents.subject import AgentEnvironment
from reconciler.agents.token_store import Damaged, TokenLines, token_store
from reconciler.model.tokens import MOST, TokenReaderState, TokenRow

PROFILES = catalogue([])
HERE = AgentEnvironment("/w", "/home/u", {})
AT = "2026-11-30T06:17:12.313Z"
SECONDS = 1_796_019_432
WITH_TOKENS = {"claude", "codex", "gemini", "qwen", "copilot", "opencode", "kilo", "pi", "cline"}
CLAUDE_ID = "c5b24960-356d-4551-9d80-965ed1979da4"
OTHER_ID = "9e30c34e-8ddb-494e-9fa0-666c0bdd54da"


def lines_of(cli: str) -> TokenLines:
    store = token_store(PROFILES[cli])
    assert store is not None
    assert store.lines is not None
    return store.lines


def read(
    cli: str, *lines: dict[str, Any], carried: TokenReaderState | None = None
) -> tuple[list[TokenRow], TokenReaderState]:
    rows: list[TokenRow] = []
    now = carried or TokenReaderState()
    for line in lines:
        found, now = lines_of(cli).read(json.dumps(line, separators=(",", ":")).encode(), now)
        rows += found
    return rows, now


def counts(rows: list[TokenRow]) -> list[tuple[int, int, int, int]]:
    return [(row.input, row.cache_write, row.cache_read, row.output) for row in rows]


def test_the_types_with_tokens_are_those_whose_stores_are_known() -> None:
    assert {name for name in BUILT_IN if PROFILES[name].tokens} == WITH_TOKENS
    assert token_store(PROFILES["shell"]) is None


# --- claude -------------------------------------------------------------------------------------


def claude(**changed: Any) -> dict[str, Any]:
    usage = {
        "input_tokens": 1000,
        "cache_creation_input_tokens": 200,
        "cache_read_input_tokens": 300,
        "output_tokens": 45,
        "cache_creation": {"ephemeral_1h_input_tokens": 50, "ephemeral_5m_input_tokens": 150},
    }
    message = {"id": "msg_1", "role": "assistant", "model": "stub", "usage": usage, **changed.pop("message", {})}
    line = {"type": "assistant", "message": message, "requestId": "req_2", "sessionId": CLAUDE_ID, "timestamp": AT}
    return {**line, **changed}


def test_claude_stores_four_counts_that_do_not_overlap() -> None:
    ((row,), _) = read("claude", claude())
    assert (row.at, row.model, row.total, row.cache_write_1h) == (SECONDS, "stub", 1545, 50)
    assert counts([row]) == [(1000, 200, 300, 45)]


def test_an_older_claude_tells_what_it_wrote_into_the_cache_in_one_number() -> None:
    usage = {"input_tokens": 1, "cache_creation_input_tokens": 200, "cache_creation": None, "output_tokens": 4}
    assert counts(read("claude", claude(message={"usage": usage}))[0]) == [(1, 200, 0, 4)]


def test_an_answer_of_claude_is_known_by_message_and_request() -> None:
    rows, _ = read("claude", claude(), claude(uuid="x"), claude(requestId="req_3"), claude(message={"id": "msg_2"}))
    assert len({row.key for row in rows}) == 3


def test_claude_lines_without_an_answer_say_nothing() -> None:
    user = {"type": "user", "message": {"role": "user", "content": '"usage"'}, "toolUseResult": {"usage": {"x": 1}}}
    nothing = claude(message={"usage": {"input_tokens": 0, "output_tokens": 0}, "model": "<synthetic>"})
    assert read("claude", user, nothing, {**claude(), "message": "text"})[0] == []


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        (f"/h/.claude/projects/-w/{CLAUDE_ID}.jsonl", CLAUDE_ID),
        (f"/h/.claude/projects/-w/{CLAUDE_ID}/subagents/agent-1.jsonl", CLAUDE_ID),
        (f"/h/.claude/projects/-w/{CLAUDE_ID}/subagents/deep/agent-1.jsonl", CLAUDE_ID),
        ("/h/.claude/projects/-w/agent-1.jsonl", ""),
    ],
)
def test_what_a_subagent_of_claude_used_belongs_to_its_conversation(path: str, owner: str) -> None:
    assert lines_of("claude").owner(path) == owner


@pytest.mark.parametrize(
    "usage",
    [
        {"input_tokens": -1, "output_tokens": 5},
        {"input_tokens": 1.5},
        {"input_tokens": MOST + 1},
        {"input_tokens": 10**400},
        {"input_tokens": "12"},
        {"input_tokens": True},
    ],
)
def test_a_number_that_is_no_count_damages_its_line(usage: dict[str, object]) -> None:
    with pytest.raises(Damaged):
        read("claude", claude(message={"usage": usage}))


@pytest.mark.parametrize(
    "line",
    [
        b'{"usage": NaN}',
        b'{"usage"',
        b'"usage"',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"message":{"usage":{"input_tokens":NaN}}}',
    ],
)
def test_a_line_that_is_no_json_object_is_damaged(line: bytes) -> None:
    with pytest.raises(Damaged):
        lines_of("claude").read(line, TokenReaderState())


# --- codex --------------------------------------------------------------------------------------

USAGE = {"input_tokens": 1500, "cached_input_tokens": 300, "cache_write_input_tokens": 0, "output_tokens": 45}
META = {"type": "session_meta", "timestamp": AT, "payload": {"id": "a", "source": "cli"}}
TURN = {"type": "turn_context", "timestamp": AT, "payload": {"model": "gpt-5"}}


def count(answers: int, **changed: Any) -> dict[str, Any]:
    total = {name: value * answers for name, value in USAGE.items()}
    info = {"total_token_usage": total, "last_token_usage": USAGE, **changed}
    return {"type": "event_msg", "timestamp": AT, "payload": {"type": "token_count", "info": info}}


def record(number: int) -> dict[str, Any]:
    payload = {"session_id": "a", "turn_id": f"t{number}", "response_id": f"r{number}", "usage": USAGE}
    return {"type": "token_usage_record", "timestamp": AT, "payload": payload}


ONE = (1200, 0, 300, 45)


def test_codex_counts_that_are_told_twice_count_once() -> None:
    rows, carried = read("codex", META, TURN, count(1), count(1), count(2), {**count(2)})
    assert counts(rows) == [ONE, ONE]
    assert {(row.model, row.conversation) for row in rows} == {("gpt-5", "a")}
    assert read("codex", count(2), count(3), carried=carried)[0][0].total == 1545


def test_codex_without_the_last_usage_is_counted_by_its_totals() -> None:
    rows, _ = read("codex", META, TURN, count(1, last_token_usage=None), count(3, last_token_usage=None))
    assert counts(rows) == [ONE, (2400, 0, 600, 90)]


def test_codex_records_and_counts_are_never_added_up() -> None:
    rows, carried = read("codex", META, TURN, record(1), count(1), record(2), count(2))
    assert counts(rows) == [ONE, ONE]
    assert read("codex", count(3), carried=carried)[0] == []
    older, _ = read("codex", META, TURN, count(1), record(2), count(2))
    assert counts(older) == [ONE, ONE]


def test_a_fork_of_codex_repeats_the_answers_of_the_old_conversation() -> None:
    old, _ = read("codex", META, TURN, count(1), count(2))
    fork = {"type": "session_meta", "timestamp": AT, "payload": {"id": "b", "forked_from_id": "a", "source": "cli"}}
    new, _ = read("codex", fork, META, TURN, count(1), count(2), count(3))
    assert [row.key for row in new[:2]] == [row.key for row in old]
    assert len({row.key for row in new}) == 3
    assert {row.conversation for row in new} == {"b"}


def test_what_a_subagent_of_codex_used_belongs_to_the_conversation_that_began_it() -> None:
    source = {"subagent": {"thread_spawn": {"parent_thread_id": "a", "depth": 1}}}
    meta = {"type": "session_meta", "timestamp": AT, "payload": {"id": "s", "source": source}}
    assert read("codex", meta, TURN, record(1))[0][0].conversation == "a"
    review = {"type": "session_meta", "timestamp": AT, "payload": {"id": "s", "source": {"subagent": "review"}}}
    assert read("codex", review, TURN, record(1))[0][0].conversation == "s"


def test_a_compressed_rollout_says_that_it_is_not_read() -> None:
    assert lines_of("codex").unreadable("/x/rollout-1.jsonl.zst") == "it is compressed"
    assert lines_of("codex").unreadable("/x/rollout-1.jsonl") is None


# --- pi -----------------------------------------------------------------------------------------

PI_SESSION = {"type": "session", "version": 3, "id": "a", "timestamp": AT, "cwd": "/w"}
PI_USAGE = {"input": 1200, "output": 45, "cacheRead": 300, "cacheWrite": 0, "reasoning": 7, "totalTokens": 1545}


def pi(id_: str, *, cost: float = 0.004365, role: str = "assistant", **changed: Any) -> dict[str, Any]:
    usage = {**PI_USAGE, "cost": {"input": 0.0036, "output": 0.000675, "total": cost, "totalFromProvider": False}}
    message = {"role": role, "content": [], "provider": "stub", "model": "stub", "usage": usage}
    return {"type": "message", "id": id_, "parentId": None, "timestamp": AT, "message": message, **changed}


def test_pi_counts_answers_with_what_it_says_they_cost() -> None:
    rows, _ = read("pi", PI_SESSION, {**pi("1"), "message": {"role": "user", "content": "q"}}, pi("2"))
    assert counts(rows) == [ONE]
    assert (rows[0].conversation, rows[0].model, rows[0].usd, rows[0].at) == ("a", "stub", 0.004365, SECONDS)
    assert read("pi", PI_SESSION, pi("2", cost=0))[0][0].usd is None, "it is not known, which pi stores as 0"


def test_pi_counts_what_tools_summaries_and_its_own_requests_used() -> None:
    tool = pi("2", role="toolResult")
    warm = {"type": "usage", "id": "3", "timestamp": AT, "kind": "cache_warm", "model": "other", "usage": PI_USAGE}
    short = {"type": "compaction", "id": "4", "timestamp": AT, "summary": "x", "usage": PI_USAGE}
    rows, _ = read("pi", PI_SESSION, pi("1"), tool, warm, short)
    assert counts(rows) == [ONE] * 4
    assert [row.model for row in rows] == ["stub", "stub", "other", "other"]


def test_a_clone_of_pi_repeats_the_answers_of_the_old_conversation() -> None:
    old, _ = read("pi", PI_SESSION, pi("1"), pi("2"))
    new, _ = read("pi", {**PI_SESSION, "id": "b", "parentSession": "/x/a.jsonl"}, pi("1"), pi("2"), pi("3"))
    assert [row.key for row in new[:2]] == [row.key for row in old]
    assert len({row.key for row in new}) == 3


# --- gemini, qwen -------------------------------------------------------------------------------


def test_gemini_names_its_conversation_first_and_counts_thoughts_as_output() -> None:
    tokens = {"input": 1500, "output": 38, "cached": 300, "thoughts": 7, "tool": 0, "total": 1545}
    answer = {"id": "1", "timestamp": AT, "type": "gemini", "tokens": tokens, "model": "gemini-2.5-flash"}
    again = {"$set": {"messages": [{"id": "1", "type": "gemini"}], "sessionId": "other"}}
    rows, _ = read("gemini", {"sessionId": "g", "kind": "main"}, answer, again, answer)
    assert counts(rows) == [ONE, ONE]
    assert {(row.key, row.conversation, row.model) for row in rows} == {(rows[0].key, "g", "gemini-2.5-flash")}
    assert lines_of("gemini").last
    assert lines_of("gemini").owner("/h/.gemini/tmp/w/chats/g/sub.jsonl") == "g"
    assert lines_of("gemini").owner("/h/.gemini/tmp/w/chats/session-2026.jsonl") == ""


def test_qwen_counts_answers_and_the_telemetry_of_subagents_alone() -> None:
    usage = {"promptTokenCount": 1500, "candidatesTokenCount": 45, "thoughtsTokenCount": 7, "totalTokenCount": 1545}
    usage |= {"cachedContentTokenCount": 300}
    answer = {"uuid": "1", "type": "assistant", "timestamp": AT, "model": "m", "usageMetadata": usage}
    event = {"model": "m", "input_token_count": 1500, "output_token_count": 45, "cached_content_token_count": 300}

    def telemetry(uuid: str, **more: object) -> dict[str, Any]:
        payload = {"uiEvent": {"event.name": "qwen-code.api_response", **event, **more}}
        return {"uuid": uuid, "type": "system", "timestamp": AT, "systemPayload": payload}

    rows, _ = read("qwen", telemetry("0"), answer, telemetry("2", subagent_name="memory"))
    assert counts(rows) == [ONE, ONE]
    beside = {**usage, "totalTokenCount": 1552}
    assert counts(read("qwen", {**answer, "usageMetadata": beside})[0]) == [(1200, 0, 300, 52)]
    assert lines_of("qwen").owner("/h/.qwen/projects/-w/chats/abc.jsonl") == "abc"


# --- copilot ------------------------------------------------------------------------------------


def said(number: int) -> dict[str, Any]:
    return {
        "type": "assistant.message",
        "data": {"model": "m", "outputTokens": 45},
        "id": f"m{number}",
        "timestamp": AT,
    }


def ended(answers: int) -> dict[str, Any]:
    names = {"inputTokens": 1500, "outputTokens": 45, "cacheReadTokens": 300, "cacheWriteTokens": 0}
    usage = {name: value * answers for name, value in names.items()}
    data = {"modelMetrics": {"m": {"requests": {"count": answers}, "usage": usage}}}
    return {"type": "session.shutdown", "data": data, "id": f"s{answers}", "timestamp": AT}


def used(number: int) -> dict[str, Any]:
    usage = {"model": "m", "inputTokens": 1500, "outputTokens": 45, "cacheReadTokens": 300, "cacheWriteTokens": 0}
    return {"type": "session.usage_record", "data": {"usage": usage}, "id": f"u{number}", "timestamp": AT}


def test_an_older_copilot_tells_its_input_at_the_end_and_again_after_a_resume() -> None:
    rows, carried = read("copilot", said(1), said(2))
    assert (counts(rows), carried.is_open) == ([(0, 0, 0, 45)] * 2, True)
    rest, carried = read("copilot", ended(2), said(3), ended(3), carried=carried)
    assert not carried.is_open
    total = [sum(column) for column in zip(*counts([*rows, *rest]), strict=True)]
    assert total == [3600, 0, 900, 135]


def test_a_newer_copilot_is_counted_by_its_records_alone() -> None:
    rows, carried = read("copilot", used(1), said(1), used(2), said(2), ended(2))
    assert (counts(rows), carried.is_open) == ([ONE, ONE], False)


# --- opencode -----------------------------------------------------------------------------------


def row(**changed: Any) -> TokenRow | None:
    store = token_store(PROFILES["opencode"])
    assert store is not None
    assert store.table is not None
    cache = {"read": 300, "write": 0}
    tokens = {"input": 1200, "output": 38, "reasoning": 7, "cache": cache}
    data = {"role": "assistant", "modelID": "m", "cost": 0.5, "tokens": tokens, **changed}
    return store.table.read(["msg_1", "ses_1", SECONDS * 1000, json.dumps(data)])


def test_opencode_stores_what_an_answer_cost() -> None:
    found = row()
    assert found is not None
    assert (counts([found]), found.usd, found.at, found.conversation) == ([ONE], 0.5, SECONDS, "ses_1")
    assert row(role="user") is None
    assert row(tokens=None) is None


def test_a_cost_of_zero_of_opencode_is_not_known() -> None:
    found = row(cost=0)
    assert found is not None
    assert found.usd is None


def test_a_cost_of_opencode_that_is_no_amount_is_damaged() -> None:
    for cost in (-1, "x"):
        with pytest.raises(Damaged):
            row(cost=cost)
