"""The cut-over of docs/broker.md, word for word."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from project import CLI, SEARCH, Project

PAGE = Path(__file__).parents[2] / "docs" / "broker.md"


@pytest.fixture
def script() -> str:
    [found] = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return found


def test_the_cut_over_on_the_page_shows_what_the_page_expects(project: Project, port: int, script: str):
    project.run("broker", "init", "--port", str(port))
    project.run("broker", "run", "--background")
    program = project.home / "bin" / "reconciler"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {CLI[0]} -m reconciler "$@"\n')
    program.chmod(0o755)
    environment = {**project.env, "PATH": f"{program.parent}:{SEARCH}"}
    done = subprocess.run(
        ["sh", "-e", "-c", script], check=False, cwd=project.root, env=environment, capture_output=True, text=True
    )
    events = re.findall(r'^python/mqtt/jobs/\S+/events .*"event":"(\w+)"', done.stdout, re.MULTILINE)
    assert events == ["started", "completed", "completed"], done.stderr
    assert re.findall(r"^\S+  (started|completed)$", done.stderr, re.MULTILINE) == ["started", "completed"]
    assert len(re.findall(r"^\S+  completed$", done.stdout, re.MULTILINE)) == 2, "followed in time, and late"
    assert "Not authorized" in done.stderr
    assert "refuses the login" not in done.stderr, "the subscriber never logs in as the worker"
    assert "Verified: " in done.stdout
    assert done.returncode == 0
