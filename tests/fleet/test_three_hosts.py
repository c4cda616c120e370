"""Three hosts over Ansible's local connection: check, diff, apply, stale, no-op."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from lab_hosts import MANIFEST, Controller
from waiting import wait_until

pytest.importorskip("ansible")
ROOT = Path(__file__).parents[2]
SESSION = "w-creator-s"


def outcomes(document: dict) -> dict[str, str]:
    return {each["host"]: each["outcome"] for each in document["hosts"]}


def test_a_fleet_is_planned_applied_and_then_in_sync(fleet: Controller):
    fleet.hosts["three"].project.joinpath("reconciler.yaml").write_text(
        MANIFEST.replace("{s:", "{more: {type: shell}, s:")
    )
    planned = fleet.document("plan", code=0)
    assert [(each["hosts"], each["summary"]["add"]) for each in planned["groups"]] == [
        (["one", "two"], 2),
        (["three"], 3),
    ]
    assert len({each["digest"] for each in planned["hosts"]}) == 3
    assert all(host.sessions() == [] for host in fleet.hosts.values()), "a plan changes nothing"
    done = fleet.run("apply", "--auto-approve", "--canary", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 hosts: +2  (one, two)" in done.stdout
    assert "Applied on 3 hosts: " in done.stdout
    assert done.stderr.splitlines()[0] == "Canary: one"
    assert all(SESSION in host.sessions() for host in fleet.hosts.values())
    again = fleet.run("apply", "--auto-approve")
    assert again.returncode == 0
    assert "Nothing to do on 3 hosts: one, three, two" in again.stdout


def test_each_host_gets_its_own_digest_and_a_stale_one_refuses_alone(fleet: Controller):
    """One host has another manifest than the plan showed: its program adds it between the plan and the apply."""
    two = fleet.hosts["two"]
    edit = f'case " $* " in *" apply "*) echo "# later" >> {two.project}/reconciler.yaml;; esac\n'
    two.program.write_text(two.program.read_text().replace("#!/bin/sh\n", f"#!/bin/sh\n{edit}"))
    done = fleet.document("apply", "--auto-approve", code=3)
    assert outcomes(done) == {"one": "ok", "two": "stale", "three": "ok"}
    assert (fleet.hosts["one"].sessions(), two.sessions()) == ([SESSION], [])


def test_hosts_that_fail_are_named_and_the_others_go_on(fleet: Controller):
    fleet.write(one={"reconciler_executable": "/nonexistent/reconciler"}, two={"reconciler_project": "/nonexistent"})
    document = fleet.document("plan", code=1)
    assert outcomes(document) == {"one": "failed", "two": "failed", "three": "ok"}
    said = {each["host"]: each["said"] for each in document["hosts"]}
    assert "there is no reconciler on the host" in said["one"]
    assert "is not a folder" in said["two"]


def test_a_canary_that_fails_leaves_the_rest_alone(fleet: Controller):
    one = fleet.hosts["one"]
    refuse = 'case " $* " in *" apply "*) exit 1;; esac\n'
    one.program.write_text(one.program.read_text().replace("#!/bin/sh\n", f"#!/bin/sh\n{refuse}"))
    document = fleet.document("apply", "--auto-approve", "--canary", "1", code=4)
    assert document["not_begun"] == ["three", "two"]
    assert outcomes(document) == {"one": "unknown"}
    assert fleet.hosts["two"].sessions() == []


def test_two_names_of_one_project_are_refused_before_any_host_is_asked(fleet: Controller):
    same = str(fleet.hosts["one"].project)
    fleet.write(
        one={"ansible_host": "h", "reconciler_project": same}, two={"ansible_host": "h", "reconciler_project": same}
    )
    done = fleet.run("plan")
    assert done.returncode == 64
    assert "one and two are the same project on the same host" in done.stderr


def test_the_module_works_in_any_playbook_with_check_and_diff(fleet: Controller):
    """Without our command line: `ansible-playbook --check --diff`, then the apply, which is a no-op the second time."""
    book = fleet.folder / "play.yml"
    task = {
        "reconciler.fleet.reconcile": {
            "project": "{{ reconciler_project }}",
            "executable": "{{ reconciler_executable }}",
        }
    }
    book.write_text(json.dumps([{"hosts": "one", "gather_facts": False, "tasks": [task]}]))
    words = [sys.executable, "-m", "ansible", "playbook", "-i", str(fleet.inventory), str(book)]
    env = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT),
        "ANSIBLE_NOCOLOR": "1",
        "HOME": str(fleet.folder),
        "LC_ALL": "C.UTF-8",
    }

    def played(*more: str) -> str:
        done = subprocess.run([*words, *more], check=False, capture_output=True, text=True, env=env)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    checked = played("--check", "--diff")
    assert "+agent.w.s: create" in checked
    assert "changed=1" in checked
    assert fleet.hosts["one"].sessions() == []
    assert "changed=1" in played()
    assert fleet.hosts["one"].sessions() == [SESSION]
    assert "changed=0" in played()


def test_ctrl_c_begins_no_new_host_and_one_that_has_begun_ends_by_itself(fleet: Controller):
    one, reached, opened = fleet.hosts["one"], fleet.folder / "reached", fleet.folder / "opened"
    wait = f'case " $* " in *" apply "*) touch {reached}; while [ ! -e {opened} ]; do sleep 0.1; done;; esac\n'
    one.program.write_text(one.program.read_text().replace("#!/bin/sh\n", f"#!/bin/sh\n{wait}"))
    with fleet.start("apply", "--auto-approve", "--serial", "1", "--json") as command:
        wait_until(reached.exists)
        command.send_signal(signal.SIGINT)
        document = json.loads(command.communicate()[0])
    assert command.returncode == 130
    assert outcomes(document) == {"one": "unknown"}
    assert document["not_begun"] == ["three", "two"]
    assert one.sessions() == []
    opened.touch()
    wait_until(lambda: one.sessions() == [SESSION])
    settled = one.run("apply", "--auto-approve", "--lock-timeout", "60s")  # waits for the first one
    assert "No changes" in settled.stdout, settled.stderr
    assert fleet.hosts["two"].sessions() == []
