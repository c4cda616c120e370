"""The last line that each CLI prints tells how to go on, and so which conversation it was."""

from __future__ import annotations

import re

import pytest

from reconciler.agents.catalogue import BUILT_IN, catalogue

UUID = "b3a7c0de-1111-4222-8333-444455556666"
PROFILES = catalogue([])
LAST_LINES = {
    "claude": (f"claude --resume {UUID}", UUID),
    "codex": (f"To continue this session, run codex resume {UUID}", UUID),
    "gemini": (f"gemini --resume {UUID}", UUID),
    "kilo": (
        "  ████🬺🬏   ██   ██     ██  ██  kilo -s ses_dd1f34b02ffekrR0HLEiUv6hkh",
        "ses_dd1f34b02ffekrR0HLEiUv6hkh",
    ),
    "opencode": ("  Continue  opencode -s ses_dec7b09f4ffetVQLF3ha6z5goN", "ses_dec7b09f4ffetVQLF3ha6z5goN"),
    "cline": ("  Continue  cline --id 1796035331230_yfrvh", "1796035331230_yfrvh"),
    "pi": (f"pi --session-dir /home/u/my lab --session {UUID}", UUID),
    "qwen": (f"qwen --resume {UUID}", UUID),
    "copilot": (f"copilot --resume={UUID}", UUID),
    "agy": (f"agy --conversation {UUID}", UUID),
    "cursor-agent": (f"cursor-agent --resume={UUID}", UUID),
}


@pytest.mark.parametrize("name", LAST_LINES)
def test_the_last_line_names_the_conversation(name: str) -> None:
    line, conversation = LAST_LINES[name]
    assert re.findall(PROFILES[name].shutdown.resume_line, f"bye\n{line}\n") == [conversation]


def test_every_cli_with_conversations_says_something_at_its_end() -> None:
    assert LAST_LINES.keys() == BUILT_IN.keys() - {"shell"}
