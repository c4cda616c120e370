"""Manifests and the registry take the same word for the same thing."""

from __future__ import annotations

import pytest

from reconciler.manifest.document import Source
from reconciler.manifest.source import read
from reconciler.state.parse import parsed
from reconciler.text.quoting import is_plain

MEANT = {
    "1": 1,
    "-7": -7,
    "0x1F": 31,
    "9" * 19: 9_999_999_999_999_999_999,
    "1.5": 1.5,
    "1.5e+3": 1500.0,
    "1.0e+100": 1e100,
    "true": True,
    "FALSE": False,
    "~": None,
    "": None,
    "null": None,
}
TEXT = ["010", "0o17", "1e3", "1.5e3", "1_000", "1:30", ".inf", "-.INF", ".nan", "=", "<", "yes", "on", "2026-01-01"]
TEXT += ["9" * 301, "0x" + "f" * 65, "12345678-1e10", "7e12", "1.0e+999"]


@pytest.mark.parametrize(("word", "meant"), [*MEANT.items(), *((word, word) for word in TEXT)])
def test_a_word_means_the_same_in_a_manifest_and_in_the_registry(word, meant):
    text = f"key: {word}\nquoted: '{word}'\n"
    in_manifest, in_registry = read(Source("m", text.encode())).content, parsed(text)
    assert in_manifest == in_registry == {"key": meant, "quoted": word}
    assert type(in_manifest["key"]) is type(in_registry["key"])


@pytest.mark.parametrize("word", [*MEANT, *TEXT])
def test_what_could_be_taken_for_something_else_is_quoted(word):
    assert not is_plain(word)
