"""What people and scripts read: documents that follow their schemas, exit codes, colour, questions."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
from collections.abc import Mapping
from contextlib import suppress

import pytest
from jsonschema import Draft7Validator
from project import CLI, SCHEMAS, Project
from waiting import wait_until

JOB = "20260101T000000000-0123456789abcdef"


def test_documents_follow_their_published_schemas(project: Project):
    project.declare(
        claude={"env": {"TOKEN": {"from_env": "T"}}}, failing={"type": "claude", "env": {"STANDIN_EXIT": "1"}}
    )
    _validate("plan", project.plan(T="secret"))
    lines = [json.loads(line) for line in project.apply("--json", code=3, T="secret").splitlines()]
    for line in lines:
        _validate("event", line)
    assert [line["sequence"] for line in lines] == list(range(len(lines)))
    assert [lines[0]["type"], lines[1]["type"], lines[-1]["type"]] == ["version", "plan", "summary"]
    assert (lines[-1]["exit_code"], lines[-1]["remaining"]) == (3, ["agent.lab.failing"])
    _validate("plan", project.plan("--destroy", T="secret"))
    status = json.loads(project.run("status", "--json", T="secret"))
    _validate("status", status)
    assert {each["session"]: each["live"] for each in status["agents"]} == {
        "lab-creator-claude": "alive",
        "lab-creator-failing": "gone",
    }


def test_colour_is_for_terminals_unless_asked_for(project: Project):
    project.declare(claude={})
    assert "\x1b" not in project.run("plan")
    assert "\x1b[" in project.run("plan", FORCE_COLOR="1")
    assert "\x1b" not in project.run("plan", FORCE_COLOR="1", NO_COLOR="1")


def test_on_a_terminal_apply_asks_and_only_yes_is_a_yes(project: Project):
    project.declare(claude={})
    assert "Nothing was done." in _on_a_terminal(project, "y")
    assert project.live() == {}
    said = _on_a_terminal(project, "yes")
    assert "\x1b[" in said
    assert "Apply complete!" in said
    assert list(project.live()) == ["lab-creator-claude"]


@pytest.mark.parametrize("stdin", ["<&-", "</dev/null"])
def test_without_anybody_to_ask_apply_names_the_option(project: Project, stdin: str):
    project.declare(claude={})
    done = _in_a_shell(project, f'"$@" {stdin}', "apply")
    assert done.returncode == 64
    assert "--auto-approve" in done.stderr
    assert project.live() == {}


def test_a_manifest_to_start_from_needs_a_folder_to_be_in(project: Project):
    said = project.run("init", "-C", str(project.root / "gone"), code=1)
    assert "cannot write in" in said
    assert "-> make sure that the folder exists" in said


def test_nobody_is_asked_when_input_is_off(project: Project):
    project.declare(claude={})
    assert "--auto-approve" in project.run("apply", "--input=false", code=64)
    assert "--auto-approve" in project.run("apply", "--json", code=64)
    assert project.live() == {}


def test_spellings_of_terraform_are_understood(project: Project):
    project.declare(claude={})
    project.run("apply", "-auto-approve")
    project.reboot()
    assert project.actions() == {"agent.lab.claude": "create"}
    assert project.actions("-refresh=false") == {}
    assert project.actions("--refresh=false") == {}


def test_refreshing_only_writes_what_is_true(project: Project):
    project.declare(claude={})
    project.apply()
    project.reboot()
    said = project.run("plan", "--refresh-only", "--detailed-exitcode", code=2)
    assert "lab-creator-claude: tmux session is gone; was pane %" in said
    project.apply("--refresh-only")
    row = project.row("lab-creator-claude")
    assert (row["status"], row["termination_mode"]) == ("terminated", "auto-detected")
    assert project.live() == {}
    assert "No changes." in project.run("plan", "--refresh-only", "--detailed-exitcode")


@pytest.mark.parametrize(
    "words",
    [
        "frobnicate",
        "plan --nope",
        "plan --target agent.lab.nobody",
        "plan --target agent.lab.claude --exclude agent.lab.claude",
        "plan --refresh-only --refresh=false",
        "apply --lock-timeout soon",
        "show nothing.plan",
        "-C nowhere status",
        "import agent.lab.claude",
    ],
)
def test_a_wrong_command_line_exits_with_64(project: Project, words: str):
    project.declare(claude={})
    done = project.attempt(*words.split())
    assert (done.returncode, done.stdout) == (64, "")
    assert done.stderr


def test_another_folder_can_be_named(project: Project):
    project.declare(claude={})
    project.apply()
    elsewhere = Project(project.home, project.home, project.socket)
    assert "lab-creator-claude  claude  running  alive" in elsewhere.run("-C", "project", "status")
    assert "lab-creator-claude" in elsewhere.run("status", "-C", "project")
    (project.root / "deep").mkdir()
    deeper = Project(project.root / "deep", project.home, project.socket)
    assert "lab-creator-claude" in deeper.run("status")


def test_a_reader_that_has_seen_enough_gets_no_traceback(project: Project):
    project.declare(**{f"agent{number}": {"type": "claude"} for number in range(300)})
    done = _in_a_shell(project, 'set -o pipefail; "$@" | head -1', "plan", "--full")
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1
    project.declare(claude={})
    done = _in_a_shell(project, 'set -o pipefail; "$@" | true', "plan", "--detailed-exitcode")
    assert (done.returncode, done.stderr) == (2, "")


def test_a_file_that_does_not_fit_its_schema_is_told_as_a_document(project: Project):
    project.declare(claude={})
    document = project.json("schema", "check", "manifest", "reconciler.yaml", code=0)
    assert document == {"valid": True, "diagnostics": []}
    (project.root / "reconciler.yaml").write_text("version: 2\n")
    document = project.json("schema", "check", "manifest", "reconciler.yaml", code=1)
    assert (document["valid"], document["diagnostics"][0]["line"]) == (False, 1)


PIPE = 4096  # bytes that the smallest pipe holds
LONG = {  # commands that print more than a pipe holds, and what they need around them
    "plan": (["plan", "--json"], {}),
    "plan as text": (["plan", "--full", "--detailed-exitcode"], {}),
    "plan in colour": (["plan", "--full", "--detailed-exitcode"], {"FORCE_COLOR": "1", "TERM": "xterm"}),
    "status": (["status", "--json"], {}),
    "show": (["show", "--json"], {}),
    "a manifest": (["history", "show", "1", "--file", "reconciler.yaml"], {}),
    "a schema": (["schema", "print", "plan"], {}),
    "job logs": (["job", "logs", JOB], {}),
    "job logs in colour": (["job", "logs", JOB], {"FORCE_COLOR": "1", "TERM": "xterm"}),
    "job logs as lines": (["job", "logs", JOB, "--follow", "--json"], {}),
    "job logs as a document": (["job", "logs", JOB, "--json"], {}),
    "help": (["--help"], {}),
}


def test_a_reader_that_leaves_early_changes_no_exit_code(project: Project):
    stopped = {"type": "claude", "state": "stopped", "prompt": "x" * PIPE, "args": ["x" * PIPE]}
    project.declare(**{f"agent{number}": stopped for number in range(20)})
    project.apply()
    project.declare(**{f"agent{number}": {**stopped, "state": "running"} for number in range(20)})
    audit = project.root / "delegate_job_logs" / JOB
    audit.mkdir(parents=True)
    (audit / "events.jsonl").write_text(f'{{"what": "x", "detail": "{"y" * 900}"}}\n' * 40)
    whole = {name: project.attempt(*words, **env) for name, (words, env) in LONG.items()}
    wanted = {name: (done.returncode, done.stderr) for name, done in whole.items()}
    assert {name: _left(project, *long, after=1) for name, long in LONG.items()} == wanted
    assert {name: _left(project, *long, after=0) for name, long in LONG.items()} == wanted


def _left(project: Project, words: list[str], env: Mapping[str, str], *, after: int) -> tuple[int, str]:
    """Exit code and warnings of a command whose reader leaves after so many bytes."""
    process = subprocess.Popen(
        [*CLI, *words],
        cwd=project.root,
        env={**project.env, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        pipesize=PIPE,
    )
    assert process.stdout
    assert process.stderr
    process.stdout.read(after)
    process.stdout.close()
    said = process.stderr.read().decode()
    process.stderr.close()
    return process.wait(), said


def test_a_starter_is_written_and_nothing_is_overwritten(project: Project):
    (project.root / ".gitignore").write_text("mine")
    project.run("init")
    starter = (project.root / "reconciler.yaml").read_text()
    assert "Valid" in project.run("validate")
    (project.root / "reconciler.yaml").write_text(starter + "# mine\n")
    project.run("init")
    assert (project.root / "reconciler.yaml").read_text() == starter + "# mine\n"
    assert (project.root / ".gitignore").read_text().split()[:2] == ["mine", ".hermes/"]
    assert (project.root / ".gitignore").read_text().count(".hermes/") == 1


def _validate(name: str, document: object) -> None:
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text())
    assert [error.message for error in Draft7Validator(schema).iter_errors(document)] == []


def _in_a_shell(project: Project, script: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = ["bash", "-c", script, "bash", *CLI, *words]
    environment = project.env
    return subprocess.run(command, check=False, cwd=project.root, env=environment, capture_output=True, text=True)


def _on_a_terminal(project: Project, answer: str) -> str:
    """What a user sees who answers the question of `apply`."""
    ours, theirs = pty.openpty()
    environment = {**project.env, "TERM": "xterm"}
    streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    process = subprocess.Popen([*CLI, "apply"], cwd=project.root, env=environment, **streams)
    os.close(theirs)
    seen = [b""]
    wait_until(lambda: b"Enter a value" in _read_on(ours, seen))
    os.write(ours, answer.encode() + b"\n")
    wait_until(lambda: _read_on(ours, seen) and process.poll() is not None)
    os.close(ours)
    return seen[0].decode()


def _read_on(terminal: int, seen: list[bytes]) -> bytes:
    with suppress(OSError):  # the other side is closed
        seen[0] += os.read(terminal, 1 << 16)
    return seen[0]


def _timeless(report: str) -> str:
    """The report without the time at which it was made."""
    return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ?", "", report)


def test_a_plan_goes_out_in_every_form_at_once_and_a_saved_one_in_the_same(project: Project):
    project.declare(claude={})
    reports = ("junit", "sarif", "markdown", "html")
    files = [word for name in reports for word in (f"--{name}", f"plan.{name}")]
    project.run("plan", "--out", "saved.plan", *files)
    for name in reports:
        written = (project.root / f"plan.{name}").read_text()
        assert "agent.lab.claude will be created" in written
        assert _timeless(project.run("show", "saved.plan", f"--{name}", "-")) == _timeless(written)
    assert (project.root / "plan.html").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "words",
    [
        ("plan", "--junit", "-", "--sarif", "-"),
        ("plan", "--json", "--html", "-"),
        ("drift", "--format", "github", "--json"),
        ("show", "agent.lab.claude", "--html", "page.html"),
    ],
    ids=" ".join,
)
def test_two_that_want_the_same_standard_output_are_refused(project: Project, words: tuple[str, ...]):
    project.declare(claude={})
    project.run(*words, code=64)
    assert [path.name for path in project.root.iterdir()] == ["reconciler.yaml"]


def test_a_saved_plan_of_an_older_form_is_refused_with_a_way_out(project: Project):
    project.declare(claude={})
    project.run("plan", "--out", "saved.plan")
    saved = project.root / "saved.plan"
    saved.write_text(json.dumps({**json.loads(saved.read_text()), "format_version": "1.0"}))
    assert "saved.plan has format 1.0" in (told := project.run("show", "saved.plan", code=1))
    assert "plan again" in told
