"""Scripts of the user's."""

from __future__ import annotations

import pytest
from waiting import wait_until, within

from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import ABSENT
from reconciler.ports import scripts
from reconciler.ports.processes import RealProcesses


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


def test_a_script_that_never_ends_is_killed_with_what_it_started_and_says_how_far_it_came(tmp_path):
    path, started = tmp_path / "check", tmp_path / "started"
    path.write_text(
        f"trap '' TERM; sleep 1000 & echo so far; echo $! >{tmp_path}/new; mv {tmp_path}/new {started}; wait"
    )
    limits = []

    def run(seconds: float) -> tuple[int, str]:
        limits.append(seconds)
        return scripts.run(str(path), str(tmp_path), {"PATH": "/usr/bin:/bin"}, seconds=seconds)

    code, output = within(run, started.exists)

    assert code == 124
    assert output.startswith("so far\n")
    assert f"longer than {limits[-1]:g} s" in output
    wait_until(lambda: RealProcesses().started(int(started.read_text())) == ABSENT)


@pytest.mark.parametrize("text", [None, "#!/no/such/interpreter\n"])
def test_what_cannot_be_run_is_told_with_a_way_out(tmp_path, text):
    path = tmp_path / "check"
    if text:
        path.write_text(text)
    with pytest.raises(ReconcilerError, match="cannot be run") as error:
        scripts.run(str(path), str(tmp_path), {})
    assert error.value.fix
