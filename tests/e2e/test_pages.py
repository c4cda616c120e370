"""Every command line of the pages is run, top to bottom as a reader would, and ends as its page says.

Each page has a lab of its own. What its lines do not say stands in tables: what is there before, what a line with a
word in capitals stands for, which ones do not end with 0, and which ones have to be ended. All others are run as they
are written. The cut-over script of the broker's page is run by `test_broker_cutover.py`.
"""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import warm
from free_ports import free_port
from pages import stories
from project import CLI, SEARCH, SECONDS, Project, arguments, pids
from waiting import wait_until

STORIES = stories()
HERMES = Path(__file__).parents[1] / "standin" / "hermes.py"
CLAUDE = "landing-page-creator-claude"
SOME_JOB = "20260625T031924123-0c7e5a9b1d2f3a4b"

# --- what a reader has before a page begins ---------------------------------------------------

MANIFEST = """\
version: 1
tmux: {socket_path: SOCKET}
workspaces:
  landing-page:
    path: ~/lab/landing-page
    agents:
      claude: {}
      review: {type: claude, role: reviewer}
      codex: {}
"""
WITH_BROKER = """\
broker:
  listeners:
    - {port: PORT}
  topics: [python/mqtt/jobs/+/events, lab/agents/#]
"""
OTHER_MANIFEST = "version: 1\nworkspaces:\n  api:\n    path: ~/lab/api\n"
FILES = {"task.md": "Fix the footer.", "check.sh": "exit 0", "manifests/lab.yaml": OTHER_MANIFEST}
PROGRAMS = {
    "bin/hermes": f'exec {sys.executable} -I -S {HERMES} "$@"',
    "bin/notify-team": "cat",
    "last/jq": "cat",  # where the machine has none
    "last/dot": "cat",
}
LOCK = {
    "id": "3f2a9c01",
    "operation": "apply",
    "who": "u@elsewhere",
    "pid": 4242,
    "pid_started": 1,
    "boot_id": "b",
    "pid_namespace": "n",
    "created": "2026-06-25T03:19:24Z",
    "version": "0.1.0",
}
LEFT_LOCK = f"echo {shlex.quote(json.dumps(LOCK))} > .hermes/lock"
APPLIED = "reconciler apply --auto-approve"
JOB = "reconciler job submit --agent human --prompt @task.md --detach"
FIVE_APPLIES = "; ".join(
    [APPLIED, *(f"reconciler create api --agent shell --name {name} --auto-approve" for name in "abcd")]
)
TMUX = "tmux -S SOCKET"
REBOOT = (  # the agents have gone, too, when it is over
    f"agents=$({TMUX} list-panes -aF '#{{pane_pid}}'); {TMUX} kill-server; "
    "for pid in $agents; do while grep -qs '^State:.[^XZ]' /proc/$pid/status; do sleep 0.02; done; done"
)
BY_HAND = (  # a broker whose users have the password `secret`
    "mkdir broker; cd broker; printf 'listener 1883\\npassword_file passwd\\nacl_file acl\\n' > mosquitto.conf; "
    "printf 'user hermes\\ntopic read python/mqtt/jobs/+/events\\n' > acl; "
    "mosquitto_passwd -c -b passwd hermes secret; mosquitto_passwd -b passwd claude-worker secret; "
    "cd ..; echo secret > claude-worker.secret"
)
OTHERS = Path(__file__).parents[1] / "adopt" / "othertools"
DECK = (
    "import pathlib, sqlite3, sys; at = pathlib.Path(sys.argv[2]); at.parent.mkdir(parents=True); "
    "sqlite3.connect(at).executescript(pathlib.Path(sys.argv[1]).read_text())"
)
OTHER_TOOLS = (
    f"mkdir -p ~/api ~/.config/tmuxinator ~/.claude-squad; cp {OTHERS}/tmuxp/lab.yaml .;"
    f"cp {OTHERS}/tmuxinator/lab.yml ~/.config/tmuxinator; cp {OTHERS}/claude-squad/state.json ~/.claude-squad;"
    f"for profile in default work; do {sys.executable} -c {shlex.quote(DECK)} {OTHERS}/agent-deck/state.sql"
    " ~/.agent-deck/profiles/$profile/state.db; done"
)
OLD_LAB = (  # another project, without agents
    "mkdir -p ../old-lab && echo '{version: 1, tmux: {socket_path: SOCKET}, workspaces: {w: {path: w}}}' "
    "> ../old-lab/reconciler.yaml && reconciler -C ../old-lab apply --auto-approve"
)
# One host of a fleet: this machine. Its program has the reader's PATH, which a login shell would not have.
FLEET = (
    'printf \'#!/bin/sh\\nPATH=%s exec reconciler "$@"\\n\' "$PATH" > ~/on-host && chmod +x ~/on-host && '
    'printf \'{"all": {"vars": {"ansible_connection": "local", "ansible_python_interpreter": "%s", '
    '"reconciler_project": "%s", "reconciler_executable": "%s"}, "hosts": {"one": {}}}}\' '
    f'{sys.executable} "$PWD" ~/on-host > fleet.yml'
)
BEFORE = {  # shell, in a project with MANIFEST; "" leaves it unapplied
    "docs/adopt-from-other-tools.md": OTHER_TOOLS,
    "docs/adopt-running-sessions.md": (
        f"mkdir landing-page api; {TMUX} new-session -d -s my-old-session -c ~/lab/landing-page 'exec claude';"
        f"{TMUX} new-session -d -s api-creator-agy -c ~/lab/api 'exec agy'"
    ),
    "docs/adopt.md": (
        f"mkdir -p api .hermes; {TMUX} new-session -d -s api-creator-agy -c ~/lab/api 'exec agy';"
        "echo 'sessions: {api-creator-codex: {status: terminated, pane: {cwd: api}}}' > .hermes/agent-sessions.yaml;"
        "echo '{session_name: old, start_directory: ~/lab/api, windows: [{panes: [claude]}]}' > lab.yaml"
    ),
    "docs/agent-types.md": APPLIED,
    "docs/all-projects.md": f"{APPLIED}; {OLD_LAB}",
    "docs/doctor.md": APPLIED,
    "docs/ci.md": f"{APPLIED} --exclude agent.landing-page.codex",
    "docs/everyday.md": APPLIED,
    "docs/format.md": "",
    "docs/from-the-scripts.md": (
        f"reconciler broker init --port PORT; reconciler broker run --background; {APPLIED}; {JOB}"
    ),
    "docs/fleet.md": f"{APPLIED}; {FLEET}",
    "docs/history.md": FIVE_APPLIES,
    "docs/jobs.md": APPLIED,
    "docs/manifest.md": "",
    "docs/monitor.md": APPLIED,
    "docs/reference.md": f"{FIVE_APPLIES}; {JOB}; {FLEET}",
    "docs/restore-after-reboot.md": (
        f"sed -i 's/claude: {{}}/claude: {{prompt: Hello.}}/' reconciler.yaml; {APPLIED}; {REBOOT}"
    ),
    "docs/safety.md": APPLIED,
    "docs/sinks.md": f"{APPLIED}; hermes kanban init; hermes kanban create agents",
    "docs/tmux.md": APPLIED,
    "docs/tour.md": "",
    "docs/understand-a-plan.md": APPLIED,
}
BROKER_DECLARED = {"docs/jobs.md", "docs/monitor.md", "docs/reference.md", "docs/sinks.md", "docs/understand-a-plan.md"}

# --- what a line of a page stands for ---------------------------------------------------------

_NO_INDEX = "export PIP_NO_INDEX=1 PIP_FIND_LINKS= PIP_CONFIG_FILE=/dev/null"
_DOWNLOAD_OTHERS = "reconciler fleet install --download . --for-python 3.12 --for-platform manylinux2014_aarch64"
_BOARD_OF_HOSTS = "reconciler board -i ssh:one,two --project ~/lab"
_FLEET_STATUS = "reconciler fleet status -i ssh:host.invalid --project ~/lab"
_LOGIN_OF_TWO = (
    "reconciler broker env two --format dotenv --reveal | "
    "sed 's|^MQTT_CA_CERTS=.*|MQTT_CA_CERTS=/home/agents/lab/.hermes/broker-ca.crt|' | "
    "ssh two install -m 600 /dev/stdin lab/.hermes/runner.env"
)
MEANT = {
    "reconciler adopt-registry": "reconciler adopt-registry --here",
    "reconciler apply --auto-approve --expect sha256:...": (
        "reconciler plan --json > now.json; reconciler apply --auto-approve --expect "
        "sha256:$(grep -o '\"digest\": \"[0-9a-f]*' now.json | head -1 | grep -o '[0-9a-f]*$')"
    ),
    "reconciler fleet status": _FLEET_STATUS,
    "reconciler fleet status --json": f"{_FLEET_STATUS} --json",
    "reconciler fleet status -i ssh:one,two --project ~/lab": _FLEET_STATUS,
    "reconciler fleet doctor -i ssh:one,two --project ~/lab": _FLEET_STATUS.replace("status", "doctor"),
    "reconciler fleet doctor": _FLEET_STATUS.replace("status", "doctor"),
    "reconciler fleet doctor --json": _FLEET_STATUS.replace("status", "doctor --json"),
    "reconciler fleet push -i ssh:one,two --project ~/lab": _FLEET_STATUS.replace("status", "push"),
    "reconciler fleet push [DIR]": _FLEET_STATUS.replace("status", "push"),
    "reconciler fleet push --json": _FLEET_STATUS.replace("status", "push --json"),
    # what these do is shown on machines of their own: tests/rig
    "reconciler fleet install --download .": f"{_NO_INDEX}; reconciler fleet install --download .",
    _DOWNLOAD_OTHERS: f"{_NO_INDEX}; {_DOWNLOAD_OTHERS}",
    "reconciler fleet plan -i ssh:one,two --project ~/lab": "reconciler fleet plan",
    "reconciler fleet apply -i ssh:one,two --project ~/lab": "reconciler fleet apply",
    "reconciler fleet drift -i ssh:one,two --project ~/lab": "reconciler fleet drift",
    "reconciler broker init --host one": "reconciler broker init --host localhost --port PORT",
    # the other host, and what it does with this, is on a machine of its own: tests/rig
    _LOGIN_OF_TWO: "reconciler broker env two --format dotenv --reveal | grep ^MQTT_CA_CERTS=",
    "reconciler runner [install|uninstall]": "reconciler runner install --user",
    "reconciler runner": "reconciler runner install --user",
    "reconciler runner --json": "reconciler runner install --user",
    "reconciler peek --json": f"reconciler peek {CLAUDE} --json",
    "reconciler last --json": f"reconciler last {CLAUDE} --json",
    "reconciler diff --json": f"reconciler diff {CLAUDE} --json",
    "reconciler peek NAME": f"reconciler peek {CLAUDE}",
    "reconciler last NAME": f"reconciler last {CLAUDE}",
    "reconciler types NAME": "reconciler types claude",
    "reconciler diff NAME": f"git -C ~/lab/landing-page init -q && reconciler diff {CLAUDE}",
    "reconciler explain NAME": "reconciler explain agent.landing-page.claude",
    "reconciler history NAME --json": f"reconciler history {CLAUDE} --json",
    "reconciler adopt [DIR] [FILE]...": "reconciler adopt .",
    "reconciler board --all": "reconciler board --all --json",
    _BOARD_OF_HOSTS: "reconciler board -i ssh:host.invalid --project ~/lab --json",
    "reconciler board": "reconciler board --json",  # `test_board` has it on a terminal
    # the shell of this test need not be one that has completion
    "reconciler --install-completion": (
        "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION=1 reconciler --install-completion bash; exit $?"
    ),
    "reconciler web": "reconciler web --bind 127.0.0.1:0",
    "reconciler web --all": "reconciler web --all --bind 127.0.0.1:0",
    "reconciler web --allow answer,send": "reconciler web --bind 127.0.0.1:0 --allow answer,send",
    "reconciler web --bind 0.0.0.0:8737 --allow answer": "reconciler web --bind 0.0.0.0:0 --allow answer",
    "reconciler web --set-password anna": (
        "echo correct horse battery > pw && reconciler web --set-password anna --password-file pw"
    ),
    "reconciler mcp": ": | reconciler mcp",
    "reconciler mcp -C ~/lab --allow send,answer": ": | reconciler mcp -C ~/lab --allow send,answer",
    "reconciler apply --confirm-within 60s": (
        "sed -i 's/codex: {}/codex: {protect: true}/' reconciler.yaml; reconciler apply --confirm-within 60s"
    ),
    "reconciler apply --json": "reconciler apply --json --auto-approve",
    "reconciler apply FILE": "reconciler plan --out today.plan && reconciler apply today.plan",
    "reconciler apply manifests/a.yaml": "reconciler apply reconciler.yaml manifests/lab.yaml",
    "reconciler apply today.plan --digest sha256:...": "reconciler apply today.plan --digest sha256:DIGEST",
    "reconciler archive NAME...": "reconciler archive landing-page-reviewer-review",
    "reconciler attach": f"reconciler attach {CLAUDE}",
    "reconciler attach claude": "reconciler attach claude --json",  # on another server than the one that is looked at
    "reconciler attach [NAME]": f"reconciler attach {CLAUDE}",
    "reconciler attach --json": f"reconciler attach {CLAUDE} --json",
    "reconciler answer codex": "until reconciler answer codex; do sleep 0.02; done",
    "reconciler answer review": "until reconciler answer review; do sleep 0.02; done",
    "reconciler diff claude": "git -C ~/lab init -q && reconciler diff claude",
    "reconciler diff claude --stat": "git -C ~/lab init -q && reconciler diff claude --stat",
    "reconciler attach SESSION": f"reconciler attach {CLAUDE}",
    "reconciler broker env USER [DIR]": "reconciler broker env hermes bus",
    "reconciler broker init": "reconciler broker init --port PORT",
    "reconciler broker init --target docker": "reconciler broker init other --target docker --port OTHER",
    "reconciler broker init --host mqtt.internal --name 10.0.0.5": (
        "reconciler broker init --host localhost --name 10.0.0.5"
    ),
    "reconciler broker init --json": "reconciler broker init bus --json",
    "reconciler broker init [DIR]": "reconciler broker init bus --mtls --port OTHER",
    "reconciler broker init ./broker --dry-run": f"{BY_HAND}; reconciler broker init ./broker --dry-run",
    "reconciler broker init bus --host new.internal": (
        "cp -a .hermes/broker bus && reconciler broker init bus --host localhost"
    ),
    "reconciler broker rotate client NAME": "reconciler broker init --mtls && reconciler broker rotate client hermes",
    "reconciler broker rotate client NAME [DIR]": "reconciler broker rotate client hermes bus",
    "reconciler broker run [DIR]": "reconciler broker run bus",
    "reconciler broker run --background --json": (
        "reconciler broker stop bus; reconciler broker run bus --background --json"
    ),
    "reconciler broker env USER --json": "reconciler broker env hermes bus --json",
    "reconciler broker reload [DIR]": "reconciler broker run bus --background && reconciler broker reload bus",
    "reconciler broker user add": "reconciler broker user add somebody",
    "reconciler broker user add NAME [DIR]": "reconciler broker user add ci bus",
    "reconciler broker user remove NAME [DIR]": "reconciler broker user remove ci bus",
    "reconciler broker user rotate NAME [DIR]": "reconciler broker user rotate hermes bus",
    "reconciler broker user rotate NAME": "reconciler broker user rotate hermes",
    "reconciler broker user password NAME": (
        "reconciler broker user password hermes --password-file .hermes/broker/clients/hermes.password"
    ),
    "reconciler broker user password hermes ./broker": (
        "reconciler broker user password hermes ./broker --password-file claude-worker.secret"
    ),
    "reconciler broker user password NAME [DIR]": (
        "reconciler broker user password hermes bus --password-file bus/clients/hermes.password"
    ),
    "reconciler broker verify --env": 'eval "$(reconciler broker env hermes bus)"; reconciler broker verify --env',
    "reconciler broker verify --restart": "reconciler broker verify bus --restart",
    "reconciler create": "reconciler create landing-page --agent shell",
    "reconciler create WORKSPACE": "reconciler create landing-page --agent shell",
    "reconciler delete": "reconciler delete landing-page-creator-shell",
    "reconciler delete NAME...": "reconciler delete landing-page-creator-shell",
    "reconciler destroy [PATHS]": "reconciler destroy && reconciler apply",
    "reconciler explain --json": "reconciler explain agent.landing-page.claude --json",
    "reconciler import": "reconciler import --generate",
    "reconciler import [NAME] [SESSION]": "reconciler import --generate",
    "reconciler job answer": "reconciler job answer --job JOB",
    "reconciler job answer --json": "reconciler job answer --job JOB --json",
    "reconciler job cancel": "reconciler job cancel --job JOB",
    "reconciler job hooks install --json": "reconciler job hooks install claude --json",
    "reconciler job hooks install CLI": "reconciler job hooks install claude",
    "reconciler job hooks uninstall CLI": "reconciler job hooks uninstall claude",
    "reconciler job logs": "reconciler job logs --list",
    "reconciler job logs --json": "reconciler job logs JOB --json",
    "reconciler job logs ID --verify": "reconciler job logs JOB --verify",
    "reconciler job logs [ID]": "reconciler job logs JOB",
    "reconciler job prune": "reconciler job prune --older-than 30d",
    "reconciler job publish": "reconciler job publish --job JOB --event started",
    "reconciler job publish --json": "reconciler job publish --job JOB --event progress --json",
    "reconciler job retry ID": "reconciler job retry JOB --detach",
    "reconciler job status": "reconciler job status --job JOB",
    "reconciler job status --json": "reconciler job status --job JOB --json",
    "reconciler job submit": JOB,
    "reconciler job submit [TEXT]": JOB,
    "reconciler job submit --dry-run": "reconciler job submit --dry-run --prompt @task.md",
    "reconciler job submit --dry-run --json": "reconciler job submit --dry-run --prompt @task.md --json",
    "reconciler job verify": "reconciler job verify --job JOB --validate check.sh",
    "reconciler job verify --json": "reconciler job verify --job JOB --validate check.sh --json",
    "reconciler job wait": "reconciler job publish --job JOB --event completed && reconciler job wait",
    "reconciler job wait --any": (
        "for job in .mam/jobs/*.json; do reconciler job publish --job $(basename $job .json) --event completed || :; "
        "done; reconciler job wait --any"
    ),
    "reconciler lock status": f"{LEFT_LOCK}; reconciler lock status",
    "reconciler lock status --json": f"{LEFT_LOCK}; reconciler lock status --json",
    "reconciler monitor --sink file:/var/lib/node_exporter/reconciler.prom": "reconciler monitor --sink file:x.prom",
    "reconciler monitor --sink webhook:https://example.org/hooks/agents": "reconciler monitor --sink webhook:HOOK",
    "reconciler projects forget PROJECT": f"{OLD_LAB}; reconciler projects forget ../old-lab",
    "reconciler projects forget PROJECT --json": f"{OLD_LAB}; reconciler projects forget ../old-lab --json",
    "reconciler plan --out FILE": "reconciler plan --out today.plan",
    "reconciler registry start-afresh": "cp -r . ../another && reconciler -C ../another registry start-afresh",
    "reconciler registry take-over": (  # and back, since other lines of the page come after it
        "cp -r . ../copied && reconciler -C ../copied registry take-over && reconciler registry take-over"
    ),
    "reconciler resume": "reconciler resume --all",
    "reconciler resume NAME": "reconciler resume landing-page-reviewer-review",
    "reconciler resume NAME --fresh": f"reconciler stop {CLAUDE} && reconciler resume {CLAUDE} --fresh",
    "reconciler resume NAME --session-id ID": (
        f"reconciler stop {CLAUDE} && reconciler resume {CLAUDE} --session-id CONVERSATION"
    ),
    "reconciler resume [NAME]...": "reconciler resume landing-page-reviewer-review",
    "reconciler rollback N": "reconciler rollback 4",
    "reconciler answer --json": f"reconciler answer {CLAUDE} --json",
    "reconciler answer NAME": f"reconciler answer {CLAUDE}",
    "reconciler answer NAME [approve|deny]": f"reconciler answer {CLAUDE}",
    "reconciler send --json": f"reconciler send {CLAUDE} hello --wait-idle 5m --json",
    "reconciler send NAME TEXT|@FILE|-": f"reconciler send {CLAUDE} hello --wait-idle 5m",
    'reconciler send landing-page-creator-claude "Fix the header"': f"reconciler send {CLAUDE} hello --wait-idle 5m",
    "reconciler schema check NAME FILE...": "reconciler schema check manifest reconciler.yaml",
    "reconciler schema check manifest": "reconciler schema check manifest reconciler.yaml",
    "reconciler schema check registry": "reconciler schema check registry .hermes/agent-sessions.yaml",
    "reconciler schema print NAME": "reconciler schema print manifest",
    "reconciler skills install DIR --json": "reconciler skills install skills --json",
    "reconciler skills install DIR": "reconciler skills install skills",
    "reconciler stop": "reconciler stop landing-page-reviewer-review",
    "reconciler stop NAME": f"reconciler stop {CLAUDE} && reconciler resume {CLAUDE}",
    "reconciler stop NAME...": "reconciler stop landing-page-reviewer-review",
    "reconciler unlock ID --json": f"{LEFT_LOCK}; reconciler unlock 3f2a9c01 --json",
    "reconciler unlock ID": f"{LEFT_LOCK}; reconciler unlock 3f2a9c01",
}
CODES = {  # where it is not 0
    "reconciler runner install --user --pool claude": 64,  # without a NATS server: tests/rig
    'reconciler job submit --pool claude --prompt "Fix the header" --detach': 64,
    "reconciler job submit --host two --agent claude --prompt @task.md --detach": 1,  # without a user who may
    f"reconciler job dead retry {SOME_JOB}": 64,  # as there is none
    f"reconciler job dead drop {SOME_JOB}": 64,
    "reconciler job dead list --json": 1,
    "reconciler job dead retry ID": 1,
    "reconciler job dead drop ID": 1,
    "reconciler fleet doctor -i ssh:one,two --project ~/lab": 4,
    "reconciler fleet doctor": 4,
    "reconciler fleet doctor --json": 4,
    "reconciler fleet push -i ssh:one,two --project ~/lab": 4,
    "reconciler fleet push [DIR]": 4,
    "reconciler fleet push --json": 4,
    "reconciler fleet install --download .": 1,  # without an index
    _DOWNLOAD_OTHERS: 1,
    "reconciler fleet install -i ssh:one,two --wheels reconciler-*.tar": 64,  # as there is none
    "reconciler fleet install": 64,
    _BOARD_OF_HOSTS: 4,
    "reconciler fleet status": 4,
    "reconciler fleet status --json": 4,
    "reconciler fleet status -i ssh:one,two --project ~/lab": 4,
    "reconciler drift --offline": 2,
    "reconciler drift --offline --junit drift.xml --html drift.html": 2,
    "reconciler job answer": 7,  # as nothing is asked
    "reconciler answer NAME": 7,
    "reconciler answer NAME [approve|deny]": 7,
    "reconciler answer claude": 7,
    "reconciler status | grep needs_you": 1,  # as nobody asks
    f"reconciler answer {CLAUDE}": 7,
    "reconciler answer --json": 7,
    f"reconciler job answer --job {SOME_JOB}": 7,
    "reconciler job answer --json": 7,
    "reconciler plan --detailed-exitcode": 2,
}


def test_no_table_tells_of_a_line_that_no_page_shows():
    shown = {line for lines in STORIES.values() for line in lines}
    assert {*MEANT, *CODES} - shown == set()
    assert {*BEFORE, *BROKER_DECLARED} - set(STORIES) == set()


# --- the reader -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reader:
    """Somebody at a terminal in `~/lab` who answers `yes`, and what the words of the tables stand for."""

    project: Project
    words: Mapping[str, str]

    @property
    def env(self) -> dict[str, str]:
        home = self.project.home
        places = {"PATH": f"{home}/bin:{SEARCH}:{home}/last", "TMUX_TMPDIR": str(home), "HERMES_HOME": f"{home}/cards"}
        return {**self.project.env, **places, "TERM": "xterm"}

    def meant(self, line: str) -> str:
        """What the reader types for a line of a page."""
        return self.filled(MEANT.get(line, re.sub(r" \[[\w |]+\](\.\.\.)?", "", line.replace(" [DIR]", " bus"))))

    def filled(self, text: str) -> str:
        """The text with values for the words in capitals."""
        for word, value in self.words.items():
            text = re.sub(rf"\b{word}\b", value, text)
        for word, find in FOUND.items():
            text = re.sub(word, find(self.project), text) if re.search(word, text) else text
        return text

    def type(self, line: str) -> subprocess.CompletedProcess[str]:
        """The line has ended; a shell reads it where that makes a difference."""
        if re.search(r"[|>&;~$]", line):
            return self.shell(line)
        with _terminal() as typed:
            return warm.run(shlex.split(line)[1:], self.project.root, self.env, SECONDS, typed)

    def shell(self, script: str) -> subprocess.CompletedProcess[str]:
        how = {"cwd": self.project.root, "env": self.env, "timeout": SECONDS}
        with _terminal() as typed:
            return subprocess.run(
                ["sh", "-ec", script], check=False, stdin=typed, capture_output=True, text=True, **how
            )


def _newest_request(project: Project) -> str:
    shown = (project.root / ".mam" / "jobs" / ".requests").glob("*/*.shown")
    return max(shown, key=lambda path: path.stat().st_mtime).stem


FOUND = {
    r"\b5d0c2b6e1f3a4c7d\b": _newest_request,
    rf"\bJOB\b|{SOME_JOB}": lambda project: max((project.root / ".mam" / "jobs").glob("*.json")).stem,
    r"\bDIGEST\b": lambda project: json.loads((project.root / "today.plan").read_text())["digest"],
    r"\bCONVERSATION\b": lambda project: project.row(CLAUDE)["claude_session_id_own"],
}


@contextmanager
def _terminal(typed: str = "yes\n" * 3) -> Iterator[int]:
    ours, theirs = pty.openpty()
    os.write(ours, typed.encode())
    try:
        yield theirs
    finally:
        os.close(ours)
        os.close(theirs)


# --- what goes on until it is ended -----------------------------------------------------------


def _said(project: Project) -> Path:
    return project.home / "said"


def _watches(project: Project) -> bool:
    return any({"wait-for", str(project.socket)} <= set(arguments(pid)) for pid in pids())


def _is_delivered(project: Project) -> bool:
    records = (project.root / ".mam" / "jobs").glob("*.json")
    return any(json.loads(path.read_text())["status"] == "delivered" for path in records)


def _says_that_it_runs(project: Project) -> bool:
    """Earlier than that, Mosquitto does not know what to do about SIGTERM."""
    return " running" in _said(project).read_text()


def _says_how_it_ends(project: Project) -> bool:
    return "Ctrl-C" in _said(project).read_text()


LASTING = {  # whether it is at work, and how it is ended; "" is ended by a later line of its page
    r"reconciler monitor(?! --once| --emit-diff$| install| uninstall)": (_watches, "kill PID"),
    r"reconciler broker run(?!.*--background)": (_says_that_it_runs, "kill PID"),
    r"reconciler web(?!.* --(set-password|forget-login))": (_says_how_it_ends, "kill PID"),
    r"reconciler attach(?!.*--json)": (
        lambda project: project.tmux("list-clients"),
        f"{TMUX} detach-client -s {CLAUDE}",
    ),
    r"reconciler job submit(?!.*(--detach|--dry-run))": (_is_delivered, ""),
}


def lasts(typed: str) -> tuple[Callable[[Project], object], str] | None:
    return next((rest for pattern, rest in LASTING.items() if re.match(pattern, typed)), None)


@contextmanager
def started(reader: Reader, line: str, end: str, at_work: Callable[[Project], object]) -> Iterator[None]:
    """The command is at work while the block runs; then it is ended, and was content."""
    said = _said(reader.project)
    with _terminal("") as typed, said.open("wb") as out:
        words = [*CLI, *shlex.split(line)[1:]]
        process = subprocess.Popen(words, cwd=reader.project.root, env=reader.env, stdin=typed, stdout=out, stderr=out)
        try:
            wait_until(lambda: process.poll() is not None or at_work(reader.project))
            assert process.poll() is None, f"$ {line}\n{said.read_text()}"
            yield
            reader.shell(reader.filled(end).replace("PID", str(process.pid)))
            judge(line, process.wait(SECONDS), said.read_text())
        finally:
            process.kill()
            process.wait()


# --- the pages --------------------------------------------------------------------------------


@pytest.fixture
def hook() -> Iterator[str]:
    """The address of a web service that takes everything."""

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Taking) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def reader(project: Project, port: int, hook: str) -> Reader:
    words = {"PORT": str(port), "OTHER": str(free_port()), "SOCKET": str(project.socket), "HOOK": hook}
    lab = replace(project, root=project.home / "lab")
    lab.root.mkdir()
    for name, script in {"bin/reconciler": f"exec {warm.script(SECONDS)}", **PROGRAMS}.items():
        path = project.home / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
    return Reader(lab, words)


def prepare(reader: Reader, page: str) -> None:
    if page not in BEFORE:
        return
    manifest = MANIFEST + (WITH_BROKER if page in BROKER_DECLARED else "")
    for name, text in {**FILES, "reconciler.yaml": reader.filled(manifest)}.items():
        path = reader.project.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    done = reader.shell(reader.filled(BEFORE[page]))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", STORIES)
def test_every_command_of_a_page_ends_as_the_page_says(page: str, reader: Reader):
    prepare(reader, page)
    with ExitStack() as until_the_end:
        for line in STORIES[page]:
            typed = reader.meant(line)
            match lasts(typed):
                case None:
                    done = reader.type(typed)
                    judge(line, done.returncode, done.stdout + done.stderr)
                case at_work, "":
                    until_the_end.enter_context(started(reader, typed, "", at_work))
                case at_work, end:
                    with started(reader, typed, end, at_work):
                        pass


def judge(line: str, code: int, said: str) -> None:
    assert code == CODES.get(line, 0), f"$ {line}\n{said}"
    assert "Traceback" not in said, line
    assert "No such option" not in said, line
