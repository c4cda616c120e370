"""fleet doctor: what each host lacks, over plain ssh."""

from __future__ import annotations

from machines import Rig
from typed import chosen, document, hosts

from reconciler import __version__


def checks(told: dict, host: str) -> dict[str, tuple[str, str]]:
    found = next(each for each in told["hosts"] if each["host"] == host)
    return {each["check"]: (each["level"], each["summary"]) for each in found["checks"]}


def test_the_doctor_says_for_each_host_what_it_lacks(rig: Rig):
    meant = hosts(rig, "one", "two", "three", "four")
    rig.hosts["two"].write(".bash_profile", "echo Welcome to two\nexport PATH=$HOME/tools:$PATH\n")
    (rig.hosts["three"].home / ".local/bin/reconciler").unlink()
    rig.link("four", "down")
    told = document(rig.type("fleet", "doctor", *meant, "--json"), 1, "fleet-doctor")
    assert {each["host"]: each["outcome"] for each in told["hosts"]} == {
        "one": "ok",
        "two": "failed",
        "three": "failed",
        "four": "unreachable",
    }
    one = checks(told, "one")
    assert {name: level for name, (level, _) in one.items()} == dict.fromkeys(one, "ok")
    assert set(one) == {"reachable", "login", "python", "tmux", "git", "reconciler", "path", "project", "broker"}
    assert one["reconciler"][1] == __version__
    assert one["login"][1].endswith(" s")
    assert "no broker" in one["broker"][1]
    assert checks(told, "two")["login"] == ("error", "/bin/bash -l prints text: Welcome to two")
    paths = {each["host"]: each["path"] for each in told["hosts"]}
    assert paths["two"].startswith("/home/agents/tools:"), "what agents get, not what ssh has"
    assert paths["one"].startswith("/home/agents/.local/bin:")
    assert checks(told, "three")["reconciler"] == ("error", "there is no reconciler")
    assert set(checks(told, "four")) == {"reachable"}


def test_the_doctor_has_one_line_for_a_host_and_all_checks_of_one(rig: Rig):
    rig.hosts["one"].write("lab/reconciler.yaml", "version: 1\nbroker: {listeners: [{port: 18883}], topics: [a/#]}\n")
    done = rig.type("fleet", "doctor", *chosen("one", "two"))
    assert done.returncode == 1, done.stderr
    rows = done.stdout.splitlines()
    assert rows[0].split() == ["HOST", "OUTCOME", "REACHABLE", "LOGIN", "PYTHON", "TMUX", "GIT", "RECONCILER", "BROKER"]
    assert [row.split()[:2] for row in rows[1:3]] == [["one", "failed"], ["two", "ok"]]
    assert "one: error: broker: broker.main has no files yet" in done.stdout
    assert "two: warning: project: there is no project folder" in done.stdout
    assert "  -> reconciler fleet push" in rows
    alone = rig.type("fleet", "doctor", *chosen("one", "two"), "--host", "two")
    assert [line.split()[0] for line in alone.stdout.splitlines()[1:3]] == ["reachable", "login"]
    assert "/home/agents/.local/bin:" in alone.stdout
    assert rig.type("fleet", "doctor", *chosen("one"), "--host", "nine").returncode == 64
