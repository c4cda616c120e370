"""Plain texts that are compared with screens, titles and ids, as regular expressions that cannot take long.

In a text, `*` is any run of characters and nothing else is special. Each run ends at the first place where the text
goes on, and that is never tried again (an atomic group): the time grows with the length of a line, not faster.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from msgspec import Struct

from reconciler.model.activity import Activity

from .keys import UUID
from .launch import SESSION_ID

ANY_ID = r"[A-Za-z0-9][A-Za-z0-9._:-]*"
UUID_FORM = "uuid"
LONGEST_TITLE = 256  # characters of a title that are looked at
MOST_WAYS = 1 << 16  # ways in which a regular expression may match at one place of a title: two `.*`
_PROMPT = "{prompt}"
_RANGE = re.compile(r"(.)\.\.(.)", re.DOTALL)
# The words of a regular expression that matter here: escapes, sets, groups, alternatives, repeats.
_WORD = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]"
    r"|\(\?(?:[aiLmsux-]+[):]|P<\w+>|<?[=!]|[:>]|.)|\(|\)|\||\{\d*,?\d*\}[?+]?|[*+?][?+]?",
    re.DOTALL,
)
_COUNTED = re.compile(r"\{(\d*)(,?)(\d*)\}")
# The beginnings of groups that are counted: no comments, conditions or references, and not the verbose form.
_PLAIN_GROUP = re.compile(r"\(\?(?:P<\w+>|<?[=!]|[:>]|[aims-]+[):])")


def line_pattern(texts: Iterable[str]) -> str:
    """A regular expression for a whole line that is one of the texts; empty without texts."""
    return "|".join(_pattern(text) for text in texts)


def id_pattern(form: str) -> str:
    """A regular expression for the ids of a CLI: `uuid`, or a text in which `*` is any run of word characters."""
    return UUID if form == UUID_FORM else "[A-Za-z0-9_-]+".join(map(re.escape, form.split("*")))


def last_line_pattern(texts: Iterable[str], form: str) -> str:
    """A regular expression for what a CLI prints at its end; the id behind one of the texts is its only group."""
    before = "|".join(_pattern(text.partition(SESSION_ID)[0]) for text in texts)
    wanted = id_pattern(form) if form else r"\S+"
    return f"(?:{before})({wanted})" if before else ""


def wrapped_pattern(text: str) -> str:
    """A regular expression for what is stored around a prompt; the prompt is its only group."""
    before, _, after = text.partition(_PROMPT)
    return rf"\s*{_pattern(before)}(.*){_pattern(after)}\s*" if text else ""


def _pattern(text: str) -> str:
    first, *rest = text.split("*")
    if not rest:
        return re.escape(first)
    between = "".join(f"(?>.*?{re.escape(piece)})" for piece in rest[:-1] if piece)
    return f"{re.escape(first)}{between}.*{re.escape(rest[-1])}"


class TitleRules(Struct, frozen=True):
    """Tells the activity by a title: by the first text that it begins with."""

    # Activity and text, in the order in which they are compared.
    texts: tuple[tuple[Activity, str], ...]

    def __call__(self, title: str) -> Activity:
        """The activity, or UNKNOWN when no text fits."""
        shown = title[:LONGEST_TITLE]
        return next((activity for activity, text in self.texts if _begins(shown, text)), Activity.UNKNOWN)


class BusyExpression(Struct, frozen=True):
    """Tells the activity by a regular expression: BUSY where it is found in the title, else IDLE."""

    regex: str

    def __call__(self, title: str) -> Activity:
        """The activity by this title."""
        return Activity.BUSY if re.search(self.regex, title[:LONGEST_TITLE]) else Activity.IDLE


def title_rules(titles: Mapping[str, Iterable[str]]) -> TitleRules:
    """The rules for the texts of each state: a question counts before work, and work before rest."""
    order = (Activity.WAITING, Activity.BUSY, Activity.IDLE)
    return TitleRules(tuple((state, text) for state in order for text in titles.get(state.value, ())))


def _begins(title: str, text: str) -> bool:
    if spread := _RANGE.fullmatch(text):
        return spread[1] <= title[:1] <= spread[2]
    return re.match(_pattern(text), title) is not None


class _Group(NamedTuple):
    """An open group of a regular expression: the ways of its earlier branches, and of the current one."""

    branches: int
    ways: int

    def times(self, ways: int) -> _Group:
        """The group when its current branch goes on with something that matches in so many ways."""
        return self._replace(ways=self.ways * ways)


class _Repeat(NamedTuple):
    """In how many lengths a repeat may match, and how often at most."""

    lengths: int
    most: int


def takes_long(regex: str) -> bool:
    """True when a valid regular expression may need more than MOST_WAYS attempts at one place of a title.

    It counts the ways to divide a title between the repeats. A repeat of something that itself has several ways is
    refused, and so is what may hide ways: references, conditions, comments and the verbose form.
    """
    groups, last = [_Group(0, 1)], 1
    for word in (found[0] for found in _WORD.finditer(regex)):
        repeat = _repeat(word)
        if _hides_ways(word) or (repeat and last > 1 and repeat.most > 1):
            return True
        last = _next(groups, word, repeat)
    return groups[0].branches + groups[0].ways > MOST_WAYS


def _hides_ways(word: str) -> bool:
    is_reference = word[0] == "\\" and word[1] in "123456789"
    return is_reference or (word.startswith("(?") and not _PLAIN_GROUP.fullmatch(word))


def _next(groups: list[_Group], word: str, repeat: _Repeat | None) -> int:
    """Count a word of the expression. The ways of what ends with it, which a repeat may follow."""
    match word[0]:
        case "(" if not word.endswith(")"):
            groups.append(_Group(0, 1))
        case ")":
            inner = groups.pop()
            ways = inner.branches + inner.ways
            groups[-1] = groups[-1].times(ways)
            return ways
        case "|":
            groups[-1] = _Group(groups[-1].branches + groups[-1].ways, 1)
        case _ if repeat:
            groups[-1] = groups[-1].times(repeat.lengths)
    return 1


def _repeat(word: str) -> _Repeat | None:
    if word[0] in "*+":
        return _Repeat(LONGEST_TITLE, LONGEST_TITLE)
    if word[0] == "?":
        return _Repeat(2, 1)
    found = _COUNTED.match(word)
    if not found or not (found[1] or found[2] or found[3]):
        return None
    least = int(found[1] or 0)
    most = int(found[3]) if found[3] else (LONGEST_TITLE if found[2] else least)
    return _Repeat(max(1, min(most, LONGEST_TITLE) - least + 1), most)
