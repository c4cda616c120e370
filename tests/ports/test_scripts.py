"""Scripts of the user's."""

from __future__ import annotations

import pytest

from reconciler.model.errors import ReconcilerError
from reconciler.ports import scripts


@pytest.mark.parametrize(
    ("text", "code", "output"),
    [
        ("echo out; echo err >&2; exit 3", 3, "out\nerr\n"),
        ("#!/bin/sh -e\nfalse\necho never", 1, ""),
        ("#!/usr/bin/env -S python3 -I\nprint('snake')", 0, "snake\n"),
        ("kill -9 $$", 137, ""),
        ("cat; echo $WORD; pwd", 0, "word\n{}\n"),
        ("printf '\\377'", 0, "\ufffd"),
    ],
)
def test_a_script_runs_as_its_first_line_says(tmp_path, text, code, output):
    path = tmp_path / "check"
    path.write_text(text)
    env = {"PATH": "/usr/bin:/bin", "WORD": "word"}
    assert scripts.run(str(path), str(tmp_path), env) == (code, output.format(tmp_path))


@pytest.mark.parametrize("text", [None, "#!/no/such/interpreter\n"])
def test_what_cannot_be_run_is_told_with_a_way_out(tmp_path, text):
    path = tmp_path / "check"
    if text:
        path.write_text(text)
    with pytest.raises(ReconcilerError, match="cannot be run") as error:
        scripts.run(str(path), str(tmp_path), {})
    assert error.value.fix
