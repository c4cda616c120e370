"""No manifest is valid that every plan refuses."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from on_disk import project_in

from reconciler.cli.operations.validation import findings
from reconciler.cli.wiring import wire
from reconciler.cli.wiring.manifests import load_manifests
from reconciler.cli.wiring.request import Request
from reconciler.model.diagnostic import Severity
from reconciler.model.errors import InvalidManifest

SHARED = "11111111-2222-4333-8444-555555555555"
BAD = {
    "topic-with-a-newline": 'broker: {topics: ["x\\ntopic write #"]}',
    "topic-with-a-space-at-its-end": 'broker: {topics: ["jobs/# "]}',
    "topic-with-a-wildcard-in-a-word": "broker: {topics: [jobs/a#]}",
    "acl-line-with-a-control-character": 'broker: {users: {u: {role: custom, acl: ["read a\\tb"]}}}',
    "host-with-a-space": "broker: {host: not a host}",
    "port-out-of-range": "broker: {listeners: [{port: 99999}]}",
    "port-twice": "broker: {listeners: [{port: 8883}, {port: 8883}]}",
    "dir-that-units-expand": "broker: {dir: 'a%b'}",
    "limit-out-of-range": "broker: {limits: {connections: 0}}",
    "days-of-a-ca": "broker: {tls: {ca_days: 1, leaf_days: 30}}",
    "branch-that-git-refuses": "workspaces: {w: {path: w, git: {repo: r, branch: a..b}}}",
    "conversation-of-two-agents": (
        f"workspaces: {{w: {{path: w, agents: {{claude: {{resume: {SHARED}}}, b: {{type: claude, resume: {SHARED}}}}}}}}}"
    ),
    "session-of-two-agents": "workspaces: {w: {path: w, agents: {a: {session: s}, b: {session: s}}}}",
    "socket-path-that-is-too-long": f"tmux: {{socket_path: /tmp/{'x' * 120}}}",
}
GOOD = {
    "repository-that-is-on-another-machine": "workspaces: {w: {path: w, git: {repo: /nowhere, branch: a}}}",
    "secret-that-is-not-set-here": "workspaces: {w: {path: w, agents: {shell: {env: {A: {from_env: NOT_SET_HERE}}}}}}",
    "conversation-that-is-on-another-machine": f"workspaces: {{w: {{path: w, agents: {{claude: {{resume: {SHARED}}}}}}}}}",
}


def at(tmp_path, text):
    project = project_in(tmp_path)
    Path(project.root, "reconciler.yaml").write_text(f"version: 1\n{text}\n")
    return project


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
    return refused(lambda: wire.make_plan(project, Request()).plan.diagnostics)


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
