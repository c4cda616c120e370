"""job answer and job hooks, as a user types them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
from jobs.desk import opened
from msgspec.structs import replace
from project import SCHEMAS, Project
from waiting import wait_until

from reconciler.jobs.record import Records, read, update
from reconciler.model.desired import Socket
from reconciler.model.job import Permission
from reconciler.ports.clock import RealClock
from reconciler.ports.files import RealFiles

SESSION = "lab-creator-claude"
REQUEST = "0123456789abcdef"


@pytest.fixture
def project(tmux_socket: Socket) -> Iterator[Project]:
    home = Path(tmux_socket.path).parent
    root = home / "project"
    root.mkdir()
    (root / ".hermes").mkdir()
    return Project(root, home, Path(tmux_socket.path))


def waiting_job(project: Project) -> tuple[Records, str]:
    """A job of the agent, which asks for a permission on its screen."""
    project.declare(claude={})
    project.apply()
    wait_until(lambda: project.activity(project.pane(SESSION).pid) == "idle")
    project.type(SESSION, "ask")
    wait_until(lambda: "Esc to cancel" in project.screen(SESSION))
    records = Records(str(project.root / ".mam" / "jobs"), RealFiles(), RealClock())
    job = opened(records, agent=SESSION, agent_session=f"tmux:{SESSION}", workdir=str(project.root))
    asked = Permission(REQUEST, "Bash", "touch played\x1b[31m", job.created_at)
    update(records, job.id, lambda job: replace(job, permission=asked))
    return records, job.id


def as_published(project: Project, schema: str, *words: str) -> dict[str, object]:
    document = project.json("job", *words, code=0)
    jsonschema.validate(document, json.loads((SCHEMAS / f"{schema}.schema.json").read_text()))
    return document


def test_a_permission_is_shown_approved_and_gone(project: Project):
    records, job = waiting_job(project)

    assert project.run("job", "answer", "--job", job, "approve", code=64)
    shown = project.run("job", "answer", "--job", job)
    document = as_published(project, "job-answer", "answer", "--job", job)

    assert "It asks for permission: Bash: touch played" in shown
    assert "\x1b" not in shown
    assert f"--request {REQUEST} approve|deny" in shown
    assert "  touch played" in shown
    assert (document["question"], document["answer"]) == ("Do you want to proceed?", None)
    assert project.run("job", "answer", "--job", job, "--request", REQUEST, "approve") == (
        "approve: Do you want to proceed?\n"
    )
    wait_until(lambda: "canned reply" in project.screen(SESSION))
    assert read(records, job).permission is None
    assert project.run("job", "answer", "--job", job, "--request", REQUEST, "approve", code=7)
    assert project.run("job", "answer", "--job", job, code=7)
    lines = (project.root / "delegate_job_logs" / job / "events.jsonl").read_text().splitlines()
    said = [json.loads(line)["what"] for line in lines]
    assert [what for what in said if what != "kept"] == ["created", "answering", "answered"]


def test_an_answer_is_to_be_had_as_a_document(project: Project):
    _records, job = waiting_job(project)
    as_published(project, "job-answer", "answer", "--job", job)

    document = as_published(project, "job-answer", "answer", "--job", job, "--request", REQUEST, "deny")

    assert (document["id"], document["request"], document["answer"]) == (job, REQUEST, "deny")


def test_hooks_come_and_go_by_command(project: Project):
    path = project.root / ".codex" / "hooks.json"

    assert "Hooks need review" in project.run("job", "hooks", "install", "codex")
    assert str(project.root / ".mam" / "jobs") in path.read_text()
    assert "already there" in project.run("job", "hooks", "install", "codex")
    assert "hooks removed" in project.run("job", "hooks", "uninstall", "codex")
    assert "no hooks of reconciler found" in project.run("job", "hooks", "uninstall", "codex")
    assert not path.exists()
    document = as_published(project, "job-hooks", "hooks", "install", "codex")
    assert (document["path"], document["changed"], "review" in document["notice"]) == (str(path), True, True)
    assert as_published(project, "job-hooks", "hooks", "uninstall", "codex")["changed"]
    assert not as_published(project, "job-hooks", "hooks", "uninstall", "codex")["changed"]


def test_hooks_of_the_user_are_where_the_cli_looks(project: Project):
    moved = project.home / "configured"

    project.run("job", "hooks", "install", "claude", "--scope", "user", CLAUDE_CONFIG_DIR=str(moved))

    assert os.listdir(moved) == ["settings.json"]
    assert not (project.home / ".claude").exists()


@pytest.mark.parametrize(
    "words", [["install", "opencode"], ["install", "nobody"], ["install", "claude", "--scope", "x"]]
)
def test_what_has_no_hooks_is_a_wrong_command(project: Project, words: list[str]):
    assert project.run("job", "hooks", *words, code=64)
