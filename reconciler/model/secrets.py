"""Text of others without the secrets that we know: also where a screen has broken them into lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

HIDDEN = "[secret]"
_PIECE = 16  # characters of a token that are worth hiding: less can be guessed anyway
_SHORTEST = 6  # a shorter value would be found in any text
_LOGIN = re.compile(r"\b([A-Za-z][A-Za-z0-9+.-]*://)[^\s/@]+@")


def without_token(text: str, token: str, instead: str) -> str:
    """The text without the token, and without longer pieces of it; what frames and wraps it is passed over."""
    if len(text) < _PIECE:
        return text
    places = [index for index, char in enumerate(text) if char.isalnum()]
    compact = "".join(text[index] for index in places).lower()
    if len(compact) != len(places):  # a letter whose small form is two letters: it is in no token
        compact = "".join(text[index] for index in places)
    found = sorted({start for piece in _pieces(token) for start in _starts(compact, piece)})
    for first, last in reversed(_merged(found)):
        text = text[: places[first]] + instead + text[places[last] + 1 :]
    return text


def _pieces(token: str) -> set[str]:
    token = "".join(filter(str.isalnum, token)).lower()
    return {token[start : start + _PIECE] for start in range(len(token) - _PIECE + 1)}


def _starts(text: str, piece: str) -> Iterable[int]:
    start = text.find(piece)
    while start >= 0:
        yield start
        start = text.find(piece, start + 1)


def _merged(starts: Iterable[int]) -> list[tuple[int, int]]:
    """The stretches that pieces cover, the first and the last place of each."""
    spans: list[tuple[int, int]] = []
    for start in starts:
        if spans and start <= spans[-1][1] + 1:
            spans[-1] = (spans[-1][0], start + _PIECE - 1)
        else:
            spans.append((start, start + _PIECE - 1))
    return spans


def everywhere_without_token(value: Any, token: str, instead: str) -> Any:
    """Data as JSON has it, with every text in it as `without_token` leaves it."""
    match value:
        case str():
            return without_token(value, token, instead)
        case Mapping():
            return {key: everywhere_without_token(each, token, instead) for key, each in value.items()}
        case list() | tuple():
            return [everywhere_without_token(each, token, instead) for each in value]
        case _:
            return value


def without_secrets(text: str, values: Iterable[str]) -> str:
    """The text without these values, longest first; very short ones stay, they would be found anywhere."""
    for value in sorted({value for value in values if len(value) >= _SHORTEST}, key=len, reverse=True):
        letters = (re.escape(char) for char in value if not char.isspace())
        text = re.sub(r"\s*".join(letters), HIDDEN, text)
    return text


def without_logins(text: str) -> str:
    """The text with addresses that name no user and no password: `https://user:password@host` is `https://host`."""
    return _LOGIN.sub(r"\1", text)
