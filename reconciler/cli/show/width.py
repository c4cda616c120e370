"""The width of the terminal; `shutil`, which knows it, too, takes long to load."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TextIO


def columns(stream: TextIO, env: Mapping[str, str]) -> int:
    """How many columns the terminal of `stream` has; 80 if that is not known."""
    told = env.get("COLUMNS", "")
    if told.isascii() and told.isdecimal() and int(told):
        return int(told)
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80
