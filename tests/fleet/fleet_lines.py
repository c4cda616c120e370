"""Lines of the callback: those that were captured, and made-up ones for what is hard to capture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from reconciler.fleet.hosts import HostOutcome, HostResult
from reconciler.fleet.results import read_lines, with_unknown

HERE = Path(__file__).parent


def recorded(do: str) -> list[bytes]:
    """The captured lines of a run; the first line says when and with what."""
    return (HERE / f"recorded_{do}.jsonl").read_bytes().splitlines(keepends=True)


def documents(do: str) -> dict[str, Any]:
    """The captured documents, by host."""
    lines = map(json.loads, recorded(do))
    return {line["host"]: line["document"] for line in lines if line.get("document")}


def line(host: str, **told: Any) -> bytes:
    return json.dumps({"host": host, "event": "ok", "exit_code": 0, **told}).encode()


def results(lines: list[bytes]) -> dict[str, HostResult]:
    told = read_lines(lines)
    return {each.host: each for each in with_unknown(sorted(told.begun), told)}


def result(host: str, outcome: str, *, changed: bool = False, add: int = 0) -> HostResult:
    return HostResult(host, HostOutcome(outcome), changed=changed, shape=f"{add}", summary={"add": add})
