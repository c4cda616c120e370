"""What earlier looks read of the CLIs' stores, in one file of the user: only additions need to be read.

It only saves time. A damaged file, or one of another version, counts as empty; if it cannot be written, the next look
reads everything again. Commands that write at the same time replace each other's file as a whole.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import TypeAlias

import msgspec

from reconciler import __version__
from reconciler.model.tokens import TokenFile
from reconciler.ports import own_files
from reconciler.ports.own_files import LinkInTheWay

_FORMAT = 1
_NAME = "tokens.msgpack"
_Content: TypeAlias = tuple[int, str, dict[str, TokenFile]]
_LONGEST = 1 << 30  # bytes


def recall(folder: str) -> dict[str, TokenFile]:
    """What is remembered, by path."""
    try:
        with own_files.regular(os.path.join(folder, _NAME)) as file:
            format_, version, files = msgspec.msgpack.decode(file.read(_LONGEST), type=_Content)
    except (OSError, msgspec.MsgspecError, ValueError, RecursionError):
        return {}
    return files if (format_, version) == (_FORMAT, __version__) else {}


def remember(folder: str, files: Mapping[str, TokenFile]) -> None:
    """Remember `files` instead of what was remembered, in a file with mode 0600."""
    content = msgspec.msgpack.encode((_FORMAT, __version__, files))
    with suppress(OSError, LinkInTheWay):
        own_files.make_folder(folder, 0o700)
        own_files.replace(os.path.join(folder, _NAME), content, durable=False)
