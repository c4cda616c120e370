"""The status of many hosts over ssh; here, `ssh` is a program that runs the command on a host of the lab."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft7Validator
from lab_hosts import Controller

from reconciler.fleet.hosts import FleetHost
from reconciler.fleet.over_ssh import script_of
from reconciler.state.schemas import load_schema

SSH = """#!/bin/sh
while [ "$1" != -- ]; do shift; done
case $2 in
    away) echo "ssh: connect to host away port 22: No route to host" >&2; exit 255 ;;
    noisy) echo Welcome; set -- -- one "$3" ;;
    bare) set -- -- bare "exit 127" ;;
    garbled) echo '{"format_version": '; exit 0 ;;
    future) echo '{"format_version": "2.0", "agents": []}'; exit 0 ;;
    evil) printf '{"format_version": "1.3", "agents": [{"address": "agent.w.\\\\u001b[2J", "live": 7}]}'; exit 0 ;;
esac
HOME=$FLEET/$2 PATH=$FLEET/$2:/usr/bin:/bin exec sh -c "$3"
"""


@pytest.fixture
def reached(fleet: Controller) -> Controller:
    program = fleet.folder / "ssh"
    program.write_text(SSH)
    program.chmod(0o755)
    return fleet


def status(fleet: Controller, hosts: str, *words: str):
    return fleet.run("status", "-i", f"ssh:{hosts}", "--project", "~/lab", *words, FLEET=str(fleet.folder))


def test_every_agent_has_a_line_with_its_host_first(reached: Controller):
    reached.hosts["one"].run("apply", "--auto-approve")
    done = status(reached, "one,two")
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert lines[0].split() == ["HOST", "AGENT", "STATUS", "LIVE", "STATE", "AGE", "NOTE"]
    assert lines[1].split()[:4] == ["one", "w.s", "running", "alive"]
    assert lines[2].split()[:4] == ["two", "w.s", "declared", "gone"]


def test_a_host_that_does_not_answer_is_unreachable_and_its_agents_are_not_gone(reached: Controller):
    done = status(reached, "away,one")
    assert done.returncode == 4
    line = next(line for line in done.stdout.splitlines() if line.startswith("away"))
    assert "unreachable (0 s)" in line
    assert "No route to host" in line
    assert "gone" not in line


@pytest.mark.parametrize(
    ("host", "outcome", "said", "code"),
    [
        ("away", "unreachable", "No route to host", 4),
        ("noisy", "failed", "the host printed something before the document: Welcome", 1),
        ("bare", "failed", "there is no reconciler", 1),
        ("garbled", "unknown", "cannot be read", 4),
        ("future", "failed", "has format 2.0, this one reads 1", 1),
    ],
)
def test_each_trouble_of_a_host_has_its_outcome(reached: Controller, host: str, outcome: str, said: str, code: int):
    done = status(reached, f"{host},one", "--json")
    document = json.loads(done.stdout)
    Draft7Validator(load_schema("fleet-status")).validate(document)
    told = {each["host"]: each for each in document["hosts"]}
    assert (told[host]["outcome"], done.returncode) == (outcome, code)
    assert said in told[host]["said"]
    assert told["one"]["outcome"] == "ok", "the others go on"


def test_what_a_host_says_cannot_draw_on_the_terminal(reached: Controller):
    done = status(reached, "evil")
    assert "\x1b" not in done.stdout
    assert "w.\\x1b[2J" in done.stdout or "w.\\e[2J" in done.stdout or "[2J" in done.stdout


@pytest.mark.parametrize("folder", ["~/a b; touch x", "/srv/$(touch x)", "~"])
def test_a_folder_is_one_word_of_the_remote_shell(folder: str):
    script = script_of(FleetHost("h", "h", project=folder), ["status", "--json"])
    assert script.endswith(" status --json")
    assert "-C " in script
    for word in ("; touch", "$(touch"):
        assert word not in script.replace(f"'{folder}'", "").replace(f"'{folder[2:]}'", "")
