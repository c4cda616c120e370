from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.agents.keys import is_uuid, project_key, slug

PATHS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=260).map("/{}".format)


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/home/u/lab", "-home-u-lab"),
        ("/ws/My Proj_1.2 é", "-ws-My-Proj-1-2--"),
        ("/ws/" + unicodedata.normalize("NFC", "é"), "-ws--"),
        ("/ws/" + unicodedata.normalize("NFD", "é"), "-ws-e-"),
        ("/ws/\N{GRINNING FACE}", "-ws---"),  # one character, two UTF-16 units
        ("/ws/日本", "-ws---"),
        ("/a.b_c d/e", "-a-b-c-d-e"),
        ("/repository/sub", "-repository-sub"),  # a git subfolder keeps its own key, not that of its root
    ],
)
def test_every_utf_16_unit_outside_letters_and_digits_becomes_a_dash(path: str, key: str) -> None:
    assert project_key(path) == key


def test_a_key_of_200_characters_is_kept_and_a_longer_one_is_cut_and_hashed() -> None:
    fits = "/" + "a" * 199
    assert project_key(fits) == "-" + "a" * 199
    assert project_key(fits + "b") == f"-{'a' * 199}-{_as_javascript_would(fits + 'b')}"


@given(st.text(st.characters(codec="utf-8"), min_size=201, max_size=260))
def test_the_hash_of_a_long_path_is_the_one_that_javascript_computes(path: str) -> None:
    assert project_key(path).rpartition("-")[2] == _as_javascript_would(path)


def _as_javascript_would(path: str) -> str:
    """`h = (h << 5) - h + unit | 0` over the UTF-16 units, then Math.abs(h).toString(36)."""
    units = memoryview(path.encode("utf-16-le")).cast("H")
    total = sum(unit * pow(31, len(units) - 1 - at, 1 << 32) for at, unit in enumerate(units)) % (1 << 32)
    number = min(total, (1 << 32) - total)
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits or "0"


@given(PATHS)
def test_a_key_is_one_plain_name_and_never_longer_than_the_limit_and_a_hash(path: str) -> None:
    key = project_key(path)
    assert key.replace("-", "a").isalnum()
    assert key.isascii()
    assert len(key) <= 200 + len("-zik0zj")


@given(PATHS, PATHS)
def test_folders_that_differ_only_in_what_becomes_a_dash_share_a_key(path: str, other: str) -> None:
    assert project_key(f"{path}_{other}") == project_key(f"{path}.{other}") or len(path + other) > 198


def test_a_folder_name_that_is_no_text_has_a_key_too() -> None:
    assert project_key("/lab/\udcff") == "-lab--"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/ws/Gm Proj_1.2 é", "gm-proj-1-2"),
        ("/ws/日本", "project"),
        ("/ws/lab/", "lab"),
        ("/ws/__lab", "lab"),
        ("/", "project"),
    ],
)
def test_a_slug_is_the_folder_name_in_lower_case_with_other_characters_as_one_dash(path: str, expected: str) -> None:
    assert slug(path) == expected


@given(PATHS)
def test_a_slug_is_never_empty_and_has_no_dash_at_an_end_and_no_two_together(path: str) -> None:
    assert slug(path)
    assert slug(path).strip("-") == slug(path)
    assert "--" not in slug(path)


@given(st.uuids())
def test_every_uuid_is_one_and_nothing_longer_is(value: object) -> None:
    assert is_uuid(str(value))
    assert not is_uuid(f"{value}.jsonl")
    assert not is_uuid(f"agent-{value}")
