"""Replace the Ruby code in a tmuxinator project file, without running it.

tmuxinator runs ERB over a file before it reads it as YAML. Here nothing is run: comments are removed, the home folder
is filled in, and every other tag that prints becomes a mark. A value with this mark is not known.
"""

from __future__ import annotations

import re

from msgspec import Struct

from reconciler.text.characters import line_and_column

MARK = "\ue000"  # from the private use area of Unicode, so files do not contain it by chance
_TAG = re.compile(r"<%(?!%)(?P<kind>[=#-]?)(?P<code>.*?)-?%>", re.DOTALL)
_HOME = re.compile(r"""\s*(?:ENV(?:\[["']HOME["']\]|\.fetch\(["']HOME["']\))|Dir\.home)\s*""")


class RubyTag(Struct, frozen=True):
    """A tag that only Ruby can run, with its line and column; `prints` if its result becomes text."""

    code: str
    at: tuple[int, int]
    prints: bool


class WithoutRuby(Struct, frozen=True):
    """A text without Ruby, with the same lines, and the tags that were removed."""

    text: str
    tags: tuple[RubyTag, ...]


def without_ruby(text: str, home: str) -> WithoutRuby:
    """The text without Ruby tags. Lines and columns stay the same, except columns after a tag on its line."""
    tags: list[RubyTag] = []
    text = text.replace(MARK, "\ufffd")

    def replacement(tag: re.Match[str]) -> str:
        lines = "\n" * tag.group().count("\n")
        prints = tag["kind"] == "="
        if tag["kind"] == "#":
            return lines
        if prints and _HOME.fullmatch(tag["code"]):
            return home + lines
        tags.append(RubyTag(tag["code"].strip(), line_and_column(text, tag.start()), prints))
        return (MARK if prints else "") + lines

    return WithoutRuby(_TAG.sub(replacement, text), tuple(tags))
