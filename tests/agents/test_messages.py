"""What each CLI's files say was said."""

from __future__ import annotations

import pytest

from reconciler.agents.catalogue import catalogue
from reconciler.agents.message import StoredMessage, texts

PROFILES = catalogue([])
AT = "2026-11-29T10:00:00.000Z"
CLAUDE = {"timestamp": AT, "message": {"id": "m", "content": [{"type": "text", "text": "hi"}, {"type": "tool_use"}]}}
CODEX = {"type": "response_item", "timestamp": AT}


@pytest.mark.parametrize(
    ("cli", "line", "message"),
    [
        ("claude", {**CLAUDE, "type": "assistant"}, StoredMessage("assistant", "hi", AT, "m")),
        ("claude", {**CLAUDE, "type": "assistant", "isSidechain": True}, None),
        ("claude", {**CLAUDE, "type": "user", "isMeta": True}, None),
        ("claude", {"type": "user", "message": {"content": [{"type": "tool_result", "content": "x"}]}}, None),
        ("claude", {"type": "user", "message": "damaged"}, None),
        (
            "codex",
            {**CODEX, "payload": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "q"}]}},
            StoredMessage("user", "q", AT),
        ),
        ("codex", {**CODEX, "payload": {"type": "message", "role": "developer", "content": "x"}}, None),
        ("codex", {**CODEX, "payload": {"type": "message", "role": "user", "content": "<environment_context>x"}}, None),
        ("codex", {"type": "event_msg", "payload": {"type": "agent_message", "message": "twice"}}, None),
        ("gemini", {"type": "gemini", "id": "1", "content": "hi"}, StoredMessage("assistant", "hi", "", "1")),
        ("gemini", {"type": "info", "content": "hi"}, None),
        (
            "qwen",
            {"type": "assistant", "message": {"parts": [{"text": "hm", "thought": True}, {"text": "hi"}]}},
            StoredMessage("assistant", "hi"),
        ),
        (
            "copilot",
            {"type": "user.message", "data": {"content": "q"}, "timestamp": AT},
            StoredMessage("user", "q", AT),
        ),
        (
            "pi",
            {
                "type": "message",
                "id": "89c5dea3",
                "timestamp": AT,
                "message": {
                    "role": "assistant",
                    "content": [
                        {"type": "thinking", "thinking": "hm"},
                        {"type": "text", "text": "hi"},
                        {"type": "toolCall", "name": "bash", "arguments": {"command": "ls"}},
                    ],
                },
            },
            StoredMessage("assistant", "hi", AT, "89c5dea3"),
        ),
        (
            "pi",
            {"type": "message", "message": {"role": "toolResult", "content": [{"type": "text", "text": "x"}]}},
            None,
        ),
        ("pi", {"type": "compaction", "summary": "x"}, None),
        ("copilot", {"type": "tool.message", "data": {"content": "q"}}, None),
    ],
)
def test_a_line_of_a_file_is_a_message_or_none(
    cli: str, line: dict[str, object], message: StoredMessage | None
) -> None:
    assert PROFILES[cli].transcript.read_message(line) == message


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (["m", 1_800_000_000_000, '{"role":"user"}', '{"type":"text","text":"q"}'], "q"),
        (["m", 1, '{"role":"user"}', '{"type":"text","text":"q","synthetic":true}'], None),
        (["m", 1, '{"role":"assistant"}', '{"type":"reasoning","text":"q"}'], None),
        (["m", None, "{", "{"], None),
        (["m", 1, "{", "["], None),
    ],
)
def test_a_row_of_a_database_is_a_part_of_a_message_or_none(row: list[object], message: str | None) -> None:
    found = PROFILES["opencode"].transcript.read_message_row(row)
    assert (found and found.text) == message


@pytest.mark.parametrize("content", [None, 1, {}, [], [1, None, {"text": 2}], [{"type": "image"}]])
def test_content_without_text_has_none(content: object) -> None:
    assert texts(content) == ""
