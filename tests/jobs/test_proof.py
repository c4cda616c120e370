"""A prompt counts as taken when the CLI stored just it, in whatever the CLI puts around it."""

from __future__ import annotations

import json

import pytest
from fakes.files import FakeFiles
from fakes.world import FakeWorld

from reconciler.agents.catalogue import catalogue
from reconciler.agents.subject import AgentEnvironment
from reconciler.jobs.agent_state import AgentState, Recipient
from reconciler.jobs.proof import StorageBaseline, is_stored, proof, stored_before
from reconciler.model.activity import Activity, LiveAgent
from reconciler.model.delivery import Evidence
from reconciler.model.snapshot import Pane

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


OLD, NEW = (f"0199a213-81c0-7800-8aa1-bbab2a035a5{digit}" for digit in "34")
PANE = Pane("w-creator-codex", "$1", "%1", 7, "node", "/lab")
TO_CODEX = Recipient(PANE, catalogue([])["codex"], AgentEnvironment("/lab", "/home/u", {}), OLD, "/handed")


def _said(files: FakeFiles, conversation: str, *texts: str) -> None:
    """Codex stores these prompts."""
    said = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]} for text in texts]
    lines = [json.dumps({"type": "response_item", "payload": each}) for each in said]
    path = f"/home/u/.codex/sessions/2026/11/30/rollout-2026-11-30T03-19-24-{conversation}.jsonl"
    files.put(path, "".join(f"{line}\n" for line in lines).encode())


@pytest.mark.parametrize(
    ("earlier", "named", "later", "evidence"),
    [
        ({}, NEW, (PROMPT,), Evidence.TRANSCRIPT),
        ({}, NEW, ("Something else",), Evidence.NONE),
        ({}, "", (PROMPT,), Evidence.NONE),  # it may be another agent's
        ({NEW: (PROMPT,)}, NEW, (PROMPT,), Evidence.NONE),  # an older one, which was resumed
    ],
)
def test_a_prompt_counts_in_the_conversation_that_the_cli_began_with_it(
    earlier: dict[str, tuple[str, ...]], named: str, later: tuple[str, ...], evidence: Evidence
) -> None:
    """After `/new`, Codex 0.144.5 shows its new conversation only when that has a prompt."""
    world = FakeWorld()
    for conversation, texts in {OLD: ("Before",), **earlier}.items():
        _said(world.files, conversation, *texts)
    idle = AgentState(PANE, LiveAgent(Activity.IDLE, OLD))
    before = stored_before(PROMPT, idle, TO_CODEX, world)
    _said(world.files, NEW, *later)
    after = AgentState(PANE, LiveAgent(Activity.IDLE, named))
    assert proof(PROMPT, after, before, world.files) is evidence
