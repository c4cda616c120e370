"""A screen whose terminal has gone ends, even if SIGHUP does not reach it."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess

import pytest
from project import CLI, SECONDS, Project

SCREENS = (
    "board",
    "status --watch",
    "status --all --watch",
    "peek one --follow",
    "attach",
    "types record one --cli-version 5.2",
)


@pytest.mark.parametrize("line", SCREENS)
def test_a_screen_ends_with_its_terminal(project: Project, line: str):
    project.declare(one={"type": "shell"}, two={"type": "shell"})
    project.apply()
    ours, theirs = pty.openpty()
    # a session without this terminal as its own: no SIGHUP is sent when it goes
    process = subprocess.Popen(
        [*CLI, *line.split()], cwd=project.root, env={**project.env, "TERM": "xterm"}, stdin=theirs, stdout=theirs,
        stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    try:
        shown = _first_output(ours)
        assert shown
        assert process.poll() is None, shown
        os.close(ours)
        assert process.wait(60) in {128 + signal.SIGHUP, 1, 130}
    finally:
        process.kill()
        process.wait()


def _first_output(terminal: int) -> bytes:
    """What is shown first; a screen that shows nothing in time has no output."""
    ready, _, _ = select.select([terminal], [], [], SECONDS)
    return os.read(terminal, 4096) if ready else b""
