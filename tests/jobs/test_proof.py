"""A prompt counts as taken when the CLI stored just it, in whatever the CLI puts around it."""

from __future__ import annotations

import json

import pytest
from fakes.files import FakeFiles

from reconciler.agents.catalogue import catalogue
from reconciler.jobs.proof import StorageBaseline, is_stored

PATH = "/home/u/.claude/projects/-lab/c.jsonl"
CLAUDE = catalogue([])["claude"]
PROMPT = "First line\nsecond line"


@pytest.mark.parametrize(
    ("content", "stored"),
    [
        (PROMPT, True),
        (f'\n\n<pasted_content id="5d7e">\n{PROMPT}\n</pasted_content id="5d7e">\n', True),
        (f'\n\n<pasted_content id="5d7e">\n{PROMPT} and more\n</pasted_content id="5d7e">\n', False),
        (f"Somebody said: {PROMPT}", False),
    ],
)
def test_claude_stores_a_paste_as_it_is_or_between_two_marks(content: str, stored: bool) -> None:
    files = FakeFiles()
    files.put(PATH, json.dumps({"type": "user", "message": {"role": "user", "content": content}}).encode() + b"\n")
    assert is_stored(PROMPT, StorageBaseline((PATH,), {}, CLAUDE.transcript.wrapped), files) is stored
