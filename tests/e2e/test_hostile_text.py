"""Every command, in a project where others wrote whatever they like: nothing of it steers the terminal."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from project import Project
from waiting import wait_until

from reconciler.cli.catalogue import ALIASES
from reconciler.cli.typer_program import program
from reconciler.jobs.record import NewJob, Records, create, path_of
from reconciler.model.harmless import harmless
from reconciler.ports.clock import RealClock
from reconciler.ports.files import RealFiles
from reconciler.render.document import content_digest

EVIL = "x\x1b]0;PWNED\x07\x1b[2J\x9b2J\u202e\u2066\u200b\u2028\x7f\r::error::\n::error::y"
IN_NAMES = EVIL.replace("/", "").replace("\n", " ")
SHOWN = r"\x1b]0;PWNED"
OWN_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
LOCK = {
    "id": f"a{EVIL}",
    "operation": EVIL,
    "who": f"{EVIL}@elsewhere{EVIL}",
    "pid": 1,
    "pid_started": 1,
    "boot_id": "b",
    "pid_namespace": "n",
    "created": EVIL,
    "version": EVIL,
}
SESSION = "lab-creator-claude"
JOB = "{job}"
_showing: set[str] = set()  # the commands that were seen showing what is hostile
# How each command is called so that it shows as much as it can. `{job}` is the id of the hostile job.
CALLS: dict[str, list[list[str]]] = {
    "init": [["--chdir", "{evil}"]],
    "validate": [[]],
    "fmt": [["--check", "--diff"]],
    "plan": [["--full"], ["--json"], ["--format", "github"], ["--markdown", "-"], ["--html", "-"], ["--junit", "-"]],
    "apply": [["--auto-approve"]],
    "destroy": [["--auto-approve", "--target", "agent.lab.shell"]],
    "explain": [["agent.lab.claude"], [SESSION, "--json"]],
    "graph": [[], ["--format", "dot"]],
    "status": [[], [SESSION], ["--json"]],
    "show": [["saved"], ["agent.lab.claude"], []],
    "unmanaged": [[], ["--json"]],
    "drift": [[], ["--sarif", "-"], ["--json"]],
    "refresh": [["--auto-approve"]],
    "adopt": [[], ["--json"]],
    "monitor": [["--once", "--dry-run"], ["--once", "--json"], ["--once", "--notify"]],
    "stop": [["agent.lab.shell", "--reason", EVIL]],
    "resume": [["agent.lab.shell"]],
    "archive": [["agent.lab.shell", "--reason", EVIL]],
    "attach": [[SESSION]],
    "peek": [["shell"], ["shell", "--json"], ["gem", "--lines", "50"]],
    "last": [["claude"], ["claude", "--json"]],
    "usage": [["--since", "all", "--by", "model"], ["--since", "all", "--by", "model", "--json"]],
    "types": [[], ["claude"], [EVIL], ["record", "shell", "--state", "idle", "--cli-version", "1.0"], ["--json"]],
    "diff": [["claude"], ["claude", "--json"], ["claude", "--stat"]],
    "restart": [["agent.lab.shell", "--reason", EVIL]],
    "version": [[]],
    "answer": [[SESSION], [SESSION, "--request", EVIL, "approve"]],
    "mcp": [["--allow", EVIL]],
    "board": [["--json"]],
    "web": [
        ["--bind", EVIL],
        ["--allow", EVIL],
        ["--forget-login", EVIL],
        ["--all", "--forget-login", EVIL],
        ["--set-password", EVIL, "--password-file", EVIL],
    ],
    "projects list": [[], ["--json"]],
    "projects forget": [[EVIL]],
    "send": [[SESSION, EVIL], [SESSION, EVIL, "--json"]],
    "conversations": [["lab"], ["--json"]],
    "history": [[], ["show", "1"], ["diff", "1", "1"], ["agent.lab.claude"]],
    "rollback": [["1"]],
    "confirm": [[]],
    "await-confirmation": [["x"]],
    "create": [["lab", "--agent", "two"]],
    "delete": [["agent.lab.shell", "--auto-approve"]],
    "import": [["agent.lab.claude", "lab-creator-gemini"], ["--generate"]],
    "unlock": [[EVIL]],
    "fleet plan": [["-i", EVIL], ["-i", f"ssh:{EVIL}"]],
    "fleet apply": [["-i", EVIL]],
    "fleet drift": [["-i", EVIL]],
    "fleet doctor": [["-i", EVIL], ["-i", "ssh:host.invalid", "--project", EVIL]],
    "fleet push": [["-i", EVIL], [EVIL, "-i", "ssh:host.invalid", "--project", EVIL]],
    "fleet install": [["--wheels", EVIL], ["--download", EVIL, "--for-python", EVIL]],
    "fleet status": [["-i", EVIL], ["-i", "ssh:host.invalid", "--project", EVIL]],
    "receive": [[EVIL], [".", "--delete", "--lock-timeout", EVIL]],
    "adopt-registry": [["--here", "--auto-approve"]],
    "registry show": [[], ["--json"]],
    "registry take-over": [["--auto-approve"]],
    "registry start-afresh": [["--auto-approve"]],
    "doctor": [[], ["--json"]],
    "demo": [[]],  # it shows nothing of this project, which is the point
    "reconnect": [[]],
    "schema print": [["plan"]],
    "schema check": [["plan", "saved"]],
    "lock status": [[], ["--json"]],
    "job submit": [
        ["--agent", "claude", "--prompt", EVIL, "--dry-run"],
        ["--host", EVIL, "--prompt", EVIL],
        ["--pool", EVIL, "--prompt", EVIL],
        ["--host", "b", "--workdir", EVIL, "--prompt", EVIL],
        ["--host", "b", "--validate", f"/{EVIL}", "--prompt", EVIL],
    ],
    "job dead list": [[], ["--json"]],
    "job dead retry": [[JOB]],
    "job dead drop": [[JOB]],
    "runner": [[], ["--pool", EVIL]],
    "job status": [["--job", JOB], ["--job", JOB, "--json"]],
    "job list": [[], ["--json"]],
    "job verify": [["--job", JOB, "--validate", "script"]],
    "job wait": [["--job", JOB, "--timeout", "0.1"]],
    "job logs": [[JOB], [JOB, "--json"], ["--list"], [JOB, "--verify"]],
    "job publish": [["--job", JOB, "--event", "progress", "--detail", EVIL]],
    "job cancel": [["--job", JOB]],
    "job retry": [[JOB]],
    "job prune": [["--older-than", "1d"]],
    "job follower": [[]],
    "job answer": [["--job", JOB]],
    "job hook": [["claude"]],
    "job hooks install": [["claude", "--scope", "project"]],
    "job hooks uninstall": [["claude", "--scope", "project"]],
    "broker init": [["evil-broker", "--host", EVIL]],
    "broker run": [["none"]],
    "broker stop": [["none"]],
    "broker reload": [["none"]],
    "broker status": [["none"]],
    "broker verify": [["none"]],
    "broker env": [["someone", "none"]],
    "broker expiry": [["none"]],
    "broker user add": [["someone", "none"]],
    "broker user remove": [["someone", "none"]],
    "broker user password": [["someone", "none"]],
    "broker user rotate": [["someone", "none"]],
    "broker rotate server": [["none"]],
    "broker rotate client": [["someone", "none"]],
    "broker rotate ca": [["none"]],
    "skills list": [[]],
    "skills install": [["{evil}"]],
}
CHANGING = ("apply", "destroy", "refresh", "stop", "resume", "archive", "create", "delete", "import", "rollback")


def _commands() -> Iterator[str]:
    def below(command: Any, words: tuple[str, ...]) -> Iterator[str]:
        for name, each in getattr(command, "commands", {}).items():
            yield from below(each, (*words, name))
        if not getattr(command, "commands", None):
            yield " ".join(words)

    yield from below(program(), ())


def test_the_calls_below_are_of_every_command() -> None:
    assert set(CALLS) == set(_commands()) - ALIASES.keys(), "a new command wants a call that shows as much as it can"


@pytest.fixture
def hostile(project: Project) -> tuple[Project, str]:
    """A project with an agent, and in every file and session that others write, what they should not write."""
    project.write({"lab": {"path": "lab", "agents": {"claude": {"prompt": "\u202e"}, "shell": {"type": "claude"}}}})
    project.apply()
    project.run("plan", "--out", "saved")
    _foreign_session(project)
    state = project.registry.parent
    text = project.registry.read_text()
    said = json.dumps(EVIL)
    project.registry.write_text(re.sub(r"last_visible_note: .*", lambda _: f"last_visible_note: {said}", text))
    _edit(project.root / "saved", _spoil)
    _edit(state / "history" / "0001.json", lambda one: one.update(reason=EVIL, author={"who": EVIL, "cwd": EVIL}))
    with (state / "history.jsonl").open("a") as file:
        entry = {"at": EVIL, "address": "agent.lab.claude", "session": EVIL, "what": EVIL, "reason": EVIL, "note": EVIL}
        file.write(json.dumps(entry) + "\n")
    (state / "confirm.json").write_text(json.dumps({"id": EVIL, "generation": 1, "back_to": 1, "within": 1.0}))
    for transcript in (project.home / ".claude" / "projects").glob("*/*.jsonl"):
        answer = {"id": EVIL, "model": EVIL, "usage": {"output_tokens": 1}}
        lines = ({"type": "user", "message": {"content": EVIL}}, {"type": "assistant", "message": answer})
        transcript.write_text(transcript.read_text() + "".join(json.dumps(line) + "\n" for line in lines))
    script = project.root / "script"
    script.write_text(f"#!/bin/sh\nprintf '%s' {_quoted(EVIL)}\n")
    script.chmod(0o755)
    return project, _job(project)


def _foreign_session(project: Project) -> None:
    folder = project.home / IN_NAMES
    folder.mkdir()
    project.tmux("new-session", "-d", "-s", "lab-creator-gemini", "-c", str(folder), "sleep", "1000")
    project.tmux("select-pane", "-t", "=lab-creator-gemini:", "-T", EVIL)
    wait_until(lambda: "lab-creator-gemini" in project.tmux("list-sessions"))


def _job(project: Project) -> str:
    env = {"DELEGATE_JOB_LOGS_DIR": str(project.root / "logs")}
    records = Records(str(project.root / ".mam" / "jobs"), RealFiles(), RealClock(), env)
    new = NewJob(EVIL, "claude", f"tmux:{SESSION}", str(project.root), broker={"host": "127.0.0.1", "port": 1})
    job = create(records, new)
    detail = {"detail": EVIL, "at": job.created_at}
    _edit(
        Path(path_of(records, job.id)),
        lambda record: record.update(
            agent=EVIL,
            agent_session=f"tmux:{EVIL}",
            status="completed",
            result={"ending": "completed", **detail},
            delivery={"verdict": "submitted", "evidence": EVIL, "detail": EVIL},
            validate=str(project.root / "script"),
        ),
    )
    folder = project.root / "delegate_job_logs" / job.id
    folder.mkdir(parents=True)
    (folder / "events.jsonl").write_text(json.dumps({"at": EVIL, "what": EVIL, "status": EVIL, "detail": EVIL}) + "\n")
    return job.id


def _edit(path: Path, change: Any) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def _spoil(plan: dict[str, Any]) -> None:
    """As whoever forges a plan would: its digest fits."""
    plan["diagnostics"].append(_diagnostic())
    plan["digest"] = content_digest(plan)


def _diagnostic() -> dict[str, object]:
    texts = dict.fromkeys(("summary", "detail", "fix", "address", "file"), EVIL)
    return {"severity": "warning", **texts, "line": 1, "column": 1}


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _steers(said: str) -> str:
    """The first place in which the output does more than show text; empty when there is none."""
    plain = OWN_COLOURS.sub("", said)
    shown = harmless(plain)
    for number, (line, same) in enumerate(zip(plain.split("\n"), shown.split("\n"), strict=False)):
        if line != same:
            return f"line {number}: {line!r}"
    return ""


def _run(project: Project, words: list[str], job: str, **env: str) -> str:
    filled = [word.replace("{job}", job).replace("{evil}", IN_NAMES) for word in words]
    done = project.attempt(*filled, **env)
    if SHOWN in done.stdout + done.stderr:
        _showing.add(" ".join(words[:2]) if words[0] in {"job", "lock"} else words[0])
    trouble = _steers(done.stdout) or _steers(done.stderr)
    if "Traceback" in done.stderr or "unexpectedly" in done.stderr:
        trouble = trouble or done.stderr
    if "--json" in words and done.stdout and not trouble:
        for line in done.stdout.splitlines():
            json.loads(line)
            assert line.isascii()
    return trouble


def test_no_command_lets_text_of_others_steer_the_terminal(hostile: tuple[Project, str]) -> None:
    project, job = hostile
    readers = sorted(CALLS, key=lambda name: name in CHANGING)
    found = {}
    for name in readers:
        for words in CALLS[name]:
            trouble = _run(project, [*name.split(), *words], job, FORCE_COLOR="1")
            found |= {" ".join((name, *words)): trouble} if trouble else {}
    assert found == {}
    wanted = {"status", "explain", "show", "unmanaged", "history", "job list", "job status", "job logs", "job verify"}
    assert wanted <= _showing, "the project is not as hostile as it was meant to be"


def test_no_command_lets_its_own_words_steer_the_terminal(project: Project) -> None:
    found = {}
    for name in CALLS:
        for words in ([EVIL], [f"--{EVIL}"], ["--chdir", EVIL, EVIL]):
            trouble = _run(project, [*name.split(), *words], "x")
            found |= {" ".join((name, *words)): trouble} if trouble else {}
    assert found == {}


def test_who_holds_the_lock_and_how_files_are_called_steers_nothing(hostile: tuple[Project, str]) -> None:
    project, job = hostile
    (project.registry.parent / "lock").write_text(json.dumps(LOCK))
    calls = [[name, *CALLS[name][0]] for name in CHANGING]
    calls += [["lock", "status"], ["lock", "status", "--json"], ["unlock", "x"], ["plan"]]
    folder = project.root / "manifests"
    folder.mkdir()
    found = {" ".join(words): trouble for words in calls if (trouble := _run(project, words, job))}
    (folder / f"{IN_NAMES}.yaml").write_text('version: 1\nag\u202enets: {}\nworkspaces: {"\\u202e": {}}\n')
    calls = [["validate"], ["validate", "--json"], ["plan"], ["plan", "--format", "github"], ["fmt"], ["drift"]]
    found |= {" ".join(words): trouble for words in calls if (trouble := _run(project, words, job))}
    assert found == {}
    said = project.attempt("validate", GITHUB_ACTIONS="true")
    assert not re.search(r"^\s*::", said.stdout + said.stderr, re.MULTILINE)


def test_completion_offers_no_name_that_a_shell_would_read_as_more(project: Project) -> None:
    project.declare(claude={})
    project.apply()
    text = project.registry.read_text()
    row = "  $(touch pwned);x:\n    workspace: lab\n    agent: claude\n    status: running\n"
    project.registry.write_text(text.replace("sessions:\n", "sessions:\n" + row))
    env = {"_RECONCILER_COMPLETE": "complete_bash", "COMP_WORDS": "reconciler status ", "COMP_CWORD": "2"}
    offered = project.attempt(**env).stdout.split()
    assert SESSION in offered
    assert not [name for name in offered if re.search(r"[^\w.@:-]", name)]
    assert os.listdir(project.root)
