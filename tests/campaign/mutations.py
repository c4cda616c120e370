"""Ways to damage a text, as data: each is a function of the bytes and of dice, and the same dice do the same damage."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from random import Random
from types import MappingProxyType
from typing import Any

Mutation = Callable[[bytes, Random], bytes]

# What is special to some reader: YAML, JSON, a terminal, tmux, a format string, a path.
SPECIAL = (
    *(
        "\x00",
        "\x1b[2J",
        "\x1f",
        "\\037",
        "\x7f",
        "\x9b",
        "\u202e",
        "\u2028",
        "\ufeff",
        "\ud7ff",
        "\U0001f600",
        "\r",
        "\t",
    ),
    *(
        "&a",
        "*a",
        "!!python/object:os.system",
        "!!binary |",
        "<<: *a",
        "? ",
        "- ",
        ": ",
        "#",
        "%YAML 9.9\n",
        "---",
        "...",
    ),
    *(
        "|",
        ">",
        "'",
        '"',
        "{",
        "}",
        "[",
        "]",
        "#{",
        "#(",
        "${",
        "${X:-",
        "~",
        "/",
        "../",
        "=",
        ";",
        "%s",
        "{0}",
        "{session_id}",
    ),
    *("null", "true", "1e999", "-0", "0x", "NaN", "Infinity", "9" * 400, "9" * 5000, "1.5", "''", "{}", "[]"),
)
ALIENS: tuple[Any, ...] = (
    *(
        None,
        True,
        0,
        -1,
        1.5,
        2**63,
        10**30,
        1e308,
        "",
        "x",
        "\x1b]0;x\x07",
        "\ud800",
        "a" * 5000,
        "9" * 5000,
        "\u00b2",
        "\n",
        "\0",
    ),
    *([], {}, [None], [[]], {"": None}, {"x": {"x": {}}}, ["x"] * 100, "2026-13-45T99:99:99Z", "0001-01-01T00:00:00Z"),
)


def flip_bits(data: bytes, dice: Random) -> bytes:
    """One to four bits are others."""
    changed = bytearray(data)
    for _ in range(dice.randint(1, 4) if changed else 0):
        changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    return bytes(changed)


def truncate(data: bytes, dice: Random) -> bytes:
    return data[: dice.randint(0, len(data))]


def cut_out(data: bytes, dice: Random) -> bytes:
    start, end = sorted((dice.randint(0, len(data)), dice.randint(0, len(data))))
    return data[:start] + data[end:]


def double(data: bytes, dice: Random) -> bytes:
    """A piece stands twice, or many times."""
    start, end = sorted((dice.randint(0, len(data)), dice.randint(0, len(data))))
    return data[:end] + data[start:end] * dice.choice((1, 1, 5)) + data[end:]


def shuffle_lines(data: bytes, dice: Random) -> bytes:
    lines = data.splitlines(keepends=True)
    dice.shuffle(lines)
    return b"".join(lines)


def indent(data: bytes, dice: Random) -> bytes:
    """One line moves to the right or to the left."""
    lines = data.splitlines(keepends=True)
    if lines:
        at = dice.randrange(len(lines))
        lines[at] = b" " * dice.randint(1, 5) + lines[at] if dice.random() < 0.5 else lines[at].lstrip()
    return b"".join(lines)


def insert_special(data: bytes, dice: Random) -> bytes:
    at = dice.randint(0, len(data))
    return data[:at] + dice.choice(SPECIAL).encode("utf-8", "surrogatepass") + data[at:]


def insert_noise(data: bytes, dice: Random) -> bytes:
    at = dice.randint(0, len(data))
    return data[:at] + dice.randbytes(dice.randint(1, 40)) + data[at:]


def nest(data: bytes, dice: Random) -> bytes:
    """Something in it is nested far deeper than anybody writes by hand."""
    depth = dice.choice((20, 200, 3000, 50_000))
    opening, closing = dice.choice(((b"[", b"]"), (b'{"a":', b"}"), (b"- ", b""), (b"{a: ", b"}")))
    at = dice.randint(0, len(data))
    return data[:at] + opening * depth + (closing * depth if dice.random() < 0.5 else b"") + data[at:]


def replace_value(data: bytes, dice: Random) -> bytes:
    """One value of a JSON document is of another kind; of anything else, a word is special."""
    return _restructured(data, dice, lambda _: dice.choice(ALIENS))


def repeat_value(data: bytes, dice: Random) -> bytes:
    return _restructured(data, dice, lambda value: [value] * dice.choice((2, 100)))


def drop_key(data: bytes, dice: Random) -> bytes:
    return _restructured(data, dice, None)


def nothing(_data: bytes, dice: Random) -> bytes:
    return dice.choice(
        (b"", b"\n", b"\0", b"null", b"[]", b"{}", b"0", b'""', b"\xff\xfe", b"\xef\xbb\xbf", b" " * 5000)
    )


MUTATIONS: Mapping[str, Mutation] = MappingProxyType(
    {
        each.__name__: each
        for each in (
            *(flip_bits, truncate, cut_out, double, shuffle_lines, indent, insert_special, insert_noise, nest),
            *(replace_value, repeat_value, drop_key, nothing),
        )
    }
)


def mutated(seed: bytes, number: int) -> tuple[str, bytes]:
    """The n-th damage to a text, which is always the same one: what was done, and what came of it."""
    dice = Random(f"{number}")  # noqa: S311 - no secret
    names = dice.choices(
        list(MUTATIONS), weights=[3 if "_value" in each else 1 for each in MUTATIONS], k=dice.choice((1, 1, 2))
    )
    data = seed
    for name in names:
        data = MUTATIONS[name](data, dice)
    return "+".join(names), data


def _restructured(data: bytes, dice: Random, change: Callable[[Any], Any] | None) -> bytes:
    line, before, after = _a_line(data, dice)
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return insert_special(data, dice)
    places = list(_places(document))
    if places:
        holder, key = dice.choice(places)
        if change is None:
            del holder[key]
        else:
            holder[key] = change(holder[key])
    else:
        document = change(document) if change else None
    return before + json.dumps(document).encode() + after


def _a_line(data: bytes, dice: Random) -> tuple[bytes, bytes, bytes]:
    """The whole text where it is one document, else one of its lines; and what is before and after it."""
    lines = data.splitlines(keepends=True)
    if not lines or data.lstrip()[:1] not in (b"{", b"[") or lines[0].strip() in (b"{", b"["):
        return data, b"", b""
    at = dice.randrange(len(lines))
    return lines[at], b"".join(lines[:at]), b"\n" + b"".join(lines[at + 1 :])


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a document that can hold another value."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(pairs):
        yield value, key
        yield from _places(inner)
