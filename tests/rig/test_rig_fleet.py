"""plan, apply, drift and status over ssh: what happens when a host, its lock or its link is not as it should be."""

from __future__ import annotations

import json
import os
import signal

import pytest
from machines import Rig
from typed import SESSION, around, document, hosts, outcomes, said
from waiting import PATIENCE, wait_until

pytest.importorskip("ansible")


def test_a_fleet_is_planned_applied_and_in_sync_and_its_status_is_one_list(rig: Rig):
    meant = hosts(rig, "one", "two", "three", "four")
    planned = document(rig.type("fleet", "plan", *meant, "--json"), 0)
    assert [(each["hosts"], each["summary"]["add"]) for each in planned["groups"]] == [
        (["four", "one", "three", "two"], 2)
    ], "homes, hosts and machines differ, and the work is the same"
    assert len({each["digest"] for each in planned["hosts"]}) == 4
    done = rig.type("fleet", "apply", *meant, "--auto-approve", "--canary", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Applied on 4 hosts: " in done.stdout
    assert all(host.sessions() == [SESSION] for host in rig.hosts.values())
    status = rig.type("fleet", "status", *meant)
    rows = [line.split()[:4] for line in status.stdout.splitlines()[1:]]
    assert rows == [[name, "w.s", "running", "alive"] for name in ("four", "one", "three", "two")], status.stderr
    assert rig.type("fleet", "drift", *meant).returncode == 0
    board = rig.type("board", *meant, "--json")
    assert board.returncode == 0, board.stdout + board.stderr
    rows = [(each["host"], each["address"], each["live"]) for each in json.loads(board.stdout)["agents"]]
    assert rows == [(name, "agent.w.s", "alive") for name in ("four", "one", "three", "two")]


def test_an_unreachable_host_and_one_that_fails_are_named_and_the_others_are_done(rig: Rig):
    meant = hosts(rig, "one", "two", "three", "four")
    rig.link("two", "down")
    rig.hosts["four"].write(".bash_profile", "echo Welcome\n")
    rig.hosts["three"].write(
        "lab/reconciler.yaml", "version: 1\nworkspaces: {w: {path: w, agents: {s: {type: nowhere}}}}\n"
    )
    planned = document(rig.type("fleet", "plan", *meant, "--json"), 1)
    assert outcomes(planned) == {"one": "ok", "two": "unreachable", "three": "failed", "four": "failed"}
    assert [each["hosts"] for each in planned["groups"]] == [["one"], ["four", "three"], ["two"]]
    assert said(planned)["four"].startswith("the host printed something before the document: Welcome")
    done = rig.type("fleet", "apply", *meant, "--auto-approve")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "two: unreachable: " in done.stdout
    assert "Applied on 1 host: one" in done.stdout
    assert rig.hosts["one"].sessions() == [SESSION]
    assert rig.hosts["three"].sessions() == []


def test_a_host_where_something_changed_since_the_plan_is_stale_and_refuses_alone(rig: Rig):
    meant = hosts(rig, "one", "two")
    around(rig.hosts["two"], 'case " $* " in *" apply "*) echo "# later" >> ~/lab/reconciler.yaml;; esac')
    told = document(rig.type("fleet", "apply", *meant, "--auto-approve", "--json"), 3)
    assert outcomes(told) == {"one": "ok", "two": "stale"}
    assert (rig.hosts["one"].sessions(), rig.hosts["two"].sessions()) == ([SESSION], [])


# Holds the lock of the project, as a running apply does, until it is ended.
HOLD = """import signal, sys
sys.path.insert(0, "/srv/reconciler")
from reconciler.ports.clock import RealClock
from reconciler.ports.processes import RealProcesses
from reconciler.state.lock import Lock, hold
with hold(Lock("/home/agents/lab/.hermes", RealProcesses(), RealClock()), "apply"):
    open("held", "w").close()
    signal.pause()
"""


def test_a_host_whose_lock_is_held_is_named_with_the_holder(rig: Rig):
    meant, two = hosts(rig, "one", "two"), rig.hosts["two"]
    two.write("lab/.hermes/x", "")
    with two.start("/srv/venv/bin/python", "-c", HOLD) as holder:
        try:
            wait_until(lambda: (two.home / "held").exists() or holder.poll() is not None)
            told = document(rig.type("fleet", "apply", *meant, "--auto-approve", "--json"), 3)
        finally:
            two.end_work()
    assert outcomes(told) == {"one": "ok", "two": "locked"}
    assert "the project is locked by pid" in said(told)["two"]
    assert two.sessions() == []


def test_ctrl_c_begins_no_new_host_and_those_that_have_begun_end_by_themselves(rig: Rig):
    meant, one = hosts(rig, "one", "two"), rig.hosts["one"]
    around(one, 'case " $* " in *" apply "*) touch ~/reached; while [ ! -e ~/go ]; do sleep 0.1; done;; esac')
    words = ("reconciler", "fleet", "apply", *meant, "--auto-approve", "--serial", "1", "--json")
    with rig.controller.start(*words) as command:
        wait_until((one.home / "reached").exists)
        os.killpg(command.pid, signal.SIGINT)
        told = json.loads(command.communicate(timeout=PATIENCE)[0])
    assert command.returncode == 130
    assert outcomes(told) == {"one": "unknown"}
    assert told["not_begun"] == ["two"]
    assert one.sessions() == []
    one.write("go", "")
    wait_until(lambda: one.sessions() == [SESSION])
    assert rig.hosts["two"].sessions() == []


def test_a_registry_that_was_copied_to_another_host_is_refused_there(rig: Rig):
    meant, one, two = hosts(rig, "one", "two"), rig.hosts["one"], rig.hosts["two"]
    assert rig.type("fleet", "apply", *meant, "--auto-approve", "--limit", "one").returncode == 0
    registry = (one.home / "lab/.hermes/agent-sessions.yaml").read_text()
    two.write("lab/.hermes/agent-sessions.yaml", registry, 0o600)
    told = document(rig.type("fleet", "plan", *meant, "--json"), 7)
    assert outcomes(told) == {"one": "ok", "two": "refused"}
    assert said(told)["two"] == "this registry was copied from another machine"
    out = two.run("reconciler", "-C", "/home/agents/lab", "adopt-registry", "--here", "--auto-approve")
    assert out.returncode == 0, out.stdout + out.stderr
    assert outcomes(document(rig.type("fleet", "plan", *meant, "--json"), 0)) == {"one": "ok", "two": "ok"}


# --- a link that goes down --------------------------------------------------------------------


def test_agents_of_a_host_whose_link_is_down_are_unknown_and_not_gone(rig: Rig):
    meant = hosts(rig, "one", "two")
    assert rig.type("fleet", "apply", *meant, "--auto-approve").returncode == 0
    assert rig.type("fleet", "status", *meant).returncode == 0, "now there is a shared connection"
    rig.link("two", "down")
    status = rig.type("fleet", "status", *meant)
    assert status.returncode == 4, status.stdout
    rows = {line.split()[0]: line for line in status.stdout.splitlines()}
    assert " alive " in rows["one"]
    assert "unreachable (" in rows["two"]
    assert "gone" not in status.stdout
    rig.link("two", "up")
    assert rig.hosts["two"].sessions() == [SESSION]
    assert rig.type("fleet", "status", *meant).returncode == 0


def test_a_host_whose_link_goes_down_in_the_middle_of_an_apply_is_unknown(rig: Rig):
    meant, two = hosts(rig, "one", "two"), rig.hosts["two"]
    around(two, 'case " $* " in *" apply "*) touch ~/reached; while [ ! -e ~/go ]; do sleep 0.1; done;; esac')
    words = ("reconciler", "fleet", "apply", *meant, "--auto-approve", "--json")
    with rig.controller.start(*words) as command:
        wait_until((two.home / "reached").exists)
        rig.link("two", "down")
        output, complaints = command.communicate(timeout=PATIENCE)
    told = json.loads(output)
    assert outcomes(told) == {"one": "ok", "two": "unknown"}, complaints
    assert command.returncode == 3
    two.write("go", "")
    wait_until(lambda: two.sessions() == [SESSION])
    rig.link("two", "up")
    assert outcomes(document(rig.type("fleet", "plan", *meant, "--json"), 0)) == {"one": "ok", "two": "ok"}
