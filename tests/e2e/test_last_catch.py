"""No traceback, whatever happens: streams that cannot be written to, folders that go, interrupts, faults of our own."""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from project import CLI, Project
from waiting import PATIENCE

COMMANDS = [["plan"], ["status", "--json"], ["--version"], ["--help"], ["job", "--help"], ["apply", "--auto-approve"]]


def _shell(project: Project, script: str, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """The script, in which "$@" is the command."""
    return subprocess.run(
        ["/bin/bash", "-c", script, "bash", *CLI, *words],
        cwd=project.root,
        env={**project.env, **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(
    ("stream", "why"), [(">/dev/full", "No space left on device"), (">&-", "it is closed")], ids=["full", "closed"]
)
def test_output_that_cannot_be_written_is_one_sentence(project: Project, words: list[str], stream: str, why: str):
    project.declare()
    done = _shell(project, f'"$@" {stream}', *words)
    if words == ["--version"] and stream == ">&-":  # answered before anything is imported
        assert (done.returncode, done.stderr) == (0, "")
    else:
        assert (done.returncode, done.stderr) == (1, f"Error: the output could not be written: {why}\n")


@pytest.mark.parametrize("stream", ["2>/dev/full", "2>&-", ">&- 2>&-", "<&- >/dev/full 2>/dev/full"])
def test_warnings_that_cannot_be_written_change_nothing(project: Project, stream: str):
    project.declare(claude={"type": "claude"})
    done = _shell(project, f'"$@" {stream}', "apply", "--auto-approve")
    assert done.returncode == (1 if ">&- 2" in stream or ">/dev/full 2" in stream else 0)
    assert list(project.live()) == ["lab-creator-claude"]


def test_a_file_that_is_opened_later_is_not_taken_for_a_closed_stream(project: Project):
    """Descriptor 1 would be the registry's."""
    project.declare(claude={"type": "claude"})
    _shell(project, '"$@" <&- >&- 2>&-', "apply", "--auto-approve")
    assert project.row("lab-creator-claude")["status"] == "running"
    assert "No changes." in project.run("plan")


@pytest.mark.parametrize("words", [["plan"], ["status"], ["init"], ["skills", "list"], ["job", "list"]], ids=" ".join)
def test_a_folder_that_was_deleted_is_named_as_the_reason(project: Project, words: list[str]):
    gone = project.home / "gone"
    script = f'mkdir {gone} && cd {gone} && rmdir {gone} && "$@"'
    done = _shell(project, script, *words)
    assert (done.returncode, done.stderr.splitlines()[:1]) in [
        (1, ["Error: the current folder no longer exists"]),
        (0, []),
    ]


@pytest.mark.parametrize("words", [["plan"], ["status"], ["history"]], ids=" ".join)
def test_a_named_project_needs_no_current_folder(project: Project, words: list[str]):
    project.declare()
    gone = project.home / "gone"
    script = f'mkdir {gone} && cd {gone} && rmdir {gone} && "$@"'
    done = _shell(project, script, *words, "-C", str(project.root))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("limit", range(5, 16))  # with 4, Python itself cannot begin
def test_too_few_descriptors_are_told(project: Project, limit: int):
    project.declare(claude={"type": "claude"})
    done = _shell(project, f'ulimit -n {limit}; "$@"', "plan")
    assert "Traceback" not in done.stderr
    assert "not installed" not in done.stderr
    if done.returncode:
        assert done.returncode in {1, 4}
        assert "Error" in done.stderr + done.stdout


# --- interrupts -----------------------------------------------------------------------------------

_INTERRUPTED_AT = """
import os, signal, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
sys.argv = ["reconciler", *{words!r}]
from reconciler.__main__ import main
main()
"""


@pytest.mark.parametrize(
    "module", ["reconciler.render.output", "reconciler.cli.run", "typer", "reconciler.cli.catalogue", "json"]
)
@pytest.mark.parametrize("completes", [False, True])
def test_an_interrupt_while_the_program_is_loaded_is_silent(project: Project, module: str, completes: bool):
    env = {"_RECONCILER_COMPLETE": "complete_bash", "COMP_WORDS": "reconciler stop x", "COMP_CWORD": "2"}
    words = ["plan", "--mistake"] if module == "typer" else ["plan"]
    done = _python(project, _INTERRUPTED_AT.format(module=module, words=words), **(env if completes else {}))
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.parametrize(
    "module", ["reconciler.cli.commands.plan", "reconciler.app.plan.plans", "reconciler.observe.snapshot"]
)
def test_an_interrupt_while_a_command_is_loaded_ends_it(project: Project, module: str):
    project.declare(claude={"type": "claude"})
    done = _python(project, _INTERRUPTED_AT.format(module=module, words=["plan"]))
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr.strip() in {"", "Interrupted."}


def test_an_interrupt_that_is_ignored_stays_ignored(project: Project):
    script = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    done = _python(project, script + _INTERRUPTED_AT.format(module="typer", words=["plan", "--help"]))
    assert done.returncode == 0


# --- faults of our own ----------------------------------------------------------------------------

_FAULTY = """
import sys, threading
import reconciler.cli.run
def run(words, ready):
    secret = "s3cret-local"
    def fail():
        try:
            {{}}["s3cret-key"]
        except KeyError as error:
            raise ValueError("s3cret-message") from error
    {fault}
    return 0
reconciler.cli.run.run = run
sys.argv = ["reconciler", "job", "submit", "--prompt", "s3cret-word", "--token=s3cret-value", "-ps3cret"]
from reconciler.__main__ import main
main()
"""
IN_THE_COMMAND = "fail()"
IN_A_THREAD = "thread = threading.Thread(target=fail); thread.start(); thread.join()"


@pytest.mark.parametrize("fault", [IN_THE_COMMAND, IN_A_THREAD], ids=["command", "thread"])
@pytest.mark.parametrize("place", ["default", "xdg"])
def test_an_unexpected_error_is_a_sentence_and_a_report_without_secrets(project: Project, fault: str, place: str):
    folder = project.home / ("state" if place == "xdg" else ".local/state") / "reconciler"
    env = {"XDG_STATE_HOME": str(project.home / "state")} if place == "xdg" else {}
    done = _python(project, _FAULTY.format(fault=fault), SECRET="s3cret-env", **env)
    assert done.returncode == 1
    first, fix = done.stderr.splitlines()
    [report] = folder.iterdir()
    assert first == f"Error: reconciler failed unexpectedly (ValueError); the report is in {report}"
    assert fix.startswith("  -> ")
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    text = report.read_text()
    assert "s3cret" not in text
    assert "builtins.ValueError" in text
    assert "builtins.KeyError" in text
    assert "in fail" in text
    assert "command: * * --prompt * --token *" in text


@pytest.mark.parametrize("name", ["ENOSPC", "EDQUOT", "EIO", "EMFILE", "EAGAIN"])
def test_what_the_system_ran_out_of_is_named_and_is_no_fault_of_the_program(project: Project, name: str):
    done = _python(project, _FAULTY.format(fault=f"import errno; raise OSError(errno.{name}, 's3cret-message')"))
    first, fix = done.stderr.splitlines()
    assert done.returncode == 1
    assert first.startswith("Error: ")
    assert "failed unexpectedly" not in first
    assert fix.startswith("  -> ")
    assert "s3cret" not in done.stderr
    assert not (project.home / ".local").exists()


def test_few_reports_are_kept_and_the_newest_ones(project: Project):
    folder = project.home / ".local" / "state" / "reconciler"
    folder.mkdir(parents=True)
    for number in range(15):
        (folder / f"crash-20200101T0000{number:02}000000Z-1.txt").touch()
    (folder / "mine.txt").touch()
    _python(project, _FAULTY.format(fault=IN_THE_COMMAND))
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) == 11
    assert names[0] == "crash-20200101T000006000000Z-1.txt"
    assert "mine.txt" in names


def test_a_report_that_cannot_be_written_is_told(project: Project):
    (project.home / ".local").write_text("a file")
    done = _python(project, _FAULTY.format(fault=IN_THE_COMMAND))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "no report could be written to " in done.stderr
    assert "Not a directory" in done.stderr


def test_who_presses_tab_sees_no_error(project: Project):
    done = _python(project, _FAULTY.format(fault=IN_THE_COMMAND), _RECONCILER_COMPLETE="complete_bash")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")


def test_the_console_script_has_the_last_catch(project: Project):
    script = Path(sys.executable).with_name("reconciler")
    done = subprocess.run(
        ["/bin/sh", "-c", f"{shlex.quote(str(script))} plan >/dev/full"],
        cwd=project.root,
        env={**project.env, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1) or "Error" in done.stderr
    assert "Traceback" not in done.stderr


def _python(project: Project, source: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", source],
        cwd=project.root,
        env={**project.env, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
