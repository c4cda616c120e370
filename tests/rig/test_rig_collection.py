"""The collection as `make collection` builds it, in a playbook of the user's, without `reconciler fleet`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from lab_hosts import MANIFEST
from machines import ROOT, Rig
from typed import SESSION, hosts

pytest.importorskip("ansible")
COLLECTION = ROOT / "ansible_collections" / "reconciler" / "fleet"
BUILD = (sys.executable, "-m", "ansible", "galaxy", "collection", "build", "--force", "--output-path")
# As in docs/fleet.md.
PLAY = """- hosts: agents
  gather_facts: false
  strategy: free
  tasks:
    - reconciler.fleet.reconcile:
        project: ~/lab
"""


def test_the_built_collection_works_in_any_playbook_with_check_and_diff(rig: Rig, tmp_path: Path):
    hosts(rig, "one", "two", manifest=MANIFEST)
    env = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "ANSIBLE_NOCOLOR": "1"}
    built = subprocess.run([*BUILD, tmp_path, COLLECTION], check=True, capture_output=True, text=True, env=env)
    (file,) = tmp_path.glob("reconciler-fleet-*.tar.gz")
    assert file.name in built.stdout
    controller = rig.controller
    (controller.folder / "tmp" / file.name).write_bytes(file.read_bytes())
    controller.write("play.yml", PLAY)
    inventory = {"agents": {"hosts": {"one": {}, "two": {}}}}
    controller.write("hosts.yml", json.dumps(inventory))
    ansible = ("/srv/venv/bin/python", "-m", "ansible")
    there = {"ANSIBLE_COLLECTIONS_PATH": "/home/agents/collections", "ANSIBLE_NOCOLOR": "1"}
    into = ("-p", "collections", "--offline", f"/tmp/{file.name}")
    installed = controller.run(*ansible, "galaxy", "collection", "install", *into, **there)
    assert installed.returncode == 0, installed.stdout + installed.stderr

    def played(*words: str) -> str:
        done = controller.run(*ansible, "playbook", "-i", "hosts.yml", "play.yml", *words, **there)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    checked = played("--check", "--diff")
    assert checked.count("+agent.w.s: create") == 2
    assert checked.count("changed=1") == 2
    assert [rig.hosts[name].sessions() for name in ("one", "two")] == [[], []]
    assert played().count("changed=1") == 2
    assert [rig.hosts[name].sessions() for name in ("one", "two")] == [[SESSION], [SESSION]]
    assert played("--diff").count("changed=0") == 2


def test_the_collection_documents_itself(rig: Rig):
    ansible = ("/srv/venv/bin/python", "-m", "ansible")
    there = {"ANSIBLE_COLLECTIONS_PATH": "/srv/reconciler", "ANSIBLE_NOCOLOR": "1"}
    for kind, name in (("module", "reconcile"), ("callback", "lines"), ("role", "install")):
        done = rig.controller.run(*ansible, "doc", "-t", kind, "--json", f"reconciler.fleet.{name}", **there)
        assert done.returncode == 0, done.stderr
        assert f"reconciler.fleet.{name}" in json.loads(done.stdout)
