"""No manifest is valid that every plan refuses."""

from __future__ import annotations

import os

import pytest

from reconciler.app.plan.make import make_plan
from reconciler.app.project.manifests import load_manifests
from reconciler.app.project.project import Project
from reconciler.app.project.validation import findings
from reconciler.model.diagnostic import Severity
from reconciler.model.errors import InvalidManifest
from reconciler.plan.request import Request

BAD = {
    "topic-with-a-newline": 'broker: {topics: ["x\\ntopic write #"]}',
    "topic-with-a-space-at-its-end": 'broker: {topics: ["jobs/# "]}',
    "topic-with-a-wildcard-in-a-word": "broker: {topics: [jobs/a#]}",
    "acl-line-with-a-control-character": 'broker: {users: {u: {acl: ["read a\\tb"]}}}',
    "host-with-a-space": "broker: {host: not a host}",
    "port-out-of-range": "broker: {listeners: [{port: 99999}]}",
    "port-twice": "broker: {listeners: [{port: 8883}, {port: 8883}]}",
    "dir-that-units-expand": "broker: {dir: 'a%b'}",
    "limit-out-of-range": "broker: {limits: {connections: 9999999999}}",
    "days-of-a-ca": "broker: {tls: {ca_days: 1, leaf_days: 30}}",
    "branch-that-git-refuses": "workspaces: {w: {path: w, git: {repo: r, branch: a..b}}}",
    "conversation-of-two-agents": (
        "agent_types: {t: {command: [t], resume: [-r, '{session_id}']}}\n"
        "workspaces: {w: {path: w, agents: {a: {type: t, resume: one}, b: {type: t, resume: one}}}}"
    ),
    "session-of-two-agents": (
        "workspaces:\n  w: {path: w, agents: {x-y: {type: shell, role: a}}}\n"
        "  w-a: {path: v, agents: {y: {type: shell, role: x}}}"
    ),
}
GOOD = {
    "repository-that-is-on-another-machine": "workspaces: {w: {path: w, git: {repo: /nowhere, branch: a}}}",
    "secret-that-is-not-set-here": "workspaces: {w: {path: w, agents: {shell: {env: {A: {from_env: NOT_SET_HERE}}}}}}",
    "conversation-that-is-on-another-machine": "workspaces: {w: {path: w, agents: {claude: {resume: one}}}}",
}


def at(tmp_path, text):
    """A project with the real doors, and a tmux server of its own."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "reconciler.yaml").write_text(f"version: 1\n{text}\n")
    env = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "TMUX_TMPDIR": str(tmp_path)}
    return Project(str(root), str(root / ".hermes" / "agent-sessions.yaml"), env)


def refused(look):
    """The mistakes that a command ends with."""
    try:
        found = look()
    except InvalidManifest as error:
        found = error.diagnostics
    return [each.summary for each in found if each.severity is not Severity.WARNING]


def by_validate(project):
    return refused(lambda: findings(project, load_manifests(project, ()).desired))


def by_plan(project):
    return refused(lambda: make_plan(project, Request()).plan.diagnostics)


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_what_a_plan_refuses_for_the_manifest_alone_is_not_valid(tmp_path, text):
    project = at(tmp_path, text)
    said = by_plan(project)
    assert said
    assert set(said) <= set(by_validate(project))


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_what_is_only_missing_on_this_machine_is_valid(tmp_path, text):
    project = at(tmp_path, text)
    assert by_plan(project)
    assert by_validate(project) == []
    assert not os.path.exists(project.state)


def test_one_branch_for_two_worktrees_is_not_valid_and_both_places_are_named(tmp_path):
    git = "git: {repo: r, branch: a}"
    project = at(tmp_path, f"workspaces:\n  v: {{path: v, {git}}}\n  w: {{path: w, {git}}}\n  u: {{path: u, {git}}}")
    mistakes = [each for each in findings(project, load_manifests(project, ()).desired) if each.severity == "error"]
    planned = [each for each in make_plan(project, Request()).plan.diagnostics if "one branch" in each.summary]
    for said in (mistakes, planned):
        assert [(each.place.line, each.detail[-19:]) for each in said] == [
            (4, "reconciler.yaml:3:3"),
            (5, "reconciler.yaml:3:3"),
        ]
        assert "workspace.v and workspace.w are worktrees of one branch: a of" in said[0].summary


def test_a_socket_path_that_is_too_long_is_not_valid_and_the_plan_says_where_it_is_named(tmp_path):
    project = at(tmp_path, f"tmux: {{socket_path: /tmp/{'x' * 120}}}")
    [said] = make_plan(project, Request()).plan.diagnostics
    [mistake] = findings(project, load_manifests(project, ()).desired)
    for each in (said, mistake):
        assert "too long: 125 bytes" in each.summary + each.detail
        assert each.place.line == 2
        assert "choose a shorter" in each.fix
        assert each.severity is Severity.ERROR
