"""A prompt as it is typed: what may not be in it, and what is too long to be pasted."""

from __future__ import annotations

import hashlib
import os.path
from unicodedata import category

LARGEST = 1 << 20
"""Bytes of the longest prompt that is delivered at all."""

LONGEST_PASTE = 4000
"""Bytes of the longest prompt that is pasted.

About 2 KB were seen to arrive whole; 4095 bytes is what a terminal takes that is not in raw mode, and
what was lost in others' hands.
"""


def cleaned(text: str) -> str:
    """The text without control characters other than tab and newline; a CRLF is a newline.

    Nothing that is left can end a bracketed paste. Lone surrogates, which are no text, go too.
    """
    return "".join(c for c in text.replace("\r\n", "\n") if c in "\t\n" or category(c) not in {"Cc", "Cs"})


def size(prompt: str) -> int:
    """Its length in bytes."""
    return len(prompt.encode())


def file_for(prompt: str, folder: str) -> str:
    """Where a prompt is put that goes by file: the same one always at the same place."""
    return os.path.join(folder, f"prompt-{hashlib.sha256(prompt.encode()).hexdigest()[:16]}.md")


def pointer(path: str, prompt: str) -> str:
    """The one line that is typed for a prompt that goes by file."""
    return f'Your prompt is in the file "{path}" ({size(prompt)} bytes): read all of it, then do what it says.'
