"""Secrets do not come back in text of others, however a screen has broken it into lines."""

from __future__ import annotations

import pytest

from reconciler.model.secrets import data_without_token, without_logins, without_secrets, without_token

TOKEN = "0123456789abcdef" + "fedcba9876543210" + "00112233445566778899aabbccddeeff"
FRAMED = f"│ done {TOKEN[:20]} │\n│ {TOKEN[20:50]} │\n│ {TOKEN[50:]} and more │"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("nothing", "nothing"),
        ("deadbeef is a word", "deadbeef is a word"),
        (f"done {TOKEN} a", "done [auth_token] a"),
        (f"done {TOKEN.upper()}", "done [auth_token]"),
        (f"{TOKEN[:30]}\n{TOKEN[30:]}", "[auth_token]"),
        (FRAMED, "│ done [auth_token] and more │"),
        (f"cut {TOKEN[:40]}…", "cut [auth_token]…"),
        (f"{TOKEN} and {TOKEN}", "[auth_token] and [auth_token]"),
        (f"İ {TOKEN}", "İ [auth_token]"),
        (TOKEN[:15], TOKEN[:15]),
    ],
)
def test_a_token_and_its_pieces_are_hidden(text: str, left: str) -> None:
    said = without_token(text, TOKEN, "[auth_token]")
    assert said == left
    found = data_without_token({"a": [text], "b": 1}, TOKEN, "[auth_token]")
    assert found == {"a": [said], "b": 1}


def test_values_of_the_environment_are_hidden_also_where_a_line_ends_in_them() -> None:
    assert without_secrets("with s3cret(+)x and s3cre\n  t(+)x.", ["s3cret(+)x", "no", ""]) == (
        "with [secret] and [secret]."
    )


def test_addresses_tell_no_login() -> None:
    said = "fatal: https://u:pa:ss@host/x.git and mqtts://t0ken@broker:8883, mail a@b"
    assert without_logins(said) == "fatal: https://host/x.git and mqtts://broker:8883, mail a@b"
