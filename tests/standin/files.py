"""What the CLIs have in common in their files: ids, times, JSON lines."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

# What each answer of every CLI costs. The cached tokens are a part of the input, and the thoughts a part of the output.
INPUT, CACHED, OUTPUT, THOUGHT = 1500, 300, 45, 7
MODEL = "stand-in"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def append(file: Path, line: Mapping[str, object]) -> None:
    """Adds one line to a file of JSON lines, which is made when it is missing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as lines:
        lines.write(compact(line) + "\n")


def replace(file: Path, text: str) -> None:
    """Writes a file whole: nobody reads half of it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    # two agents in sandboxes may have the same pid, and one home
    whole = file.with_name(f"{file.name}.{os.getpid()}.{os.urandom(4).hex()}.tmp")
    whole.write_text(text, encoding="utf-8")
    whole.replace(file)


def read_lines(file: Path) -> Iterator[dict[str, Any]]:
    """The lines of a file of JSON lines; none when it is missing."""
    if file.exists():
        yield from map(json.loads, file.read_text(encoding="utf-8").splitlines())


def read_json(file: Path) -> dict[str, Any]:
    """The object in a JSON file; an empty one when it is missing."""
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else {}


def compact(value: Mapping[str, object]) -> str:
    """JSON as JavaScript writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def now() -> str:
    """The time, in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())


def new_id() -> str:
    """A random UUID."""
    return _uuid(os.urandom(16).hex(), "4")


def new_timed_id() -> str:
    """A UUID of version 7: it begins with the time."""
    return _uuid(f"{time.time_ns() // 1_000_000:012x}{os.urandom(10).hex()}", "7")


def _uuid(digits: str, version: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{version}{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
