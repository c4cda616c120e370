"""What a hook writes down about the process in its pane, and what it does not believe."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from fakes.processes import FakeProcesses
from jobs.desk import desk
from jobs.stage import PROFILES
from msgspec.structs import replace

from reconciler.jobs.hook_notes import HookLocation, write_note
from reconciler.model.hook_note import HookNote, parsed_note
from reconciler.model.snapshot import Pane, Server
from reconciler.observe import HOOK_NOTES
from reconciler.ports.processes import RealProcesses
from reconciler.ports.processes_by_proc import ByProc
from reconciler.ports.processes_elsewhere import ByPsutil

PANE, CHILD, SHELL, HOOK, SERVER = 100, 101, 102, 103, 50
STARTS = {"claude": "UserPromptSubmit", "codex": "UserPromptSubmit", "gemini": "BeforeAgent"}
# From the hook up to the pane's process.
DIRECT = ((PANE, "cli"),)
BY_SHELL = ((SHELL, "sh"), (PANE, "cli"))
BY_CHILD = ((SHELL, "bash"), (CHILD, "cli"), (PANE, "node"))


def _left(tmp_path, cli="claude", above=BY_SHELL, lineage="ours", **payload):
    """The notes that there are after a hook has run."""
    records = desk(tmp_path)
    processes = FakeProcesses(alive={pid: pid * 10 for pid in (PANE, CHILD, SHELL, HOOK, SERVER)})
    processes.parents[HOOK] = above
    pane = Pane("w-creator-a", "$1", "%7", PANE, "cli", "/lab", lineage=lineage)
    place = HookLocation(Server("/run/t", SERVER, 4242), pane, HOOK)
    told = {"hook_event_name": STARTS[cli], "session_id": "b3a7", "cwd": "/lab", **payload}
    write_note(place, PROFILES[cli], told, records, processes)
    return sorted((Path(records.folder) / HOOK_NOTES).glob("*"))


CLI = "import subprocess; subprocess.run(['sh', '-c', 'sleep 1000 & echo $!; wait'])"


@pytest.mark.parametrize("table", [ByProc("/proc"), ByPsutil()], ids=["proc", "psutil"])
def test_a_hook_is_believed_whatever_tells_of_processes(tmp_path, table):
    with subprocess.Popen([sys.executable, "-c", CLI], stdout=subprocess.PIPE, process_group=0) as cli:
        hook = int(cli.stdout.readline())
        place = HookLocation(
            Server("/run/t", SERVER, 4242), Pane("w", "$1", "%7", cli.pid, "cli", "/", lineage="ours"), hook
        )
        told = {"hook_event_name": STARTS["claude"], "session_id": "b3a7", "cwd": "/lab"}
        write_note(place, PROFILES["claude"], told, desk(tmp_path), RealProcesses(table))
        os.killpg(cli.pid, signal.SIGKILL)
    (path,) = (tmp_path / "jobs" / HOOK_NOTES).glob("*")
    assert parsed_note(path.read_bytes()).pid == cli.pid


def test_a_note_tells_pane_process_and_conversation(tmp_path):
    (path,) = _left(tmp_path)
    note = parsed_note(path.read_bytes())
    assert note is not None
    assert replace(note, at=0) == HookNote("claude", "b3a7", "/lab", "/run/t", SERVER, 4242, "%7", PANE, PANE * 10, 0)
    assert note.at > 0
    assert path.name == f"{SERVER}-7.json"
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


@pytest.mark.parametrize(
    ("cli", "above", "pid"),
    [
        ("claude", DIRECT, PANE),
        ("gemini", BY_CHILD, CHILD),
        ("codex", BY_CHILD, CHILD),
        ("codex", BY_SHELL, PANE),
    ],
)
def test_the_process_is_the_one_that_is_the_cli(tmp_path, cli, above, pid):
    (path,) = _left(tmp_path, cli, above)
    assert parsed_note(path.read_bytes()).pid == pid


@pytest.mark.parametrize(
    ("cli", "above"),
    [
        ("claude", BY_CHILD),  # the agent has started its own CLI once more
        ("claude", ((SHELL, "sh"), (CHILD, "cli"), (104, "bash"), (PANE, "cli"))),
        ("gemini", ((SHELL, "sh"), (105, "cli"), (104, "node"), (CHILD, "cli"), (PANE, "node"))),
        ("codex", ((105, "codex"), (104, "sh"), (PANE, "node"))),
        ("claude", ((SHELL, "sh"), (1, "init"))),  # a server of the CLI, away from the pane
        ("claude", ()),
    ],
)
def test_another_process_than_the_panes_own_cli_is_no_witness(tmp_path, cli, above):
    assert _left(tmp_path, cli, above) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"lineage": ""},
        {"session_id": ""},
        {"hook_event_name": "Stop"},
        {"hook_event_name": "SessionStart"},
    ],
    ids=str,
)
def test_nothing_is_written_of_foreign_panes_and_other_moments(tmp_path, fields):
    assert _left(tmp_path, **fields) == []


def test_the_last_prompt_counts_and_notes_of_servers_that_are_gone_go(tmp_path):
    folder = tmp_path / "jobs" / HOOK_NOTES
    folder.mkdir(parents=True)
    (folder / "999-1.json").write_text("{}")
    (folder / f"{SERVER}-1.json").write_text("{}")
    _left(tmp_path, session_id="first")
    paths = _left(tmp_path, session_id="second")
    assert [path.name for path in paths] == [f"{SERVER}-1.json", f"{SERVER}-7.json"]
    assert parsed_note(paths[1].read_bytes()).conversation == "second"
