"""What CLIs tell their hooks, where several tell it alike."""

from __future__ import annotations

import json

from .hooks import Payload
from .jsonl import inner, text


def tool_request(payload: Payload) -> str:
    """What shall be allowed, as TOOL:WHAT; the names are Claude's, and Codex uses the same ones."""
    tool, given = text(payload, "tool_name"), inner(payload, "tool_input")
    what = text(given, "command", "file_path", "url") or (json.dumps(given) if given else "")
    return f"{tool}:{what}"
