from __future__ import annotations

import subprocess
from base64 import b64decode, b64encode
from pathlib import Path

import pytest

from reconciler.broker.files import passwords


def test_an_entry_verifies_its_secret_and_no_other() -> None:
    entry = passwords.entry("secret")
    assert passwords.verifies(entry, "secret")
    assert not passwords.verifies(entry, "Secret")
    assert entry != passwords.entry("secret"), "each has a salt of its own"


def test_the_key_is_the_one_that_mosquitto_passwd_derives(tmp_path: Path) -> None:
    file = tmp_path / "passwd"
    file.touch(mode=0o600)
    subprocess.run(["mosquitto_passwd", "-b", str(file), "u", "not-a-secret"], check=True, capture_output=True)
    _, _, iterations, salt, key = file.read_text().strip().split("$")
    ours = passwords._derive("not-a-secret", b64decode(salt), int(iterations))
    assert b64encode(ours).decode() == key


def test_secrets_are_long_and_never_the_same() -> None:
    assert len({passwords.new_secret() for _ in range(100)}) == 100
    assert len(passwords.new_secret()) >= 43


def test_a_good_file_is_read_without_a_complaint() -> None:
    entry = passwords.entry("s")
    assert passwords.parse(f"u:{entry}\n", "passwd") == ({"u": entry}, ())


_GOOD = passwords.entry("s")
_SALT64 = f"$7$1000${b64encode(bytes(64)).decode()}${_GOOD.rsplit('$', 1)[1]}"


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("", "no NAME:ENTRY"),
        ("v", "no NAME:ENTRY"),
        (f":{_GOOD}", "no NAME:ENTRY"),
        (f"u:{_GOOD}", "has two entries"),
        ("v:clear-text", "begins with neither $7$ nor $6$"),
        ("v:$6$salt$key", "is not Base64"),
        ("v:$7$x$AAAA$AAAA", "is not ITERATIONS$SALT$KEY"),
        ("v:$7$1000$*$AAAA", "is not Base64"),
        ("v:$7$1000$AAAAAAAAAAAAAAAA$AAAA", "key of 3 bytes"),
        ("v:$7$1000$AAAA$" + _GOOD.rsplit("$", 1)[1], "salt of v has 3 bytes"),
    ],
)
def test_each_bad_line_is_told_with_its_number_and_without_its_entry(line: str, part: str) -> None:
    entries, problems = passwords.parse(f"u:{_GOOD}\n{line}\n", "passwd")
    assert entries == {"u": _GOOD}
    assert [(str(problem.place), part in problem.summary) for problem in problems] == [("passwd:2", True)]
    assert "clear-text" not in str(problems)
