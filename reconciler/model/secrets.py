"""Remove known secrets from text from outside, even where a screen has wrapped them over several lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

HIDDEN = "[secret]"
_PIECE = 16  # characters; a shorter piece of a token does not help to guess it
_SHORTEST = 6  # characters; a shorter value would match in any text
_LOGIN = re.compile(r"\b([A-Za-z][A-Za-z0-9+.-]*://)[^\s/@]+@")


def without_token(text: str, token: str, instead: str) -> str:
    """The text with `instead` for the token and for pieces of it. Line breaks and frames inside it are ignored."""
    if len(text) < _PIECE:
        return text
    places = [index for index, char in enumerate(text) if char.isalnum()]
    compact = "".join(text[index] for index in places).lower()
    if len(compact) != len(places):  # some letters have a lower case of two letters; tokens never contain them
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
    """The ranges that the pieces cover, each as its first and last index."""
    spans: list[tuple[int, int]] = []
    for start in starts:
        if spans and start <= spans[-1][1] + 1:
            spans[-1] = (spans[-1][0], start + _PIECE - 1)
        else:
            spans.append((start, start + _PIECE - 1))
    return spans


def data_without_token(value: Any, token: str, instead: str) -> Any:
    """JSON data in which every text has gone through `without_token`."""
    match value:
        case str():
            return without_token(value, token, instead)
        case Mapping():
            return {key: data_without_token(each, token, instead) for key, each in value.items()}
        case list() | tuple():
            return [data_without_token(each, token, instead) for each in value]
        case _:
            return value


def without_secrets(text: str, values: Iterable[str]) -> str:
    """The text without these values, the longest first. Very short values stay, because they would match anywhere."""
    for value in sorted({value for value in values if len(value) >= _SHORTEST}, key=len, reverse=True):
        letters = (re.escape(char) for char in value if not char.isspace())
        text = re.sub(r"\s*".join(letters), HIDDEN, text)
    return text


def without_logins(text: str) -> str:
    """The text without user and password in URLs: `https://user:password@host` becomes `https://host`."""
    return _LOGIN.sub(r"\1", text)
