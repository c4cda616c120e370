"""A secret reaches an agent as a file, and is seen nowhere else: not in command lines, results and logs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from machines import Rig
from seen import watched
from typed import hosts

pytest.importorskip("ansible")
SECRET = "sesame-7f3a-sentinel"
MANIFEST = """version: 1
workspaces:
  w: {path: w, agents: {s: {type: shell, env: {TOKEN: {from_file: ~/.secrets/review}}}}}
"""
# As in docs/fleet.md.
PLAY = """- hosts: all
  gather_facts: false
  vars_files: [vault.yml]
  tasks:
    - ansible.builtin.file: {path: ~/.secrets, state: directory, mode: "0700"}
    - ansible.builtin.copy: {content: "{{ review_token }}", dest: ~/.secrets/review, mode: "0600"}
      no_log: true
"""


def files_with_it(home: Path) -> list[str]:
    return sorted(
        str(each.relative_to(home))
        for each in home.rglob("*")
        if each.is_file() and not each.is_symlink() and SECRET.encode() in each.read_bytes()
    )


def test_a_secret_is_in_no_command_line_result_or_log(rig: Rig):
    meant = hosts(rig, "one", manifest=MANIFEST)
    one, controller = rig.hosts["one"], rig.controller
    controller.write("vault.yml", f"review_token: {SECRET}\n", 0o600)
    controller.write("password", "of the vault\n", 0o600)
    controller.write("play.yml", PLAY)
    ansible, vault = ("/srv/venv/bin/python", "-m", "ansible"), "--vault-password-file=password"
    assert controller.run(*ansible, "vault", "encrypt", vault, "vault.yml").returncode == 0
    told = []
    with watched(one) as on_host, watched(controller) as here:
        log = {"ANSIBLE_LOG_PATH": "/home/agents/ansible.log"}
        told.append(controller.run(*ansible, "playbook", "-i", "one,", vault, "-v", "play.yml", **log))
        told.append(rig.type("fleet", "plan", *meant, "--full", **log))
        told.append(rig.type("fleet", "apply", *meant, "--auto-approve", "--json", **log))
        told += [rig.type("fleet", each, *meant, **log) for each in ("drift", "status", "doctor")]
        told.append(one.run("reconciler", "-C", "lab", "history", "--json"))
    assert [each.returncode for each in told] == [0] * len(told), [each.stderr for each in told]
    (pid,) = one.run("tmux", "list-panes", "-a", "-F", "#{pane_pid}").stdout.split()
    environment = one.run("cat", f"/proc/{pid}/environ").stdout
    assert f"TOKEN={SECRET}" in environment, "the agent has it; else this test would notice nothing"
    for seen in (on_host.read_text(errors="replace"), here.read_text(errors="replace")):
        assert " apply --json --auto-approve" in seen or "fleet apply" in seen, "the watcher saw the apply"
        assert SECRET not in seen
    assert not [each.args for each in told if SECRET in each.stdout + each.stderr]
    assert (controller.home / "ansible.log").read_text()
    assert files_with_it(controller.home) == []
    assert files_with_it(one.home) == [".secrets/review"]
    assert json.loads(told[2].stdout)["hosts"][0]["changed"] is True
