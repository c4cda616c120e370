"""The Ruby in a project file of tmuxinator: what of it can be told without Ruby, and where the rest stands.

tmuxinator runs ERB over a file before it reads it as YAML. Nothing is run here: comments go, the home folder is filled
in, and every other tag becomes a mark that makes what it stands in unknown.
"""

from __future__ import annotations

import re

from msgspec import Struct

from reconciler.text.characters import line_and_column

MARK = "\ue000"  # of the private use area: no file has it by chance
_TAG = re.compile(r"<%(?!%)(?P<kind>[=#-]?)(?P<code>.*?)-?%>", re.DOTALL)
_HOME = re.compile(r"""\s*(?:ENV(?:\[["']HOME["']\]|\.fetch\(["']HOME["']\))|Dir\.home)\s*""")


class RubyTag(Struct, frozen=True):
    """A tag that only Ruby can run, with its line and column; `prints` when its result becomes text."""

    code: str
    at: tuple[int, int]
    prints: bool


class Unruled(Struct, frozen=True):
    """A text without Ruby, line for line, and the tags that it had."""

    text: str
    tags: tuple[RubyTag, ...]


def without_ruby(text: str, home: str) -> Unruled:
    """The text with what can be told filled in; places stay those of the file, but for columns behind a tag."""
    tags: list[RubyTag] = []
    text = text.replace(MARK, "\ufffd")

    def instead(tag: re.Match[str]) -> str:
        lines = "\n" * tag.group().count("\n")
        prints = tag["kind"] == "="
        if tag["kind"] == "#":
            return lines
        if prints and _HOME.fullmatch(tag["code"]):
            return home + lines
        tags.append(RubyTag(tag["code"].strip(), line_and_column(text, tag.start()), prints))
        return (MARK if prints else "") + lines

    return Unruled(_TAG.sub(instead, text), tuple(tags))
