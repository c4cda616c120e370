"""`usage` over generated transcripts of Claude, beside ccusage on the same files."""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from lab import Lab, lab
from measure import repeated, run

_BYTES = 1_000_000_000
_LINES = 1500  # in each file
_REPEATS = 5
_MODEL = "claude-sonnet-4-5-20250929"
_COUNT = ("usage", "--since", "all", "--by", "day", "--json")


def usage_times() -> Iterator[tuple[str, str]]:
    """What a first and a second call take, one after an added answer, and ccusage if it is installed."""
    with lab() as place:
        _declare(place)
        newest = _write(Path(place.root), _BYTES)
        yield "`usage`, first call, 1 GB of transcripts", f"{place.reconciler(*_COUNT).wall:.3f} s"
        second = repeated(_REPEATS, lambda: place.reconciler(*_COUNT))
        yield "`usage`, second call", f"{second.wall:.3f} s, {second.cpu:.3f} s of CPU"

        numbers = count(_LINES)

        def added() -> None:
            with newest.open("a", encoding="utf-8") as file:
                file.write(_line(newest.stem, next(numbers), datetime(2026, 11, 1, tzinfo=UTC)))

        grown = repeated(_REPEATS, lambda: (added(), place.reconciler(*_COUNT))[1])
        yield "`usage`, after each added answer", f"{grown.wall:.3f} s, {grown.cpu:.3f} s of CPU"
        ccusage = shutil.which("ccusage")
        if ccusage is None:
            yield "`ccusage claude daily --offline`", "skipped: npm install --global ccusage@20.0.24"
            return
        words = [ccusage, "claude", "daily", "--offline", "--json"]
        theirs = repeated(_REPEATS, lambda: run(words, place.env(), place.root))
        yield "`ccusage claude daily --offline`", f"{theirs.wall:.3f} s, {theirs.cpu:.3f} s of CPU"


def _declare(place: Lab) -> None:
    with open(os.path.join(place.root, "reconciler.yaml"), "w", encoding="utf-8") as file:
        file.write(f"version: 1\ntmux: {{socket_path: {place.socket}}}\n")
        file.write("workspaces: {lab: {path: lab, agents: {it: {type: claude}}}}\n")


def _write(home: Path, size: int) -> Path:
    """Write that many bytes of transcripts; returns the last file."""
    folder = home / ".claude" / "projects" / "-lab"
    folder.mkdir(parents=True)
    numbers, at, written = random.Random(1), datetime(2026, 9, 1, tzinfo=UTC), 0  # noqa: S311 - not for a secret
    path = folder
    while written < size:
        conversation = str(uuid.UUID(int=numbers.getrandbits(128), version=4))
        path = folder / f"{conversation}.jsonl"
        lines = []
        for number in range(_LINES):
            at += timedelta(seconds=20)
            said = _result(conversation, at, numbers) if number % 3 == 0 else _line(conversation, number // 3, at)
            lines.append(said)
        text = "".join(lines)
        path.write_text(text, encoding="utf-8")
        written += len(text)
    return path


def _line(conversation: str, number: int, at: datetime) -> str:
    """A line of an answer; two lines have one id, as when an answer has text and a tool."""
    usage = {"input_tokens": 20, "output_tokens": 300, "cache_read_input_tokens": 50_000}
    message = {"id": f"msg_{conversation}{number}", "model": _MODEL, "role": "assistant", "usage": usage}
    content = [{"type": "text", "text": "x" * 1500}]
    head = {"type": "assistant", "requestId": f"req_{number}", "sessionId": conversation, "version": "2.1.330"}
    return _text({**head, "timestamp": _stamp(at), "message": {**message, "content": content}})


def _result(conversation: str, at: datetime, numbers: random.Random) -> str:
    content = [{"type": "tool_result", "content": "line of output\n" * numbers.randint(20, 600)}]
    message = {"role": "user", "content": content}
    return _text({"type": "user", "sessionId": conversation, "timestamp": _stamp(at), "message": message})


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _text(line: dict[str, object]) -> str:
    return json.dumps(line, separators=(",", ":")) + "\n"


if __name__ == "__main__":
    for what, measured in usage_times():
        print(f"{what}: {measured}", file=sys.stdout, flush=True)
