"""Read the objects that hooks get, in the form that several CLIs share."""

from __future__ import annotations

import json

from .hooks import Payload
from .jsonl import inner, text


def tool_request(payload: Payload) -> str:
    """What the CLI asks permission for, as TOOL:WHAT. The keys are those of Claude, and Codex uses the same ones."""
    tool, given = text(payload, "tool_name"), inner(payload, "tool_input")
    what = text(given, "command", "file_path", "url") or (json.dumps(given) if given else "")
    return f"{tool}:{what}"
