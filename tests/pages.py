"""The command lines that the pages show, as a reader would copy them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
_CODE = re.compile(
    r"^```\w*\n(?P<fence>.*?)^```$|^ {4}(?P<block>[^\n]*)$|`(?P<span>[^`\n]+)`", re.MULTILINE | re.DOTALL
)
_COMMENT = re.compile(r"\s+#.*$")


def shown(text: str) -> Iterator[tuple[str, bool]]:
    """Each line of `reconciler` in reading order, without its prompt and comment; True for one in a block.

    Of fenced code only what is marked as a command counts: `$ ` of a terminal, `- ` of a list of scripts.
    """
    for code in _CODE.finditer(text):
        marks = r"\s*[$-] " if code["fence"] else r"(?:\$ )?"
        for line in code[0].splitlines() if code["fence"] else [code["block"] or code["span"] or ""]:
            if command := re.fullmatch(rf"{marks}(reconciler .*)", line):
                yield _COMMENT.sub("", command[1]).strip(), not code["span"]


def stories() -> dict[str, list[str]]:
    """The lines of each page, top to bottom; what is only mentioned counts once, where no page shows it in a block."""
    pages = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]
    found = {str(page.relative_to(ROOT)): list(shown(page.read_text())) for page in pages}
    known = {line for lines in found.values() for line, block in lines if block}
    told: dict[str, list[str]] = {}
    for page, lines in found.items():
        told[page] = []
        for line, block in lines:
            if block or line not in known:
                told[page].append(line)
                known.add(line)
    return {page: lines for page, lines in told.items() if lines}
