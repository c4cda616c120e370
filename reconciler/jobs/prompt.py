"""Prepare a prompt for typing: remove control characters, and put a long prompt into a file."""

from __future__ import annotations

import hashlib
import os.path
from unicodedata import category

LARGEST = 1 << 20
"""The longest prompt that can be delivered, in bytes."""

LONGEST_PASTE = 4000
"""The longest prompt that is pasted, in bytes.

About 2 KB always arrived complete. A terminal that is not in raw mode takes 4095 bytes and drops the rest.
"""


def cleaned(text: str) -> str:
    """Remove control characters other than tab and newline; CRLF becomes a newline.

    So nothing in the text can end a bracketed paste. Lone surrogates, which UTF-8 cannot encode, are removed too.
    """
    return "".join(c for c in text.replace("\r\n", "\n") if c in "\t\n" or category(c) not in {"Cc", "Cs"})


def size(prompt: str) -> int:
    """The length of the prompt in bytes."""
    return len(prompt.encode())


def file_for(prompt: str, folder: str) -> str:
    """The file for a prompt that is too long to paste; the same prompt always gets the same file."""
    return os.path.join(folder, f"prompt-{hashlib.sha256(prompt.encode()).hexdigest()[:16]}.md")


def pointer(path: str, prompt: str) -> str:
    """The line that is typed in place of a prompt in a file."""
    return f'Your prompt is in the file "{path}" ({size(prompt)} bytes): read all of it, then do what it says.'
